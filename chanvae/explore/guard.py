"""Who may ask, from where, how much and how often: in front of everything that the server does."""

import hmac
import json
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

JSON_BYTES = 1 << 16
"""Bytes of a JSON request, at most."""
UPLOAD_BYTES = 1 << 28
"""Bytes of an uploaded file, at most."""
UPLOAD = "/api/upload"
COOKIE = "chanvae_token"
RATE, BURST = 250.0, 500.0
"""Requests a second from one address, and how many at once before that counts."""
ADDRESSES = 1024
"""Addresses whose rates are remembered."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass
class Guard:
    """An ASGI application that refuses, in one line of JSON, what should not reach another.

    Args:
        app: The application behind it.
        hosts: What a ``Host`` header may say; any where a token is asked for.
        token: What a request must bring, in ``Authorization: Bearer``, the cookie, or once
            ``?token=``; empty where the server listens on loopback only.
        rate: Requests a second from one address.
        burst: Requests at once before the rate counts.
    """

    app: ASGIApp
    hosts: frozenset[str]
    token: str = ""
    rate: float = RATE
    burst: float = BURST
    _seen: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(send, *refusal)
            return
        if self.token and scope["path"] == "/" and self._is(_query(scope)):
            await _welcome(send, self.token)  # the token leaves the address for a cookie
            return
        limit = UPLOAD_BYTES if scope["path"] == UPLOAD else JSON_BYTES
        await self.app(scope, _bounded(receive, limit), _marked(send))

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Status and line, or none."""
        host, origin = headers.get("host", "").lower(), headers.get("origin")
        if not self.token and host not in self.hosts:
            return 421, "this server answers to its own address only, not to another Host"
        if origin is not None and urlsplit(origin).netloc.lower() != host:
            return 403, "this server answers its own page only, not another Origin"
        linked = scope["method"] == "GET" and scope["path"] == "/"  # the page may be linked to
        if not linked and headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return 403, "this server answers its own page only, not another site"
        if self.token and not self._knows(scope, headers):
            return 401, "open the address with its ?token=, as it was printed at the start"
        if not self._in_time(str((scope.get("client") or ("",))[0])):
            return 429, "too many requests; wait a moment"
        return _shape(scope, headers)

    def _knows(self, scope: Scope, headers: dict[str, str]) -> bool:
        """Whether the request brings the token."""
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            cookie = None
        bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
        return any(map(self._is, (cookie.value if cookie else "", bearer, _query(scope))))

    def _is(self, brought: str) -> bool:
        """Whether a word is the token, in a time that does not tell how nearly."""
        return hmac.compare_digest(brought.encode(), self.token.encode())

    def _in_time(self, address: str) -> bool:
        """Take one from the bucket of an address."""
        now = time.monotonic()
        left, before = self._seen.pop(address, (self.burst, now))
        left = min(self.burst, left + (now - before) * self.rate)
        self._seen[address] = (max(left - 1, 0.0), now)
        while len(self._seen) > ADDRESSES:
            self._seen.popitem(last=False)
        return left >= 1


def _query(scope: Scope) -> str:
    """The token in the address, if any."""
    return parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]


def _shape(scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
    """Whether method, type and length of a request are such as the server takes."""
    if scope["method"] in ("GET", "HEAD"):
        return None
    if scope["method"] != "POST":
        return 405, f"{scope['method'][:10]} is not asked here"
    upload = scope["path"] == UPLOAD
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = "application/octet-stream" if upload else "application/json"
    if kind != wanted:
        return 415, f"send {wanted}"
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > (UPLOAD_BYTES if upload else JSON_BYTES):
        return 413, _too_large(UPLOAD_BYTES if upload else JSON_BYTES)
    return None


def _too_large(limit: int) -> str:
    size = f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit >> 10} KiB"
    return f"the request is larger than {size}"


class TooLarge(HTTPException):
    """A body longer than is allowed, or than it said."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, _too_large(limit))


def _bounded(receive: Receive, limit: int) -> Receive:
    """The same messages, until they hold more bytes than the limit."""
    total = 0

    async def bounded() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > limit:
            raise TooLarge(limit)
        return message

    return bounded


def _marked(send: Send) -> Send:
    """The same answers with the headers that keep a browser from doing more."""

    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            told = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]
            message = {**message, "headers": [*message.get("headers", []), *told]}
        await send(message)

    return marked


async def _refuse(send: Send, status: int, line: str) -> None:
    body = json.dumps({"error": line}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if status == 429:
        headers.append((b"retry-after", b"1"))
    marked = _marked(send)
    await marked({"type": "http.response.start", "status": status, "headers": headers})
    await marked({"type": "http.response.body", "body": body})


async def _welcome(send: Send, token: str) -> None:
    cookie = f"{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/"
    headers = [(b"location", b"/"), (b"set-cookie", cookie.encode("latin-1"))]
    marked = _marked(send)
    await marked({"type": "http.response.start", "status": 303, "headers": headers})
    await marked({"type": "http.response.body", "body": b""})
