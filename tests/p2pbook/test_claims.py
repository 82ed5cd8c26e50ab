"""The register of claims: complete, in step with the pages, and honest about hindsight."""

import ast
import re
from operator import attrgetter
from pathlib import Path

import pytest

from bookkit.chapters import read_chapter
from p2pbook.chapters import brief, claims
from p2pbook.known import Known
from p2pbook.replications import replication
from p2pbook.replications.run import STUDIES
from p2pbook.values import Value
from p2prisk.datasets import table
from p2prisk.errors import DataError

ROOT = Path(__file__).resolve().parents[2]
REGISTER = claims.register()
#: pages whose numbers are those of the register, by name
WHOLE_BOOK = ("index", "abstract", "abstract-zh", "brief", "brief-zh", "conclusions")
#: chapters that state no result of their own
WITHOUT = (
    "abstract",
    "abstract-zh",
    "brief",
    "brief-zh",
    "conclusions",
    "claims",
    "estimates",
    "glossary",
    "commands",
    "references",
)
CHAPTERS = sorted({path.stem for path in (ROOT / "chapters").glob("*.qmd")} - set(WITHOUT))
_SHOWN = ("interval", "low", "high", "points", "whole", "days", "days_zh")


def page(name):
    return read_chapter(ROOT / ("index.qmd" if name == "index" else f"chapters/{name}.qmd"), ROOT)


def plain(source):
    """An expression without how it is shown (``.interval``), its sign and the style of its quotes."""
    tree = ast.parse(source.strip(), mode="eval").body
    while isinstance(tree, ast.UnaryOp) or (isinstance(tree, ast.Attribute) and tree.attr in _SHOWN):
        tree = tree.operand if isinstance(tree, ast.UnaryOp) else tree.value
    return ast.unparse(tree)


def answer(name):
    """Inline expressions of what a chapter says before its first section; of the model card, all."""
    chapter = page(name)
    text = (ROOT / chapter.path).read_text(encoding="utf-8")
    first = re.search(r"^## ", text, re.M)
    end = len(text.splitlines()) if name == "model-card" or not first else text[: first.start()].count("\n")
    said = {plain(inline.source) for inline in chapter.inlines if inline.line <= end}
    return {source for source in said if not source.startswith("book.")}  # numbers of the register itself


def sentences(text):
    return [part for part in re.split(r"(?<=[.:;?])\s+(?=[A-Z{])", " ".join(text.split())) if part]


def test_every_row_is_whole():
    for claim in REGISTER.values():
        cells = (claim.template, claim.estimand, claim.sample, claim.decided, claim.interval, claim.overturned_by)
        assert all(cells), f"{claim.id}: a cell is empty (say 'none' where there is none)"
        assert claim.id.isidentifier() and not hasattr(claims.Register, claim.id), claim.id
        assert set(claim.places) <= {*claims.PAGES, *CHAPTERS}, f"{claim.id}: {claim.places}"
        assert set(claim.results) <= {*STUDIES}, f"{claim.id}: {claim.results}"
        named = re.findall(r"{([^}]*)}", claim.template + claim.interval)
        named = {re.split(r"[.\[:]", name)[0] for name in named}
        assert named <= set(claim.sources), f"{claim.id}: {named - set(claim.sources)} has no source"


@pytest.mark.parametrize("name", list(REGISTER))
def test_every_number_is_computed_and_no_hindsight_passes_as_capability(name):
    claim = REGISTER[name]
    assert "{" not in claim.text
    for known in claims.known(claim):
        if not isinstance(known, Known):
            continue
        days = known.decision_date.split()
        described = known.hindsight and claim.status != "holds" and claim.decided.startswith("none")
        assert described or any(day in claim.decided for day in days), f"{name}: {claim.decided}; the number: {days}"
        assert not known.hindsight or claim.status != "holds", f"{name} holds, and uses outcomes of {known.known_until}"


@pytest.mark.parametrize("name", WHOLE_BOOK)
def test_pages_of_the_whole_book_print_numbers_of_the_register_only(name):
    chapter = page(name)
    hidden = "\n".join(cell.source for cell in chapter.cells if cell.options.get("include") is False)
    assert re.search(r"^n(, made)? = claims\.compute\(\)", hidden, re.M) and len(re.findall(r"^n\b", hidden, re.M)) == 1
    for inline in chapter.inlines:
        root, *path = plain(inline.source).split(".")
        assert root == "n" and len(path) == 2, f"{name}, line {inline.line}: {inline.source}"
        claim = REGISTER.get(path[0])
        if path[0] in ("count",):
            continue
        assert claim and path[1] in claim.sources, f"{name}, line {inline.line}: no row for {inline.source}"
        assert name in claim.places, f"{claim.id}: stated on {name}, and its places are {claim.places}"


def test_no_sentence_of_the_first_page_lacks_its_row():
    text = (ROOT / "index.qmd").read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```$|^:::.*?$|^- \[.*?$|^\*\*A manager.*?$", "", text, flags=re.S | re.M)
    text = text[text.index("**The answer first.**") + len("**The answer first.**") : text.index("- *To read*")]
    text = re.sub(r"^## .*$|^\d+\. ", "", text, flags=re.M)
    text = re.sub(r"`\{python\} n\.\w+\.([^`]*)`", r"{\1}", text)
    text = re.sub(r"\*\*|\s*\(@[\w-]+(, @[\w-]+)*\)", "", " ".join(text.split()))
    overturned = re.findall(r"\*Would be overturned by\* (.*?)\.(?= |$)", text)
    claims_here = [claim for claim in REGISTER.values() if "index" in claim.places]
    rows = [claim.overturned_by for claim in claims_here]
    assert len(overturned) >= 10 and set(overturned) <= set(rows), set(overturned) - set(rows)
    said = sentences(re.sub(r"\*Would be overturned by\* (.*?)\.(?= |$)", "", text))
    carried = {part for claim in claims_here for part in sentences(claim.first_page)}
    assert set(said) == carried, f"not of the register: {set(said) - carried}; not on the page: {carried - set(said)}"


def test_what_would_overturn_a_claim_says_how_much():
    """A number, or one such thing: "other data" overturns nothing."""
    amount = re.compile(r"\d|\b(one|half|zero)\b")
    said = {claim.id: claims.overturned(claim) for claim in REGISTER.values()}
    loose = [name for name, words in said.items() if not (words.startswith("none") or amount.search(words))]
    assert not loose, {name: said[name] for name in loose}
    seen = [claim.id for claim in REGISTER.values() if claim.overturned_by.startswith("see ")]
    assert all(REGISTER[name].overturned_by[4:] in REGISTER for name in seen)


def test_a_finding_of_the_first_page_has_two_numbers_at_most_and_stands_beside_what_would_overturn_it():
    text = (ROOT / "index.qmd").read_text(encoding="utf-8")
    findings = re.split(r"^\d+\. ", text[text.index("::: {.findings}") :].partition("\n:::")[0], flags=re.M)[1:]
    assert len(findings) >= 10
    for finding in findings:
        words, _, other = finding.partition("*Would be overturned by*")
        assert (
            len(re.findall(r"`\{python\} [\w.]+(?<!\.days)`", words)) <= 2
            and words.startswith("**")
            and len(other) > 20
        ), words


@pytest.mark.parametrize("name", ["abstract", "abstract-zh"])
def test_a_sentence_of_an_abstract_has_two_numbers_at_most_when_it_is_read_aloud(name):
    """Dates and both ends of an interval are read, too; the first edition's had up to six."""
    n, text = claims.compute(), page(name).prose_lines()
    said = re.sub(r"\[@[^\]]*\]|P2P", "", "\n".join(line for _, line in text))
    said = re.sub(r"`\{python\} n\.([\w.]+)`", lambda found: str(attrgetter(found[1])(n)), said)
    parts = re.split(r"(?<=[.?])\s|(?<=[。？])|\n", said)
    counts = {part: len(re.findall(r"\d[\d,]*(?:\.\d+)?(?:年\d+月)?", part)) for part in parts}
    assert len(counts) > 20 and sum(counts.values()) > 20
    assert not {part: many for part, many in counts.items() if many > 2}


def test_the_brief_is_the_same_in_both_languages_and_computes_its_numbers():
    english, chinese = ((ROOT / f"chapters/{name}.qmd").read_text(encoding="utf-8") for name in ("brief", "brief-zh"))
    numbers = [sorted(set(re.findall(r"`\{python\} ([^`]+?)(?:_zh)?`", text))) for text in (english, chinese)]
    assert numbers[0] == numbers[1] and len(numbers[0]) > 10
    assert english.count("\n## ") == chinese.count("\n## ") and english.count("\n- ") == chinese.count("\n- ")
    made, words = brief.compute(), table("brief_decisions")
    assert made.decisions.shape == made.decisions_zh.shape == (len(words), 4)
    for column in words:
        typed = [re.sub(r"\{[^}]*\}", "", cell) for cell in words[column]]
        found = re.findall(r"\d[\d.,]*", " ".join(typed))
        assert set(found) <= {"60", "36", "100", "2007", "2010", "2011"}, f"{column}: a number typed by hand: {found}"
    for en, zh in zip(words["limit"], words["limit_zh"], strict=True):
        claims_of = [{name.split(".")[0] for name in re.findall(r"\{([^}]*)\}", cell)} for cell in (en, zh)]
        assert claims_of[0] == claims_of[1]


def sourced(name, text):
    """Sentences of a page as the register writes them: no marks, references or citations, each number as its source."""

    def source(match):
        expression, shown = match[1].strip(), ""
        while (parts := expression.rpartition("."))[2] in _SHOWN:
            expression, shown = parts[0], f".{parts[2]}{shown}"
        root, *path = expression.split(".")
        if root == "book" or name in WHOLE_BOOK:
            return "{" + normal(REGISTER[path[0]].sources[path[1]]) + shown + "}"
        return "{" + normal(f"chapters.{name.replace('-', '_')}: {expression.removeprefix('n.')}") + shown + "}"

    text = re.sub(r"\s*\[-?@[^\]]*\]|\s*\(@[\w-]+(?:, @[\w-]+)*\)|\*", "", text)
    return sentences(re.sub(r"`\{python\} ([^`]*)`", source, text))


def normal(source):
    """A source with the quotes of its keys in one style."""
    where, _, path = source.partition(":")
    return f"{where}: {ast.unparse(ast.parse(path.strip(), mode='eval'))}" if where not in STUDIES else source


def carried(name):
    """Sentences of the rows that name a page, each number as its source."""
    found = set()
    for claim in REGISTER.values():
        if name in claim.places:
            swap = lambda match, claim=claim: "{" + normal(claim.sources[match[1]]) + match[2] + "}"  # noqa: E731
            text = re.sub(r"\{(\w+)((?:\.\w+)*)\}", swap, claim.template)
            found |= set(sentences(text.replace("*", "")))
    return found


@pytest.mark.parametrize("name", [*CHAPTERS, "abstract", "conclusions"])
def test_no_sentence_of_an_answer_lacks_its_row(name):
    text = (ROOT / f"chapters/{name}.qmd").read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)
    if name == "abstract":
        said = re.sub(r"^#.*|^\*\*Keywords.*", "", text, flags=re.M)
    else:
        assert "**The answer first.**" in text, f"{name} does not begin with its answer"
        said = re.split(r"\n## ", text.split("**The answer first.**")[1])[0].split("\n:::")[0]
    if name == "conclusions":
        advice = text[text.index("## What follows for management") : text.index("## What data would settle")]
        said += "\n" + re.sub(r"^## .*$|^\d+\. |^- ", "", advice, flags=re.M)
    lacking = [part for part in sourced(name, said) if part not in carried(name)]
    assert not lacking, f"sentences of {name} without a row in data/claims.csv:\n" + "\n".join(lacking)


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_answer_of_a_chapter_is_in_the_register(name):
    rows = [claim for claim in REGISTER.values() if name in claim.places]
    assert rows, f"no claim of chapters/{name}.qmd in data/claims.csv"
    module = f"chapters.{name.replace('-', '_')}"
    held = set()
    for claim in rows:
        for source in claim.sources.values():
            where, _, path = source.partition(":")
            if where.strip() == module:
                held.add(plain(f"n.{path.strip()}"))
    said = answer(name)
    assert said <= held, f"{name}: not in the register: {sorted(said - held)}"
    assert held <= said | elsewhere(name), f"{name}: in the register and not in the answer: {sorted(held - said)}"


def elsewhere(name):
    """Expressions of a chapter beyond its answer: the register may hold more of it."""
    return {plain(inline.source) for inline in page(name).inlines}


def test_failed_claims_stay():
    failed = [claim for claim in REGISTER.values() if claim.status == "fails"]
    assert len(failed) > 5 and all(claim.places == ["first edition"] for claim in failed)


def test_a_fault_of_the_table_is_named(monkeypatch):
    import pandas as pd

    good = dict.fromkeys(
        "id status claim places estimand sample decided results numbers interval overturned_by".split(), "x"
    )
    for change in ({"status": "true"}, {"numbers": "auc = nothing"}):
        monkeypatch.setattr(
            claims,
            "table",
            lambda name, change=change: (
                pd.DataFrame([good | {"status": "holds", "numbers": ""} | change]) if name == "claims" else table(name)
            ),
        )
        claims.register.cache_clear()
        with pytest.raises(DataError, match=r"data/claims\.csv, claim 'x'"):
            claims.register()
    monkeypatch.undo()
    claims.register.cache_clear()
    with pytest.raises(AttributeError, match="has no claim"):
        claims.compute().nonsense  # noqa: B018
    with pytest.raises(DataError, match="names nothing"):
        claims.computed("chapters.system: nonsense")
    assert isinstance(claims.computed("chapters.system: weeks"), Value)


def test_what_the_words_claim_is_so():
    # each sentence of the first page fails here when the numbers no longer carry it
    n = claims.compute()
    assert -0.03 < n.rank_real_time.difference.low <= 0 and n.rank_real_time.auc < n.rank_real_time.sub_grade
    assert n.boosting_real_time.lead.high > 0 and n.boosting_real_time.lead > 0
    level = n.level_real_time
    assert level.predicted > level.observed and level.worst > level.worst_observed
    rank = replication("e2-realtime").table("rank").query("model == 'readable' and window == 6 and group == 'all'")
    rank = rank[rank["date"] != "mean"].set_index("date")
    assert (rank["predicted"] - rank["observed"]).idxmax() == "2009-12-31"
    assert (rank["difference_low"] <= 0).all(), "the finding of the first picture"
    assert rank.index[0] == "2008-12-31" and rank.index[-1] == "2011-06-30"
    order = n.order
    assert order.searches > order.searches_within > order.searches_later
    assert order.term_later > order.limits_later > order.income_later > order.searches_later
    first, last = n.age.first, n.age.last
    assert first.high - first.low > 0.08 > 0.05 > last.high - last.low and n.age.losses_first < 100 < n.age.losses_last
    assert n.rank_hindsight.lead > 0.01 and n.inside.area.low > 0.5
    assert n.lines.lowest < n.grade.term < n.lines.highest and 0.9 < n.grade.income < 1
    assert n.management.exceptions > 2 * n.management.others and n.management.odds.low < 1 < n.management.odds.high
    assert n.cutoff.gain < n.cutoff.plain < 0 < n.cutoff.gain.high and n.cutoff.plain.high > 0
    assert n.year_2007.earned_2007 < 0 < n.year_2007.earned_2007.high and n.year_2007.outside > 0.5
    assert n.travel.carried.high < 0.6 and n.travel.own < 0.6 < n.travel.rating
    assert n.documents.diploma < 0.9 and n.documents.report > 1.1
    assert n.mark.day < n.mark.auc < n.mark.mark
    policy = n.advice_limits
    assert 0.4 < policy.searches_within / policy.searches < 0.6, "half of what searches told"
    assert n.first_lead.old.low > 0 > n.first_lead.new
    assert n.first_order.gap.high < 0
    level = n.first_level
    assert level.form.low > 0 > level.year.low and abs(level.form + level.year - level.miss) < 1e-3
    assert n.first_cutoff.gain < 0 and n.first_2007.all < 0


def test_the_card_of_the_book_shows_the_numbers_of_the_register():
    from PIL import Image

    from p2pbook import card

    with Image.open(ROOT / "code/p2pbook/assets/card.png") as picture:
        assert picture.size == (1200, 630)
        assert picture.info["Description"] == card.numbers(), "the numbers have moved: python -m p2pbook.card"


def test_answers_stand_in_the_order_of_the_book():
    """The second chapter stood after the fourth, the seventh after the appendices."""
    book = re.findall(r"- chapters/([\w-]+)\.qmd", (ROOT / "_quarto.yml").read_text(encoding="utf-8"))
    shown = [name.removeprefix("@sec-") for name in claims.Register().table(chapters=True)["claim"]]
    assert len(shown) > 15 and shown == sorted(shown, key=book.index)
