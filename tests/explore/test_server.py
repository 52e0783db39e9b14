"""The server answers its own page, one line where it refuses, and nothing else."""

import asyncio
import io
import json
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import h5py
import numpy as np
import pytest
from starlette.testclient import TestClient

from chanvae.errors import DataError
from chanvae.explore.app import SERVED, application
from chanvae.explore.asked import PointAsked, point_of
from chanvae.explore.serve import hosts, listen, serve
from chanvae.explore.site import Site
from tests.explore.conftest import HOST

POINT = {"asked": {"delay_spread": 1e-7, "angular_spread": 0.3}, "seed": 1}


def test_the_page_and_its_files(client):
    for address in SERVED:
        answer = client.get(f"/{address}")
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "http" not in client.get("/").text.replace("http-equiv", "")


def test_what_the_page_begins_with(client, measured):
    told = client.get("/api/site").json()
    assert [a["name"] for a in told["axes"]] == ["delay_spread", "angular_spread"]
    assert len(told["points"]) == told["training"] < len(measured)
    measured_ = client.get("/api/measured").json()
    assert measured_["held"]["total"] == len(measured)
    assert measured_["held"]["labels"]["los"]["kinds"] == ["0", "1"]
    assert len(client.post("/api/latents", json={}).json()["places"]) == len(measured)


def test_a_point_its_band_and_its_neighbours(client):
    shown = client.post("/api/point", json=POINT).json()
    assert shown["asked"]["delay_spread"] == pytest.approx(1e-7)
    assert shown["nearby"]["verdict"] in ("inside", "sparse")
    assert shown["achieved"]["delay_spread"] > 0
    band = client.post("/api/band", json={"point": POINT, "n": 16}).json()
    assert len(band["achieved"]["delay_spread"]) == len(band["places"]) == 16
    low, middle, high = np.array(band["profile"])
    assert ((low <= middle) & (middle <= high)).all()
    near = client.post("/api/nearest", json=POINT).json()["nearest"]
    again = client.get(f"/api/measured/{near[0]['row']}").json()
    assert again["profile"] == near[0]["picture"]["profile"]
    moved = {**POINT, "moved": {"across": "pc1", "up": "pc2", "to": [2.0, 0.0]}}
    assert client.post("/api/point", json=moved).json()["map"] != shown["map"]
    assert client.post("/api/point", json={**POINT, "noise": 3}).json()["map"] != shown["map"]
    outside = {**POINT, "asked": {**POINT["asked"], "delay_spread": 1e-5}}
    assert client.post("/api/point", json=outside).json()["nearby"]["verdict"] == "outside"


@pytest.mark.parametrize("bend", ["linear", "spherical"])
@pytest.mark.parametrize("kind", ["conditions", "latent", "rows"])
def test_walks(client, kind, bend):
    end = {"asked": {"delay_spread": 2e-7, "angular_spread": 0.4}, "seed": 9}
    asked = {"kind": kind, "bend": bend, "start": POINT, "end": end, "rows": [0, 5], "steps": 3}
    frames = client.post("/api/walk", json={**asked, "n": 2}).json()["frames"]
    assert [f["position"] for f in frames] == [0, 0.5, 1]
    if kind != "rows":
        assert frames[2]["asked"]["delay_spread"] == pytest.approx(2e-7)
    assert all(len(f["achieved"]["delay_spread"]) == 3 for f in frames)


@pytest.mark.parametrize("ending", ["h5", "mat", "npz"])
def test_taking_along(client, ending, tmp_path, site):
    import chanvae

    asked = {"what": "draws", "n": 3, "point": POINT, "format": ending}
    answer = client.post("/api/take", json=asked)
    assert f"draws.{ending}" in answer.headers["content-disposition"]
    (tmp_path / f"got.{ending}").write_bytes(answer.content)
    got = chanvae.load(str(tmp_path / f"got.{ending}"))
    point = point_of(site.run, PointAsked.model_validate(POINT))
    expected = site.run.sample(3, seed=1, again=0, **point.asked).h
    np.testing.assert_allclose(got.h[:], expected, rtol=1e-5)


def test_an_uploaded_file_is_placed(client, measured, tmp_path):
    from chanvae.io.convert import save

    save(measured[:50], tmp_path / "other.h5")
    content = (tmp_path / "other.h5").read_bytes()
    send = {"content": content, "headers": {"content-type": "application/octet-stream"}}
    placed = client.post("/api/upload?name=../../other.h5", **send).json()
    assert placed["name"] == "other.h5"
    assert placed["placed"] == len(placed["places"]) == 50
    for name, body in (("a.exe", content), ("a.h5", b"nothing"), ("a.npz", b"PK")):
        answer = client.post(f"/api/upload?name={name}", **{**send, "content": body})
        assert answer.status_code == 422, answer.text
        assert "/tmp" not in answer.text and "\n" not in answer.json()["error"]
    other = io.BytesIO()
    with h5py.File(other, "w") as file:
        file["x"] = np.zeros(3)
    answer = client.post("/api/upload?name=x.h5", **{**send, "content": other.getvalue()})
    assert answer.status_code == 422


WRONG = {
    "unknown condition": ({"asked": {"height": 1.0}}, "not a condition"),
    "negative": ({"asked": {"delay_spread": -1e-7}}, "negative"),
    "too large": ({"asked": {"delay_spread": 1.0}}, "more than 100 times"),
    "text for a number": ({"asked": {"delay_spread": "long"}}, "not a number"),
    "no such category": ({"asked": {"los": "maybe"}}, "not in the training data"),
    "negative seed": ({"seed": -1}, "seed"),
    "fractional seed": ({"seed": 1.5}, "seed"),
    "more than asked": ({"extra": 1}, "extra"),
    "a list": ([1, 2], "the request"),
    "many": ({"asked": {f"c{k}": 1.0 for k in range(40)}}, "asked"),
    "direction": ({"moved": {"across": "pc1", "up": "pc1", "to": [0, 0]}}, "different"),
    "no direction": ({"moved": {"across": "up", "up": "pc1", "to": [0, 0]}}, "latent direction"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters_are_one_line(client, name):
    body, said = WRONG[name]
    answer = client.post("/api/point", json=body)
    assert answer.status_code == 422
    assert said in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize("text", ["", "{", "null", '{"asked": {"delay_spread": NaN}}',
                                  '{"asked": {"delay_spread": Infinity}}',
                                  '{"asked": {"delay_spread": 1e999}}', "[" * 5000])  # fmt: skip
def test_malformed_and_non_finite_json_is_refused(client, text):
    answer = client.post("/api/point", content=text, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert "\n" not in answer.json()["error"]


def test_what_is_not_json_or_too_large_is_refused(client):
    plain = client.post("/api/point", content="{}", headers={"content-type": "text/plain"})
    assert plain.status_code == 415
    large = json.dumps({"asked": {"x" * 70_000: 1}})
    kind = {"content-type": "application/json"}
    assert client.post("/api/point", content=large, headers=kind).status_code == 413

    def pieces():  # a body that does not say its length
        for _ in range(20):
            yield b" " * 8192

    assert client.post("/api/point", content=pieces(), headers=kind).status_code == 413
    assert client.put("/api/point", json=POINT).status_code == 405


@pytest.mark.parametrize("path", [
    "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/page/..%2f..%2fsite.py",
    "/app.js/../site.py", "//etc/passwd", "/api/compare/../../x", "/docs", "/openapi.json",
])  # fmt: skip
def test_a_path_that_climbs_finds_nothing(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text


def test_a_foreign_host_or_origin_is_refused(client):
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421
    assert client.get("/api/site", headers={"host": "evil.example:8000"}).status_code == 421
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9999"):
        answer = client.post("/api/point", json=POINT, headers={"origin": origin})
        assert answer.status_code == 403, origin
    own = {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}
    assert client.post("/api/point", json=POINT, headers=own).status_code == 200
    assert client.get("/api/site", headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_rates_are_limited(site):
    app = application(site, frozenset({HOST}), rate=0.001, burst=5)
    with TestClient(app, base_url=f"http://{HOST}") as client:
        found = [client.get("/api/state").status_code for _ in range(7)]
    assert found == [200] * 5 + [429] * 2


def test_a_token_is_asked_for(site):
    app = application(site, frozenset(), "long-secret")
    with TestClient(app, base_url="http://10.0.0.5:8000") as client:
        assert client.get("/").status_code == 401
        assert client.get("/?token=wrong-secret").status_code == 401
        assert client.get("/", headers={"authorization": "Bearer long-secret"}).status_code == 200
        assert client.get("/?token=long-secret").status_code == 200  # and sets the cookie
        assert client.get("/api/state").status_code == 200
        # A wrong word in the address does not take the right one from the cookie.
        assert client.get("/?token=wrong-secret").status_code == 200
        assert client.get("/api/state").status_code == 200


def test_another_address_needs_a_token(site):
    with pytest.raises(DataError, match="add --token"):
        serve(site, "0.0.0.0", 0)
    with pytest.raises(DataError, match="at least 8"):
        serve(site, "0.0.0.0", 0, "short")


def test_a_port_in_use_gives_the_next():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with listen("127.0.0.1", port) as opened:
            assert port < opened.getsockname()[1] < port + 20
    with pytest.raises(DataError, match="address of this machine"):
        listen("203.0.113.1", 8000)
    assert "127.0.0.1:8000" in hosts("127.0.0.1", 8000)


def test_an_answer_does_not_wait_for_its_head_to_be_acknowledged():
    """asyncio switches Nagle's algorithm off where a socket names TCP, and nowhere else."""

    async def answered(opened: socket.socket) -> int:
        came = asyncio.get_running_loop().create_future()

        def seen(_, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            came.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(seen, sock=opened):
            _, writer = await asyncio.open_connection(*opened.getsockname())
            writer.close()
            return await came

    with listen("127.0.0.1", 0) as opened:
        assert asyncio.run(answered(opened))


def test_no_thread_outlives_the_server(filed, monkeypatch):
    begun = threading.Event()

    def endless(run, data, say):
        while True:
            say("reading")
            begun.set()
            time.sleep(0.01)

    monkeypatch.setattr("chanvae.explore.site.hold", endless)
    site, before = Site(filed), threading.active_count()
    with TestClient(application(site, frozenset({HOST})), base_url=f"http://{HOST}") as client:
        client.get("/api/site")
        assert begun.wait(10)
    for _ in range(500):
        if threading.active_count() <= before:
            break
        time.sleep(0.01)
    assert threading.active_count() <= before
    assert site.step == "done"


def test_the_server_starts_without_what_a_point_does_not_need(filed):
    """scikit-learn and torch's compiler take longer to import than all the rest."""
    words = (
        "import sys; from chanvae.explore.serve import serve; from chanvae.run import open_run; "
        f"open_run({str(filed.directory)!r}); "
        "print({'sklearn', 'torch._dynamo'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


def test_the_map_works_when_the_data_have_moved(run, measured, tmp_path):
    gone = replace(run, source={"path": str(tmp_path / "gone.h5"), "reading": {}})
    site = Site(gone)
    app = application(site, frozenset({HOST}))
    with TestClient(app, base_url=f"http://{HOST}") as client:
        assert client.get("/api/site").json()["points"]
        assert client.post("/api/point", json=POINT).status_code == 200
        while client.get("/api/state").json()["step"] != "done":
            time.sleep(0.02)
        told = client.get("/api/measured").json()
        assert "gone.h5" in told["problem"] and told["held"] is None
        assert client.post("/api/latents", json={}).json()["measured"] is False
        for path, body in (("nearest", POINT), ("walk", {"kind": "rows", "rows": [0, 1]})):
            answer = client.post(f"/api/{path}", json=body)
            assert answer.status_code == 422


def test_other_data_than_those_of_the_run_are_refused(filed, measured, tmp_path):
    from chanvae.io.convert import save

    save(measured[:100], tmp_path / "other.h5")
    site = Site(filed, str(tmp_path / "other.h5"))
    site.read()
    assert "100 realisations" in site.problem
