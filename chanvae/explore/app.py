"""The server: a page and what it asks, each question one method of :class:`Site`."""

import asyncio
import os
import secrets
import tempfile
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import torch
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException

from chanvae.errors import DataError
from chanvae.explore.asked import (
    Draws,
    LatentMapAsked,
    PointAsked,
    RegionAsked,
    TakeAsked,
    WalkAsked,
)
from chanvae.explore.guard import BURST, RATE, Guard
from chanvae.explore.site import Site
from chanvae.io.convert import save
from chanvae.threads import alone

PAGE = files("chanvae.explore") / "page"
SERVED = {
    "": ("index.html", "text/html; charset=utf-8"),
    "app.js": ("app.js", "text/javascript; charset=utf-8"),
    "app.css": ("app.css", "text/css; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
    "licences.txt": ("licences.txt", "text/plain; charset=utf-8"),
}
"""All that is served as files: address -> file and its type."""
WAITING = 64
"""Points that may wait to be drawn."""
TAKEN = 1 << 29
"""Bytes of a file to take along, at most."""
UPLOADS = 2
"""Files that are received at once."""
ENDINGS = (".h5", ".hdf5", ".mat", ".npz", ".npy")

T = TypeVar("T")


class Busy(Exception):
    """More is asked than can be done at once."""


class Stopped(Exception):
    """The server ends, and what takes long with it."""


class _Work:
    """Threads: one that draws points, one for what takes longer; and the jobs that are polled.

    Points and what takes longer have a core each: networks so small lose more by sharing an
    operator than they gain. No thread outlives the server, or torch would be torn down under it.
    """

    def __init__(self) -> None:
        self.points, self.long = (ThreadPoolExecutor(1, initializer=alone) for _ in range(2))
        self.cores, self.stopping = torch.get_num_threads(), threading.Event()
        self.waiting = {self.points: 0, self.long: 0}
        self.jobs: OrderedDict[str, dict[str, Any]] = OrderedDict()

    async def do(self, pool: ThreadPoolExecutor, most: int, job: Callable[[], T]) -> T:
        """Have a thread do something; refuse where too much waits already."""
        if self.waiting[pool] >= most:
            raise Busy
        self.waiting[pool] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, job)
        finally:
            self.waiting[pool] -= 1

    def proceed(self) -> None:
        """Called at every step of what takes long.

        Raises:
            Stopped: The server ends.
        """
        if self.stopping.is_set():
            raise Stopped

    def beside(self, job: Callable[[], object]) -> None:
        """Start what takes long, on a thread of its own and all cores."""

        def run() -> None:
            torch.set_num_threads(self.cores)
            with suppress(Stopped):
                job()

        threading.Thread(target=run).start()

    def begin(self, job: Callable[[Callable[[str], object]], dict[str, Any]]) -> str:
        """Start a long job, one at a time; its name is what it is asked for by."""
        if any(state["state"] == "running" for state in self.jobs.values()):
            raise Busy
        name = secrets.token_urlsafe(9)
        state: dict[str, Any] = {"state": "running", "step": "starting"}
        self.jobs[name] = state
        while len(self.jobs) > 8:
            self.jobs.popitem(last=False)

        def told(step: str) -> None:
            self.proceed()
            state["step"] = step

        def run() -> None:
            try:
                state["result"] = job(told)
                state["state"] = "done"
            except (DataError, MemoryError) as error:
                state.update(state="failed", error=" ".join(str(error).split()))
            finally:
                if state["state"] == "running":
                    state.update(state="failed", error="this went wrong; see the terminal")

        self.beside(run)
        return name


def application(
    site: Site, hosts: frozenset[str], token: str = "", rate: float = RATE, burst: float = BURST
) -> Guard:
    """The application of one run.

    Args:
        site: The run.
        hosts: What a ``Host`` header may say.
        token: Asked of every request where given.
        rate: As of :class:`Guard`.
        burst: As of :class:`Guard`.
    """
    work = _Work()

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        work.stopping.set()
        work.points.shutdown(cancel_futures=True)
        work.long.shutdown(wait=False, cancel_futures=True)

    app = FastAPI(
        lifespan=life, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    _refusals(app)
    _pages(app)
    _questions(app, site, work)
    _longer(app, site, work)
    return Guard(app, hosts, token, rate, burst)


def _pages(app: FastAPI) -> None:
    """The files of the page."""

    def serve(name: str, kind: str) -> Callable[[], Response]:
        return lambda: Response((PAGE / name).read_bytes(), media_type=kind)

    for address, (name, kind) in SERVED.items():
        app.add_api_route(f"/{address}", serve(name, kind), methods=["GET"])


def _questions(app: FastAPI, site: Site, work: _Work) -> None:
    """What is answered at once."""

    @app.get("/api/site")
    async def _site() -> JSONResponse:
        told = await work.do(work.points, WAITING, lambda: site.told)
        work.beside(partial(site.read, work.proceed))
        return JSONResponse(told)

    @app.get("/api/state")
    async def _state() -> JSONResponse:
        return JSONResponse(site.state())

    @app.get("/api/measured")
    async def _measured() -> JSONResponse:
        return JSONResponse(await work.do(work.points, WAITING, site.measured))

    @app.get("/api/measured/{row}")
    async def _realisation(row: int) -> JSONResponse:
        return JSONResponse(await work.do(work.points, WAITING, partial(site.realisation, row)))

    @app.post("/api/latents")
    async def _latents(asked: LatentMapAsked) -> JSONResponse:
        return JSONResponse(await work.do(work.points, WAITING, partial(site.latents, asked)))

    @app.post("/api/point")
    async def _point(asked: PointAsked) -> JSONResponse:
        return JSONResponse(await work.do(work.points, WAITING, partial(site.point, asked)))

    @app.post("/api/nearest")
    async def _nearest(asked: PointAsked) -> JSONResponse:
        return JSONResponse(await work.do(work.points, WAITING, partial(site.nearest, asked)))

    @app.post("/api/lines")
    async def _lines(asked: TakeAsked) -> JSONResponse:
        return JSONResponse(site.lines(asked))


def _longer(app: FastAPI, site: Site, work: _Work) -> None:
    """What takes longer than a point, done beside the points."""

    @app.post("/api/band")
    async def _band(asked: Draws) -> JSONResponse:
        job = partial(site.band, asked.point, asked.n)
        return JSONResponse(await work.do(work.long, 16, job))

    @app.post("/api/walk")
    async def _walk(asked: WalkAsked) -> JSONResponse:
        return JSONResponse(await work.do(work.long, 16, partial(site.walk, asked)))

    @app.post("/api/compare")
    async def _compare(asked: RegionAsked) -> JSONResponse:
        return JSONResponse({"job": work.begin(partial(site.region, asked))})

    @app.get("/api/compare/{job}")
    async def _compared(job: str) -> JSONResponse:
        if job not in work.jobs:
            raise HTTPException(404)
        return JSONResponse(work.jobs[job])

    @app.post("/api/take")
    async def _take(asked: TakeAsked) -> FileResponse:
        path = await work.do(work.long, 4, partial(_file, site, asked))
        return FileResponse(
            path,
            filename=f"{asked.what}.{asked.format}",
            background=BackgroundTask(_remove, path),
        )

    receiving = asyncio.Semaphore(UPLOADS)

    @app.post("/api/upload")
    async def _upload(request: Request, name: str = "file.h5") -> JSONResponse:
        if receiving.locked():
            raise Busy
        async with receiving:
            return await _received(request, name)

    async def _received(request: Request, name: str) -> JSONResponse:
        shown = Path(name.replace("\\", "/")).name[:80]
        ending = Path(shown).suffix.lower()
        if ending not in ENDINGS:
            raise DataError(f"{shown}: its name ends with none of {', '.join(ENDINGS)}")
        handle, path = tempfile.mkstemp(suffix=ending, prefix="chanvae-upload-")
        try:
            with os.fdopen(handle, "wb") as file:
                async for part in request.stream():
                    file.write(part)
            job = partial(site.place_file, Path(path), shown)
            return JSONResponse(await work.do(work.long, 4, job))
        finally:
            _remove(path)


def _file(site: Site, asked: TakeAsked) -> str:
    """The channels asked for in a file of its own folder."""
    n = asked.region.n if asked.what == "region" and asked.region else asked.n
    if asked.what == "walk" and asked.walk:
        n = asked.walk.steps * asked.walk.n
    rx, tx, time, freq = site.run.template.shape[1:]
    size = 8 * n * rx * tx * time * freq
    if size > TAKEN:
        raise DataError(
            f"{n} channels are {size >> 20} MiB, more than {TAKEN >> 20}; `chanvae generate` "
            "makes as many as you like"
        )
    path = Path(tempfile.mkdtemp(prefix="chanvae-")) / f"{asked.what}.{asked.format}"
    try:
        save(site.take(asked), path, compress=False)
    except DataError:
        _remove(str(path))
        raise
    return str(path)


def _remove(path: str) -> None:
    """A temporary file, and its folder where it has one."""
    Path(path).unlink(missing_ok=True)
    if Path(path).parent.name.startswith("chanvae-"):
        Path(path).parent.rmdir()


def _refusals(app: FastAPI) -> None:
    """Every refusal is one line of JSON."""

    def say(status: int, line: str, **headers: str) -> JSONResponse:
        return JSONResponse({"error": " ".join(line.split())[:500]}, status, headers)

    @app.exception_handler(DataError)
    async def _data(_: Request, error: Exception) -> JSONResponse:
        return say(422, str(error))

    @app.exception_handler(RequestValidationError)
    async def _shape(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return say(422, f"{where or 'the request'}: {first['msg']}")

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101
        missing = error.status_code == 404
        return say(error.status_code, "there is no such page" if missing else error.detail)

    @app.exception_handler(Busy)
    async def _busy(_: Request, error: Exception) -> JSONResponse:
        return say(503, "the server is busy; try again in a moment", **{"Retry-After": "1"})

    @app.exception_handler(MemoryError)
    async def _memory(_: Request, error: Exception) -> JSONResponse:
        return say(507, "not enough memory for this; ask for less")
