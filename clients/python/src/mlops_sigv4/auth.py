"""The provider that MLflow loads, and the signer that it gives to every request."""

import os
import re
import threading
from typing import Optional
from urllib.parse import quote, unquote_to_bytes, urlsplit, urlunsplit

from botocore.auth import SigV4Auth as BotocoreSigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials, RefreshableCredentials
from botocore.session import Session
from requests import PreparedRequest
from requests.auth import AuthBase

SERVICE = "execute-api"
REGION_VARIABLE = "MLOPS_SIGV4_REGION"

_API_HOST = re.compile(
    r"\.execute-api(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$"
)

# These belong to the connection: HTTP clients and proxies on the way change them. botocore leaves
# more of them out.
_UNSIGNED_HEADERS = frozenset(
    [
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "proxy-authorization",
        "te",
        "trailer",
        "upgrade",
    ]
)


class SigningError(Exception):
    """A request that can not be signed; the message says what to set."""


class SigV4AuthProvider:
    """
    What ``MLFLOW_TRACKING_AUTH=mlops-sigv4`` stands for.

    MLflow's abstract class is not inherited: it asks for these two methods only, and so nothing
    here depends on a release of MLflow.
    """

    def __init__(self) -> None:
        self._auth = SigV4Auth()

    def get_name(self) -> str:
        """The value of ``MLFLOW_TRACKING_AUTH``."""
        return "mlops-sigv4"

    def get_auth(self) -> "SigV4Auth":
        """What MLflow gives to ``requests`` as ``auth``, the same for every request."""
        return self._auth


class SigV4Auth(AuthBase):
    """
    Signs a request of ``requests`` for API Gateway (service ``execute-api``).

    The region is that of ``region``, or of the environment variable ``MLOPS_SIGV4_REGION``, or of
    the URL. A body may be bytes, text or anything that can be read twice.
    """

    def __init__(self, region: Optional[str] = None, session: Optional[Session] = None) -> None:
        self._region = region
        self._session = session
        self._refreshable: Optional[RefreshableCredentials] = None
        self._lock = threading.Lock()

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Called by ``requests`` when the rest of the request is final."""
        url = request.url or ""
        request.url = _strictly_encoded(url)
        _make_hashable(request)
        unsigned = AWSRequest(
            method=request.method,
            url=request.url,
            data=request.body,
            headers={
                name: value
                for name, value in request.headers.items()
                if name.lower() not in _UNSIGNED_HEADERS
            },
        )
        signer = BotocoreSigV4Auth(self._credentials(), SERVICE, self._region or _region_of(url))
        signer.add_auth(unsigned)
        for name in ("Authorization", "Date", "X-Amz-Date", "X-Amz-Security-Token"):
            request.headers.pop(name, None)
            if name in unsigned.headers:
                request.headers[name] = unsigned.headers[name]
        return request

    def _credentials(self) -> ReadOnlyCredentials:
        """As they are now: in a long run, they expire and are replaced."""
        with self._lock:
            if self._refreshable is None:
                # Those that nobody refreshes are looked up every time: another program may have
                # written new ones. Those that are refreshed are kept, with their cache.
                session = self._session or Session()
                found: Optional[Credentials] = session.get_credentials()
                if found is None:
                    raise SigningError(
                        "No AWS credentials found: sign in (aws sso login) and set AWS_PROFILE"
                    )
                if not isinstance(found, RefreshableCredentials):
                    return found.get_frozen_credentials()
                self._refreshable = found
        return self._refreshable.get_frozen_credentials()


def _region_of(url: str) -> str:
    override = os.environ.get(REGION_VARIABLE)
    if override:
        return override
    host = urlsplit(url).hostname or ""
    found = _API_HOST.search(host)
    if not found:
        raise SigningError(
            f"The host {host} does not name its AWS region: set {REGION_VARIABLE} to it"
        )
    return found.group(1)


def _strictly_encoded(url: str) -> str:
    """
    The same address in the one spelling that is signed: everything percent-encoded but letters,
    digits and ``-_.~``. MLflow sends spaces in queries as ``+``, which the signature forbids, and
    urllib3 would change the spelling of others when it sends them.
    """
    parts = urlsplit(url)
    path = "/".join(_encode(segment) for segment in parts.path.split("/"))
    query = "&".join(
        "=".join(_encode(part.replace("+", " ")) for part in pair.split("=", 1))
        for pair in parts.query.split("&")
        if pair
    )
    return urlunsplit((parts.scheme, parts.netloc, path or "/", query, ""))


def _encode(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="-_.~")


def _make_hashable(request: PreparedRequest) -> None:
    """Leaves a body of bytes, or a stream that can be read again after it was hashed."""
    body = request.body
    if body is None or isinstance(body, bytes):
        return
    if isinstance(body, str):
        request.body = body.encode()
        request.headers["Content-Length"] = str(len(request.body))
        return
    try:
        position = body.tell()
        is_empty = not body.read(1)
        body.seek(position)
    except (AttributeError, OSError) as error:
        raise SigningError(
            f"A body of type {type(body).__name__} can be read only once, and the signature needs "
            "its hash before it is sent: pass bytes or an open file"
        ) from error
    if is_empty:
        # Else it would be sent in chunks, as a stream of unknown length.
        request.body = b""
        request.headers.pop("Transfer-Encoding", None)
        request.headers["Content-Length"] = "0"
