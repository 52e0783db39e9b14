"""A run whose data lie in a file, and a client of its page."""

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from chanvae.explore.app import application
from chanvae.explore.site import Site
from chanvae.io.convert import save
from chanvae.run import open_run

HOST = "127.0.0.1:8000"


@pytest.fixture(scope="session")
def filed(run, measured, tmp_path_factory):
    """The fitted run, its data in a file."""
    path = tmp_path_factory.mktemp("data") / "measured.h5"
    save(measured, path)
    named = replace(run, source={"path": str(path), "reading": {}})
    return open_run(named.save(tmp_path_factory.mktemp("filed") / "run").directory)


@pytest.fixture(scope="session")
def site(filed):
    site = Site(filed)
    site.read()
    assert not site.problem
    return site


@pytest.fixture(scope="session")
def client(site):
    app = application(site, frozenset({HOST}), rate=1e6, burst=1e6)
    with TestClient(app, base_url=f"http://{HOST}") as client:
        yield client
