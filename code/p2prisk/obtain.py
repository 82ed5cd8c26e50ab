"""The micro files from where they are public: fetched at a pinned commit, verified, and made into the book's tables.

The rows of these files are not part of the project. :func:`obtain` fetches each public file by its address
(:mod:`pooch`; every SHA-256 is pinned), makes the table that :func:`p2prisk.load` reads and every frozen result was
computed from, and verifies the SHA-256 of the table. Files that were downloaded by other means into the folder that a
message names are taken as they are, so that the machine itself needs no network.
"""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from p2prisk.datasets import micro_entry, micro_file, shared_directory
from p2prisk.errors import DataError
from p2prisk.outputs import Output
from p2prisk.tape.read import file_sha256

if TYPE_CHECKING:
    from p2prisk.kinds import PathLike

#: Where the public repositories are read; a mirror of it has the same paths below.
PUBLIC = "https://raw.githubusercontent.com"
_TIMEOUT = 60


@dataclass(frozen=True)
class PublicFile:
    """A file of a public repository at one commit.

    Attributes
    ----------
    repository, commit, path : str
        ``owner/name``, forty hexadecimal digits, and the path in the repository.
    sha256 : str
    """

    repository: str
    commit: str
    path: str
    sha256: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.rpartition("/")[2]

    def address(self, base: str = PUBLIC) -> str:
        """Where the file is fetched."""
        return f"{base.rstrip('/')}/{self.repository}/{self.commit}/{self.path}"


@dataclass(frozen=True)
class Recipe:
    """How a micro file is made of public files.

    Attributes
    ----------
    name : str
        Of the data set, as :func:`p2prisk.load` knows it.
    files : tuple of PublicFile
    build : callable
        From the paths of the files, in their order, to the table.
    """

    name: str
    files: tuple[PublicFile, ...]
    build: Callable[[list[Path]], pd.DataFrame]


def obtain(name: str, folder: PathLike | None = None, base: str = PUBLIC, say: Callable[[str], None] = print) -> Path:
    """Fetch the public files of a data set, make its table, and say where it lies.

    Parameters
    ----------
    name : str
        One of :data:`RECIPES`.
    folder : path-like, optional
        Where the table goes; by default where :func:`p2prisk.load` looks for it. The public files are kept in
        ``public/`` below.
    base : str
        Address of the public repositories, or of a mirror.
    say : callable
        Is given one line for each step.

    Returns
    -------
    pathlib.Path
        The table, a compressed CSV. One that is there and is the right one is left as it is.

    Raises
    ------
    DataError
        Unknown name; another file in the place of the table; a file that cannot be fetched or is another one than
        expected, with the addresses, hashes and the folder for a download by other means; a table that comes out
        otherwise; a package that is missing.
    """
    if name not in RECIPES:
        raise DataError(f"no public files are known for {name!r}; known: {', '.join(RECIPES)}")
    recipe = RECIPES[name]
    entry = micro_entry(recipe.name)
    target = Path(folder) if folder is not None else shared_directory() / "data"
    table = target / entry["file"]
    if table.exists():
        micro_file(recipe.name, table)
        say(f"{recipe.name}: {table} is there and is the right one")
        return table
    paths = _fetch(recipe, target / "public", base, say)
    say(f"{recipe.name}: making {entry['file']} of {len(paths)} public files")
    text = recipe.build(paths).to_csv(index=False, lineterminator="\n").encode()
    digest = hashlib.sha256(text).hexdigest()
    if digest != entry["content"]:
        raise DataError(
            f"{recipe.name}: the table has SHA-256 {digest[:16]}..., expected {entry['content'][:16]}...; the files "
            "are the right ones, so that a newer version of pandas or rdata reads or writes them otherwise: install "
            "the versions of requirements.lock"
        )
    with Output(table, inputs=paths) as output, gzip.GzipFile("", "wb", 9, output.stream, mtime=0) as packed:
        packed.write(text)
    say(f"{recipe.name}: {table} is ready, SHA-256 of the table {digest}")
    return table


def _fetch(recipe, folder, base, say):
    """Paths of the recipe's files in the folder; what is not there yet is fetched."""
    try:
        import pooch
        import rdata  # noqa: F401  (said before the download, not after it)
    except ImportError as absent:
        raise DataError(
            f"{absent.name} is missing; install what this command needs: pip install 'p2prisk[obtain]'"
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(timeout=_TIMEOUT)
    try:
        for number, file in enumerate(recipe.files, 1):
            step = f"{recipe.name}: {number} of {len(recipe.files)}, {file.name}"
            if _is_there(file, folder):
                say(f"{step}, is there")
                continue
            say(f"{step} ...")
            pooch.retrieve(file.address(base), f"sha256:{file.sha256}", file.name, folder, downloader=downloader)
    except (OSError, ValueError) as error:  # requests' errors are OSErrors; another hash is a ValueError
        raise DataError(_by_other_means(recipe, folder, error)) from None
    return [folder / file.name for file in recipe.files]


def _is_there(file, folder):
    place = folder / file.name
    return place.is_file() and file_sha256(place) == file.sha256


def _by_other_means(recipe, folder, error):
    """What is missing and how it can be brought."""
    lacking = [file for file in recipe.files if not _is_there(file, folder)]
    reason = " ".join(str(error).split())
    if "Max retries exceeded" in reason or "timed out" in reason:
        reason = "no connection"
    return (
        f"{recipe.name}: a public file could not be fetched ({reason[:200]}). Download what is lacking by other means "
        f"into {folder}, under its own name, and run the command again:\n  "
        + "\n  ".join(f"{file.address()}\n    SHA-256 {file.sha256}" for file in lacking)
    )


def _lending_club(paths):
    """Lending Club's loans: R data frames, one a year, under each other.

    They are written as R writes a table, numbers with fifteen significant digits, and read again, so that the types of
    the columns follow from the text of all years. Left out are the loan's description in the borrower's own words and
    columns without an entry.
    """
    import rdata

    dates = {**rdata.conversion.DEFAULT_CLASS_MAP, "Date": lambda days, attributes: pd.to_datetime(days, unit="D")}
    years = []
    for path in paths:
        # the files do not say how their text is coded; it is UTF-8
        frame = rdata.read_rda(path, constructor_dict=dates, default_encoding="utf-8", force_default_encoding=True)[
            path.stem
        ]
        years.append(frame.drop(columns="desc"))
    text = pd.concat(years).to_csv(index=False, float_format="%.15g", date_format="%Y-%m-%d")
    frame = pd.read_csv(io.StringIO(text), low_memory=False).dropna(axis=1, how="all")
    frame.insert(0, "row_id", np.arange(1, len(frame) + 1))
    return frame


#: What the closed loans and the pasted extracts of the full file have in common: names here and there.
_PROSPER_KEYS = {
    "Term": "term",
    "BorrowerRate": "borrowrate",
    "ListingCategory (numeric)": "listingcategory",
    "IsBorrowerHomeowner": "isborrowerhomeowner",
    "IncomeVerifiable": "incomeverifiable",
    "Recommendations": "recommendation",
    "CreditScoreRangeLower": "CreditScoreRangeLower",
}


def _prosper(paths):
    """Prosper's closed loans, with rating and date of issue from two extracts of the full file.

    The extracts hold all loans in one order and are pasted side by side. The closed loans keep that order, so that
    each is found by matching in order; where the earliest and the latest way to match differ (17 of 25,996), rating
    and date stay blank and the row is -1.
    """
    closed, rated, priced = (pd.read_csv(path) for path in paths)
    full = pd.concat([rated, priced], axis=1)
    rows, within = (
        [tuple(row) for row in frame[list(names)].to_numpy(dtype=float).round(6)]
        for frame, names in ((closed, _PROSPER_KEYS), (full, _PROSPER_KEYS.values()))
    )
    first = np.array(_matched(rows, within))
    last = len(within) - 1 - np.array(_matched(rows[::-1], within[::-1]))[::-1]
    found = pd.Series(first).where(first == last)
    for name, source in (("ProsperRating_Alpha", "ProsperRating (Alpha)"), ("LoanOriginationDate",) * 2):
        closed[name] = found.map(full[source])
    return closed.assign(row_in_full_file=found.add(1).fillna(-1).astype(int))


def _matched(rows, within):
    """Positions of rows in a longer list that holds them in the same order, each the earliest possible.

    Examples
    --------
    >>> _matched("ace", "abcade")
    [0, 2, 5]
    """
    places, position = [], 0
    for row in rows:
        while position < len(within) and within[position] != row:
            position += 1
        if position == len(within):
            raise DataError(f"row {len(places) + 1} of the closed loans is not in the full file after the one before")
        places.append(position)
        position += 1
    return places


def _kuhn(year: int, sha256: str) -> PublicFile:
    commit = "b9203b82a0a12609f9a75ab2d625d2bcf76ecc69"
    return PublicFile("kuhnrl30/LendingClubData", commit, f"data/LendingClubData_{year}.rda", sha256)


#: name of the command -> recipe
RECIPES: dict[str, Any] = {
    "lendingclub-2007-2011": Recipe(
        "lendingclub-2007-2011",
        (
            _kuhn(2007, "42733a1c2c00b786b597451b4fbe4cd214bc9ffa4a352bc32be059ff796f3133"),
            _kuhn(2008, "8d05bf7d2b4c91c3b317e096fb82378e06336920bd7fd8f4996a73d4dd920fb3"),
            _kuhn(2009, "a9a33a2d317b4765b46dee1ef2fef0536fd14ccd05b4934276953e6dff219b8a"),
            _kuhn(2010, "b0aeed35f11fbd0e8193193a61b2908cd4d235b897566037541a26c435777d2c"),
            _kuhn(2011, "defaa6eab64069d1bd750b9bad1c2289887a31660fb5b9935ecd2e89c8e81464"),
        ),
        _lending_club,
    ),
    "prosper-closed": Recipe(
        "prosper",
        (
            PublicFile(
                "bluewales33/Project-3",
                "d1f50e5424a3f190eeea083cc7628ea7560cac80",
                "prosperLoanData_clean.csv",
                "3e3079ac58f4984662c164eb7dc6225382fc35399e4ffe90135cd0b08aad1d46",
            ),
            PublicFile(
                "elsacius/ProsperLoans-Visualization",
                "2adc61def4464f267a085454801d7d132a26f6a5",
                "prosperLoanData.csv",
                "9f6158a7fcf572b8140360d31973304431008d80f74547d661640e0d43e04f6a",
            ),
            PublicFile(
                "a-aqua/Exploration-and-Analysis-of-Prosper-Loans-Data",
                "97fe26a9ed45ec62be708fdc437be7b30fdfd785",
                "loans_clean.csv",
                "499444e0fb5707180bdb2709a13e66b3a8f3fcec8297242cb2412df070368f5a",
            ),
        ),
        _prosper,
    ),
}
