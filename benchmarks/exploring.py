"""How fast `chanvae explore` is: the first picture, a drag, a million realisations, ten people.

    python benchmarks/exploring.py RUN

Needs Chromium (Debian's package `chromium`) and Playwright. RUN is a fitted run, such as
`benchmarks/work/default` of `benchmarks/fidelity.py`. Takes about a minute.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np

PEOPLE, POINTS = 10, 40
PAUSE = 0.05, 0.15
"""What a person waits between an answer and the next question [s]: a drag in steps."""


@contextmanager
def served(run):
    words = [sys.executable, "-m", "chanvae", "explore", str(run), "--no-browser", "--json"]
    start = time.monotonic()
    process = subprocess.Popen([*words, "--port", "8500"], stdout=subprocess.PIPE, text=True)
    try:
        told = json.loads(process.stdout.readline())
        yield told["address"], time.monotonic() - start
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def opened(browser, address):
    """A page, and from asking for it to its first picture [s]."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(address)
    page.wait_for_selector("html[data-frames]", timeout=60_000)
    first = page.evaluate("performance.getEntriesByName('frame')[0].startTime")
    return page, first / 1000


def dragged(page, seconds=5.0):
    """Pictures a second during a drag: median over the drag."""
    box = page.locator("#map").bounding_box()
    page.wait_for_selector("html[data-measured]", timeout=120_000)
    page.wait_for_timeout(1000)
    page.evaluate("performance.clearMarks('frame')")
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.6 * box["height"])
    page.mouse.down()
    start = time.monotonic()
    while (passed := time.monotonic() - start) < seconds:
        turn = 2 * np.pi * passed / 2.5
        x = box["x"] + (0.55 + 0.25 * np.cos(turn)) * box["width"]
        page.mouse.move(x, box["y"] + (0.5 + 0.25 * np.sin(turn)) * box["height"])
        page.wait_for_timeout(8)
    page.mouse.up()
    times = page.evaluate("performance.getEntriesByName('frame').map(e => e.startTime)")
    return 1000 / np.median(np.diff(times)), len(times)


def asked(address, lost, taken, pause):
    """One person asks for points, one after the other."""
    lot = random.Random(threading.get_ident())
    with httpx.Client(base_url=address, timeout=30) as client:
        for k in range(POINTS):
            values = {
                "delay_spread": lot.uniform(2e-8, 2e-7),
                "angular_spread": lot.uniform(0.2, 0.8),
            }
            start = time.monotonic()
            answer = client.post("/api/point", json={"asked": values, "seed": k})
            taken.append(time.monotonic() - start)
            if answer.status_code != 200 or "map" not in answer.json():
                lost.append(answer.status_code)
            time.sleep(lot.uniform(*pause))


def together(address, people, pause):
    """Times of all answers [s], and what was lost, with so many people at once."""
    lost, taken = [], []
    crowd = [
        threading.Thread(target=asked, args=(address, lost, taken, pause)) for _ in range(people)
    ]
    start = time.monotonic()
    for person in crowd:
        person.start()
    for person in crowd:
        person.join()
    return np.array(taken), lost, time.monotonic() - start


def million(run_directory, folder):
    """The same run with a million training realisations."""
    from chanvae.run import open_run

    run = open_run(run_directory)
    rows = np.random.default_rng(0).integers(len(next(iter(run.known.values()))), size=10**6)
    lot = np.random.default_rng(1).normal(1, 0.01, 10**6)
    known = {k: np.clip(v[rows] * lot, v.min(), v.max()) for k, v in run.known.items()}
    return replace(run, known=known, source={}, realisations=10**6).save(folder).directory


def told(name, value):
    """Print a figure as soon as it is found."""
    print(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}", flush=True)


def crowd(address):
    """One person alone, then ten: how long a point takes, and whether all of them came."""
    alone, _, _ = together(address, 1, (0, 0))
    told("point, one person, median [ms]", 1000 * float(np.median(alone)))
    for name, pause in (("dragging in steps", PAUSE), ("without a pause", (0, 0))):
        taken, lost, seconds = together(address, PEOPLE, pause)
        told(f"point, ten people {name}, median [ms]", 1000 * float(np.median(taken)))
        told(f"point, ten people {name}, p95 [ms]", 1000 * float(np.quantile(taken, 0.95)))
        told(f"points a second, ten people {name}", len(taken) / seconds)
        told(f"lost, of {len(taken)}", len(lost))


def main():
    from playwright.sync_api import sync_playwright

    run = Path(sys.argv[1])
    chromium = shutil.which("chromium") or sys.exit("no Chromium: apt-get install chromium")
    told("cores, load of the machine", f"{os.cpu_count()}, {os.getloadavg()[0]:.1f}")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with served(run) as (address, start):
            told("server ready [s]", start)
            page, first = opened(browser, address)
            told("first picture [s]", first)
            rate, count = dragged(page)
            told(f"pictures a second in a drag of 5 s, median, of {count}", float(rate))
            page.close()
            crowd(address)
        with served(million(run, folder)) as (address, start):
            told("server ready, a million realisations [s]", start)
            told("first picture, a million realisations [s]", opened(browser, address)[1])
        browser.close()


if __name__ == "__main__":
    main()
