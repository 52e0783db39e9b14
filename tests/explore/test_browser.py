"""The page in a browser: load, click, drag, keys, walk, compare, take along; and as one file."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import chanvae
from chanvae.explore import export as exporting

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ROOM = {"timeout": 60_000}
"""Patience [ms] on a machine that does other things too."""


@pytest.fixture(scope="module")
def address(filed):
    """A server of its own process."""
    words = [sys.executable, "-m", "chanvae", "explore", str(filed.directory)]
    words += ["--no-browser", "--json", "--port", "8400"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout
    yield json.loads(process.stdout.readline())["address"]
    process.terminate()
    process.wait(20)
    process.stdout.close()


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """A page that must ask nobody else, and must not complain."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(ROOM["timeout"])
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda m: wrong.append(m.text) if complaint(m) else None)
    page.on("request", lambda r: wrong.append(r.url) if foreign(r.url) else None)
    yield page
    context.close()
    assert not wrong


def complaint(message) -> bool:
    """An error of the page; that the server refused something is none."""
    return message.type == "error" and "the server responded with" not in message.text


def foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "file:", "data:", "blob:"))


def begin(page, address):
    page.goto(address)
    page.wait_for_selector("html[data-frames]")
    page.wait_for_selector("html[data-measured=ready]")


def frames(page) -> int:
    return int(page.evaluate("document.documentElement.dataset.frames"))


def spot(page, x: float, y: float) -> tuple[float, float]:
    box = page.locator("#map").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def settled(page):
    page.wait_for_timeout(600)


def test_a_click_draws_a_channel_there(page, address):
    begin(page, address)
    before = page.input_value("input[name=delay_spread]"), page.inner_text("#spreads")
    page.mouse.click(*spot(page, 0.75, 0.4))
    settled(page)
    after = page.input_value("input[name=delay_spread]"), page.inner_text("#spreads")
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert "training realisations within 10 %" in page.inner_text("#where")
    assert "achieved" in page.inner_text("#live")


def test_a_drag_draws_all_the_way(page, address):
    begin(page, address)
    before = frames(page)
    page.mouse.move(*spot(page, 0.3, 0.7))
    page.mouse.down()
    for k in range(30):
        page.mouse.move(*spot(page, 0.3 + 0.015 * k, 0.7 - 0.01 * k))
        page.wait_for_timeout(20)
    page.mouse.up()
    settled(page)
    assert frames(page) - before >= 3


def test_outside_the_training_data_is_said(page, address):
    begin(page, address)
    page.fill("input[name=delay_spread]", "5000")
    page.keyboard.press("Tab")
    page.wait_for_selector("#verdict[data-verdict=outside]")
    assert "nothing measured backs this" in page.inner_text("#where")
    page.fill("input[name=delay_spread]", "-5")
    page.keyboard.press("Tab")
    page.wait_for_selector("#alert:not([hidden])")
    assert "negative" in page.inner_text("#alert")


def test_keys_are_enough(page, address):
    begin(page, address)
    page.focus("#map")
    before = page.input_value("input[name=delay_spread]")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    settled(page)
    assert float(page.input_value("input[name=delay_spread]")) > float(before)
    seed = page.input_value("#seed")
    page.keyboard.press("n")
    settled(page)
    assert page.input_value("#seed") != seed
    page.focus("#tab-nearest")
    page.keyboard.press("ArrowRight")
    assert page.locator("#walk").is_visible()


def test_a_walk_is_made_slid_and_played(page, address):
    begin(page, address)
    page.click("#tab-walk")
    page.mouse.click(*spot(page, 0.35, 0.6))
    settled(page)
    page.click("#enda")
    page.mouse.click(*spot(page, 0.8, 0.3))
    settled(page)
    page.click("#endb")
    for kind in ("conditions", "latent"):
        page.select_option("#kind", kind)
        page.click("#go")
        page.wait_for_selector("html[data-walk='25']")
        page.wait_for_selector("#go:not([disabled])")
        assert page.locator("#alert").is_hidden()
    assert page.locator(".snapshot").count() == 7
    first = page.inner_text("#spreads")
    page.fill("#slide", "20")
    settled(page)
    assert page.inner_text("#spreads") != first
    page.click("#play")
    page.wait_for_timeout(1200)
    assert page.inner_text("#slideat") == "100 %"


def test_a_walk_between_neighbours(page, address):
    begin(page, address)
    page.locator(".neighbour button", has_text="Walk from").nth(0).click()
    page.click("#tab-nearest")
    page.locator(".neighbour button", has_text="Walk to").nth(1).click()
    page.click("#go")
    page.wait_for_selector(".snapshot")


def test_files_and_lines_to_take_along(page, address, tmp_path):
    begin(page, address)
    page.click("#tab-take")
    page.select_option("#format", "npz")
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "got.npz")
    assert len(chanvae.load(str(tmp_path / "got.npz"))) == 1
    words = page.inner_text("#shell")
    assert words.startswith("chanvae generate") and "--delay-spread" in words
    assert "chanvae.open_run" in page.inner_text("#python")


def test_an_own_file_is_placed(page, address, measured, tmp_path):
    chanvae.save(measured[:40], tmp_path / "mine.h5")
    begin(page, address)
    page.click("#tab-upload")
    page.set_input_files("#file", str(tmp_path / "mine.h5"))
    page.wait_for_selector("html[data-uploaded='40']")
    assert "40 of 40 realisations placed" in page.inner_text("#filesaid")


def test_a_region_is_compared(page, address):
    begin(page, address)
    page.check("input[name=tool][value=region]", force=True)
    page.mouse.move(*spot(page, 0.25, 0.1))
    page.mouse.down()
    page.mouse.move(*spot(page, 0.98, 0.85))
    page.mouse.up()
    page.click("#judge")
    page.wait_for_selector(".stats tbody tr", timeout=180_000)
    assert "delay spread" in page.inner_text(".stats").lower()
    assert page.locator(".stats .chip").count() > 5


def test_the_map_of_latents(page, address):
    begin(page, address)
    page.check("input[name=view][value=latents]", force=True)
    settled(page)
    before = frames(page)
    page.mouse.click(*spot(page, 0.6, 0.3))
    settled(page)
    assert frames(page) > before
    page.fill("#across", "z3")
    page.keyboard.press("Tab")
    settled(page)
    assert "latent 3" in page.get_attribute("#map", "aria-label")
    page.fill("#across", "z99999")
    page.keyboard.press("Tab")
    page.wait_for_selector("#alert:not([hidden])")


@pytest.mark.parametrize("width", [390, 768, 1920])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_its_window(browser, address, width, theme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = context.new_page()
    begin(page, address)
    for tab in ("walk", "compare", "take", "upload", "nearest"):
        page.click(f"#tab-{tab}")
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, tab
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") != theme
    # Every control has a name that a screen reader says.
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, input, select, canvas')].filter(e => "
        "!(e.innerText || e.getAttribute('aria-label') || e.labels?.length || "
        "e.getAttribute('aria-hidden') || e.closest('[aria-label]'))).map(e => e.id)"
    )
    assert nameless == []
    context.close()


def test_the_page_as_one_file_opens_without_a_server(page, filed, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "CELLS", (10, 8))
    path = tmp_path / "page.html"
    exporting.export(filed, path)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-frames]")
    assert "precomputed grid" in page.inner_text("#foot")
    before = page.inner_text("#spreads")
    page.mouse.click(*spot(page, 0.7, 0.5))
    settled(page)
    assert page.inner_text("#spreads") != before
    page.click("#enda")
    page.mouse.click(*spot(page, 0.5, 0.7))
    settled(page)
    page.click("#endb")
    page.click("#go")
    page.wait_for_selector(".snapshot")
    page.click("#tab-take")
    assert page.inner_text("#shell").startswith("chanvae generate")
    assert np.isfinite(float(page.input_value("input[name=delay_spread]")))
