"""The score card in the page: equal to Python in a real browser, usable by keyboard and on a phone."""

import itertools

import numpy as np
import pandas as pd
import pytest

from p2pbook.lendingclub import LABELS, book_card
from p2prisk import OrderedLogit, Scorecard, load
from p2prisk.errors import DataError
from p2prisk.scorecard import grade_table
from p2prisk.scorecard.widget import ScorecardWidget


@pytest.fixture(scope="module")
def card():
    return book_card().card


@pytest.fixture(scope="module")
def numbers():
    frame = load("lendingclub-2018").frame
    frame = frame[frame["income"] > 0].dropna(subset=["dti"]).reset_index(drop=True)
    result = OrderedLogit.from_formula("grade ~ np.log(income) + dti + C(home)", frame).fit()
    return Scorecard.from_result(result).with_points(digits=None)


@pytest.fixture
def show(browser, tmp_path):
    """Open a widget from file:// with the network off; any message, error or request fails the test."""
    problems, contexts = [], []

    def open_page(card, labels=None, **options):
        page_file = tmp_path / "card.html"
        page_file.write_text(
            "<!DOCTYPE html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
            "<style>:root{color-scheme:light dark}body{margin:16px;font:16px sans-serif}</style><main>"
            f"{ScorecardWidget(card, labels)._repr_html_()}</main></html>",
            encoding="utf-8",
        )
        context = browser.new_context(offline=True, **{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: request.url.startswith("file:") or problems.append(request.url))
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(page_file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def _compare(page, card, frame):
    values = frame.astype(object).to_dict("records")
    got = page.evaluate("all => all.map(v => document.getElementById('scorecard').scorecard.compute(v))", values)
    scored, band, reasons = card.score(frame), card.intervals(frame), card.reasons(frame, 3)
    for i, own in enumerate(got):
        assert own["score"] == pytest.approx(scored["score"].iloc[i], abs=1e-9)
        assert own["severity"] == pytest.approx(scored["expected_severity"].iloc[i], abs=1e-9)
        for name, found in zip([*card.categories, "pd"], [*own["classes"], own["pd"]], strict=True):
            for part in ("estimate", "lower", "upper"):
                assert found[part] == pytest.approx(band[(name, part)].iloc[i], abs=1e-9), (i, name, part)
        assert own["grade"] == (None if card.scale is None else scored["grade"].iloc[i])
        wanted = [reasons[f"reason_{k}"].iloc[i] for k in (1, 2, 3) if reasons[f"reason_{k}"].iloc[i]]
        assert [reason["name"] for reason in own["reasons"]] == wanted


def test_every_attribute_equals_python(show, card):
    page = show(card, LABELS)
    levels = [item.levels for item in card.characteristics]
    combinations = list(itertools.product(*levels))
    chosen = [combinations[i] for i in np.random.default_rng(0).choice(len(combinations), 300, replace=False)]
    chosen += [combinations[0], combinations[-1]]
    _compare(page, card, pd.DataFrame(chosen, columns=[item.name for item in card.characteristics]))
    _compare(page, card.__class__.from_json(card.to_json()), pd.DataFrame(chosen[:5], columns=list(LABELS)))


def test_calibrated_card_and_numbers_equal_python(show, card, numbers):
    from dataclasses import replace

    shifted = replace(card, shift=0.7)
    frame = pd.DataFrame(
        [[item.levels[-1] for item in card.characteristics]], columns=[item.name for item in card.characteristics]
    )
    _compare(show(shifted), shifted, frame)
    data = pd.DataFrame({"income": [20_000.0, 65_432.1], "dti": [3.5, 29.0], "home": ["own", "rent"]})
    page = show(numbers)
    _compare(page, numbers, data)
    held = page.evaluate("document.getElementById('scorecard').scorecard.compute({income: 1e12, dti: 5, home: 'own'})")
    assert held["drifted"]
    refer = page.evaluate("document.getElementById('scorecard').scorecard.compute({income: '', dti: 5, home: 'own'})")
    assert refer["referred"]


@pytest.mark.parametrize(
    "options", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 800}}]
)
def test_reader_sets_attributes(show, card, options):
    page = show(card, LABELS, **options)
    width = options.get("viewport", {"width": 1280})["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    frame = ScorecardWidget(card, LABELS).default_borrower()
    assert page.locator("[data-part=score]").inner_text() == f"{card.score(frame)['score'].iloc[0]:g}"
    control = page.get_by_label("Credit inquiries, 6 months")
    control.focus()
    page.keyboard.press("End")
    frame["inquiries_band"] = "5 and over"
    scored = card.score(frame).iloc[0]
    page.wait_for_function(f"document.querySelector('[data-part=score]').textContent === '{scored['score']:g}'")
    assert page.locator("[data-part=grade]").inner_text() == scored["grade"]
    assert page.locator("[data-part=pd]").inner_text() == f"{100 * scored['pd']:.1f} %"
    assert page.locator("tbody tr").count() == len(card.categories)
    lost = card.reasons(frame, 1)["lost_1"].iloc[0]
    assert page.locator("ol li").first.inner_text().startswith(f"Credit inquiries, 6 months: {lost:g} points")
    for label in LABELS.values():
        assert page.get_by_label(label, exact=True).count() == 1


def test_on_a_telephone_the_result_is_in_sight_while_questions_are_answered(show, card):
    page = show(card, viewport={"width": 390, "height": 500})
    assert page.evaluate("innerHeight < document.querySelector('.scorecard form').getBoundingClientRect().bottom")
    for place in (0, -1):
        page.locator(".scorecard select").nth(place).focus()
        at = page.locator(".scorecard [role=status]").first.bounding_box()
        asked = page.locator(".scorecard select").nth(place).bounding_box()
        assert at["y"] + at["height"] <= 500 and asked["y"] + asked["height"] <= at["y"] + 1


def test_page_holds_no_address_and_the_pdf_gets_a_table(card):
    widget = ScorecardWidget(card, LABELS)
    page = widget._repr_html_()
    assert "http" not in page and "import(" not in page and "fetch(" not in page
    table = widget._repr_markdown_()
    assert table.count("\n| ") == len(card.characteristics) + 1
    total = card.score(widget.default_borrower()).iloc[0]
    assert f"| **Score, grade {total['grade']}** | | **{total['score']:g}** |" in table
    band = card.intervals(widget.default_borrower(), 0.95).iloc[0]
    for name in card.categories:
        estimate, lower, upper = (f"{band[(name, part)]:.1%}"[:-1] for part in ("estimate", "lower", "upper"))
        assert f"{name} {estimate} % ({lower} to {upper} %)" in table


def test_what_became_of_a_grade_stands_beside_what_the_card_assigns(browser, tmp_path, card):
    made = book_card()
    later = grade_table(card.scale, card.score(made.test)["pd"], made.test["bad"], made.test["n"])
    widget = card.widget(LABELS, observed=later, whose="loans of 2011")
    page_file = tmp_path / "card.html"
    page_file.write_text(f"<!DOCTYPE html><meta charset='utf-8'>{widget._repr_html_()}", encoding="utf-8")
    page = browser.new_context(offline=True).new_page()
    page.goto(page_file.as_uri())
    for level in ("0", "5 and over"):
        page.select_option("[data-characteristic='inquiries_band']", level)
        grade = page.text_content("[data-part='grade']")
        row = later.set_index("grade").loc[grade]
        said = page.text_content("[data-part='observed']")
        assert said.startswith(
            f"Of {row['loans']:,.0f} loans of 2011 with grade {grade}, {100 * row['observed']:.1f} % "
        )
        assert f"({100 * row['ci_low']:.1f} to {100 * row['ci_high']:.1f} %)" in said
    page.context.close()
    assert widget.observed[card.score(widget.default_borrower())["grade"].iloc[0]] in widget._repr_markdown_()


def test_the_text_form_is_the_same_in_every_run(card):
    assert repr(card.widget()) == repr(card.widget()) == "<ScorecardWidget scorecard: 8 characteristics, 7 grades>"


def test_sending_the_form_does_not_leave_the_page(show, numbers):
    page = show(numbers)
    address = page.url
    page.evaluate("window.stayed = true; document.querySelector('.scorecard form').requestSubmit()")
    page.wait_for_timeout(200)
    assert page.evaluate("window.stayed === true") and page.url == address


def test_observed_rates_of_another_scale_are_refused(card, numbers):
    made = book_card()
    later = grade_table(card.scale, card.score(made.test)["pd"], made.test["bad"], made.test["n"])
    for other, table in ((card, later.iloc[1:]), (numbers, later)):
        with pytest.raises(DataError, match="one row for each grade"):
            other.widget(observed=table)
    empty = later.assign(loans=[0, *later["loans"][1:]])
    assert card.widget(observed=empty, whose="loans of 2011").observed["1"] == "None of the loans of 2011 has grade 1."


def test_a_borrower_is_kept_shared_and_reset_and_one_answer_changes_the_grade(show, card):
    page = show(card, LABELS)
    part = lambda name: page.locator(f"[data-part={name}]")  # noqa: E731
    first = ScorecardWidget(card, LABELS).default_borrower()
    page.get_by_role("button", name="Keep").click()
    scored, band = card.score(first).iloc[0], card.intervals(first).iloc[0]["pd"]
    interval = f"{100 * band['lower']:.1f} % to {100 * band['upper']:.1f} %"
    assert part("interval").inner_text() == interval
    assert f"score {scored['score']:g}, grade {scored['grade']}" in part("kept").inner_text()
    assert interval in part("kept").inner_text()
    page.get_by_label("Credit inquiries, 6 months").select_option("5 and over")
    worse = first.assign(inquiries_band="5 and over")
    grade = card.score(worse)["grade"].iloc[0]
    assert part("grade").inner_text() == grade != scored["grade"] and part("kept").is_visible()
    wanted = {}  # the best single change of each characteristic, by Python
    for item in card.characteristics:
        tried = pd.concat([worse.assign(**{item.name: level}) for level in item.levels], ignore_index=True)
        best = card.score(tried, drift="flag").sort_values("pd").iloc[0]
        if int(best["grade"]) < int(grade):
            wanted[LABELS[item.name]] = (best["grade"], f"{100 * best['pd']:.1f} %")
    said = page.locator("[data-part=changes] li").all_inner_texts()
    assert wanted and {words.split(": ")[0]: tuple(words.split("grade ")[1].split(", ")) for words in said} == wanted
    page.reload()  # the address holds the answers
    assert part("grade").inner_text() == grade
    page.get_by_role("button", name="Reset").click()
    assert part("grade").inner_text() == scored["grade"] and not part("kept").is_visible()


def test_options_are_called_as_the_reader_knows_them(card):
    called = {"purpose_group": {"lower loss": "car, <wedding>"}}
    page = card.widget(LABELS, words=called)._repr_html_()
    assert ">car, &lt;wedding&gt;</option>" in page and 'value="lower loss"' in page
    assert "lower loss" not in card.widget(LABELS, {"purpose_group": "lower loss"}, words=called)._repr_markdown_()
