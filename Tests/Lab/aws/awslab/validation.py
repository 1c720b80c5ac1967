"""Limits of parameters, and answers in pages."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, TypeVar

from awslab.errors import APIError

Item = TypeVar("Item")


def violation(name: str, constraint: str, value: object = None) -> APIError:
    """What AWS says of a value out of bounds."""
    shown = "" if value is None else f" '{value}'"
    return APIError(
        "ValidationException",
        "1 validation error detected: "
        f"Value{shown} at '{name}' failed to satisfy constraint: Member must {constraint}",
    )


def number(request: dict[str, Any], name: str, default: int, low: int, high: int) -> int:
    """A whole number within bounds."""
    value = request.get(name, default)
    field = name[:1].lower() + name[1:]
    if not isinstance(value, int) or isinstance(value, bool):
        raise APIError("SerializationException", f"{name} is no number")
    if value < low:
        raise violation(field, f"have value greater than or equal to {low}", value)
    if value > high:
        raise violation(field, f"have value less than or equal to {high}", value)
    return value


def at_most(values: Sequence[object], name: str, limit: int) -> None:
    """Refuses more than so many."""
    if len(values) > limit:
        raise violation(name, f"have length less than or equal to {limit}")


def page(
    items: Sequence[Item], request: dict[str, Any], low: int = 1, high: int = 50
) -> tuple[list[Item], str | None]:
    """The part that NextToken and MaxResults ask for, and the token of the next."""
    size = number(request, "MaxResults", high, low, high)
    start = 0
    if token := request.get("NextToken"):
        try:
            start = int(base64.urlsafe_b64decode(token.encode()).decode().removeprefix("from:"))
        except ValueError:
            raise APIError("InvalidNextToken", "The specified token is not valid.") from None
    rest = base64.urlsafe_b64encode(f"from:{start + size}".encode()).decode()
    return list(items[start : start + size]), rest if start + size < len(items) else None
