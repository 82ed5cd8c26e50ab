"""Explorers: JavaScript equals Python to nine digits at any setting; by keyboard, on a phone, and without a script."""

import random

import pytest

from p2pbook.chapters import decisions, grade, platform, repayment, stress
from p2pbook.explorers import Control, Explorer, of_run
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
            "by": ["case", "level"],
            "rows": {f"{a} / {b}": [0.25, None] for a in ("a", "b <i>") for b in ("0.5", "1")},
        },
        ("Instrument", "Noticed"),
    ),
    Explorer(
        "ex-cutoff",
        "Cut-off and price",
        "cutoff",
        (
            Control("cutoff", "Highest default probability", 0.3, low=0.0, high=0.7, step=0.01, percent=True),
            Control("cap", "Rate cap", "none", ("none", "15 %")),
            Control("funding", "Money earns", "2 %", ("2 %", "4 %")),
        ),
        {
            "names": ["loans", "rate", "on offer", "lent", "price"],
            "x": [0.0, 0.1, 0.4, 0.7],
            "price": {
                "2 %": {"x": [0.0, 0.2, 0.7], "y": [0.03, 0.1, 0.5]},
                "4 %": {"x": [0.0, 0.3, 0.7], "y": [0.05, 0.13, 0.6]},
            },
            "caps": {
                f"{cap} / {money}": {"36": low, "60": low + 0.05}
                for cap, low in (("none", 1.0), ("15 %", 0.22))
                for money in ("2 %", "4 %")
            },
            "terms": {
                term: {
                    "loans": [0, 0.1 * k, 0.3 * k, 0.5 * k],
                    "bad": [0, 0.01 * k, 0.1 * k, 0.2 * k],
                    "money": [0, 0.1 * k, 0.3 * k, 0.5],
                    "2 %": [0, 0.02, 0.05 * k, 0.03],
                    "4 %": [0, 0.01, 0.02, -0.03 * k],
                }
                for term, k in (("36", 1.2), ("60", 0.7))
            },
        },
        ("Loans", "Result"),
    ),
    of_run(0.7, 0.06, 12, (1, 3, 12), 18),
)


def test_identifiers_hold_no_space():
    """HTML allows none, and the label of a control named in words would point nowhere."""
    shown = Explorer("ex", "T", "lookup", (Control("use of limits", "Use", "a", ("a",)),), {}, ("A", "B"))
    (control,) = shown.controls
    assert 'for="ex-use-of-limits"' in control.markup("ex") and 'id="ex-use-of-limits"' in control.markup("ex")
    assert 'data-control="use of limits"' in control.markup("ex")


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
    if explorer.kind == "cutoff":
        nobody = {"cutoff": 0.0, "cap": "none", "funding": "2 %"}
        assert [value for _, value in explorer.rows(nobody)] == [0.0, None, 0.0, None, 0.03]


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


def test_a_share_is_shown_per_cent_and_computed_as_a_share(page):
    """A slider said 0.12 where the text said 12 %."""
    box = page.locator("#ex-cutoff")
    slider, shown = box.get_by_label("Highest default probability"), box.locator("output")
    assert shown.inner_text() == "30\u00a0%" == slider.get_attribute("aria-valuetext")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert shown.inner_text() == "29\u00a0%" and slider.input_value() == "0.29"
    (explorer,) = (each for each in EXPLORERS if each.name == "ex-cutoff")
    rows = page.evaluate(
        "document.getElementById('ex-cutoff').explorer.compute({cutoff: .29, cap: 'none', funding: '2 %'})"
    )
    expected = explorer.rows({"cutoff": 0.29, "cap": "none", "funding": "2 %"})
    assert [value for _, value in rows] == pytest.approx([value for _, value in expected], abs=1e-9)
    slider.press("End")
    assert shown.inner_text() == "70\u00a0%"
    assert page.locator("#ex-thresholds input").get_attribute("aria-valuetext") == "0.30"


def test_every_share_of_a_chapter_is_shown_per_cent():
    sliders = [
        control
        for shown in (
            grade.compute().explorer,
            stress.compute().explorer,
            stress.compute().run,
            decisions.compute().explorer,
        )
        for control in shown.controls
        if not control.choices
    ]
    assert {control.name for control in sliders if control.percent} == {"reinvested", "cash", "default_rate", "cutoff"}
    assert {control.name for control in sliders if not control.percent} == {"eta", "x"}  # log odds are no shares
    assert [control.said(control.first) for control in stress.compute().run.controls][::2] == ["70 %", "6 %"]


@pytest.mark.parametrize("explorer", EXPLORERS, ids=lambda explorer: explorer.kind)
def test_without_a_script_there_is_a_table_at_the_first_settings(explorer):
    text = explorer._repr_markdown_()
    assert text.count("\n|") >= 2 + len(explorer.rows()) - 1
    assert f"Shown for {explorer.controls[0].label[0].lower()}" in text


def test_the_chapters_show_what_their_results_say():
    shown = grade.compute().explorer
    assert sum(chance for _, chance in shown.rows()) == pytest.approx(1)
    worst = dict(shown.rows({"eta": shown.controls[0].high}))
    assert worst["A"] < 0.01 and worst["G"] > dict(shown.rows())["G"]
    returns = dict(stress.compute().explorer.rows({"x": 0.0}))
    assert returns == pytest.approx(
        {name: assess(book)["annual_return"] for name, book in stress.compute().books.items()}, abs=1e-9
    )
    run = stress.compute()
    paid = [dict(run.run.rows(run.run.first | {"due": due})) for due in ("1", "3", "12")]
    assert [list(rows)[-1] for rows in paid] == [
        "Month 1: nothing is left",
        "Month 6: nothing is left",
        "After month 18",
    ]
    noticed = platform.compute()
    stored = noticed.by_dose.set_index(["cause", "dose", "reading"])["share"]
    found = dict(noticed.explorer.rows({"case": "Custody", "level": "1"}))
    assert found == {name: float(stored["custody", 1.0, name]) for name in found} and len(found) > 10
    assert "simulated" in noticed.explorer.title


def test_words_and_cutoffs_say_what_the_tables_of_their_chapters_say():
    repaid = repayment.compute().blocks
    found, first = dict(repaid.explorer.rows()), repaid.ways.iloc[0]
    assert [100 * found["Willingness"], 100 * found["Ability"]] == pytest.approx(
        [first["willingness"], first["ability"]]
    )
    flipped = dict(repaid.explorer.first, **{"inquiries": "ability", "use of limits": "ability"})
    last = repaid.ways.iloc[-1]  # the same with purpose given to the loan, which ability does not feel
    found = dict(repaid.explorer.rows(flipped))
    assert 100 * found["Ability"] == pytest.approx(last["ability"]) and found["Lead of willingness"] < 0
    n = decisions.compute()
    names = n.explorer.data["names"]
    everybody = dict(n.explorer.rows({"cutoff": 0.7, "cap": "none", "funding": "4 %"}))
    assert everybody[names[0]] == pytest.approx(1) and everybody[names[1]] == pytest.approx(float(n.whole), abs=1e-3)
    assert 100 * everybody[names[2]] == pytest.approx(float(n.everybody), abs=1e-6)
    capped = dict(n.explorer.rows({"cutoff": 0.7, "cap": "15.4 %", "funding": "4 %"}))
    # the riskiest loan that a cap admits breaks even at the cap
    assert capped[names[0]] < 1 and capped[names[4]] == pytest.approx(0.154, abs=1e-4)
