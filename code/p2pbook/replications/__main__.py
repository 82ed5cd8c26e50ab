"""``python -m p2pbook.replications``: recompute the frozen results."""

import sys

from p2pbook.replications.run import main
from p2prisk.errors import P2PRiskError

if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except P2PRiskError as error:
        print(f"p2pbook.replications: {error}", file=sys.stderr)
        raise SystemExit(2) from None
