"""What a study found, as its chapters and its workbook read it: tables and words, and no row of a tape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from p2prisk.errors import DataError

if TYPE_CHECKING:
    from p2prisk.kinds import PathLike

#: folder of a project that holds them
FOLDER = "computed"


class Shown:
    """A page element that is made already: HTML where there are scripts, Markdown elsewhere."""

    def __init__(self, html: str, markdown: str) -> None:
        self.html, self.markdown = html, markdown

    @classmethod
    def of(cls, element: Any) -> Shown:
        """What an element shows of itself."""
        return cls(element._repr_html_(), element._repr_markdown_())

    def _repr_mimebundle_(self, **_: Any) -> dict:
        return {"text/html": self.html, "text/markdown": self.markdown}


class Results:
    """Results of a study by name.

    Parameters
    ----------
    values : dict
        Name -> table, text, number, or :class:`Shown`.

    Examples
    --------
    >>> import tempfile
    >>> made = Results({"answer": "One in ten.", "table": pd.DataFrame({"a": [1]})})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made.write(folder)
    ...     again = Results.stored(folder)
    >>> again["answer"], int(again["table"]["a"].sum())
    ('One in ten.', 1)
    """

    def __init__(self, values: dict | None = None) -> None:
        self.values: dict[str, Any] = dict(values or {})

    def __getitem__(self, name: str) -> Any:
        if name not in self.values:
            raise DataError(f"the study holds no {name!r}; it holds {', '.join(sorted(self.values))}")
        return self.values[name]

    def __contains__(self, name: str) -> bool:
        return name in self.values

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name."""
        return {name: value for name, value in self.values.items() if isinstance(value, pd.DataFrame)}

    def write(self, project: PathLike) -> None:
        """Leave the results in a project: a Parquet file a table, and one of JSON with the rest."""
        folder = Path(project) / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        plain = {}
        for name, value in self.values.items():
            if isinstance(value, pd.DataFrame):
                table = value.copy()
                table.attrs = {}
                table.to_parquet(folder / f"{name}.parquet")
            elif isinstance(value, Shown):
                plain[name] = {"html": value.html, "markdown": value.markdown}
            else:
                plain[name] = value.item() if hasattr(value, "item") else value
        words = json.dumps(plain, ensure_ascii=False, indent=1, sort_keys=True)
        (folder / "words.json").write_text(words + "\n", encoding="utf-8")

    @classmethod
    def stored(cls, project: PathLike = ".") -> Results:
        """The results that :meth:`write` left; the chapters call it.

        Raises
        ------
        DataError
            If there are none.
        """
        from matplotlib import rcParams

        rcParams["text.parse_math"] = False  # a dollar in a level is a dollar
        folder = Path(project) / FOLDER
        if not (folder / "words.json").is_file():
            raise DataError(f"no study is stored in {folder.name}/; p2prisk report TAPE --editable leaves one")
        values = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        values = {name: Shown(**value) if isinstance(value, dict) else value for name, value in values.items()}
        values |= {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}
        return cls(values)
