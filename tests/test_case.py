"""What the case chapters compute, and how it is drawn."""

import matplotlib
import pandas as pd
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from p2pbook import case
from p2pbook.facts import facts
from p2pbook.figures import case as draw
from p2prisk.datasets import table
from p2prisk.errors import DataError


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


# ---------------------------------------------------------------------------------------------------- computed


def test_revenue_parts_keep_related_parties_apart():
    parts = case.revenue_parts(table("ncf_accounts"))
    assert parts.loc[2018, "related parties"] == 7_907_394
    assert parts.loc[2016, "related parties"] == 1_176_104 + 1_197_575
    assert parts.loc[2018].sum() == facts().number("NCG024")


def test_related_party_shares_use_totals_of_the_same_balance_sheet():
    shares = case.related_party_shares(table("ncf_accounts")).set_index("of")["share"]
    expected = {"revenue": 0.030, "income before tax": 0.091, "total assets": 0.665, "equity": 1.05}
    for name, value in expected.items():
        assert shares[name] == pytest.approx(value, abs=0.003), name


def test_a_missing_row_is_named():
    accounts = table("ncf_accounts")
    with pytest.raises(DataError, match="loans receivable"):
        case.related_party_shares(accounts[accounts["item"] != "loans receivable"])


def test_rival_spread_on_a_small_case():
    rivals = pd.DataFrame(
        {"date": ["d"] * 2 + ["e"] * 2, "quantity": "q", "tracker": list("abab"), "value": [10.0, 40.0, 9.0, 10.0]}
    )
    spread = case.rival_spread(rivals)
    assert spread["date"].tolist() == ["e", "e", "d", "d"]
    assert spread["relative"].tolist() == [0.9, 1.0, 0.25, 1.0]
    assert spread["spread"].iloc[-1] == 4


def test_segments_break_at_restatement_and_change_of_tracker():
    segments = case.year_segments(table("industry_by_year"), "platforms")
    ends = {(piece["tracker"].iloc[0], piece["year"].iloc[0]): piece["year"].tolist() for piece in segments}
    assert ends["WDZJ", 2014] == [2014, 2015, 2016, 2017]
    assert ends["WDZJ", 2017] == [2017, 2018, 2019]
    assert ends["blue book", 2010] == [2010, 2011, 2012, 2013]
    assert sum(len(piece) for piece in segments) == (table("industry_by_year")["series"] == "platforms").sum()
    with pytest.raises(DataError, match="known: platforms"):
        case.year_segments(table("industry_by_year"), "profit")


def test_custody_shares():
    shares = case.custody_shares(table("custody_by_date")).set_index("label")["share"]
    assert shares["September 2018, custody live"] == pytest.approx(815 / 1190)
    assert shares["September 2018, bank passed the test"] == pytest.approx(0.3479, abs=1e-4)


def test_evidence_counts_count_every_piece_once():
    evidence = table("case_evidence")
    counts = case.evidence_counts(evidence)
    assert counts.to_numpy().sum() == len(evidence)
    assert counts.loc[("Custody", "for")].to_dict() == {"official": 2, "press": 0, "repost": 1, "said": 0}


def test_the_strength_of_evidence_follows_the_rule():
    pieces = pd.DataFrame(
        [
            ("a", "for", "filing", "no"),
            ("a", "against", "court", "yes"),
            ("b", "for", "repost", "yes"),
            ("c", "for", "press", "yes"),
            ("c", "for", "regulator", "yes"),
            ("d", "for", "court", "yes"),
        ],
        columns=["cause", "side", "kind", "at_group"],
    )
    assert case.strengths(pieces).to_dict() == {"a": "none", "b": "weak", "c": "moderate", "d": "strong"}
    assert "strong" not in set(case.strengths(table("case_evidence")))


def test_kinds_of_evidence_fit_their_sources():
    for row in table("case_evidence").itertuples():
        if row.kind == "filing":
            assert row.grade == "A" or row.fact == "NCG012", row
        if row.kind in ("own words", "listed parent"):
            assert facts().record(row.fact)["topic"] in ("own account", "disclosure", "reserve funds"), row


# ------------------------------------------------------------------------------------------------------- drawn


def test_timeline_puts_every_event_at_its_date():
    events = pd.DataFrame(
        {
            "date": ["2010", "2015-07", "2019-12-31"],
            "kind": ["rule", "exit", "crisis"],
            "event": ["first", "second " * 20, "third"],
        }
    )
    ax = draw.timeline(events)
    dots = [line.get_ydata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert dots[0] == 0 and dots[1] == pytest.approx(0.55, abs=0.005) and dots[2] == pytest.approx(1, abs=0.001)
    assert {"2010", "Jul 2015", "31 Dec 2019", "first", "third"} <= set(texts(ax))
    assert max(len(text) for text in texts(ax)) <= 38


def test_timeline_stretch_enlarges_its_years_only():
    events = pd.DataFrame({"date": ["2010", "2018", "2018-07", "2019", "2020-12-31"], "kind": "rule", "event": "e"})
    ax = draw.timeline(events, stretch=("2018-01-01", "2019-01-01", 0.6))
    dots = [line.get_ydata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert dots[3] - dots[1] == pytest.approx(0.6)
    assert dots[1] / (1 - dots[3]) == pytest.approx(8 / 2, rel=0.01)


def test_words_of_a_timeline_do_not_overlap():
    ax = draw.timeline(table("case_events"), stretch=("2018-10-01", "2020-01-01", 0.7))
    ax.figure.canvas.draw()
    boxes = sorted(
        (text.get_window_extent() for text in ax.texts if text.get_position()[0] > 0.38), key=lambda box: -box.y0
    )
    assert len(boxes) > len(table("case_events"))
    for upper, lower in zip(boxes, boxes[1:], strict=False):
        assert lower.y1 <= upper.y0 + 3.5  # points may touch by the descenders, lines may not overlap


def test_structure_draws_every_company_once():
    edges = table("ncf_structure")
    ax = draw.structure(edges)
    names = set(edges["from"]) | set(edges["to"])
    drawn = [text for text in texts(ax) if text in names]
    assert sorted(drawn) == sorted(names)
    assert "owns 54\u00a0%" in texts(ax)


def test_bars_stand_for_the_shares():
    shares = case.related_party_shares(table("ncf_accounts"))
    ax = draw.related_parties(shares)
    assert [patch.get_width() for patch in ax.patches] == shares["share"].tolist()
    assert "66.5\xa0%" in texts(ax)
    ax = draw.products(case.product_shares(table("ncf_products")))
    assert texts(ax) == ["45 (63\xa0%)", "20 (28\xa0%)", "6 (8\xa0%)"]


def test_years_without_a_value_are_said_to_have_none():
    ax = draw.problem_platforms(table("problem_platforms"))
    assert texts(ax).count("no\nvalue\nread") == 2


def test_figures_draw_on_the_axes_given():
    _, axes = plt.subplots(3, 3, figsize=(14, 14))
    a = iter(axes.flat)
    months, years = table("industry_by_month"), table("industry_by_year")
    for function, argument in (
        (draw.platform_rundown, months.query("series == 'platforms'")),
        (draw.rival_readings, case.rival_spread(table("rival_series"))),
        (draw.custody_shares, case.custody_shares(table("custody_by_date"))),
        (draw.evidence_balance, case.evidence_counts(table("case_evidence"))),
    ):
        ax = next(a)
        assert function(argument, ax=ax) is ax
    ax = next(a)
    assert draw.industry_series(case.year_segments(years, "rate"), "%", ax=ax) is ax


def test_panels_share_the_years():
    years = table("industry_by_year")
    axes = draw.industry_panels({name: (case.year_segments(years, name), "unit") for name in ("platforms", "volume")})
    assert [ax.get_title(loc="left") or ax.get_title() for ax in axes] == ["platforms", "volume"]
    assert axes[0].get_xlim() == axes[1].get_xlim()


def test_single_readings():
    assert case.month_value(table("industry_by_month"), "2018-07", "net outflow") == 73.088
    with pytest.raises(DataError, match="found 0"):
        case.year_value(table("industry_by_year"), 2016, "rate")


def test_every_piece_of_evidence_is_one_block():
    evidence = table("case_evidence")
    ax = draw.evidence_balance(case.evidence_counts(evidence))
    assert len(ax.patches) == len(evidence)
    assert sum(patch.get_width() > 0 for patch in ax.patches) == (evidence["side"] == "for").sum()
    assert sorted(texts(ax)) == sorted(
        case.evidence_counts(evidence).sum().index.str[0].str.upper().repeat(case.evidence_counts(evidence).sum())
    )


def test_peer_shares_are_each_of_its_own_revenue():
    shares = case.peer_cost_shares(table("peer_costs"), 2017).set_index(["item", "company"])["share"]
    assert shares["facilitation and servicing", "PPDai"] == pytest.approx(0.250, abs=5e-4)
    assert shares["sales and marketing", "NCF"] == pytest.approx(150_411_453 / 221_908_644)
    with pytest.raises(DataError, match="2016, 2017"):
        case.peer_cost_shares(table("peer_costs"), 2018)
    ax = draw.peer_costs(case.peer_cost_shares(table("peer_costs"), 2017))
    assert texts(ax) == ["67.8\xa0%", "20.2\xa0%", "1.5\xa0%", "25.0\xa0%"]
