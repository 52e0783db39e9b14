"""Listening: a free port, the address said, uvicorn."""

import ipaddress
import socket
from collections.abc import Callable

import uvicorn

from chanvae.errors import DataError
from chanvae.explore.app import application
from chanvae.explore.site import Site

TRIED = 20
"""Ports that are tried after one that is in use."""


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on a port, or the next free one.

    Raises:
        DataError: The address is not this machine's, or none of the ports is free.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for tried in range(port, min(port + TRIED, 65536)):
        # asyncio sends without delay only where the protocol is named; else each answer would wait
        # some 40 ms for the other end to acknowledge its head.
        opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((host, tried))
            opened.listen(128)
        except (OSError, OverflowError) as error:
            opened.close()
            if isinstance(error, OSError) and error.errno in (98, 48, 10048, 13):
                continue
            raise DataError(f"--host {host}: {error}; is it an address of this machine?") from None
        return opened
    raise DataError(f"--port {port}: it and the {TRIED - 1} after it are in use; name another")


def hosts(host: str, port: int) -> frozenset[str]:
    """What a ``Host`` header may say."""
    names = {"127.0.0.1", "localhost", "[::1]", f"[{host}]" if ":" in host else host}
    return frozenset(f"{name.lower()}:{port}" for name in names)


def serve(
    site: Site,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str = "",
    started: Callable[[str, int], object] = lambda address, port: None,
) -> None:
    """Serve a run until it is stopped.

    Args:
        site: The run.
        host: The address to listen on; another than loopback needs a token.
        port: The port, or the first of those tried.
        token: Asked of every request where given.
        started: Called with the address of the page and the port once it listens.

    Raises:
        DataError: Another address than loopback without a token; no port is free.
    """
    if not is_loopback(host) and len(token) < 8:
        raise DataError(
            f"--host {host}: others can reach this address; add --token with at least 8 characters"
        )
    opened = listen(host, port)
    used = opened.getsockname()[1]
    shown = "127.0.0.1" if host in ("0.0.0.0", "localhost") else host  # noqa: S104
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{used}/"
    config = uvicorn.Config(
        application(site, hosts(host, used), token),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        ws="none",
    )
    started(address + (f"?token={token}" if token else ""), used)
    with opened:
        uvicorn.Server(config).run(sockets=[opened])
