"""Every rule of the chapter linter: what it must find, with its line, and what it must leave alone."""

import textwrap

import pytest

from bookkit.chapters import parse_chapter
from bookkit.errors import BookError
from bookkit.linter import EXCEPTIONS_FILE, RULES, SETUP, lint

GOOD = f"""\
# Loans {{#sec-loans}}

```{{python}}
#| include: false
{SETUP}
```

```{{python}}
#| include: false
from p2pbook.chapters import loans as chapter
n = chapter.numbers()
```

```{{python}}
#| label: fig-loans-size
#| fig-cap: "**Most of the loans are small.** Size of the loans"
#| fig-alt: "Histogram of loan amounts from 1,000 to 40,000 dollars; most loans are small and the tail is long."
figures.size(loans)
```

```{{python}}
#| label: tbl-loans-grade
#| tbl-cap: "Loans by grade"
show(loans)
```

**The answer first.** There are `{{python}} n.loans` loans, shown in @fig-loans-size and @tbl-loans-grade since 2018. See @sec-loans.

A study of 5,000 loans found the same [@known2015].

## Below

$$ p = 0.5 $$ {{#eq-loans-p}}

- 36-month loans are common, as @known2015 says.
- An item without a number, on P2P lending and $x = 3$ in @eq-loans-p.
- Of grade B, `{{python}} n.by_year[2011]["B"].interval` (`{{python}} listed.value("IND093")`).

## Question and data {{#sec-loans-data}}

## Method

## Result: small ones

## Limits: of all

::: {{.callout-note title="Key takeaways"}}
- One.
- *For the risk manager:* ask.
:::
"""  # noqa: E501 - the second line of a paragraph would move every line that is asked for


def findings(text, rule):
    return list(RULES[rule](parse_chapter(text, "chapters/loans.qmd")))


@pytest.mark.parametrize("rule", RULES)
def test_a_good_chapter_passes(rule):
    assert findings(GOOD, rule) == []


# rule -> list of (replace this in GOOD, by that, line of the finding)
ALT = "Histogram of loan amounts from 1,000 to 40,000 dollars; most loans are small and the tail is long."
BAD = {
    "chapter-template": [
        ("**The answer first.** There", "There", 27),
        ("## Method\n", "", 1),
        ("## Limits: of all", "## What it lacks", 1),
        ("## Method\n\n## Result: small ones", "## Result: small ones\n\n## Method", 1),
        ("## Limits: of all", "## Limits: of all\n\n## Data: more", 1),
        ("- *For the risk manager:* ask.\n", "", 47),
        ("*For the risk manager:*", "*For all:*", 47),
    ],
    "one-notation": [
        ("loans, shown", "loans, 12% of them, shown", 27),
        ("loans, shown", "loans, 12 per cent of them, shown", 27),
        ("n.loans` loans", "n.loans` per cent", 27),
        ("loans, shown", "loans, -3 less, shown", 27),
        ("since 2018", "in 2007-2010", 27),
    ],
    "figure-without-alt": [(f'#| fig-alt: "{ALT}"\n', "", 14), (ALT, "Histogram of loans.", 14)],
    "finding-first": [
        ("**Most of the loans are small.** ", "", 14),
        ("**Most of the loans are small.** Size", "**Small loans.** Size", 14),
        ("small.** Size of the loans", "small.**", 14),
    ],
    "unlabelled-figure": [
        ("#| label: fig-loans-size\n", "", 14),
        ("show(loans)", "show(loans)\nloans.plot(kind='bar')", 21),
        ('#| label: tbl-loans-grade\n#| tbl-cap: "Loans by grade"', '#| fig-cap: "Loans by grade"', 21),
    ],
    "function-definition": [
        ("show(loans)", "x = 1\ndef area(r):\n    return r", 25),
        ("show(loans)", "class A: pass", 24),
        ("show(loans)", "show(", 24),
    ],
    "set-up-cell": [(SETUP, "import p2prisk", 3), ("#| include: false\n", "", 3)],
    "simulated-unlabelled": [("show(loans)", "show(simulate(3))", 21)],
    "heading-jump": [("## Below", "#### Below", 31), ("# Loans {#sec-loans}", "text", 31)],
    "banned-host": [("show(loans)", 'read("https://example.org/x.csv")', 24)],
    "todo": [("## Below", "TODO: more\n\n## Below", 31), ("## Below", "This part is to be written.", 31)],
    "uncited-number": [(" [@known2015]", "", 29), ("since 2018", "since 2018. \n\nOn 4 July it fell", 29)],
    "typed-result": [
        ("loans, shown", "loans (12.5 % of them), shown", 27),
        ("loans, shown", "of 42,535 loans, shown", 27),
        ("loans, shown", "loans (12 % of them), shown", 27),
        ("loans, shown", "loans, 12 per cent of them, shown", 27),
        ("`{python} n.loans` loans, shown", "12% of the loans, `{python} n.late` late, shown", 27),
    ],
    "crowded-sentence": [
        ("loans, shown", "loans, `{python} n.late` late and `{python} n.lost` lost, shown", 27),
        ("loans, shown", "loans\n(`{python} n.late`; `{python} n.lost`, `{python} n.lost.interval`), shown", 27),
    ],
    "hidden-code": [
        ("n = chapter.numbers()", "\n".join(f"{name} = chapter.numbers()" for name in "abcdef"), 8),
        ("n = chapter.numbers()", "a = 1; b = 2; c = 3; d = 4; e = 5; f = 6", 8),
        ('#| label: tbl-loans-grade\n#| tbl-cap: "Loans by grade"\n', "#| include: false\n", 21),
        ('#| tbl-cap: "Loans by grade"\n', '#| tbl-cap: "Loans by grade"\n#| echo: false\n', 21),
    ],
    "long-cell": [
        ("show(loans)", "show(\n" + "    loans,\n" * 7 + ")", 21),
        ("show(loans)", "; ".join(["show(loans)"] * 9), 21),
        ("show(loans)", f"show(loans)\nshow({'x' * 115})", 25),
        ("n = chapter.numbers()", f"n = chapter.numbers({'x' * 101})", 11),
    ],
    "long-inline": [("n.loans`", f"n.{'x' * 39}`", 27)],
    "inline-computes": [
        ("n.loans`", f"{expression}`", 27)
        for expression in (
            "n.late / n.loans",
            "-n.late",
            "n.late > 3",
            "number(n.loans)",
            'number("3")',
            "percent(n.late, 0)",
            "tables.percent(n.late)",
            "f'{n.late:.1%}'",
            '"{:.1f}".format(n.late)',
            "n.late.round",
            "round(n.late)",
            "str(n.late)",
            "len(loans)",
            "n.late.sum()",
            "n.late[0]",
            "n.late[-1]",
            "n.late[999]",
            "n.late[1:]",
            "n.late[name]",
            'n.table.iloc["B"]',
            'n.late["A", 0]',
            "n.late if n.loans else n.none",
            "[x for x in n.late]",
            "n.late(digits=1)",
            "n.late n.loans",
            "12",
        )
    ],
}


@pytest.mark.parametrize(
    ("rule", "old", "most", "least"),
    [("figure-without-alt", ALT, None, 12), ("finding-first", "Most of the loans are small", 25, 4)],
)
def test_words_up_to_the_limit_pass(rule, old, most, least):
    for number, passes in ((most, True), (least, True), (least - 1, False), (most and most + 1, False)):
        if number:
            found = findings(GOOD.replace(old, " ".join(["word"] * number), 1), rule)
            assert [line for line, _ in found] == ([] if passes else [14]), number


def test_lengths_up_to_the_limit_pass():
    text = GOOD.replace("n = chapter.numbers()", "\n\n".join(f"{name} = chapter.numbers()" for name in "abcde"))
    text = text.replace("show(loans)", "show(\n" + "    loans,\n" * 6 + ")")
    text = text.replace("n.loans`", f"n.{'x' * 38}`")
    for rule in ("hidden-code", "long-cell", "long-inline"):
        assert findings(text, rule) == []


@pytest.mark.parametrize(
    ("rule", "old", "new", "line"), [(rule, *case) for rule, cases in BAD.items() for case in cases]
)
def test_a_fault_is_found_with_its_line(rule, old, new, line):
    assert old in GOOD
    found = findings(GOOD.replace(old, new, 1), rule)
    assert found and found[0][0] == line, found


def test_a_cell_that_is_not_python_does_not_hide_the_next_one():
    second = "```{python}\ndef area(r):\n    return r\n```\n\n## Below"
    text = GOOD.replace("show(loans)", "show(", 1).replace("## Below", second, 1)
    assert [line for line, _ in findings(text, "function-definition")] == [24, 32]


def test_the_first_four_numbers_are_named():
    numbers = "1.5, 2.5, 3.5, 4.5 and 5.5 points"
    (message,) = (
        text for _, text in findings(GOOD.replace("See @sec-loans.", f"\n\nIt fell by {numbers}."), "uncited-number")
    )
    assert message.endswith(": 1.5, 2.5, 3.5, 4.5")
    (message,) = (
        text for _, text in findings(GOOD.replace("loans, shown", f"loans, {numbers}, shown"), "typed-result")
    )
    assert message.endswith(": 1.5, 2.5, 3.5, 4.5")


def test_a_year_of_four_digits_is_a_name():
    assert findings(GOOD.replace("by_year[2011]", "by_year[1000]"), "inline-computes") == []


def test_the_sections_that_were_found_are_named():
    for old, found in (("## Method\n", "question, data, result, limits"), ("## ", "none")):
        (message,) = (text for _, text in findings(GOOD.replace(old, ""), "chapter-template"))
        assert message.endswith(f": question, data, method, result, limits; found {found}")


def test_an_interval_and_the_next_sentence_do_not_crowd_a_sentence():
    words = "loans and `{python} n.late` late (`{python} n.late.interval`). Of them `{python} n.lost` lost, shown"
    assert findings(GOOD.replace("loans, shown", words), "crowded-sentence") == []


def test_every_rule_has_a_failing_example():
    assert set(BAD) == set(RULES)


def test_the_level_of_an_interval_is_no_result():
    for words in ("the 95 % interval", "a 90 per cent\ninterval"):
        assert findings(GOOD.replace("loans, shown", f"loans, with {words}, shown"), "typed-result") == []


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
    (tmp_path / "index.qmd").write_text("# Start {.unnumbered}\n\nText.\n\n::: {#refs}\n:::\n")
    (tmp_path / "chapters" / "loans.qmd").write_text(GOOD)
    (tmp_path / "references.bib").write_text("@article{known2015,\n title={A}\n}\n")
    return tmp_path


def start(book, text):
    (book / "index.qmd").write_text(f"# Start {{.unnumbered}}\n\n{text}\n\n::: {{#refs}}\n:::\n")


def test_a_whole_book(book):
    assert lint(book) == []
    start(book, "We studied 500 loans, as @sec-nowhere says.")
    assert [(finding.path, finding.line, finding.rule) for finding in lint(book)] == [
        ("index.qmd", 3, "dialect"),
        ("index.qmd", 3, "uncited-number"),
    ]
    start(book, "::: {.column-margin}\nA note. {{< video x >}}\n:::")
    assert [str(finding).split(":", 2)[:2] for finding in lint(book)] == [["index.qmd", "3"], ["index.qmd", "4"]]
    (book / "chapters/loans.qmd").write_text(GOOD + "\n```{python}\n")
    assert ("chapters/loans.qmd", "this code block is not closed") in [(f.path, f.message) for f in lint(book)]


def test_a_fault_without_a_place_is_shown_at_the_first_line_of_the_settings(book, monkeypatch):
    monkeypatch.setattr("bookkit.linter.check", lambda book, read: [BookError("no file is named")])
    assert [(finding.path, finding.line) for finding in lint(book)] == [("_quarto.yml", 1)]


def test_exceptions_need_a_reason_and_must_be_in_use(book):
    start(book, "The levels are 1 to 7.")
    exceptions = book / EXCEPTIONS_FILE
    exceptions.write_text("- {rule: uncited-number, text: 'levels are 1', reason: 'a definition'}\n")
    assert lint(book) == []
    start(book, "Text.")
    assert [(finding.rule, finding.line) for finding in lint(book)] == [("idle-exception", 1)]
    exceptions.write_text("- {rule: uncited-number, text: 'levels are 1'}\n")
    with pytest.raises(BookError, match="reason"):
        lint(book)
