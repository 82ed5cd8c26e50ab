"""How a result is tabulated: every table is Markdown, so that HTML, PDF and nbval see the same text."""

from p2prisk.tables.core import MarkdownTable, number, percent, show

__all__ = ["MarkdownTable", "number", "percent", "show"]
