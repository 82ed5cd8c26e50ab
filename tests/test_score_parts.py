"""Parts of a score, each against its definition written out once more."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from scipy.stats import norm

from made_tapes import ended, tape_of
from p2prisk.errors import DataError
from p2prisk.scorecard import card_of_tape, most_prudent
from p2prisk.scorecard.characteristics import Characteristic
from p2prisk.scorecard.classes import monotone_classes
from p2prisk.scorecard.scoring import LoanScorer
from p2prisk.standard import FitSettings, fit_standard


@pytest.fixture(scope="module")
def loans():
    """Ended loans, of which none lies near an end of its column by its place in the file."""
    return tape_of(ended(size=1500))


@pytest.fixture(scope="module")
def model(loans):
    return fit_standard(loans, "bad", ["dti", "income", "home"])


# -- intervals of a model without points


def test_the_interval_of_a_probit_is_the_delta_method_on_the_scale_of_log_odds(loans):
    fitted = fit_standard(loans, "bad", ["dti", "income"], FitSettings(link="probit"))
    frame = loans.frame.head(7)
    scored = LoanScorer(fitted).score(frame)
    design = fitted.design(fitted.prepared(frame))[0][fitted.results.exog_names].to_numpy(dtype=float)
    linear = design @ fitted.results.slopes.to_numpy() - float(fitted.results.thresholds.iloc[0])
    chance = norm.cdf(linear)
    along = np.column_stack([design, -np.ones(len(design))])
    spread = np.sqrt(np.einsum("ij,jk,ik->i", along, fitted.results.cov_params().to_numpy(), along))
    half = norm.ppf(0.975) * spread * norm.pdf(linear) / (chance * (1 - chance))
    np.testing.assert_allclose(scored["pd"], chance, rtol=1e-10)
    np.testing.assert_allclose(logit(scored["pd_low"]), logit(chance) - half, rtol=1e-8)
    np.testing.assert_allclose(logit(scored["pd_high"]), logit(chance) + half, rtol=1e-8)
    assert "points" not in scored and "reason_1" not in scored


# -- monotone classes


def by_the_book(values, bad, bins, smallest):
    """The same classes by lists of loans: pool neighbours out of order, then the least with its smaller neighbour."""
    values, bad = np.asarray(values, float), np.asarray(bad, bool)
    order = pd.Series(values).rank()
    rises = np.cov(order, bad)[0, 1] >= 0
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
    of = np.searchsorted(edges, values, side="left")
    groups = [np.flatnonzero(of == k) for k in sorted(set(of))]

    def join(i):
        groups[i : i + 2] = [np.concatenate(groups[i : i + 2])]

    def broken():
        rates = [bad[group].mean() * (1 if rises else -1) for group in groups]
        return next((i for i in range(len(rates) - 1) if rates[i + 1] <= rates[i]), None)

    while (place := broken()) is not None:
        join(place)
    while len(groups) > 1 and min(map(len, groups)) < smallest * len(values):
        i = int(np.argmin([len(group) for group in groups]))
        left = len(groups[i - 1]) if i else np.inf
        right = len(groups[i + 1]) if i + 1 < len(groups) else np.inf
        join(i if right < left else i - 1)
    return [[values[g].min(), values[g].max(), len(g), int(bad[g].sum())] for g in groups]


@pytest.mark.parametrize("seed", range(60))
def test_classes_are_those_of_the_rule_written_out(seed):
    rng = np.random.default_rng(seed)
    values = np.repeat(np.arange(12.0), rng.integers(1, 40, 12))
    bad = rng.random(len(values)) < 0.1 + 0.06 * (values if seed % 2 else 12 - values)
    bins, smallest = int(rng.choice([4, 7, 10, 61])), float(rng.choice([0.02, 0.08, 0.2, 0.45]))
    assert monotone_classes(values, bad, bins, smallest).to_numpy().tolist() == by_the_book(values, bad, bins, smallest)


# -- refusals, each alone


@pytest.mark.parametrize("events", [[-1, 3], [11, 3], [3, -1], [3, 21]])
def test_events_lie_between_none_and_all(events):
    assert len(most_prudent([10, 20], [10, 20])) == len(most_prudent([10, 20], [0, 0])) == 2
    with pytest.raises(DataError, match="between 0 and the number of loans"):
        most_prudent([10, 20], events)


def test_text_where_the_card_reads_a_number_is_refused_by_name(loans, model):
    (item,) = [item for item in card_of_tape(model, loans.frame).card.characteristics if item.name == "dti"]
    assert isinstance(item, Characteristic) and item.kind != "class"
    for column in (["a lot"], [object()], [{}]):
        with pytest.raises(DataError, match="dti must be a number; the frame holds object"):
            item.number(pd.DataFrame({"dti": pd.Series(column, dtype=object)}))


def test_the_event_of_a_card_is_the_event_of_its_model():
    frame = ended(size=1500)
    late = np.where((frame["status"] == "paid") & (frame["dti"] > 25), "late 31-120", frame["status"])
    tape = tape_of(frame.assign(status=late))
    fitted = fit_standard(tape, "severity", ["dti", "income"])
    first, last = fitted.results.categories[1], fitted.results.categories[-1]
    for event in (first, last):
        assert card_of_tape(replace(fitted, bad_from=event), tape.frame).card.default_from == event
