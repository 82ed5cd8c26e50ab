"""Appendix *What is claimed*: the register of claims, and the numbers of the pages that speak for the whole book.

``data/claims.csv`` has one row for each claim. Its column ``numbers`` names what stands in the claim and where it comes
from, a chapter's module or a frozen result (:func:`computed`), so that a page of the whole book, which may print
``n.ID.NAME`` only, prints nothing that the register does not hold. A test asks the same of the answer at the head of
every chapter.
"""

import ast
import importlib
import re
from dataclasses import dataclass, field
from functools import cache

import pandas as pd

from p2pbook.known import Descriptive, Known
from p2pbook.lendingclub import AFTER_ALL_ENDED
from p2pbook.replications import recomputed, replication, stamped
from p2pbook.replications.run import STUDIES
from p2pbook.values import Value, count
from p2pbook.words import by_count, joined
from p2prisk.datasets import table
from p2prisk.errors import DataError

#: What a claim can have come to.
STATUSES = ("holds", "holds with hindsight", "fails", "open")

#: Pages of the whole book, which print numbers of the register only, and what they are called in the table.
PAGES = {
    "index": "first page",
    "abstract": "abstract",
    "abstract-zh": "Chinese abstract",
    "brief": "brief for managers",
    "brief-zh": "Chinese brief",
    "conclusions": "conclusions",
    "first edition": "first edition",
}


#: what is known of a number that says how an interval was made
_OF_THE_METHOD = Descriptive("how often loans were drawn")


@dataclass(frozen=True)
class Claim:
    """One row of the register; the numbers of the claim are attributes.

    Attributes
    ----------
    id, status, template, first_page, estimand, sample, decided, interval, overturned_by : str
        ``template`` is the claim with the names of its numbers in braces, ``first_page`` what the first page says of
        it (``data/first_page.csv``); ``decided`` the day of the decision, "none" where the claim describes.
    places : list of str
        Pages and chapters that state it.
    results : list of str
        The frozen results it rests on.
    sources : dict of str to str
        Name of a number -> where it is computed.
    """

    id: str
    status: str
    template: str
    first_page: str
    places: list
    estimand: str
    sample: str
    decided: str
    results: list
    sources: dict = field(repr=False)
    interval: str
    overturned_by: str

    def __getattr__(self, name):
        if name.startswith("_") or name not in self.sources:
            raise AttributeError(
                f"claim {self.id!r} of data/claims.csv has no number {name!r}; it has {joined(self.sources)}"
            )
        return computed(self.sources[name])

    @property
    def text(self):
        """The claim with its numbers."""
        return self.filled(self.template)

    def filled(self, words):
        """Words of this row with its numbers: the claim itself, or how its interval was made."""
        try:
            return words.format_map({name: getattr(self, name) for name in self.sources})
        except (AttributeError, KeyError) as error:
            raise DataError(f"data/claims.csv, claim {self.id!r}: {error}") from None

    @property
    def recomputed(self):
        """The day since when all frozen results behind the claim have come out on this machine; "" if not all have."""
        days = [recomputed(name) for name in self.results]
        return max(days) if days and all(days) else ""


def computed(source):
    """The number that a source names.

    Parameters
    ----------
    source : str
        ``module: path`` for what a module of the book computes; ``result: table[column=value, ...].column | digits``
        for a frozen result, or ``result: fact | digits``. A number per hundred has ``%`` after its digits.

    Examples
    --------
    >>> computed("chapters.system: number_of_stations")
    Value(7.0: 7)
    >>> computed("e2-outcome: auc[model=sub-grade].auc | 3").interval
    '0.659 to 0.679'
    """
    where, _, path = source.partition(":")
    where, path = where.strip(), path.strip()
    try:
        if where in STUDIES:
            with stamped(where):
                return _frozen(replication(where), *(part.strip() for part in path.split("|")))
        made = importlib.import_module(f"p2pbook.{where}").compute()
        return _followed(made, ast.parse(path.strip(), mode="eval").body)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, SyntaxError) as error:
        raise DataError(f"data/claims.csv: {source} names nothing ({type(error).__name__}: {error})") from None


def _followed(made, path):
    """What a path of names and keys leads to; anything else in it is refused."""
    if isinstance(path, ast.Name):
        return getattr(made, path.id)
    if isinstance(path, ast.Attribute):
        return getattr(_followed(made, path.value), path.attr)
    if isinstance(path, ast.Subscript):
        return _followed(made, path.value)[ast.literal_eval(path.slice)]
    raise ValueError("a path has names and keys only")


def _frozen(stored, path, form):
    """A number of a frozen result, with the interval that stands beside it and what was known when."""
    digits, percent = int(form.rstrip("% ")), "%" in form
    found = re.fullmatch(r"(\w+)\[(.*)\]\.(\w+)", path)
    if not found:
        known = _OF_THE_METHOD if path in ("draws", "resamples", "resamples_trees") else stored.known
        return Value(stored[path], digits, percent, *_ends(stored.facts, path), known=known)
    name, keys, column = found.groups()
    rows = stored.table(name)
    for key, value in (entry.split("=") for entry in re.split(r",\s*(?=\w+=)", keys)):
        rows = rows[rows[key.strip()].astype(str) == value.strip()]
    if len(rows) != 1:
        raise ValueError(f"{len(rows)} rows")
    row, known = rows.iloc[0], stored.known
    if name == "hindsight":
        known = AFTER_ALL_ENDED
    elif re.fullmatch(r"\d{4}-\d\d-\d\d", str(row.get("decision_date", row.get("date")))):
        day = row.get("decision_date", row.get("date"))
        known = Known(day, row.get("known_until", day))
    elif row.get("date") == "mean":
        # a mean over dates knows what was known on those that have a model, and no others
        days = " ".join(day for day in stored.table(name)["date"].unique() if day != "mean")
        known = Known(days, days)
    return Value(row[column], digits, percent, *_ends(row, column), known=known)


def _ends(row, name):
    """Ends of the interval of a number, by the names that such columns have: None where there is none."""
    before = name.rpartition("_")[0]
    stems = (f"{name}_", f"{before}_", f"{before}_ci_", "", "ci_")
    return [next((row[f"{stem}{side}"] for stem in stems if f"{stem}{side}" in row), None) for side in ("low", "high")]


@cache
def register():
    """The claims by their id.

    Returns
    -------
    dict of str to Claim

    Raises
    ------
    DataError
        An id twice, a status that is none, an entry of ``numbers`` without its source.
    """
    claims, said = {}, dict(table("first_page").itertuples(index=False))
    for row in table("claims").to_dict("records"):
        numbers = [entry.partition("=") for entry in filter(None, re.split(r";\s*", row["numbers"]))]
        lacking = [name for name, _, source in numbers if ":" not in source]
        if row["id"] in claims or row["status"] not in STATUSES or lacking:
            raise DataError(
                f"data/claims.csv, claim {row['id']!r}: the id is new, the status one of {', '.join(STATUSES)}, and "
                f"each number has the form 'name = module: path'{': ' + joined(lacking) if lacking else ''}"
            )
        claims[row["id"]] = Claim(
            id=row["id"],
            status=row["status"],
            template=row["claim"],
            first_page=said.get(row["id"], row["claim"]),
            places=re.split(r";\s*", row["places"]),
            estimand=row["estimand"],
            sample=row["sample"],
            decided=row["decided"],
            results=list(filter(None, re.split(r";\s*", row["results"]))),
            sources={name.strip(): source.strip() for name, _, source in numbers},
            interval=row["interval"],
            overturned_by=row["overturned_by"],
        )
    return claims


def overturned(claim):
    """What would overturn a claim, in words; one that names another claim takes its words."""
    other = register().get(claim.overturned_by.removeprefix("see "))
    return other.overturned_by if other else claim.overturned_by


class Register:
    """The claims as attributes, and what the appendix and the conclusions show of them."""

    def __getattr__(self, name):
        if name not in register():
            raise AttributeError(f"data/claims.csv has no claim {name!r}")
        return register()[name]

    @property
    def claims(self):
        """How many claims there are."""
        return count(len(register()))

    @property
    def count(self):
        """How many have which status: each as a word or a number, with the verb."""
        statuses = [claim.status for claim in register().values()]
        verbs = {"holds": ("holds", "hold"), "holds with hindsight": ("describes", "describe")}
        verbs |= {"fails": ("fails", "fail"), "open": ("is open", "are open")}
        return {
            status.replace(" ", "_"): by_count(
                statuses.count(status), len(statuses), f"none {one}", f"one {one}", f"{{part}} {many}", f"all {many}"
            )
            for status, (one, many) in verbs.items()
        }

    def table(self, *places, chapters=False):
        """Claims of some pages as a table.

        Parameters
        ----------
        *places : str
            Pages or chapters; a claim of any of them is shown.
        chapters : bool
            Instead: the claims that stand on none of :data:`PAGES`.

        Returns
        -------
        pandas.DataFrame
            ``claim, status, what was measured, would be overturned by``. A chapter's claim is its answer, word by word,
            and is named by its reference.
        """
        chosen = [
            claim
            for claim in register().values()
            if (not set(PAGES) & set(claim.places) if chapters else set(places) & set(claim.places))
        ]
        return pd.DataFrame(
            [
                (
                    f"@sec-{claim.places[0]}" if chapters else claim.text,
                    claim.status,
                    measured(claim),
                    overturned(claim),
                )
                for claim in chosen
            ],
            columns=["claim", "status", "what was measured", "would be overturned by"],
        )

    def headlines(self, place):
        """First words of the claims of a page that have numbers, up to the first stop, with their status.

        Returns
        -------
        pandas.DataFrame
            ``finding, status``.
        """
        chosen = [claim for claim in register().values() if place in claim.places and claim.sources]
        heads = [re.split(r"[.:;](?= |$)", claim.template)[0] for claim in chosen]
        return pd.DataFrame({"finding": heads, "status": [claim.status for claim in chosen]})

    @property
    def ends(self):
        """By claim: standard error of an end of its interval from the number of draws, as a share of the half-width."""
        counts = {name: claim.draws for name, claim in register().items() if "draws" in claim.sources}
        errors = {name: (2 * (float(draws) - 1)) ** -0.5 for name, draws in counts.items()}
        return {name: Value(error, 0, percent=True, known=_OF_THE_METHOD) for name, error in errors.items()}

    @property
    def ranks(self):
        """Area under the curve of the readable model and of the sub-grade on each day of decision: the first picture.

        Returns
        -------
        pandas.DataFrame
            ``date, model, auc, low, high``, of the frozen result behind the claim ``rank_real_time``.
        """
        with stamped("e2-realtime"):
            rank = replication("e2-realtime").table("rank")
        rows = rank[(rank["group"] == "all") & (rank["window"] == 6) & (rank["model"] == "readable")]
        rows = rows[rows["date"] != "mean"]
        names = {"on the day": "auc", "sub-grade": "auc_against"}
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "date": pd.to_datetime(rows["date"]),
                        "model": name,
                        "auc": rows[stem],
                        "low": rows[f"{stem}_low"],
                        "high": rows[f"{stem}_high"],
                    }
                )
                for name, stem in names.items()
            ],
            ignore_index=True,
        )

    @property
    def frozen(self):
        """The frozen results: from which loans, what was known when, and since when they have come out here."""
        rows = []
        for name, (source, *_) in STUDIES.items():
            stored = replication(name)
            known = stored.known
            if isinstance(known, Known):
                days = known.decision_date.split()
                when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}, {len(days)} days"
                ends = known.known_until.split()
                until = ends[0] if len(ends) == 1 else "each day"
            else:
                when, until = "none: " + known.reason, ""
            rows.append((name, source, when, until, recomputed(name) or "not on this machine"))
        return pd.DataFrame(rows, columns=["result", "loans", "decided on", "known until", "came out again"])


def measured(claim):
    """Estimand, sample, day of the decision and interval of a claim, in one cell."""
    parts = [claim.estimand, claim.sample]
    if not claim.decided.startswith("none"):
        parts.append(f"decided on {claim.decided}")
    if not claim.interval.startswith("none"):
        parts.append(f"interval: {claim.filled(claim.interval)}")
    parts += [f"recomputed on this machine on {claim.recomputed}" if claim.recomputed else ""]
    return "; ".join(filter(None, parts))


@cache
def compute():
    """The register, whose numbers are computed when they are asked for.

    Returns
    -------
    Register
    """
    return Register()


def known(claim):
    """What was known when, of every number of a claim that says so.

    Returns
    -------
    list of Known or Descriptive
    """
    values = [getattr(claim, name) for name in claim.sources]
    return [value.known for value in values if isinstance(value, Value) and value.known is not None]
