"""How much of a script's output survives. The agent counts bytes."""

from __future__ import annotations

SUFFIX = "--output truncated--"
OUTPUT_LIMIT = 24_000
ERROR_LIMIT = 8_000
PLUGIN_LIMIT = 2_500

_ERROR_TITLE = "\n----------ERROR-------\n"
_OUTPUT_CUT = "\n---Output truncated---"
_ERROR_CUT = "\n---Error truncated----"


def cut(text: str, limit: int, suffix: str = SUFFIX) -> str:
    """The text, or as much of its start as leaves room for the suffix."""
    data = text.encode()
    if len(data) <= limit:
        return text
    return data[: max(0, limit - len(suffix))].decode("utf-8", "ignore") + suffix


def plugin_output(output: str, errors: str) -> str:
    """Both streams in one short text, as the lists of invocations show them."""
    if not errors:
        return cut(output, PLUGIN_LIMIT, _OUTPUT_CUT)
    errors = _ERROR_TITLE + errors
    half = PLUGIN_LIMIT // 2
    output_size, error_size = len(output.encode()), len(errors.encode())
    if output_size + error_size <= PLUGIN_LIMIT:
        return output + errors
    if output_size <= half:
        return output + cut(errors, PLUGIN_LIMIT - output_size, _ERROR_CUT)
    if error_size <= half:
        return cut(output, PLUGIN_LIMIT - error_size, _OUTPUT_CUT) + errors
    return cut(output, half, _OUTPUT_CUT) + cut(errors, half, _ERROR_CUT)
