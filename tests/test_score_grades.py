"""Grades, overrides and calibration: small cases whose every number is worked out beside them."""

from itertools import combinations, pairwise
from math import exp, log

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, chi2, chi2_contingency

from p2prisk.errors import DataError
from p2prisk.scorecard import (
    MasterScale,
    OverridePolicy,
    apply_overrides,
    apply_shift,
    build_master_scale,
    grade_table,
    homogeneity,
    map_to_ratings,
    missing_as_level,
    most_prudent,
    override_audit,
    separation,
    shift_to_target,
)
from p2prisk.scorecard.characteristics import bands_from_labels
from p2prisk.scorecard.classes import information_value, monotone_classes


def logit(p):
    return log(p / (1 - p))


def half_way(a, b):
    return 1 / (1 + exp(-(logit(a) + logit(b)) / 2))


def step(worst, worse):
    """z and p-value of two neighbours' (losses, loans), by the table of four cells."""
    cells = [[d, n - d] for d, n in (worst, worse)]
    square, p, *_ = chi2_contingency(cells, correction=False)
    return np.sqrt(square) * np.sign(worse[0] / worse[1] - worst[0] / worst[1]), p


def adjusted(pvalues):
    """Holm's p-values, one after another from the smallest."""
    order, out, running = sorted(range(len(pvalues)), key=lambda i: pvalues[i]), [0.0] * len(pvalues), 0.0
    for rank, i in enumerate(order):
        running = max(running, pvalues[i] * (len(pvalues) - rank))
        out[i] = min(running, 1.0)
    return out


def loans_of(groups):
    """Rows with counts: (chance, loans, losses) of each group."""
    rows = [(p, e, w) for p, n, d in groups for e, w in ((1, d), (0, n - d)) if w]
    return [np.array(column, float) for column in zip(*rows, strict=True)]


# -- the scale that is found


def by_trying(groups, grades, smallest=0.05, fewest=20, level=0.05):
    """Every partition is tried: the most grades whose likeliest partition is in order, told apart and not too small."""
    total = sum(n for _, n, _ in groups)
    for number in range(grades, 1, -1):
        best = None
        for starts in combinations(range(1, len(groups)), number - 1):
            runs = [groups[a:b] for a, b in pairwise([0, *starts, len(groups)])]
            sums = [(sum(d for *_, d in run), sum(n for _, n, _ in run)) for run in runs]
            if min(n for _, n in sums) < smallest * total:
                continue
            terms = [d * log(d / n) + (n - d) * log(1 - d / n) for d, n in sums if 0 < d < n]
            if best is None or sum(terms) > best[0]:
                best = (sum(terms), runs, sums)
        if best is None:
            continue
        _, runs, sums = best
        steps = [step(a, b) for a, b in pairwise(sums)]
        if min(d for d, _ in sums) < fewest or any(z <= 0 for z, _ in steps):
            continue
        if all(p < level for p in adjusted([p for _, p in steps])):
            bounds = [half_way(a[-1][0], b[0][0]) for a, b in pairwise(runs)]
            return bounds, [sum(p * n for p, n, _ in run) / sum(n for _, n, _ in run) for run in runs]
    return None


@pytest.mark.parametrize("seed", range(12))
def test_the_scale_is_the_best_of_all_that_could_be(seed):
    rng = np.random.default_rng(seed)
    chances = np.sort(rng.uniform(0.02, 0.5, 9))
    groups = [(float(p), int(n), int(rng.binomial(n, p))) for p, n in zip(chances, rng.integers(150, 900, 9))]  # noqa: B905
    options = {"grades": int(rng.choice([3, 5, 8])), "smallest": float(rng.choice([0.02, 0.1, 0.2]))}
    options |= {"fewest_events": int(rng.choice([5, 20, 90])), "level": float(rng.choice([0.001, 0.05]))}
    probability, event, weights = loans_of(groups)
    bounds, pds = by_trying(groups, *options.values())
    scale = build_master_scale(probability, event, weights, **options)
    assert scale.bounds == pytest.approx(bounds) and scale.pds == pytest.approx(pds)
    assert scale.labels == tuple(map(str, range(1, len(pds) + 1)))


def test_what_a_scale_asks_for_when_nothing_is_said():
    groups = [(0.02 + 0.06 * k, 2000, 40 + 120 * k) for k in range(8)]
    assert len(build_master_scale(*loans_of(groups)).labels) == 7
    for losses, share in ((20, 1), (19, 0)):  # twenty losses make a grade, nineteen do not
        part = [(0.05, 400, losses), (0.4, 400, 160)]
        if share:
            assert build_master_scale(*loans_of(part)).pds == pytest.approx((0.05, 0.4))
        else:
            with pytest.raises(DataError, match="at least 5% of the loans and 20 defaults differ at the 5% level"):
                build_master_scale(*loans_of(part))
    few = [(0.05, 9500, 300), (0.5, 500, 250)]  # 5 % of the loans make a grade, a loan less does not
    assert len(build_master_scale(*loans_of(few)).labels) == 2
    with pytest.raises(DataError, match="no two grades"):
        build_master_scale(*loans_of([(0.05, 9501, 300), (0.5, 499, 250)]))
    # rows without weight are no loans
    more = [np.append(column, extra) for column, extra in zip(loans_of(few), (0.9, 1.0, 0.0), strict=True)]
    assert build_master_scale(*more).pds == pytest.approx((0.05, 0.5))
    with pytest.raises(DataError, match="have 2, 1 and 3 rows"):
        build_master_scale([0.1, 0.2], [1], [1, 1, 1])
    for probability, event in (([0.1, np.nan], [0, 1]), ([0.1, 0.2], [0, np.nan])):
        with pytest.raises(DataError, match="missing in some rows"):
            build_master_scale(probability, event)


def test_near_chances_are_put_into_sixty_groups_of_like_size():
    """A hundred and twenty chances, two to a group: a bound can stand between pairs alone."""
    chances = np.linspace(0.05, 0.4, 120)
    groups = [(float(p), 100, 5 if k < 61 else 40) for k, p in enumerate(chances)]
    scale = build_master_scale(*loans_of(groups), grades=2)
    assert scale.bounds[0] in (pytest.approx(half_way(*chances[59:61])), pytest.approx(half_way(*chances[61:63])))
    place = int(np.searchsorted(chances, scale.bounds[0]))
    assert scale.pds == pytest.approx((chances[:place].mean(), chances[place:].mean()))


# -- tests of a scale

SCALE = MasterScale(("A", "B", "C", "D"), (0.1, 0.2, 0.3), (0.05, 0.15, 0.25, 0.4))


def test_separation_with_and_without_an_empty_grade():
    groups = [(0.05, 400, 20), (0.1, 100, 8), (0.15, 300, 45), (0.25, 200, 52), (0.5, 100, 60)]
    sums = [(28, 500), (45, 300), (52, 200), (60, 100)]
    found = separation(SCALE, *loans_of(groups))
    steps = [step(a, b) for a, b in pairwise(sums)]
    assert list(found) == ["grades", "difference", "z", "pvalue", "pvalue_holm"]
    assert found["grades"].tolist() == ["A and B", "B and C", "C and D"]
    assert found["difference"].tolist() == pytest.approx([b[0] / b[1] - a[0] / a[1] for a, b in pairwise(sums)])
    assert found["z"].tolist() == pytest.approx([z for z, _ in steps])
    assert found["pvalue"].tolist() == pytest.approx([p for _, p in steps])
    assert found["pvalue_holm"].tolist() == pytest.approx(adjusted([p for _, p in steps]))
    five = MasterScale((*"ABCDE",), (0.1, 0.2, 0.3, 0.6), (0.05, 0.15, 0.25, 0.4, 0.7))
    found = separation(five, *loans_of([g for g in groups if g[0] != 0.5] + [(0.9, 50, 48)]))
    kept = ["difference", "z", "pvalue", "pvalue_holm"]
    assert found[kept].isna().all(axis=1).tolist() == [False, False, True, True]
    assert found["pvalue_holm"][:2].tolist() == pytest.approx(adjusted([p for _, p in steps[:2]]))
    found = separation(five, *loans_of([(0.05, 40, 0), (0.15, 30, 0)]))  # no loss at all says nothing
    assert found["pvalue"][0] == 1 and found["z"][0] == 0 and found["pvalue"][1:].isna().all()


def test_homogeneity_in_three_parts_and_where_nothing_can_be_split():
    groups = [(0.01, 300, 9), (0.04, 300, 21), (0.1, 300, 36), (0.15, 80, 12), (0.22, 50, 0), (0.28, 50, 0)]
    groups += [(0.4, 200, 90), (0.6, 200, 130)]
    five = MasterScale((*"ABCDE",), (0.1, 0.2, 0.3, 0.35), (0.05, 0.15, 0.25, 0.32, 0.5))
    table = homogeneity(five, *loans_of(groups), parts=3)
    assert list(table) == ["grade", "parts", "lowest", "highest", "chi2", "df", "pvalue", "pvalue_holm"]
    assert table["parts"].tolist() == [3, 1, 2, 0, 2] and table["df"].tolist() == [2, 0, 0, 0, 1]
    assert table["lowest"].tolist() == pytest.approx([0.03, 0.15, 0, np.nan, 0.45], nan_ok=True)
    assert table["highest"].tolist() == pytest.approx([0.12, 0.15, 0, np.nan, 0.65], nan_ok=True)
    pvalues = []
    for row, cells in ((0, [[9, 291], [21, 279], [36, 264]]), (4, [[90, 110], [130, 70]])):
        square, p, *_ = chi2_contingency(cells, correction=False)
        assert table[["chi2", "pvalue"]].iloc[row].tolist() == pytest.approx([square, p])
        pvalues.append(p)
    assert table["pvalue"].isna().tolist() == [False, True, True, True, False]
    assert table["pvalue_holm"].tolist() == pytest.approx(
        [adjusted(pvalues)[0], np.nan, np.nan, np.nan, adjusted(pvalues)[1]], nan_ok=True
    )
    # two parts are usual, and three chances of like weight go by their middle: the second lies beyond the half
    usual = homogeneity(SCALE, *loans_of([(0.01, 100, 10), (0.02, 100, 20), (0.03, 100, 60), (0.5, 1, 1)]))
    assert usual.loc[0, ["parts", "lowest", "highest"]].tolist() == [2, 0.1, 0.4]
    assert usual["pvalue"][0] == pytest.approx(chi2.sf(usual["chi2"][0], 1))
    assert usual.loc[3, ["parts", "lowest", "df"]].tolist() == [1, 1, 0] and np.isnan(usual["pvalue"][3])


def test_the_table_of_grades():
    groups = [(0.05, 400, 20), (0.1, 100, 8), (0.25, 200, 75), (0.5, 100, 60)]
    table = grade_table(SCALE, *loans_of(groups), confidence=0.9)
    columns = ["grade", "loans", "share", "events", "pd", "observed", "ci_low", "ci_high", "pvalue_holm", "prudent"]
    assert (
        list(table) == columns and table["grade"].tolist() == list("ABCD") and table["pd"].tolist() == list(SCALE.pds)
    )
    assert table["loans"].tolist() == [500, 0, 200, 100] and table["events"].tolist() == [28, 0, 75, 60]
    assert table["share"].tolist() == [500 / 800, 0, 200 / 800, 100 / 800]
    own = [(28, 500, 0.05), (75, 200, 0.25), (60, 100, 0.4)]
    kept = table.drop(index=1)
    assert kept["observed"].tolist() == [d / n for d, n, _ in own]
    for name, q in (("ci_low", 0.05), ("ci_high", 0.95)):
        assert kept[name].tolist() == pytest.approx([beta.ppf(q, d + 0.5, n - d + 0.5) for d, n, _ in own])
    assert grade_table(SCALE, *loans_of(groups))["ci_low"][0] == pytest.approx(beta.ppf(0.025, 28.5, 472.5))
    tails = [beta.cdf(p, d + 0.5, n - d + 0.5) for d, n, p in own]
    assert kept["pvalue_holm"].tolist() == pytest.approx(adjusted(tails))
    assert table.loc[1, ["observed", "ci_low", "ci_high", "pvalue_holm"]].isna().all()
    pooled = [(163, 800), (135, 300), (135, 300), (60, 100)]
    assert table["prudent"].tolist() == pytest.approx([beta.ppf(0.9, d + 0.5, n - d + 0.5) for d, n in pooled])


def test_prudent_bounds_never_fall():
    bounds = most_prudent([100, 100, 50], [0, 60, 1])
    last = beta.ppf(0.95, 61.5, 89.5)
    assert bounds.tolist() == pytest.approx([beta.ppf(0.95, 61.5, 189.5), last, last])
    assert most_prudent([10, 5], [10, 5]).tolist() == [1, 1] and most_prudent([10, 5], [2, 5])[1] == 1
    assert most_prudent([10], [3], 0.5)[0] == pytest.approx(beta.ppf(0.5, 3.5, 7.5))


def test_ratings_of_another_lender():
    ratings = pd.DataFrame(
        {"rating": [1, 2, 3, 4, 5], "loans": [100, 100, 100, 200, 100], "events": [4, 12, 10, 10, 60]}
    )
    scale = MasterScale(("A", "B", "C"), (0.06, 0.5), (0.05, 0.1, 0.9))
    mapping, pooled = map_to_ratings(scale, ratings)
    # 3 is pooled with 2, then 4 with both: 32 of 400
    assert pooled["rating"].tolist() == ["1", "2/3/4", "5"] and pooled["loans"].tolist() == [100, 400, 100]
    assert pooled["events"].tolist() == [4, 32, 60] and pooled["rate"].tolist() == [0.04, 0.08, 0.6]
    ends = [[beta.ppf(q, d + 0.5, n - d + 0.5) for d, n in ((4, 100), (32, 400), (60, 100))] for q in (0.025, 0.975)]
    assert pooled["ci_low"].tolist() == pytest.approx(ends[0]) and pooled["ci_high"].tolist() == pytest.approx(ends[1])
    assert pooled["pd_high"].tolist() == pytest.approx([half_way(0.04, 0.08), half_way(0.08, 0.6), 1])
    assert mapping["rating"].tolist() == ["1", "2/3/4", "5"] and mapping["rating_rate"].tolist() == [0.04, 0.08, 0.6]
    assert mapping[["grade", "pd"]].to_numpy().tolist() == [["A", 0.05], ["B", 0.1], ["C", 0.9]]
    even = pd.DataFrame({"rating": list("xyz"), "loans": 100, "events": [0, 10, 10]})  # equal rates are one
    pooled = map_to_ratings(scale, even)[1]
    assert pooled["rating"].tolist() == ["x", "y/z"]
    assert pooled["pd_high"].tolist() == pytest.approx([half_way(1e-6, 0.1), 1])
    back = map_to_ratings(scale, even.assign(events=[10, 12, 1]))[1]  # z lowers y, and both together lie below x
    assert back[["rating", "loans", "events"]].to_numpy().tolist() == [["x/y/z", 300, 23]]
    full = map_to_ratings(scale, even.assign(events=[10, 50, 100]))[1]["pd_high"]
    assert full.tolist() == pytest.approx([half_way(0.1, 0.5), half_way(0.5, 1 - 1e-6), 1])
    with pytest.raises(DataError, match="the ratings table needs the column 'events'"):
        map_to_ratings(scale, even.drop(columns="events"))


def test_scales_that_contradict_themselves_are_refused_with_their_numbers():
    for labels, bounds, pds, words in (
        (("1", "2", "3"), (0.1,), (0.05, 0.3), "1 bounds make 2 grades, but 3 labels and 2 probabilities are given"),
        (("1", "2"), (0.1,), (0.05, 0.2, 0.3), "1 bounds make 2 grades, but 2 labels and 3 probabilities are given"),
        (("1", "1"), (0.1,), (0.05, 0.3), "two grades of a master scale have one label"),
        (("1", "2", "3"), (0.1, 0.1), (0.05, 0.1, 0.3), "bounds of a master scale must increase: 0.1000, 0.1000"),
        (("1", "2"), (0.1,), (0.3, 0.3), "the probabilities of a master scale must increase: 0.3000, 0.3000"),
    ):
        with pytest.raises(DataError, match=words):
            MasterScale(labels, bounds, pds)
    assert SCALE.pd_of(["D", "A", "A"]).tolist() == [0.4, 0.05, 0.05] and np.isnan(SCALE.pd_of(["Z"])[0])
    assert SCALE.grade([0.3, 0.30001, 0.0]).tolist() == ["C", "D", "A"] and SCALE.grade([0.1]).ordered
    assert MasterScale.from_plain(SCALE.to_plain()) == SCALE


# -- overrides


def graded(grades, labels="ABC"):
    ids = [f"L{place}" for place in range(len(grades))]
    grade = pd.Categorical([g if g in labels else None for g in grades], list(labels), ordered=True)
    return pd.DataFrame({"loan_id": ids, "grade": grade})


def wanted(*rows):
    return pd.DataFrame([(*row, "x", "y")[:5] for row in rows], columns=["loan_id", "grade", "reason", "by", "second"])


def test_each_reason_why_an_override_is_refused():
    why = OverridePolicy().reasons[0]
    loans = graded("BCA-CBBBAA", "ABCDEFGHIJ")
    asked = [("L0", "B", why), ("L1", "A", why), ("L2", "H", why), ("L3", "A", why), ("L4", "B", why, "x", "x")]
    asked += [
        ("L5", "A", why),
        ("L6", "C", "a friend"),
        ("L7", "C", why, "x", None),
        ("L8", "I", why),
        ("L9", "B", why),
    ]
    final, log_, alarm = apply_overrides(loans, wanted(*asked))
    assert log_["why"].tolist() == [
        *("no change", "more than 1 up", "", "the card gives no grade: refer the loan"),
        *("no second signature by another person", "", "not an admissible reason", "", "more than 7 down", ""),
    ]
    assert log_["accepted"].tolist() == [each == "" for each in log_["why"]]
    assert log_["notches"].drop(3).tolist() == [0, -2, 7, -1, -1, 1, 1, 8, 1]
    assert final["notches"].tolist() == [0, 0, 7, 0, 0, -1, 0, 1, 0, 1]
    assert final["final_grade"].astype(object).where(final["final_grade"].notna(), "-").tolist() == list("BCH-CABCAB")
    assert final["final_grade"].cat.ordered and (final["final_grade"][5:6] < final["grade"][5:6]).all() and alarm
    three = OverridePolicy(notches_up=2, notches_down=0, reasons=("because",))
    log_ = apply_overrides(graded("CA"), wanted(("L0", "A", "because"), ("L1", "B", "because")), three)[1]
    assert log_["why"].tolist() == ["", "more than 0 down"]


@pytest.mark.parametrize("size, alarm", [(20, False), (19, True)])
def test_the_alarm_goes_off_beyond_a_twentieth_of_the_loans(size, alarm):
    one = wanted(("L0", "B", OverridePolicy().reasons[0]))
    assert apply_overrides(graded("A" * size), one)[2] is alarm


def test_overrides_that_cannot_be_read_are_refused():
    loans, one = graded("AB"), wanted(("L1", "A", "r"), ("L0", "B", "r"))
    for frames, words in (
        ((loans.drop(columns="grade"), one), "loans lack grade"),
        ((loans, one.drop(columns=["by", "second"])), "overrides lack by, second"),
        ((loans.astype({"grade": object}), one), "grade must be an ordered Categorical, best first"),
        ((loans.assign(grade=loans["grade"].cat.as_unordered()), one), "grade must be an ordered Categorical"),
        ((loans.assign(loan_id="L0"), one[1:]), "a loan_id occurs twice"),
        ((loans, one.assign(loan_id="L0")), "a loan_id occurs twice"),
        ((loans, one.assign(loan_id=["L0", "L9"])), "override of an unknown loan: L9"),
        ((loans, one.assign(grade=["A", "Z"])), r"grade 'Z' is not on the scale \(A, B, C\)"),
    ):
        with pytest.raises(DataError, match=words):
            apply_overrides(*frames)


def test_the_audit_compares_with_the_loans_left_alone():
    labels = list("ABC")
    frame = pd.DataFrame({"grade": list("AAAABBBBCBBCA"), "final_grade": list("AAAABBBBCAACB")})
    frame = frame.apply(lambda column: pd.Categorical(column, labels, ordered=True))
    frame["notches"] = [0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, 0, 1]
    event = [0, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1]
    table = override_audit(frame, event, 0.8).set_index("direction")
    assert table.index.tolist() == ["better than the card", "as the card", "worse than the card"]
    assert table["loans"].tolist() == [2, 10, 1] and table["events"].tolist() == [1, 5, 1]
    assert table["rate"].tolist() == [0.5, 0.5, 1] and table["ci_high"].tolist()[2] == 1
    ends = [beta.ppf(q, 1.5, 1.5) for q in (0.1, 0.9)]
    assert table.iloc[0][["ci_low", "ci_high"]].tolist() == pytest.approx(ends)
    assert table.iloc[0][["at_card_grade", "at_final_grade"]].tolist() == [0.5, 0.25]
    assert table.iloc[1]["at_card_grade"] == pytest.approx((4 * 0.25 + 4 * 0.5 + 2 * 1) / 10)
    assert table.iloc[2][["at_card_grade", "at_final_grade"]].tolist() == [0.25, 0.5]
    assert override_audit(frame[:9], event[:9]).iloc[[0, 2], 3:].isna().all(axis=None)
    with pytest.raises(DataError, match="2 outcomes are given for 13 loans"):
        override_audit(frame, [0, 1])
    assert override_audit(frame, event).iloc[0]["ci_low"] == pytest.approx(beta.ppf(0.025, 1.5, 1.5))


# -- calibration, gaps and classes


def test_the_shift_of_a_single_chance_is_the_distance_of_log_odds():
    assert shift_to_target([0.2], 0.5) == pytest.approx(log(4)) and shift_to_target([0.5], 0.2) == pytest.approx(
        -log(4)
    )
    for p, target in ((1e-9, 1 - 1e-9), (1 - 1e-9, 1e-9)):
        assert shift_to_target([p], target) == pytest.approx(logit(target) - logit(p))
    two = shift_to_target([0.001, 0.999], 0.001, [1, 3])
    assert (apply_shift(0.001, two) + 3 * apply_shift(0.999, two)) / 4 == pytest.approx(0.001)
    assert apply_shift([0.5, 0.2], log(3)).tolist() == pytest.approx([0.75, 3 / 7])
    for arguments, words in (
        (([0.1, 0.2], 0.3, [1]), "1 weights are given for 2 probabilities"),
        (([np.nan, 0.2], 0.3, [1, 0]), "no loan has a probability; there is nothing to calibrate"),
        (([0.0, 0.2], 0.3), "probabilities must lie strictly between 0 and 1"),
        (([1.0, 0.2], 0.3), "probabilities must lie strictly between 0 and 1"),
        (([0.1], 1), "the target rate is 1; it must lie strictly between 0 and 1"),
        (([0.1], 0.0), "the target rate is 0.0; it must lie strictly between 0 and 1"),
    ):
        with pytest.raises(DataError, match=words):
            shift_to_target(*arguments)


def test_fifty_gaps_make_a_level_and_forty_nine_do_not():
    frame = pd.DataFrame({"home": ["own"] * 9 + [None] * 50, "city": ["a"] * 10 + [None] * 49, "kind": "x", "n": 1})
    filled, report = missing_as_level(frame)
    assert report.to_numpy().tolist() == [["home", 50, True], ["city", 49, False], ["kind", 0, False]]
    assert filled["home"].tolist()[8:10] == ["own", "missing"] and filled["city"].isna().sum() == 49
    assert frame["home"].isna().sum() == 50
    counted = frame.iloc[[0, 9]].assign(n=[1, 50])
    assert missing_as_level(counted, ["home"], freq_weights="n")[1].to_numpy().tolist() == [["home", 50, True]]
    assert missing_as_level(counted, ["kind"], fewest=0)[1]["level"].tolist() == [False]


def test_cut_points_of_labels():
    assert bands_from_labels(["a", "1,200.5 and over"]) == [1200.5] and bands_from_labels(["x"]) == []
    with pytest.raises(DataError, match="class label 'over 9' does not start with the value"):
        bands_from_labels(["a", "over 9"])


def test_blanks_are_a_class_of_their_own_and_take_no_part():
    values = [*np.arange(40.0), np.nan, np.nan, np.nan]
    bad = [*(np.arange(40) >= 30), True, False, True]
    table = monotone_classes(values, bad, bins=4)
    assert table["loans"].tolist() == [30, 10, 3] and table["bad"].tolist() == [0, 10, 2]
    assert table[["lower", "upper"]][:2].to_numpy().tolist() == [[0, 29], [30, 39]] and table.iloc[2, :2].isna().all()
    many = np.arange(1000)
    assert len(monotone_classes(many, many % 100 < many // 100, smallest=0.05)) == 10
    assert len(monotone_classes(many, many % 100 < many // 100, smallest=0.11)) < 10
    value, noise = information_value(pd.DataFrame({"loans": [100, 60, 40], "bad": [0, 10, 30]}))
    b, g = np.array([0.5, 10.5, 30.5]) / 41.5, np.array([100.5, 50.5, 10.5]) / 161.5
    assert value == pytest.approx(sum((x - y) * log(x / y) for x, y in zip(g, b, strict=True)))
    assert noise == pytest.approx(2 * (1 / 160 + 1 / 40))
