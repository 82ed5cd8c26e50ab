"""``python -m p2prisk`` is the command ``p2prisk``."""

import sys

from p2prisk.cli import main

sys.exit(main())
