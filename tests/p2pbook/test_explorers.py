"""Explorers: JavaScript equals Python to nine digits at any setting; by keyboard, on a phone, and without a script."""

import random

import pytest

from p2pbook.chapters import grade, platform, stress
from p2pbook.explorers import Control, Explorer
from p2prisk.stress import assess

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
)


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


def test_the_chapters_show_what_their_results_say():
    shown = grade.compute().explorer
    assert sum(chance for _, chance in shown.rows()) == pytest.approx(1)
    worst = dict(shown.rows({"eta": shown.controls[0].high}))
    assert worst["A"] < 0.01 and worst["G"] > dict(shown.rows())["G"]
    returns = dict(stress.compute().explorer.rows({"x": 0.0}))
    assert returns == pytest.approx(
        {name: assess(book)["annual_return"] for name, book in stress.compute().books.items()}, abs=1e-9
    )
    noticed = platform.compute()
    stored = noticed.by_dose.set_index(["cause", "dose", "reading"])["share"]
    found = dict(noticed.explorer.rows({"case": "Custody", "level": "1"}))
    assert found == {name: float(stored["custody", 1.0, name]) for name in found} and len(found) > 10
    assert "simulated" in noticed.explorer.title
