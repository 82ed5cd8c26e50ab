"""Explorers: JavaScript equals Python to nine digits at any setting; by keyboard, on a phone, and without a script."""

import random
import shutil

import numpy as np
import pytest

from p2pbook.explorers import Control, Explorer

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")

EXPLORERS = (
    Explorer(
        "ex-thresholds",
        "Chances of the grades",
        "thresholds",
        (Control("eta", "Risk", 0.3, low=-4, high=4, step=0.01),),
        {"thresholds": [-3.1, -1.2, 0.6, 1.9], "classes": ["A", "B", "C", "D", "E"]},
        ("Grade", "Chance"),
    ),
    Explorer(
        "ex-curves",
        "Stress",
        "curves",
        (Control("x", "Shift of the log odds", 0.5, low=0, high=2, step=0.05),),
        {
            "curves": [
                {"name": "36 months", "x": [0.0, 1.0, 2.0], "y": [0.08, 0.01, -0.13]},
                {"name": "60 months", "x": [0.0, 0.7, 2.0], "y": [0.09, 0.0, -0.2]},
            ]
        },
        ("Loans", "Return a year"),
        most=0.2,
    ),
    Explorer(
        "ex-lookup",
        "What would have caught it",
        "lookup",
        (Control("case", "Cause", "b <i>", ("a", "b <i>")), Control("level", "Dose", "1", ("0.5", "1"))),
        {
            "names": ["screen", "card"],
            "rows": {f"{a} / {b}": [0.25, None] for a in ("a", "b <i>") for b in ("0.5", "1")},
        },
        ("Instrument", "Noticed"),
    ),
    Explorer(
        "ex-blocks",
        "Ability and willingness",
        "blocks",
        (Control("limits", "Used limits", "willingness", ("willingness", "ability")),),
        {
            "traits": ["income", "limits", "inquiries"],
            "home": {"income": "ability", "limits": "willingness", "inquiries": "willingness"},
            "blocks": ["ability", "willingness"],
            "covariance": [[0.04, -0.01, 0.0], [-0.01, 0.09, 0.02], [0.0, 0.02, 0.05]],
            "factor": 12.3,
        },
        ("Block", "Points"),
        percent=False,
        most=5,
    ),
)


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not path:
        pytest.skip("no Chromium on PATH")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, headless=True, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def page(browser, tmp_path):
    """A page with all explorers, the network off; a message or an error fails the test."""
    problems = []
    file = tmp_path / "page.html"
    shown = "".join(explorer._repr_html_() for explorer in EXPLORERS)
    file.write_text(f"<!DOCTYPE html><html lang='en'><meta charset='utf-8'><title>x</title><main>{shown}</main></html>")
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 800})
    opened = context.new_page()
    opened.on("console", lambda message: problems.append(message.text))
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.goto(file.as_uri())
    yield opened
    context.close()
    assert problems == []


@pytest.mark.parametrize("explorer", EXPLORERS, ids=lambda explorer: explorer.kind)
def test_the_page_computes_what_python_computes(page, explorer):
    draw = random.Random(7)
    for _ in range(40):
        settings = {
            control.name: draw.choice(control.choices) if control.choices else draw.uniform(control.low, control.high)
            for control in explorer.controls
        }
        found = page.evaluate(f"got => document.getElementById('{explorer.name}').explorer.compute(got)", settings)
        expected = explorer.rows(settings)
        assert [name for name, _ in found] == [name for name, _ in expected]
        for (_, got), (_, wanted) in zip(found, expected, strict=True):
            assert got is wanted is None or got == pytest.approx(wanted, abs=1e-9)


def test_settings_move_what_is_shown_and_reset_brings_it_back(page):
    box = page.locator("#ex-thresholds")
    before = box.locator("tbody").inner_text()
    box.locator("input").focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    assert box.locator("output").inner_text() == "0.60" and box.locator("tbody").inner_text() != before
    box.locator("button").click()
    assert box.locator("tbody").inner_text() == before and box.locator("output").inner_text() == "0.30"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("#ex-lookup option").nth(1).inner_text() == "b <i>"


@pytest.mark.parametrize("explorer", EXPLORERS, ids=lambda explorer: explorer.kind)
def test_without_a_script_there_is_a_table_at_the_first_settings(explorer):
    text = explorer._repr_markdown_()
    assert text.count("\n|") >= 2 + len(explorer.rows()) - 1 and f"At {explorer.controls[0].label}" in text


def test_chances_sum_to_one_and_blocks_to_what_was_moved():
    assert sum(chance for _, chance in EXPLORERS[0].rows()) == pytest.approx(1)
    moved = dict(EXPLORERS[3].rows({"limits": "ability"}))
    assert moved["ability"] == pytest.approx(12.3 * np.sqrt(0.04 + 0.09 - 0.02))
    assert moved["willingness"] == pytest.approx(12.3 * np.sqrt(0.05))
