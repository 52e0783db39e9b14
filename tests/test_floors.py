"""The oldest versions that are promised are those that CI tests."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_floors_are_the_versions_of_constraints_min():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]
    floors = dict(re.match(r"([\w.-]+)>=([\d.]+)", one).groups() for one in asked)
    lines = (ROOT / "constraints-min.txt").read_text().splitlines()
    assert floors == dict(line.split("==") for line in lines if not line.startswith("#"))
    both = (ROOT / "constraints.txt").read_text().lower()
    assert all(f"\n{name.lower()}==" in f"\n{both}" for name in floors)
