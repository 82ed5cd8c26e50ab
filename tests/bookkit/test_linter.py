"""Every rule of the chapter linter: what it must find, with its line, and what it must leave alone."""

import textwrap

import pytest

from bookkit.chapters import parse_chapter
from bookkit.errors import BookError
from bookkit.linter import EXCEPTIONS_FILE, RULES, SETUP, BookSources, _labels, lint

GOOD = f"""\
# Loans {{#sec-loans}}

```{{python}}
#| include: false
{SETUP}
```

```{{python}}
#| label: fig-loans-size
#| fig-cap: "Size of the loans"
#| fig-alt: "Histogram of loan amounts from 1,000 to 40,000 dollars; most loans are small and the tail is long."
figures.size(loans)
```

```{{python}}
#| label: tbl-loans-grade
#| tbl-cap: "Loans by grade"
show(loans)
```

There are `{{python}} len(loans)` loans, shown in @fig-loans-size and @tbl-loans-grade since 2018. See @sec-loans.

A study of 5,000 loans found the same [@known2015].

## Below

$$ p = 0.5 $$ {{#eq-loans-p}}

- 36-month loans are common, as @known2015 says.
- An item without a number, on P2P lending and $x = 3$ in @eq-loans-p.
"""


def findings(text, rule, keys=("known2015",)):
    chapter = parse_chapter(text, "chapters/loans.qmd")
    book = BookSources([chapter], set(keys))
    for label, line in _labels(chapter):
        book.labels.setdefault(label, []).append(("chapters/loans.qmd", line))
    return list(RULES[rule](chapter, book))


@pytest.mark.parametrize("rule", RULES)
def test_a_good_chapter_passes(rule):
    assert findings(GOOD, rule) == []


# rule -> list of (replace this in GOOD, by that, line of the finding)
ALT = "Histogram of loan amounts from 1,000 to 40,000 dollars; most loans are small and the tail is long."
BAD = {
    "caption-without-alt": [
        (f'#| fig-alt: "{ALT}"\n', "", 8),
        (ALT, "Histogram of loans.", 8),
        ('#| fig-cap: "Size of the loans"\n', "", 8),
    ],
    "unlabelled-figure": [("#| label: fig-loans-size\n", "", 8)],
    "table-without-caption": [('#| tbl-cap: "Loans by grade"\n', "", 15), ("#| label: tbl-loans-grade\n", "", 15)],
    "function-definition": [
        ("show(loans)", "x = 1\ndef area(r):\n    return r", 19),
        ("show(loans)", "class A: pass", 18),
        ("show(loans)", "show(", 18),
    ],
    "set-up-cell": [(SETUP, "import p2prisk", 3), ("#| include: false\n", "", 3)],
    "size-in-options": [('#| fig-cap: "Size', '#| fig-width: 5\n#| fig-cap: "Size', 10)],
    "simulated-unlabelled": [("show(loans)", "show(simulate(3))", 15)],
    "unresolved-reference": [
        ("See @sec-loans.", "See @sec-nowhere.", 21),
        ("See @sec-loans.", "See [-@fig-nowhere].", 21),
    ],
    "unknown-citation": [("the same [@known2015]", "the same [@unknown2015]", 23)],
    "duplicate-label": [("# Below", "# Below {#sec-loans}", 25)],
    "heading-jump": [("## Below", "#### Below", 25), ("## Below", "# Below", 25), ("# Loans {#sec-loans}", "text", 25)],
    "banned-host": [
        ("show(loans)", 'read("https://example.org/x.csv")', 18),
        ("## Below", "![x](https://example.org/x.png)\n\n## Below", 25),
    ],
    "todo": [("## Below", "TODO: more\n\n## Below", 25), ("## Below", "This part is to be written.", 25)],
    "uncited-number": [(" [@known2015]", "", 23), ("since 2018", "since 2018. \n\nOn 4 July it fell", 23)],
    "typed-result": [
        ("loans, shown", "loans (12.5 % of them), shown", 21),
        ("loans, shown", "of 42,535 loans, shown", 21),
    ],
}


@pytest.mark.parametrize(
    ("rule", "old", "new", "line"), [(rule, *case) for rule, cases in BAD.items() for case in cases]
)
def test_a_fault_is_found_with_its_line(rule, old, new, line):
    assert old in GOOD
    found = findings(GOOD.replace(old, new, 1), rule)
    assert found and found[0][0] == line, found


def test_every_rule_has_a_failing_example():
    assert set(BAD) == set(RULES)


def test_a_typed_number_with_its_own_citation_is_no_result():
    text = GOOD.replace("See @sec-loans.", "Others found 12.5 % [@known2015].")
    assert findings(text, "typed-result") == []


@pytest.fixture
def book(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "_quarto.yml").write_text(
        textwrap.dedent("""\
        project:
          type: book
        book:
          title: Loans
          chapters: [index.qmd, chapters/loans.qmd]
        bibliography: references.bib
        """)
    )
    (tmp_path / "index.qmd").write_text("# Start\n\nText.\n")
    (tmp_path / "chapters" / "loans.qmd").write_text(GOOD)
    (tmp_path / "references.bib").write_text("@article{known2015,\n title={A}\n}\n")
    return tmp_path


def test_a_whole_book(book):
    assert lint(book) == []
    (book / "index.qmd").write_text("# Start\n\nWe studied 500 loans, as @sec-nowhere says.\n")
    assert [str(finding).split(": ")[0] + ": " + finding.rule for finding in lint(book)] == [
        "index.qmd:3: uncited-number",
        "index.qmd:3: unresolved-reference",
    ]


def test_exceptions_need_a_reason_and_must_be_in_use(book):
    (book / "index.qmd").write_text("# Start\n\nThe levels are 1 to 7.\n")
    exceptions = book / EXCEPTIONS_FILE
    exceptions.write_text("- {rule: uncited-number, text: 'levels are 1', reason: 'a definition'}\n")
    assert lint(book) == []
    (book / "index.qmd").write_text("# Start\n\nText.\n")
    assert [finding.rule for finding in lint(book)] == ["idle-exception"]
    exceptions.write_text("- {rule: uncited-number, text: 'levels are 1'}\n")
    with pytest.raises(BookError, match="reason"):
        lint(book)
