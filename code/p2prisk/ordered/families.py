"""The families of ordinal models, and what the engine asks of one.

Every family is written in the latent bounds ``z_j = theta_j - x'beta_j - offset`` of the J - 1 thresholds, so
that in all of them a positive slope moves a loan towards the higher (worse) category. The engine (start, Newton,
covariance, separation, files, cluster, results) sees a :class:`Family` only: the log-likelihood of a row with its
derivatives in the latent bounds, the direction in which each bound of a row moves outwards, the starting
thresholds, and the class and cumulative probabilities with their derivatives.
"""

from typing import NamedTuple

import numpy as np

from p2prisk.errors import ModelError
from p2prisk.ordered.likelihood import evaluate_rows, parallel_logit
from p2prisk.ordered.links import Logit, get_link


class LatentTerms(NamedTuple):
    """Log-probability of each row's category and its derivatives in the latent bounds.

    Attributes
    ----------
    log_probability : ndarray, shape (n,)
    score : ndarray, shape (n, J - 1)
        First derivatives; zero at the bounds that a row does not touch.
    curvature : ndarray, shape (n, J - 1)
        Second derivatives in each bound.
    coupling : ndarray, shape (n, J - 2), or None
        Mixed second derivatives in neighbouring bounds; ``None`` when all are zero. No family couples
        thresholds further apart.
    """

    log_probability: np.ndarray
    score: np.ndarray
    curvature: np.ndarray
    coupling: np.ndarray | None = None


class Family:
    """What the engine asks of a family; subclasses give the formulas.

    Parameters
    ----------
    link : str or Link

    Attributes
    ----------
    name : str
        As in :func:`get_family` and in the JSON of a scoring model.
    title, equation : str
        For the summary; ``{y}`` stands for the response.
    stages : bool
        Whether the thresholds are successive stages. Every class then has a positive probability whatever the
        slopes, and the binary models at the thresholds are independent of each other; otherwise they overlap,
        and the latent bounds must increase.
    """

    name = title = equation = ""
    stages = False

    def __init__(self, link="logit"):
        self.link = get_link(link)

    def __repr__(self):
        return f"<family {self.name}, link {self.link.name}>"

    def __eq__(self, other):
        return isinstance(other, Family) and (self.name, self.link.name) == (other.name, other.link.name)

    def __hash__(self):
        return hash((self.name, self.link.name))

    def terms(self, latent, codes):
        """:class:`LatentTerms` of rows with latent bounds ``latent``, shape (n, J - 1), in categories ``codes``."""
        raise NotImplementedError

    def outward(self, codes, n_thresholds):
        """Sign, shape (n, J - 1), of the movement of each bound that raises the row's likelihood; 0: untouched."""
        raise NotImplementedError

    def reached(self, codes, threshold):
        """Mask of the categories ``codes`` that the binary model of ``Y > threshold`` looks at."""
        raise NotImplementedError

    def starting_thresholds(self, counts):
        """Thresholds of the model without predictors: exact maximum likelihood when there is no offset."""
        raise NotImplementedError

    def cumulative(self, latent):
        """P(Y <= j), shape (n, J - 1)."""
        raise NotImplementedError

    def cumulative_jacobian(self, latent, inner):
        """Derivative of P(Y <= j) in the parameters, shape (n, J - 1, k).

        Parameters
        ----------
        latent : ndarray, shape (n, J - 1)
        inner : ndarray, shape (n, J - 1, k)
            Derivative of the latent bounds in the parameters.
        """
        slopes, jacobian = self.cumulative_slopes(latent)[1], np.zeros(inner.shape)
        for pair, (which, bound) in enumerate(zip(*self.pairs(latent.shape[1]), strict=True)):
            jacobian[:, which] += slopes[:, pair, None] * inner[:, bound]
        return jacobian

    def pairs(self, n_thresholds):
        """Which bounds move which P(Y <= j): arrays of j and of the bound's threshold, one entry a pair."""
        raise NotImplementedError

    def cumulative_slopes(self, latent):
        """P(Y <= j), shape (n, J - 1), and its derivative in the bound of each of the :meth:`pairs`."""
        raise NotImplementedError

    def cumulative_bends(self, latent, left, right):
        """Second derivatives of P(Y <= j) in the bounds of two pairs of the same j, one column for each two."""
        raise NotImplementedError

    def probabilities(self, latent):
        """P(Y = j), shape (n, J)."""
        raise NotImplementedError

    def evaluate(self, layout, params, exog, codes, weights=None, offset=None, order=2):
        """Sums over one block of rows."""
        if not layout.free and isinstance(self.link, Logit):
            return parallel_logit(layout, self, params, exog, codes, weights, offset, order)
        return evaluate_rows(layout, self, params, exog, codes, weights, offset, order)


class Cumulative(Family):
    """P(Y <= j) = F(z_j): the cumulative link (proportional odds) model."""

    name = "cumulative"
    equation = "P({y} <= j) = F(threshold_j - x'coef)"

    @property
    def title(self):
        return f"Ordered {self.link.name.title()}"

    def bounds(self, latent, codes):
        """Upper and lower bound of each row's own category on the latent scale."""
        edge, rows, place = np.full((len(latent), 1), np.inf), np.arange(len(latent)), np.asarray(codes, np.intp)
        edges = np.hstack([-edge, latent, edge])
        return edges[rows, place + 1], edges[rows, place]

    def terms(self, latent, codes):
        n, m = latent.shape
        rows, place = np.arange(n), np.asarray(codes, dtype=np.intp)
        row = self.link.terms(*self.bounds(latent, place))
        score, curvature, coupling = np.zeros((n, m + 2)), np.zeros((n, m + 2)), np.zeros((n, m + 1))
        score[rows, place], score[rows, place + 1] = row.d_b, row.d_a
        curvature[rows, place], curvature[rows, place + 1] = row.d_bb, row.d_aa
        coupling[rows, place] = row.d_ab
        return LatentTerms(row.log_probability, score[:, 1:-1], curvature[:, 1:-1], coupling[:, 1:-1])

    def outward(self, codes, n_thresholds):
        threshold, code = np.arange(n_thresholds), np.asarray(codes)[:, None]
        return (threshold == code).astype(np.int8) - (threshold == code - 1)

    def reached(self, codes, threshold):
        return np.ones(np.shape(codes), bool)

    def starting_thresholds(self, counts):
        return np.asarray(self.link.ppf(np.cumsum(counts)[:-1] / np.sum(counts)), float)

    def cumulative(self, latent):
        return self.link.cdf(latent)

    def pairs(self, n_thresholds):
        return np.arange(n_thresholds), np.arange(n_thresholds)

    def cumulative_slopes(self, latent):
        value = self.link.cdf(latent)
        return value, value * (1 - value) if self.link.name == "logit" else self.link.pdf(latent)

    def cumulative_bends(self, latent, left, right):
        return self.link.d_pdf(latent)

    def probabilities(self, latent):
        n = len(latent)
        padded = np.hstack([np.full((n, 1), -np.inf), latent, np.full((n, 1), np.inf)])
        return np.exp(self.link.log_difference(*np.clip([padded[:, 1:], padded[:, :-1]], -700, 700)))


class Sequential(Family):
    """F(z_j) is a probability given that stage j is reached.

    ``direction="forward"``: ``P(Y = j | Y >= j) = F(z_j)``, a loan passes the stages from the lowest category up
    and stops in one. ``"backward"``: ``P(Y <= j | Y <= j + 1) = F(z_j)``, from the highest category down.
    """

    stages = True

    def __init__(self, link="logit", direction="forward"):
        super().__init__(link)
        if direction not in ("forward", "backward"):
            raise ModelError(f"direction={direction!r}; choose 'forward' or 'backward'")
        self.direction = self.name = direction
        self.forward = direction == "forward"

    @property
    def title(self):
        return f"Sequential {self.link.name.title()} ({self.direction})"

    @property
    def equation(self):
        given = "P({y} = j | {y} >= j)" if self.forward else "P({y} <= j | {y} <= j + 1)"
        return f"{given} = F(threshold_j - x'coef)"

    def terms(self, latent, codes):
        sign = self.outward(codes, latent.shape[1])
        parts = self.link.binary_terms(latent, sign > 0)
        log_probability, score, curvature = (np.where(sign == 0, 0.0, part) for part in parts)
        return LatentTerms(log_probability.sum(axis=1), score, curvature)

    def outward(self, codes, n_thresholds):
        threshold, code = np.arange(n_thresholds), np.asarray(codes)[:, None]
        if self.forward:
            return (threshold == code).astype(np.int8) - (threshold < code)
        return (threshold >= code).astype(np.int8) - (threshold == code - 1)

    def reached(self, codes, threshold):
        return np.asarray(codes) >= threshold if self.forward else np.asarray(codes) <= threshold + 1

    def starting_thresholds(self, counts):
        counts = np.asarray(counts, float)
        if self.forward:
            share = counts[:-1] / np.cumsum(counts[::-1])[::-1][:-1]
        else:
            below = np.cumsum(counts)
            share = below[:-1] / below[1:]
        return np.asarray(self.link.ppf(share), float)

    def _passed(self, latent):
        """log P(Y > j) (forward) or log P(Y <= j) (backward), and both derivatives of each stage's own part."""
        own, slope, bend = self.link.binary_terms(latent, np.full(latent.shape, not self.forward))
        return np.cumsum(own, axis=1) if self.forward else np.cumsum(own[:, ::-1], axis=1)[:, ::-1], slope, bend

    def cumulative(self, latent):
        passed = self._passed(latent)[0]
        return -np.expm1(passed) if self.forward else np.exp(passed)

    def pairs(self, n_thresholds):
        every = np.arange(n_thresholds)
        return np.nonzero(every <= every[:, None] if self.forward else every >= every[:, None])

    def cumulative_slopes(self, latent):
        passed, slope, _ = self._passed(latent)
        passed, (which, bound) = np.exp(passed), self.pairs(latent.shape[1])
        if self.forward:
            return 1 - passed, -passed[:, which] * slope[:, bound]
        return passed, passed[:, which] * slope[:, bound]

    def cumulative_bends(self, latent, left, right):
        passed, slope, bend = self._passed(latent)
        which, bound = self.pairs(latent.shape[1])
        inner = slope[:, bound[left]] * slope[:, bound[right]]
        inner[:, left == right] += bend[:, bound[left[left == right]]]
        return np.exp(passed)[:, which[left]] * (-inner if self.forward else inner)

    def probabilities(self, latent):
        passed = self._passed(latent)[0]
        stopped = self.link.binary_terms(latent, np.full(latent.shape, self.forward))[0]
        edge = np.zeros((len(latent), 1))
        if self.forward:
            return np.exp(np.hstack([edge, passed]) + np.hstack([stopped, edge]))
        return np.exp(np.hstack([passed, edge]) + np.hstack([edge, stopped]))


FAMILIES = ("cumulative", "forward", "backward")


def get_family(name, link="logit"):
    """The family of this name: ``"cumulative"``, or ``"forward"`` or ``"backward"`` (sequential).

    >>> get_family("forward").starting_thresholds([50, 25, 25]).tolist()
    [0.0, 0.0]
    """
    if name not in FAMILIES:
        raise ModelError(f"family {name!r} is not known; choose one of {', '.join(FAMILIES)}")
    return Cumulative(link) if name == "cumulative" else Sequential(link, name)
