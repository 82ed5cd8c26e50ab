"""Chapter *What repayment shows*: the ordered logit of how loans ended, the order of its traits, the later loans."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from p2pbook import reading, realtime
from p2pbook.explorers import Explorer, of_moves
from p2pbook.findings import MARK_AUC
from p2pbook.known import stamp
from p2pbook.lendingclub import LABELS, ON_THE_DAY
from p2pbook.replications import came_out_again, replication, stamped
from p2pbook.traits import INCOME_MARKS
from p2pbook.values import Value, count, estimate, estimates, share
from p2pbook.words import by_count, joined
from p2prisk import OrderedLogit
from p2prisk.datasets import load
from p2prisk.policy import default_rate_bounds

_BLOCKS = ["ability", "willingness", "loan"]

#: odds ratios that are read with one digit
_ONE_DIGIT = dict.fromkeys(["long_term", "purpose[T.small business]", "public_record", "unstated_job"], 1)

_MODELS = (
    "ordered logit and sub-grade",
    "ordered logit",
    "gradient boosting",
    "ordered logit, base traits",
    "sub-grade",
    "grade",
)

#: least loans of a cell inside a grade
_LEAST = 50

#: the three sets of loans on which the traits are ordered: name in the record -> name in the text
_SAMPLES = {"2007 to 2010": "all", "2007 to 2010, without exceptions": "others", "2011": "later"}

#: the two questions of the sequential model
_QUESTIONS = {"first": "charged off, or paid", "second": "of the charged off: early, or later"}

#: shares of applicants refused for which bounds are printed
_REFUSED = (0.05, 0.10, 0.25, 0.50, 0.90)

_CLEAR = 1.959963984540054  # an estimate is clear of zero when it is this many standard errors away


@dataclass(frozen=True)
class Repayment:
    """Numbers and tables of the chapter."""

    #: whether the frozen results came out again on this machine
    again: str
    sample: "Sample"
    choice: "Choice"
    aloud: "Aloud"
    order: "Order"
    blocks: "Blocks"
    depth: "Depth"
    signs: "Signs"
    #: the test on the day
    day: realtime.RealTime
    ranks: "Ranks"
    refused: "Refused"
    counts: "Counts"


@dataclass(frozen=True)
class Sample:
    """Which loans the model was fitted and tested on."""

    set_aside: Value
    train: Value
    test: Value
    #: how often the outcomes of 2011 were used to judge a ranking
    looks: Value


@dataclass(frozen=True)
class Choice:
    """How the model was chosen inside 2007-2010."""

    steps: pd.DataFrame


@dataclass(frozen=True)
class Aloud:
    """The slopes, in odds and in points of loans charged off."""

    #: the ten clearest slopes, to draw
    forest: pd.DataFrame
    curves: pd.DataFrame
    #: name of the slope -> odds ratio of a worse outcome
    odds: dict
    #: odds of default in a month, 60 against 36 months, over the ages of the loan
    term_lowest: Value
    term_highest: Value
    #: label of a change -> points more charged off
    points: dict
    ten_points_used: Value
    #: odds ratio of the purpose, against debt consolidation
    small_business: Value
    #: odds ratios of changes along bent lines
    three_inquiries: Value
    #: points fewer charged off when income doubles
    income_spares: Value
    #: income that is doubled, and above which more no longer helps
    income_from: Value
    income_flat: Value


@dataclass(frozen=True)
class Order:
    """Which traits carry the fit: with the policy exceptions, without them (``others``), and in 2011 (``later``)."""

    #: share of fit lost without a group, to draw
    drawn: pd.DataFrame
    #: differences between two groups, to print
    pairs: pd.DataFrame
    #: sample -> group -> share of fit lost, and points of loss for one standard deviation
    share: dict
    points: dict
    #: by how much the limits carry more of the fit than income, over the samples
    limits_least: Value
    limits_most: Value
    #: willingness over ability, in points of the fit: loans to 2010, and of 2011
    words_early: Value
    words_later: Value
    #: policy exceptions among the loans to 2010; with four or more inquiries, and so among the others
    exceptions: Value
    many_exceptions: Value
    many_others: Value


@dataclass(frozen=True)
class Depth:
    """The sequential model: charged off or paid, and of the charged off, early or later."""

    drawn: pd.DataFrame
    lost: Value
    lost_early: Value
    #: slope -> odds ratio at each question
    first: dict
    second: dict
    #: slopes that clearly part the lost from the paid, and the early from the later, of how many
    clear_first: str
    clear_second: str
    #: Holm's p-value of the turn of the public record, as a slope of its own and as a difference
    record_alone: Value
    record_difference: str
    #: Vuong's z of the ordered logit against the sequential one
    vuong: Value


@dataclass(frozen=True)
class Signs:
    """Every slope under every specification."""

    slopes: Value
    specifications: Value
    #: slopes that are clear of zero in the main specification
    clear: Value
    #: of them, how many turn clear of zero elsewhere
    turned: str
    #: all changes of sign, to print; and how many of how many
    table: pd.DataFrame
    changed: Value
    readings: Value


@dataclass(frozen=True)
class Refused:
    """What the funded loans say of all applicants."""

    rate: Value
    table: pd.DataFrame
    #: share refused at which the sign of each difference is no longer known
    term_lost_at: Value
    inquiries_lost_at: Value


@dataclass(frozen=True)
class Blocks:
    """Ability, willingness and the loan itself."""

    #: share of fit lost when groups of traits are called otherwise
    ways: pd.DataFrame
    #: block or group of traits -> share of the fit lost without it
    lost_without: dict
    #: points more charged off for one standard deviation of the block
    points: dict
    #: groups of traits to be called willingness or ability
    explorer: Explorer


@dataclass(frozen=True)
class Ranks:
    """How well models rank the loans of 2011."""

    mark: Value
    drawn: pd.DataFrame
    auc: Value
    sub_grade: Value
    both: Value
    #: leads of the model in hindsight
    over_sub_grade: Value
    over_boosting: Value
    #: settings of gradient boosting that were tried
    settings: Value
    #: what the sub-grade adds to the traits, and the traits to the sub-grade
    sub_grade_adds: Value
    traits_add: Value
    #: area from pairs of the same sub-grade and term: in hindsight, and of the hazard on the day
    inside_hindsight: Value
    inside_day: Value
    #: draws behind their intervals
    inside_draws: Value


@dataclass(frozen=True)
class Counts:
    """The live fit on the committed counts, all years."""

    forest: pd.DataFrame
    loans: Value
    cells: Value
    paid_late: Value


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    Repayment
    """
    selection, outcome = replication("e2-selection"), replication("e2-outcome")
    return Repayment(
        again=came_out_again("e2-selection", "e2-outcome", "e2-order", "e2-stages", "e2-robustness"),
        sample=_sample(outcome),
        choice=_choice(selection),
        aloud=_aloud(outcome, replication("e2-robustness")),
        order=_order(replication("e2-order")),
        blocks=_blocks(outcome, replication("e2-robustness")),
        depth=_depth(replication("e2-stages")),
        signs=signs(replication("e2-robustness").table("signs")),
        day=realtime.compute(),
        ranks=_ranks(outcome, selection),
        refused=_refused(replication("e2-profile")),
        counts=_counts(),
    )


@stamped("e2-outcome")
def _sample(outcome):
    return Sample(
        set_aside=count(outcome["set_aside"]),
        train=count(outcome["train"]),
        test=count(outcome["test"]),
        looks=count(outcome["looks_at_2011"]),
    )


@stamped("e2-selection")
def _choice(selection):
    steps = selection.table("steps").assign(kept=lambda table: table["kept"].map({True: "yes", False: "no"}))
    steps = steps[["step", "slopes", "auc_within_year", "gain", "log_score", "kept"]]
    return Choice(
        steps=steps.rename(columns={"auc_within_year": "AUC within year", "log_score": "log score (lower is better)"})
    )


@stamped("e2-outcome")
def _aloud(outcome, robust):
    slopes = outcome.table("coefficients")
    by_age = replication("e2-hazard").table("term")["odds_ratio"]
    named = slopes[slopes["trait"] != "state"]
    main = robust.table("specifications").query("specification == 'main'").set_index("label")
    points = estimates(robust.table("effects").set_index("label"), "points", 1)
    odds = estimates(slopes.set_index("name"), "odds_ratio", own=_ONE_DIGIT)
    return Aloud(
        forest=reading.clearest(named[named["block"] != "place and time"]),
        term_lowest=Value(by_age.min(), 1),
        term_highest=Value(by_age.max(), 1),
        curves=outcome.table("curves"),
        odds=odds,
        points=points,
        ten_points_used=points["card limits used, +10 points"],
        small_business=odds["purpose[T.small business]"],
        three_inquiries=Value(main.loc["inquiries 0 to 3", "odds_ratio"], 1),
        income_spares=-points["income doubled, 40k to 80k"],
        income_from=count(INCOME_MARKS[0]),
        income_flat=count(INCOME_MARKS[1]),
    )


def _order(order):
    shares, pairs = order.table("shares"), order.table("pairs")
    groups = shares[~shares["group"].isin(_BLOCKS)]
    drawn = groups.rename(columns={"group": "label", "sample": "set"}).assign(
        **{name: 100 * groups[column] for name, column in (("value", "share"), ("low", "low"), ("high", "high"))}
    )
    top = drawn.groupby("label")["value"].max().sort_values(ascending=False).index
    drawn = drawn.assign(label=pd.Categorical(drawn["label"], top)).sort_values("label", kind="stable")

    def by_sample(build):
        return {short: build(name) for name, short in _SAMPLES.items()}

    def of(name):
        return shares[shares["sample"] == name].set_index("group")

    pairs = pairs.assign(scale=np.where(pairs["measure"] == "share", 100, 1))
    pairs[["difference", "low", "high"]] = pairs[["difference", "low", "high"]].mul(pairs["scale"], axis=0)

    def gaps(measure):
        def build(name):
            rows = pairs[(pairs["sample"] == name) & (pairs["measure"] == measure)]
            return {
                f"{row.first} over {row.second}": Value(row.difference, 1, low=row.low, high=row.high)
                for row in rows.itertuples()
            }

        return by_sample(build)

    shown = pairs[~pairs["first"].isin(_BLOCKS)].assign(pair=pairs["first"] + " over " + pairs["second"])
    shown["measure"] = shown["measure"].map({"share": "share of fit", "points": "one s.d."})
    shown["said"] = [f"{r.difference:.1f} ({r.low:.1f} to {r.high:.1f})".replace("-", "−") for r in shown.itertuples()]
    heads = ["measure", "pair", *(f"loans of {name}" for name in _SAMPLES)]
    shown = shown.rename(columns={"sample": "set"}).assign(set="loans of " + shown["sample"])
    shown = shown.pivot(index=["measure", "pair"], columns="set", values="said").reset_index().rename_axis(columns=None)
    share_gap = gaps("share")
    limits = sorted(gap["use of limits over income"] for gap in share_gap.values())
    return Order(
        limits_least=limits[0],
        limits_most=limits[-1],
        words_early=share_gap["all"]["willingness over ability"].whole,
        words_later=share_gap["later"]["willingness over ability"].whole,
        pairs=shown.sort_values(["measure", "pair"], ascending=[False, True], ignore_index=True)[heads],
        drawn=drawn.astype({"label": str}),
        share=by_sample(lambda name: estimates(100 * of(name)[["share", "low", "high"]], "share", 0)),
        points=by_sample(lambda name: estimates(of(name), "points", 1, "points_low", "points_high")),
        exceptions=share(order["share_exceptions"], 0),
        many_exceptions=share(order["many_inquiries_exceptions"], 0),
        many_others=share(order["many_inquiries_others"], 0),
    )


def _depth(stages):
    slopes = stages.table("slopes")
    rows, odds = [], {}
    for place, question in _QUESTIONS.items():
        value, se = slopes[f"{place}_slope"], slopes[f"{place}_se"]
        part = pd.DataFrame(
            {
                "name": slopes["name"],
                "label": slopes["label"],
                "set": question,
                "value": np.exp(value),
                "low": np.exp(value - _CLEAR * se),
                "high": np.exp(value + _CLEAR * se),
                "z": value / se,
            }
        )
        odds[place] = estimates(part.set_index("name"), "value", 2)
        rows.append(part)
    shown = slopes["name"].isin(rows[0].assign(size=rows[0]["z"].abs()).nlargest(10, "size")["name"])
    shown |= slopes["name"].isin(rows[1].assign(size=rows[1]["z"].abs()).nlargest(4, "size")["name"])
    order = rows[0][shown].sort_values("value", ascending=False)["label"]
    drawn = pd.concat(rows).query("label in @order").assign(label=lambda t: pd.Categorical(t["label"], order))
    families = stages.table("families")
    ordered = families[(families["family"] == "cumulative") & (families["levels"] == 4)].iloc[0]
    record = slopes.set_index("name").loc["public_record"]
    return Depth(
        drawn=drawn.sort_values(["label", "set"], kind="stable").astype({"label": str}),
        lost=count(stages["lost"]),
        lost_early=count(stages["lost_early"]),
        first=odds["first"],
        second=odds["second"],
        clear_first=f"{(slopes['first_holm'] < 0.05).sum()} of {len(slopes)}",
        clear_second=f"{(slopes['second_holm'] < 0.05).sum()}",
        record_alone=Value(record["second_holm"], 2),
        record_difference=reading.p_words(record["difference_holm"]),
        vuong=Value(ordered["vuong_z"], 1),
    )


def signs(slopes):
    """Which slopes change their sign under which specification, and which of them clear of zero on both sides.

    Parameters
    ----------
    slopes : pandas.DataFrame
        ``specification`` (the first is the main one), ``name``, ``label``, ``estimate``, ``se``.

    Returns
    -------
    Signs

    Examples
    --------
    >>> slopes = pd.DataFrame({"specification": ["main"] * 3 + ["other"] * 3, "name": list("abc") * 2,
    ...                        "label": list("abc") * 2, "estimate": [1.0, 0.1, 2.0, -1.0, -0.1, 2.0], "se": 0.2})
    >>> found = signs(slopes)
    >>> found.turned, str(found.changed), str(found.readings), found.table["trait"].tolist()
    ('one turns: a', '2', '3', ['a', 'b'])
    """
    main = slopes[slopes["specification"] == slopes["specification"].iloc[0]].set_index("name")
    others = slopes[slopes["specification"] != slopes["specification"].iloc[0]]
    others = others.assign(
        main=others["name"].map(main["estimate"]), main_se=others["name"].map(main["se"])
    ).reset_index(drop=True)
    changed = others[np.sign(others["estimate"]) != np.sign(others["main"])]
    clear = (changed["estimate"].abs() > _CLEAR * changed["se"]) & (changed["main"].abs() > _CLEAR * changed["main_se"])
    names = list(dict.fromkeys(changed.loc[clear, "label"]))
    strong = int((main["estimate"].abs() > _CLEAR * main["se"]).sum())

    def printed(value, se):
        return [
            f"{np.exp(v):.2f} ({np.exp(v - _CLEAR * s):.2f} to {np.exp(v + _CLEAR * s):.2f})"
            for v, s in zip(value, se, strict=True)
        ]

    table = pd.DataFrame(
        {
            "trait": changed["label"],
            "main": printed(changed["main"], changed["main_se"]),
            "specification": changed["specification"],
            "there": printed(changed["estimate"], changed["se"]),
        }
    )
    words = by_count(len(names), max(strong, len(names)), "none turns", "one turns", "{part} turn", "all turn")
    return Signs(
        slopes=count(len(main)),
        specifications=count(slopes["specification"].nunique()),
        clear=count(strong),
        turned=words + (f": {joined(names)}" if names else ""),
        table=table.sort_values(["trait", "specification"], ignore_index=True),
        changed=count(len(changed)),
        readings=count(len(others)),
    )


def _refused(profile):
    """Bounds for all applicants, from the funded loans alone (Manski 1989)."""
    rate, exceptions = profile["bad_rate"], profile["bad_rate_exceptions"]
    rows = []
    for part in _REFUSED:
        low, high = default_rate_bounds(rate, 1 - part)
        rows.append(
            {
                "refused, %": 100 * part,
                "lowest, %": 100 * low,
                "highest, %": 100 * high,
                "if they fail like policy exceptions, %": 100 * ((1 - part) * rate + part * exceptions),
            }
        )
    counts = load("lendingclub-2007-2011-counts").frame
    lost = counts["severity"].isin(["loss after half", "loss early"]) * counts["n"]

    def rates(column):
        return lost.groupby(counts[column], observed=True).sum() / counts.groupby(column, observed=True)["n"].sum()

    term, asked = rates("term"), rates("inquiries_band")
    none, many = asked["0"], asked["5 and over"]
    return Refused(
        rate=share(rate),
        table=pd.DataFrame(rows),
        term_lost_at=share(sign_lost_at(term[60] - term[36]), 0),
        inquiries_lost_at=share(sign_lost_at(many - none), 0),
    )


def sign_lost_at(difference):
    """Share refused, alike in two groups, from which on the sign of the difference of their rates is not known.

    With a share r refused in both, the difference among all applicants lies within (1 - r) d - r and (1 - r) d + r.

    Examples
    --------
    >>> round(sign_lost_at(0.25), 3)
    0.2
    """
    return abs(difference) / (1 + abs(difference))


@stamped("e2-outcome")
def _blocks(outcome, robust):
    blocks = outcome.table("blocks").set_index("block")
    points = estimates(robust.table("block_effects").set_index("block"), "points", 1)
    groups = outcome.table("groups").set_index("block")["share_added"]
    ways = outcome.table("assignments").pivot(index="assignment", columns="block", values="share_added")
    ways = ways.loc[outcome.table("assignments")["assignment"].unique(), _BLOCKS]
    return Blocks(
        ways=(100 * ways).rename_axis("groups").reset_index(),
        lost_without={name: share(lost, 0) for name, lost in {**groups, **blocks["share_added"]}.items()},
        points=points,
        explorer=of_moves(outcome.table("moves")),
    )


@stamped("e2-outcome")
def _ranks(outcome, selection):
    auc = outcome.table("auc").set_index("model")
    lead = outcome.table("auc_differences").set_index(["first", "second"])
    level = replication("e2-level")
    pairs = level.table("inside").set_index("model")

    def difference(first, second):
        return estimate(lead.loc[(first, second)], "difference", 3)

    return Ranks(
        mark=Value(MARK_AUC),
        drawn=reading.drawn_areas(auc, _MODELS),
        auc=estimate(auc.loc["ordered logit"], "auc", 3),
        sub_grade=estimate(auc.loc["sub-grade"], "auc", 3),
        both=estimate(auc.loc["ordered logit and sub-grade"], "auc", 3),
        over_sub_grade=difference("ordered logit", "sub-grade"),
        over_boosting=difference("ordered logit", "gradient boosting"),
        settings=count((selection.table("rivals")["step"] == "gradient boosting").sum()),
        sub_grade_adds=-difference("ordered logit", "ordered logit and sub-grade"),
        traits_add=-difference("sub-grade", "ordered logit and sub-grade"),
        inside_hindsight=estimate(pairs.loc["parallel lines"], "value", 3, "low", "high"),
        inside_day=_on_the_day(pairs.loc["on the day"]),
        inside_draws=count(level["resamples"]),
    )


@stamp(ON_THE_DAY)
def _on_the_day(row):
    return estimate(row, "value", 3, "low", "high")


@cache
def counts_model():
    """The model on the committed counts: the cell on the page shows the same fit.

    Returns
    -------
    OrderedResults
    """
    counts = load("lendingclub-2007-2011-counts").frame.query("n > 0").astype({"issue_year": str})
    formula = (
        "severity ~ C(term) + income_band + dti_band + employment_band + inquiries_band + utilisation_band"
        " + public_record + purpose_group + issue_year"
    )
    return OrderedLogit.from_formula(formula, counts, freq_weights="n").fit()


def counts_forest(result):
    """Odds ratios of the traits in the fit on counts; the years are left out.

    Parameters
    ----------
    result : OrderedResults
        As of :func:`counts_model`.

    Returns
    -------
    pandas.DataFrame
        ``label``, ``block``, ``odds_ratio``, ``low``, ``high``.
    """
    slopes = result.slopes[~result.slopes.index.str.startswith("issue_year")]
    ends = np.exp(result.conf_int().loc[slopes.index])
    return pd.DataFrame(
        {
            "label": [reading.plain_name(name, LABELS) for name in slopes.index],
            "block": [_block(name) for name in slopes.index],
            "odds_ratio": np.exp(slopes).to_numpy(),
            "low": ends["lower"].to_numpy(),
            "high": ends["upper"].to_numpy(),
        }
    )


def _block(name):
    if name.startswith("C(term)"):
        return "loan"
    return "ability" if name.startswith(("income", "dti", "employment")) else "willingness"


def _counts():
    result, counts = counts_model(), load("lendingclub-2007-2011-counts").frame
    late = counts.loc[counts["severity"] == "paid late", "n"].sum()
    return Counts(
        forest=counts_forest(result),
        loans=count(result.nobs),
        cells=count((counts["n"] > 0).sum()),
        paid_late=share(late / counts["n"].sum()),
    )
