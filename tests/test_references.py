"""The bibliography: it parses, it is complete, and nothing unverified is cited.

``python tests/test_references.py`` lists the entries that no chapter cites.
"""

import csv
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
BIBLIOGRAPHY = ROOT / "references.bib"
USABLE = {"record", "secondary"}
LEAST_CITED = 50
HAN = re.compile(r"[\u4e00-\u9fff]")
CROSS_REFERENCE = re.compile(r"^(fig|tbl|sec|eq|lst|nte|tip|wrn|imp|cau)-")
KEY = re.compile(r"(?<![\w@.])-?@\{?([A-Za-z][\w:.#$%&+?<>~/-]*\w)")


def chapters():
    return sorted([*ROOT.glob("*.qmd"), *ROOT.glob("chapters/*.qmd")])


def citations(text):
    """Citation keys of a Quarto chapter: outside code, outside cross-references."""
    text = re.sub(r"^(`{3,}|~{3,}).*?^\1\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"`[^`\n]*`", "", text)
    return [key for key in KEY.findall(text) if not CROSS_REFERENCE.match(key)]


def problems(keys, bibliography, status):
    """What is wrong with the cited `keys`: ``{key: reason}``."""
    found = {}
    for key in keys:
        if key in status and status[key] not in USABLE:
            found[key] = f"its status is {status[key]!r}"
        elif key not in bibliography:
            found[key] = "it is not in references.bib"
        elif key not in status:
            found[key] = "it does not say how it was checked (field checked = {record})"
    return found


def read_status():
    """``{key: status}``: field `checked` of the entry; a source of the fact list was read."""
    with (ROOT / "data" / "sources_case.csv").open(encoding="utf-8", newline="") as file:
        found = {row["key"]: "record" for row in csv.DictReader(file)}
    for key, entry in re.findall(r"^@\w+\{([^,\s]+),(.*?)^\}", BIBLIOGRAPHY.read_text(encoding="utf-8"), re.M | re.S):
        checked = re.search(r"^\s*checked\s*=\s*\{(\w+)", entry, re.M)
        if checked:
            found[key] = checked[1]
    return found


def read_bibliography():
    """Entries as pandoc's citation processor reads them: ``{key: CSL item}``."""
    pypandoc = pytest.importorskip("pypandoc", reason="pandoc (pypandoc_binary) is not installed")
    import json

    items = json.loads(pypandoc.convert_file(str(BIBLIOGRAPHY), "csljson", format="biblatex"))
    return {item["id"]: item for item in items}


@pytest.fixture(scope="module")
def bibliography():
    return read_bibliography()


@pytest.fixture(scope="module")
def status():
    return read_status()


@pytest.fixture(scope="module")
def cited():
    found = {}
    for chapter in chapters():
        for key in citations(chapter.read_text(encoding="utf-8")):
            found.setdefault(key, set()).add(chapter.name)
    return found


def test_pandoc_reads_every_entry(bibliography):
    written = re.findall(r"^@\w+\{([^,]+),", BIBLIOGRAPHY.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(written) == len(set(written)), "a key stands twice in references.bib"
    assert sorted(written) == sorted(bibliography)


def test_every_entry_has_author_title_and_year(bibliography):
    bare = {
        key: missing
        for key, item in bibliography.items()
        if (missing := [field for field in ("author", "title", "issued") if not item.get(field)])
    }
    assert not bare


def test_dois_are_bare_identifiers(bibliography):
    wrong = {
        key: item["DOI"]
        for key, item in bibliography.items()
        if "DOI" in item and not re.fullmatch(r"10\.\d{4,9}/\S+", item["DOI"])
    }
    assert not wrong


def test_chinese_titles_carry_a_translation(bibliography):
    titles = {key: re.sub(r"<[^>]+>", "", item["title"]) for key, item in bibliography.items()}
    untranslated = [
        key for key, title in titles.items() if HAN.search(title) and not re.search(r"\[[A-Za-z][^\]]{5,}\]", title)
    ]
    assert not untranslated


def test_chinese_names_are_not_inverted(bibliography):
    inverted = [
        key
        for key, item in bibliography.items()
        for name in item["author"]
        if HAN.search(str(name)) and "literal" not in name and "given" in name
    ]
    assert not inverted


def test_every_entry_was_checked(bibliography, status):
    assert not problems(bibliography, bibliography, status)


def test_every_citation_is_known_and_verified(cited, bibliography, status):
    wrong = problems(cited, bibliography, status)
    assert not wrong, "\n".join(f"{sorted(cited[key])}: @{key}: {reason}" for key, reason in wrong.items())


def test_the_book_cites_enough_works(cited, bibliography):
    assert len(set(cited) & set(bibliography)) >= LEAST_CITED


def test_citations_are_told_from_other_at_signs():
    text = """As @smith2020one and [-@jones2021; see @li2014miaoshuxing, p. 3] show in @fig-x, write to me@host.org.

```{python}
a = b @ c  # @decorator
```
Not `@code` either. @{brown2019}
"""
    assert citations(text) == ["smith2020one", "jones2021", "li2014miaoshuxing", "brown2019"]


def test_missing_and_unverified_keys_are_found():
    found = problems(
        ["good", "nobody", "rumour", "unchecked"],
        {"good": 1, "rumour": 1, "unchecked": 1},
        {"good": "record", "rumour": "unverified"},
    )
    assert set(found) == {"nobody", "rumour", "unchecked"}
    assert "unverified" in found["rumour"]


def test_the_page_cites_the_book_as_its_citation_file_does():
    stated = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    entry = dict(
        re.findall(r"^  (\w+) = \{+(.*?)\}+,$", (ROOT / "index.qmd").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert (entry["title"], entry["version"]) == (stated["title"], stated["version"])
    assert entry["author"] == stated["authors"][0]["name"] and entry["year"] == str(stated["date-released"].year)


if __name__ == "__main__":
    used = {key for chapter in chapters() for key in citations(chapter.read_text(encoding="utf-8"))}
    entries = read_bibliography()
    print(f"{len(used & set(entries))} of {len(entries)} entries are cited; not cited:")
    print("\n".join(sorted(set(entries) - used)))
