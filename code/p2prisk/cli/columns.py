"""``p2prisk columns``: the canonical columns, as text or as JSON."""

import json
import sys

from p2prisk.errors import DataError
from p2prisk.tape.columns import BLOCKS, COLUMNS, KNOWN, column_table


def add(command):
    """Add the command to a parser."""
    sub = command("columns", run, "List the canonical columns with their units, and when each is known.", tape=False)
    sub.add_argument("names", nargs="*", metavar="NAME", help="columns to list; default: all")
    sub.add_argument("--known", choices=KNOWN, help="only those known then: 'issue' are the admissible predictors")
    sub.add_argument("--block", choices=BLOCKS, help="only those that say something of this")
    sub.add_argument("--json", action="store_true", help="as JSON")


def run(arguments):
    """Print the table."""
    strange = [name for name in arguments.names if name not in COLUMNS]
    if strange:
        raise DataError(f"no canonical column: {', '.join(strange)}; 'p2prisk columns' lists them all")
    table = column_table(arguments.names or None)
    for key in ("known", "block"):
        if getattr(arguments, key):
            table = table[table[key] == getattr(arguments, key)]
    if arguments.json:
        plain = table.astype(object).where(table.notna(), None).to_dict("records")
        json.dump(plain, sys.stdout, ensure_ascii=False, indent=1)
        print()
        return
    print(f"{'column':<26}{'kind':<10}{'unit':<16}{'range':<20}{'known':<10}{'block':<13}meaning")
    for row in table.itertuples():
        low, high = (f"{bound:g}" if bound == bound else "" for bound in (row.minimum, row.maximum))
        span = f"{low} to {high}" if low or high else ""
        levels = f" [{row.levels}]" if row.levels else ""
        print(
            f"{row.name:<26}{row.kind:<10}{row.unit:<16}{span:<20}{row.known:<10}{row.block:<13}{row.meaning}{levels}"
        )
