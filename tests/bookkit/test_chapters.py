"""Reading chapters: parts, lines, options, and what is only shown."""

import re
from pathlib import Path

import pytest
import yaml

from bookkit import asset
from bookkit.chapters import Cell, Prose, parse_chapter, read_chapter
from bookkit.dialect import BLOCKS
from bookkit.errors import BookError

TEXT = '''---
description: "A chapter"
---

# Title {#sec-title}

Text with `{python} 1 + 1` and ``{python} shown`` and `plain`.

```{python}
#| label: fig-a
#| fig-cap: >
#|   Two lines
#|   of caption
#| echo: false

x = """
```"""
plot(x)
````

```python
not_run("`{python} hidden`")
```

Last `{python} x`.
'''.replace("```{python}\n#| label", "````{python}\n#| label")


def test_blocks_lines_and_options():
    chapter = parse_chapter(TEXT, "chapters/a.qmd")
    assert chapter.header == {"description": "A chapter"}
    assert [type(block) for block in chapter.blocks] == [Prose, Cell, Prose]
    cell = chapter.cells[0]
    assert (cell.line, cell.source_line, cell.label) == (9, 16, "fig-a")
    assert cell.options["fig-cap"] == "Two lines of caption\n"
    assert cell.option_lines == {"label": 10, "fig-cap": 11, "echo": 14}
    assert cell.source == 'x = """\n```"""\nplot(x)'
    assert TEXT.split("\n")[cell.source_line - 1] == cell.source.split("\n")[0]


def test_inline_expressions_only_where_they_run():
    chapter = parse_chapter(TEXT, "a.qmd")
    assert [(inline.source, inline.line) for inline in chapter.inlines] == [("1 + 1", 7), ("x", 25)]
    assert "with 2 and ``{python} shown``" in chapter.blocks[0].replace_inlines(["2"])
    last = chapter.blocks[2].replace_inlines(["7"])
    assert "`{python} hidden`" in last and "Last 7." in last


def test_prose_is_read_on_after_a_second_displayed_block():
    """Cut from the front, the first block moved the second, and the linter lost the words after it."""
    shown = "```\nshown 1\nshown 2\n```\n\n"
    lines = dict(parse_chapter(f"# A\n\n{shown}Words 3.\n\n{shown}Words 4.\n", "a.qmd").prose_lines())
    assert {line: text for line, text in lines.items() if text} == {1: "# A", 8: "Words 3.", 15: "Words 4."}


def test_indented_block_is_no_cell():
    chapter = parse_chapter("- item\n\n    ```{python}\n    1\n    ```\n", "a.qmd")
    assert chapter.cells == ()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("# A\n\n```{python}\n1\n", 3, "not closed"),
        ("# A\n\n```{python}\n#| label: a\n#| fig-cap: a: b\n1\n```\n", 5, "YAML"),
        ("# A\n\n```{python fig-a, echo=FALSE}\n1\n```\n", 3, "braces"),
        ("---\ntitle: x\n", 1, "header is not closed"),
        ("---\ntitle: a\nkey: b: c\n---\n", 3, "YAML"),
    ],
)
def test_faults_name_file_and_line(text, line, words):
    with pytest.raises(BookError, match=words) as caught:
        parse_chapter(text, "chapters/a.qmd")
    assert (str(caught.value.path), caught.value.line) == ("chapters/a.qmd", line)


def test_missing_chapter(tmp_path):
    with pytest.raises(BookError, match="nowhere.qmd: no such chapter"):
        read_chapter("nowhere.qmd", tmp_path)


def test_the_page_of_the_dialect_names_every_option_of_cells_and_every_kind_of_block():
    words = (Path(__file__).parents[2] / "docs/dialect.md").read_text(encoding="utf-8")
    schema = yaml.safe_load(asset("cell.schema.yml"))
    options = schema["propertyNames"]["enum"]
    assert (
        set(options)
        == set(schema["properties"])
        == set(re.findall(r"`([\w-]+)`", words.split("options out of")[1].split(".")[0]))
    )
    for name, attributes in BLOCKS.items():
        kind = name.removeprefix("callout-")
        assert re.search(rf"`{kind}`|\{{\.{name}\}}", words) and all(
            f"`{attribute}`" in words for attribute in attributes
        )
