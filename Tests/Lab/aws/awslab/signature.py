"""Signature Version 4, checked as strictly as AWS does: header and query signing.

The service gives the reason away as little as AWS: see `rejection` for what each service says.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from awslab.credentials import Credentials
from awslab.errors import JSON_SERVICES, APIError
from awslab.request import Request

ALGORITHM = "AWS4-HMAC-SHA256"
MAXIMUM_SKEW = timedelta(minutes=5)
LONGEST_PRESIGNED = 7 * 24 * 3600

_HEX_SHA256 = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"\d{8}T\d{6}Z")
_AUTHORIZATION = re.compile(
    ALGORITHM + r" +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})"
)
# Proxies may change these, so AWS does not insist on them.
_DECLARED_UNSIGNED = {"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}


class Fault(Enum):
    """Why a request is not accepted."""

    MISSING = "no signature"
    INCOMPLETE = "malformed signature"
    UNKNOWN_KEY = "unknown access key"
    WRONG_TOKEN = "wrong session token"
    EXPIRED_TOKEN = "session has ended"
    SKEWED = "clock differs too much"
    EXPIRED_LINK = "presigned request is too old"
    WRONG_PAYLOAD = "payload differs from its hash"
    NO_PAYLOAD_HASH = "no payload hash"
    WRONG_SCOPE = "wrong region or service in the credential scope"
    MISMATCH = "signature differs"


class SignatureRejected(Exception):
    """A request whose signature does not hold."""

    def __init__(self, fault: Fault, detail: str = "") -> None:
        super().__init__(f"{fault.value}: {detail}" if detail else fault.value)
        self.fault = fault
        self.detail = detail or fault.value


@dataclass(frozen=True)
class Scope:
    """`KEY/DATE/REGION/SERVICE/aws4_request`."""

    access_key: str
    date: str
    region: str
    service: str

    @classmethod
    def parse(cls, text: str) -> Scope:
        """Reads the credential of a request."""
        parts = text.rsplit("/", 4)
        if len(parts) != 5 or parts[4] != "aws4_request" or not all(parts):
            raise SignatureRejected(Fault.INCOMPLETE, f"bad credential scope {text!r}")
        return cls(*parts[:4])

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


@dataclass(frozen=True)
class Claim:
    """What a request says about its own signature."""

    scope: Scope
    time: str
    signed_headers: list[str]
    signature: str
    token: str | None
    lifetime: int | None = None
    """Seconds that a presigned request is valid; None for one signed by header."""

    @property
    def is_presigned(self) -> bool:
        """Whether the signature is in the query."""
        return self.lifetime is not None


def verify(
    request: Request, find: Callable[[str], Credentials | None], now: datetime, region: str
) -> Credentials:
    """Checks a request and says whose it is; raises `SignatureRejected`."""
    claim = _claim_of(request)
    if request.service not in (None, claim.scope.service):
        raise SignatureRejected(
            Fault.WRONG_SCOPE, f"Credential should be scoped to correct service: '{request.service}'."
        )
    if claim.scope.region != region and claim.scope.service not in ("sts", "iam"):
        raise SignatureRejected(Fault.WRONG_SCOPE, "Credential should be scoped to a valid region.")
    credentials = find(claim.scope.access_key)
    if credentials is None:
        raise SignatureRejected(Fault.UNKNOWN_KEY)
    _check_time(claim, now)
    if claim.token != credentials.session_token:
        raise SignatureRejected(Fault.WRONG_TOKEN)
    if credentials.expires is not None and now >= credentials.expires:
        raise SignatureRejected(Fault.EXPIRED_TOKEN)
    _check_signed_headers(request, claim)
    canonical = _canonical_request(request, claim, _payload_hash(request, claim))
    expected = sign(credentials.secret_key, claim.scope, claim.time, canonical)
    if not hmac.compare_digest(expected, claim.signature):
        raise SignatureRejected(Fault.MISMATCH, f"the canonical request should be\n{canonical}")
    return credentials


def sign(secret_key: str, scope: Scope, time: str, canonical_request: str) -> str:
    """The signature of a canonical request."""
    digest = hashlib.sha256(canonical_request.encode()).hexdigest()
    key = b"AWS4" + secret_key.encode()
    for part in (scope.date, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, "\n".join([ALGORITHM, time, str(scope), digest]).encode(), "sha256").hex()


def _claim_of(request: Request) -> Claim:
    query = dict(parse_qsl(request.query.replace("+", "%2B"), keep_blank_values=True))
    authorization = request.header("authorization")
    if authorization and "X-Amz-Signature" in query:
        raise SignatureRejected(Fault.INCOMPLETE, "signed twice")
    if authorization:
        found = _AUTHORIZATION.fullmatch(authorization.strip())
        if not found:
            raise SignatureRejected(Fault.INCOMPLETE, "bad Authorization header")
        times = {value for name, value in request.headers if name == "x-amz-date"}
        if len(times) != 1:
            raise SignatureRejected(Fault.INCOMPLETE, "needs one X-Amz-Date header")
        claim = Claim(
            Scope.parse(found[1]), times.pop(), found[2].split(";"), found[3],
            request.header("x-amz-security-token"),
        )
    elif "X-Amz-Signature" in query:
        try:
            lifetime = int(query["X-Amz-Expires"])
            claim = Claim(
                Scope.parse(query["X-Amz-Credential"]), query["X-Amz-Date"],
                query["X-Amz-SignedHeaders"].split(";"), query["X-Amz-Signature"],
                query.get("X-Amz-Security-Token"), lifetime,
            )
        except (KeyError, ValueError) as problem:
            raise SignatureRejected(Fault.INCOMPLETE, f"bad query parameter: {problem}") from None
        if query.get("X-Amz-Algorithm") != ALGORITHM or not 1 <= lifetime <= LONGEST_PRESIGNED:
            raise SignatureRejected(Fault.INCOMPLETE, "bad X-Amz-Algorithm or X-Amz-Expires")
    else:
        raise SignatureRejected(Fault.MISSING)
    if not _TIME.fullmatch(claim.time) or claim.scope.date != claim.time[:8]:
        raise SignatureRejected(Fault.INCOMPLETE, "bad date, or another one in the credential scope")
    return claim


def _check_time(claim: Claim, now: datetime) -> None:
    try:
        signed = datetime.strptime(claim.time, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise SignatureRejected(Fault.INCOMPLETE, "no such date") from None
    if claim.lifetime is not None:
        if now > signed + timedelta(seconds=claim.lifetime):
            raise SignatureRejected(Fault.EXPIRED_LINK)
        if signed > now + MAXIMUM_SKEW:
            raise SignatureRejected(Fault.SKEWED)
    elif abs(now - signed) > MAXIMUM_SKEW:
        relation = "is now earlier than" if signed < now else "is still later than"
        limit = now - MAXIMUM_SKEW if signed < now else now + MAXIMUM_SKEW
        raise SignatureRejected(
            Fault.SKEWED, f"{claim.time} {relation} {limit:%Y%m%dT%H%M%SZ} ({now:%Y%m%dT%H%M%SZ} -/+ 5 min.)"
        )


def _check_signed_headers(request: Request, claim: Claim) -> None:
    present = {name for name, _ in request.headers}
    required = {"host"} | {name for name in present if name.startswith("x-amz-")}
    signed = claim.signed_headers
    if missing := required - set(signed):
        raise SignatureRejected(Fault.MISMATCH, f"headers not signed: {sorted(missing)}")
    if signed != sorted(set(signed)):
        raise SignatureRejected(Fault.MISMATCH, "SignedHeaders are not sorted, or not unique")
    if absent := set(signed) - present:
        raise SignatureRejected(Fault.MISMATCH, f"headers signed but absent: {sorted(absent)}")


def _payload_hash(request: Request, claim: Claim) -> str:
    """The last line of the canonical request, held against the body where it can be."""
    actual = hashlib.sha256(request.body).hexdigest()
    declared = request.header("x-amz-content-sha256")
    if claim.scope.service == "s3":
        if claim.is_presigned and declared is None:
            return "UNSIGNED-PAYLOAD"
        if declared is None:
            raise SignatureRejected(
                Fault.NO_PAYLOAD_HASH, "Missing required header for this request: x-amz-content-sha256"
            )
        if declared in _DECLARED_UNSIGNED:
            return declared
    if declared is not None and declared != actual:
        fault = Fault.WRONG_PAYLOAD if _HEX_SHA256.fullmatch(declared) else Fault.NO_PAYLOAD_HASH
        raise SignatureRejected(fault)
    return actual


def _canonical_request(request: Request, claim: Claim, payload_hash: str) -> str:
    values: dict[str, list[str]] = {}
    for name, value in request.headers:
        values.setdefault(name, []).append(re.sub(r" +", " ", value.strip()))
    return "\n".join(
        [
            request.method,
            canonical_path(request.path, claim.scope.service),
            canonical_query(request.query),
            *(f"{name}:{','.join(values[name])}" for name in claim.signed_headers),
            "",
            ";".join(claim.signed_headers),
            payload_hash,
        ]
    )


def canonical_path(path: str, service: str) -> str:
    """The path encoded once for S3, and for all others encoded again, without `.`, `..` and empty parts."""
    if service == "s3":
        return quote(unquote_to_bytes(path or "/"), safe="/-._~")
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    normal = "/" + "/".join(parts)
    if parts and path.endswith("/"):
        normal += "/"
    return quote(normal, safe="/-._~")


def canonical_query(query: str) -> str:
    """The parameters encoded anew and sorted, without the signature itself."""
    pairs = []
    for pair in query.split("&") if query else []:
        name, _, value = pair.partition("=")
        # A plus sign is a plus sign here, not a blank.
        encoded = [quote(unquote_to_bytes(text), safe="-._~") for text in (name, value)]
        if encoded[0] != "X-Amz-Signature":
            pairs.append(encoded)
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


_INVALID_TOKEN = "The security token included in the request is invalid."
_EXPIRED = "The security token included in the request is expired"
_DIFFERS = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method."
)
_NOT_VALIDATED = "AWS was not able to validate the provided access credentials"

# Fault → (code, message, HTTP status); a message of None is the reason itself.
_Table = dict[Fault, tuple[str, str | None, int]]
_JSON: _Table = {
    Fault.MISSING: ("MissingAuthenticationTokenException", "Missing Authentication Token", 400),
    Fault.INCOMPLETE: ("IncompleteSignatureException", None, 400),
    Fault.UNKNOWN_KEY: ("UnrecognizedClientException", _INVALID_TOKEN, 400),
    Fault.WRONG_TOKEN: ("UnrecognizedClientException", _INVALID_TOKEN, 400),
    Fault.EXPIRED_TOKEN: ("ExpiredTokenException", _EXPIRED, 400),
    Fault.SKEWED: ("InvalidSignatureException", None, 400),
    Fault.EXPIRED_LINK: ("InvalidSignatureException", "Signature expired", 400),
    Fault.WRONG_SCOPE: ("InvalidSignatureException", None, 400),
    Fault.MISMATCH: ("InvalidSignatureException", _DIFFERS, 400),
}
_EC2: _Table = {
    Fault.MISSING: ("MissingAuthenticationToken", "Missing Authentication Token", 403),
    Fault.INCOMPLETE: ("IncompleteSignature", None, 400),
    Fault.EXPIRED_TOKEN: ("RequestExpired", "Request has expired.", 400),
    Fault.SKEWED: ("RequestExpired", "Request has expired.", 400),
    Fault.EXPIRED_LINK: ("RequestExpired", "Request has expired.", 400),
    Fault.MISMATCH: ("AuthFailure", _NOT_VALIDATED, 401),
}
_S3: _Table = {
    Fault.MISSING: ("AccessDenied", "Access Denied", 403),
    Fault.INCOMPLETE: ("AuthorizationHeaderMalformed", None, 400),
    Fault.UNKNOWN_KEY: (
        "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403
    ),
    Fault.WRONG_TOKEN: ("InvalidToken", "The provided token is malformed or otherwise invalid.", 400),
    Fault.EXPIRED_TOKEN: ("ExpiredToken", "The provided token has expired.", 400),
    Fault.SKEWED: (
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        403,
    ),
    Fault.EXPIRED_LINK: ("AccessDenied", "Request has expired", 403),
    Fault.WRONG_PAYLOAD: (
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        400,
    ),
    Fault.NO_PAYLOAD_HASH: ("InvalidRequest", None, 400),
    Fault.WRONG_SCOPE: ("AuthorizationHeaderMalformed", None, 400),
    Fault.MISMATCH: ("SignatureDoesNotMatch", _DIFFERS, 403),
}
_QUERY: _Table = {
    Fault.MISSING: ("MissingAuthenticationToken", "Missing Authentication Token", 403),
    Fault.INCOMPLETE: ("IncompleteSignature", None, 403),
    Fault.UNKNOWN_KEY: ("InvalidClientTokenId", _INVALID_TOKEN, 403),
    Fault.WRONG_TOKEN: ("InvalidClientTokenId", _INVALID_TOKEN, 403),
    Fault.EXPIRED_TOKEN: ("ExpiredToken", _EXPIRED, 403),
    Fault.SKEWED: ("SignatureDoesNotMatch", None, 403),
    Fault.EXPIRED_LINK: ("SignatureDoesNotMatch", "Signature expired", 403),
    Fault.WRONG_SCOPE: ("SignatureDoesNotMatch", None, 403),
    Fault.MISMATCH: ("SignatureDoesNotMatch", _DIFFERS, 403),
}


def rejection(rejected: SignatureRejected, service: str) -> APIError:
    """The error with which a service answers such a request."""
    if service in JSON_SERVICES:
        table = _JSON
    else:
        table = {"ec2": _EC2, "s3": _S3}.get(service, _QUERY)
    code, message, status = table.get(rejected.fault) or table[Fault.MISMATCH]
    if message is None:
        message = rejected.detail
        if rejected.fault is Fault.SKEWED:
            message = f"Signature {'not yet current' if 'later' in message else 'expired'}: {message}"
    return APIError(code, message, status)
