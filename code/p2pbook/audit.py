"""The sentences of a chapter that state facts, each with an id that changes when the sentence does.

The audit of the facts is kept in ``data/audit_case.csv`` (sentence id, fact ids, verdict, note). A test asks for a row
for every sentence of the audited chapters; an edited sentence has a new id and needs a new row. ``python -m
p2pbook.audit`` prints the sentences that have none, as the reader sees them, with the facts whose sources they cite.
"""

import csv
import hashlib
import importlib
import re
import sys

from p2pbook.facts import facts
from p2prisk.datasets import data_directory, table

#: Chapters whose sentences are audited, and what a verdict may be.
CHAPTERS = ("industry", "ncf")
VERDICTS = ("supported", "corrected", "removed", "not checkable here")

_CITATION = re.compile(r"-?@[A-Za-z][\w:.-]*\w")
_INLINE = re.compile(r"`\{python\} ([^`]*)`")
_DATE = re.compile(
    r"\b(?:19|20)\d\d\b|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
)


def organisations():
    """Names of organisations that the tables of the case and the industry use, English and Chinese.

    Returns
    -------
    set of str
    """
    lines, structure = table("ncf_business_lines"), table("ncf_structure")
    names = {*lines["company"], *lines["chinese"], *structure["from"], *structure["to"]}
    names |= {*table("case_peers")["company"].str.split(r"[ ,(]", regex=True).str[0]}
    names |= {*table("rival_series")["tracker"].str.split(" ").str[0]}
    names |= {"SEC", "Nasdaq", "Hunter", "Caixin", "WDZJ", "LendingClub", "Prosper", "Zopa", "Funding Circle", "Ezubao"}
    return {name for name in names if name not in {"Founder", "regulator", "blue", "expert"}}


def sentences(chapter):
    """The factual sentences of a chapter: those with a citation, a number, a date, or a name of an organisation.

    Captions of figures and tables count as text; headings, code and alternative texts do not.

    Parameters
    ----------
    chapter : str
        Name of the chapter's file without its suffix.

    Returns
    -------
    dict of str to str
        Id (ten hexadecimal digits) -> sentence as it stands in the source, white space folded.

    Examples
    --------
    >>> found = sentences("ncf")
    >>> all(len(key) == 10 for key in found) and any("reserve money" in text for text in found.values())
    True
    """
    text = (data_directory().parent / "chapters" / f"{chapter}.qmd").read_text(encoding="utf-8")
    captions = re.findall(r'^#\| (?:fig|tbl)-cap: "(.*)"$', text, re.M)
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)
    blocks = [
        re.sub(r"^\s*(?:[-*]|\d+\.)\s+", "", block)
        for block in re.split(r"\n\s*\n|\n(?=[-*] )", prose)
        if block.strip() and not re.match(r"\s*(?:#|:::)", block)
    ]
    inside = [part for block in re.findall(r"^:::.*?^:::$", prose, re.S | re.M) for part in block.split("\n")[1:-1]]
    blocks += [part.removeprefix("- ") for part in inside if not part.startswith("#")]
    names = re.compile("|".join(sorted(map(re.escape, organisations()), key=len, reverse=True)))
    found = {}
    for block in dict.fromkeys([*blocks, *captions]):
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z`*\"“])", " ".join(block.split())):
            bare = _CITATION.sub("", sentence)
            if _CITATION.search(sentence) or _INLINE.search(sentence) or _DATE.search(bare) or names.search(bare):
                found[hashlib.sha256(sentence.encode()).hexdigest()[:10]] = sentence
            elif re.search(r"(?<![\w-])\d", bare):
                found[hashlib.sha256(sentence.encode()).hexdigest()[:10]] = sentence
    return found


def facts_of(sentence):
    """Ids of the facts whose source a sentence cites, or that it quotes by their id.

    Returns
    -------
    list of str
    """
    listed = table("facts_case")
    cited = {key.lstrip("-@") for key in _CITATION.findall(sentence)}
    quoted = set(re.findall(r"\b(?:NCG|NCF|IND|CAS)\d{3}\b", sentence))
    return listed.loc[listed["key"].isin(cited) | listed["id"].isin(quoted), "id"].tolist()


def missing(rows, chapters=CHAPTERS):
    """Sentences of the chapters without a row in the audit.

    Parameters
    ----------
    rows : collection of str
        Sentence ids of the audit.

    Returns
    -------
    dict of str to str
        Id -> chapter and sentence.
    """
    return {
        key: f"{chapter}: {text}" for chapter in chapters for key, text in sentences(chapter).items() if key not in rows
    }


def shown(chapter, sentence):
    """A sentence with the values of its inline expressions, as the page shows it."""
    names = {"n": importlib.import_module(f"p2pbook.chapters.{chapter}").compute(), "listed": facts()}
    return _INLINE.sub(lambda match: str(eval(match[1], names)), sentence)


def main():
    """Print the sentences without a row in the audit as CSV."""
    path = data_directory() / "audit_case.csv"
    with path.open(encoding="utf-8", newline="") as file:
        audited = {row["sentence"] for row in csv.DictReader(file)}
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["sentence", "facts", "verdict", "note", "chapter", "text"])
    for chapter in CHAPTERS:
        for key, sentence in sentences(chapter).items():
            if key not in audited:
                writer.writerow([key, " ".join(facts_of(sentence)), "", "", chapter, shown(chapter, sentence)])


if __name__ == "__main__":
    main()
