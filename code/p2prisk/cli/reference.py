"""The reference of the commands, made from the code that runs them: nothing here is written twice."""

from __future__ import annotations

import argparse
import re
from importlib import resources

import pandas as pd

from p2prisk.cli.examples import EXAMPLES

#: files that commands read or write, by name or kind
FILES = {
    "tape": "CSV (also .gz, .zip and others), Excel, Parquet (or a folder of it), SQLite or a database; never changed",
    "scenarios.yml": "scenarios of `stress`, each with its story; held to a schema, example below",
    "mapping.yml": "how a lender's file becomes canonical columns; drafted by `map`, keys below",
    "model.json": "a fitted model with all that scoring needs; data, nothing in it is run  (docs/model_files.md)",
    "scores.csv (or csv.gz, parquet)": "what `score` writes, one row a loan: `row` of the file, `loan_id`, `points`, "
    "`grade`, `pd` with its 95 % interval, `p_CLASS`, `log_odds` (the linear predictor), `reason_1` to `reason_4` with "
    "the points `lost` against the best, and the flags `missing`, `new_level`, `out_of_range` (held at the end of the "
    "range) and `refer` (no points: a person decides)",
    "key file": "a secret that turns personal keys into codes; made by `score --key`, read by `keys`",
    "decisions.yml": "what only you can decide for `report`, each with its reason; keys below",
    "limits.yml": "limits of the validation checklist of `report`, each with its reason; those of the package below",
    "pages of `--html`": "of `check`, `monitor`, `challenge` and `stress`: without scripts, they load nothing",
    "_book-tape/": "the study that `report` renders: pages, PDF, Word and tables.xlsx as asked for, with model.json",
    "lineage.json": "hashes, versions, decisions and inferences of a report, no row of the tape; `rerun` reads it, "
    "with the copies of mapping, decisions and limits in the same folder",
}

_SCENARIOS = (
    "`odds` and `odds_by` are factors on the odds of the model's event, `traits` change numbers that the model reads "
    "(`times`, then `plus`), `recovery` says what comes back of what is owed at default. Nothing in the file is run. "
    "The package brings this one:"
)


_DECISIONS = (
    "What only the lender can decide is given to `report --decisions`. A decision without a reason is refused; with "
    "such a file the run stops where one is open, and suggests a value. The report prints each with its reason."
)

_LIMITS = (
    "`report --limits` takes a file with the limits that differ from these, which the package brings: `least`, `most` "
    "or both, and `why`."
)


def _choices(parser):
    return next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction)).choices


def _options(sub):
    for action in sub._actions:
        if isinstance(action, argparse._HelpAction) or action.help == argparse.SUPPRESS:
            continue
        name = ", ".join(action.option_strings) or (action.metavar or action.dest).upper()
        if action.option_strings and action.nargs != 0:
            name += " " + (action.metavar or "|".join(map(str, action.choices or ())) or action.dest.upper())
        yield name, action


def commands() -> pd.DataFrame:
    """The commands: ``command, what``."""
    from p2prisk.cli import _parser

    return pd.DataFrame(
        [(name, sub.description) for name, sub in _choices(_parser()).items()], columns=["command", "what"]
    )


def options() -> pd.DataFrame:
    """Options of each command but those of every tape: ``command, option, what``."""
    shared = {option for option in shared_options()["option"]}
    from p2prisk.cli import _parser

    rows = [
        (name, option, ("needed; " if action.required and action.option_strings else "") + (action.help or ""))
        for name, sub in _choices(_parser()).items()
        for option, action in _options(sub)
        if option not in shared
    ]
    return pd.DataFrame(rows, columns=["command", "option", "what"])


def shared_options() -> pd.DataFrame:
    """Options of every command that reads a tape: ``option, what``."""
    from p2prisk.cli import _parser

    rows = [(option, action.help or "") for option, action in _options(_choices(_parser())["check"])]
    return pd.DataFrame(rows, columns=["option", "what"])[lambda t: ~t["option"].str.contains("--html|--strict")]


def exit_codes() -> pd.DataFrame:
    """Exit codes: ``code, what``."""
    from p2prisk.cli.exits import MEANING

    return pd.DataFrame(list(MEANING.items()), columns=["code", "what"])


def mapping_keys() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keys of a mapping file and of a rule in it: ``key, what``, as the module that reads them says."""
    from p2prisk.tape import mapping

    first, second = mapping.__doc__.split("and a rule's keys:")
    return _described(first, r"^    (\w+):\s+(.*)$", 8), _described(second, r"^``(\w+)``\s+(.*)$", 20)


def _described(text, pattern, indent):
    rows: list[list[str]] = []
    for line in text.splitlines():
        found = re.match(pattern, line)
        if found:
            rows.append([found[1], found[2].strip()])
        elif rows and line.startswith(" " * indent):
            rows[-1][1] += " " + line.strip()
    return pd.DataFrame([(key, what.replace("``", "`")) for key, what in rows], columns=["key", "what"])


def scenarios() -> str:
    """The file of scenarios that the package brings."""
    return (resources.files("p2prisk") / "assets" / "scenarios.yml").read_text(encoding="utf-8")


def decisions() -> tuple[pd.DataFrame, str]:
    """Keys of a file of decisions (``key, what``), as its schema says, and the example of the module that reads it."""
    import textwrap

    from p2prisk.report import decisions as module

    found = module._schema()["properties"]
    rows = []
    for name, own in found.items():
        items = own.get("items", own)
        either = [option["required"][0] for option in items.get("oneOf", ())]
        keys = [f"`{key}`" for key in items["properties"] if key not in ("reason", *either)]
        keys += [" or ".join(f"`{key}`" for key in either)] * bool(either)
        form = "a list, each with" if "items" in own else "with"
        rows.append((name, f"{own['description']} Give it {form} {', '.join(keys)} and `reason`."))
    example = module.__doc__.split("::\n\n", 1)[1].split("\n\n")[0]
    return pd.DataFrame(rows, columns=["key", "what"]), textwrap.dedent(example)


def limits() -> str:
    """The limits of the checklist that the package brings."""
    return (resources.files("p2prisk") / "assets" / "limits.yml").read_text(encoding="utf-8")


def files() -> pd.DataFrame:
    """Files: ``file, what``."""
    return pd.DataFrame(list(FILES.items()), columns=["file", "what"])


def page() -> str:
    """The reference as a chapter of a book: ``python -m p2prisk.cli.reference > chapters/commands.qmd``."""
    keys, rule_keys = mapping_keys()
    parts = [
        "# Commands {#sec-commands}",
        "What the commands of `p2prisk` do, what they read and write, and how they end. This page is made from the "
        "code. "
        "Messages go to the standard error, results to the standard output; nothing but the named file or folder is "
        "written, whole or not at all. `p2prisk columns` lists the canonical columns with their units.",
        _table(commands(), code="command"),
        "## Files {#sec-commands-files}",
        _table(files()),
        "## Options of every command that reads a tape {#sec-commands-tape}",
        _table(shared_options(), code="option"),
        "## Options by command {#sec-commands-options}",
    ]
    for name, own in options().groupby("command", sort=False):
        parts += [f"**{name}**, such as `{EXAMPLES[name]}`", _table(own[["option", "what"]], code="option")]
    parts += ["## Exit codes {#sec-commands-exit}", _table(exit_codes())]
    parts += ["## Keys of a mapping file {#sec-commands-mapping}", _table(keys, code="key")]
    parts += ["**Keys of the rule of a column**", _table(rule_keys, code="key")]
    parts += ["## A file of scenarios {#sec-commands-scenarios}", _SCENARIOS, f"```yaml\n{scenarios()}```"]
    keys, example = decisions()
    parts += ["## A file of decisions {#sec-commands-decisions}", _DECISIONS, _table(keys, code="key")]
    parts += [f"```yaml\n{example}\n```"]
    parts += ["## A file of limits {#sec-commands-limits}", _LIMITS, f"```yaml\n{limits()}```"]
    return "\n\n".join(parts) + "\n"


_ESCAPED = {"<": r"\<", "--": r"\-\-"}


def _table(frame, code=None):
    from p2prisk.tables import show

    def text(cell):
        """Two dashes before a word are an option, and no long dash; code is left as it is."""
        if isinstance(cell, int):
            return cell
        return re.sub(r"`[^`]*`|<|--(?=\w)", lambda found: _ESCAPED.get(found[0], found[0]), str(cell))

    cells = frame.map(text)
    if code:
        cells[code] = "`" + frame[code].astype(str) + "`"
    # a bar in code is no end of a cell, and there a backslash would show
    return re.sub(r"`[^`]*`", lambda code: code[0].replace("\\|", "|"), str(show(cells)))


if __name__ == "__main__":
    print(page(), end="")
