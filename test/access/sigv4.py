"""
Checks signatures of requests as they came over the wire, from AWS's description of Signature
Version 4 and with nothing but the standard library: no code is shared with what signs.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import datetime
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "execute-api"
MAX_SKEW = datetime.timedelta(minutes=5)
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=([^/,\s]+)/(\d{{8}})/([^/,\s]+)/([^/,\s]+)/aws4_request, ?"
    r"SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})"
)


class Refused(Exception):
    """API Gateway would answer 403. `reason` is for the tests; a caller reads `message`."""

    def __init__(self, reason: str, message: str = "Forbidden") -> None:
        super().__init__(reason)
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class Caller:
    """Somebody with a key."""

    arn: str
    secret_key: str
    session_token: str | None = None
    expired: bool = False


@dataclass(frozen=True)
class Request:
    """A request as it came: nothing decoded, headers in their order."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def verify(
    request: Request,
    callers: Mapping[str, Caller],
    region: str,
    now: datetime.datetime | None = None,
) -> Caller:
    """Who signed the request. Raises Refused where nobody did."""
    values: dict[str, list[str]] = {}
    for name, value in request.headers:
        values.setdefault(name.lower(), []).append(value)

    authorization = _AUTHORIZATION.fullmatch(_single(values, "authorization"))
    if not authorization:
        raise Refused("no signature", "Missing Authentication Token")
    access_key, date, signed_region, service, header_names, signature = authorization.groups()
    if (signed_region, service) != (region, SERVICE):
        raise Refused(f"signed for {service} in {signed_region}")
    caller = callers.get(access_key)
    if not caller:
        raise Refused("unknown key", "The security token included in the request is invalid.")
    if caller.session_token != (values.get("x-amz-security-token") or [None])[0]:
        raise Refused("wrong token", "The security token included in the request is invalid.")

    timestamp = _single(values, "x-amz-date")
    if timestamp[:8] != date:
        raise Refused("the scope is of another day")
    try:
        signed_at = datetime.datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ")
    except ValueError as error:
        raise Refused("no date") from error
    age = (now or datetime.datetime.now(datetime.UTC)) - signed_at.replace(tzinfo=datetime.UTC)
    if abs(age) > MAX_SKEW:
        raise Refused("too old", "Signature expired")

    names = header_names.split(";")
    if names != sorted(set(names)) or any(name not in values for name in names):
        raise Refused("the list of signed headers does not fit")
    # Host always, and all that AWS itself gives a meaning to.
    needed = {name for name in values if name.startswith("x-amz-")} | {"host"}
    if not needed <= set(names):
        raise Refused("a header that must be signed is not")

    canonical = canonical_request(request, names, values)
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    scope = f"{date}/{region}/{SERVICE}/aws4_request"
    key = f"AWS4{caller.secret_key}".encode()
    for part in (date, region, SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    expected = hmac.digest(
        key, "\n".join([ALGORITHM, timestamp, scope, digest]).encode(), "sha256"
    ).hex()
    if not hmac.compare_digest(expected, signature):
        raise Refused(f"the signature does not fit:\n{canonical}")
    if caller.expired:
        raise Refused("expired", "The security token included in the request is expired")
    return caller


def canonical_request(request: Request, names: list[str], values: Mapping[str, list[str]]) -> str:
    path, _, query = request.target.partition("?")
    pairs = sorted(
        (_encode_query(name), _encode_query(value))
        for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)
    )
    return "\n".join(
        [
            request.method,
            canonical_path(path),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{_trim(values[name])}" for name in names),
            "",
            ";".join(names),
            # Of the body that came, whatever the client says in x-amz-content-sha256.
            hashlib.sha256(request.body).hexdigest(),
        ]
    )


def canonical_path(path: str) -> str:
    """
    Encoded once more than it is on the wire, as for every service but S3. That API Gateway does so
    is seen where it prints what it expected: `/$default/%40connections/x%3D` should have become
    `/%24default/%2540connections/x%253D` (https://github.com/aws/aws-sdk-net/issues/3132).
    """
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            segments = segments[:-1]
        elif segment not in ("", "."):
            segments.append(_encode(segment.encode("latin-1")))
    trailing = "/" if segments and path.endswith(("/", "/.", "/..")) else ""
    return "/" + "/".join(segments) + trailing


def _encode(raw: bytes) -> str:
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in raw)


def _encode_query(text: str) -> str:
    """
    One level of encoding, whatever the client has left out. A `+` stands for itself: a client that
    meant a space has signed something else.
    """
    raw = re.sub(
        rb"%([0-9A-Fa-f]{2})",
        lambda found: bytes([int(found.group(1), 16)]),
        text.encode("latin-1"),
    )
    return _encode(raw)


def _trim(values: list[str]) -> str:
    return ",".join(re.sub(r" +", " ", value.strip(" \t")) for value in values)


def _single(values: Mapping[str, list[str]], name: str) -> str:
    found = values.get(name, [])
    return found[0] if len(found) == 1 else ""
