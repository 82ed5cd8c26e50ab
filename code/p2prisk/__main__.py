"""``python -m p2prisk`` is the command ``p2prisk``."""

import os
import sys

# Python has put the working directory first, where a stranger's pandas.py may lie beside a tape
_HERE = os.path.realpath(os.getcwd())
if sys.path and os.path.realpath(sys.path[0]) == _HERE != os.path.realpath(os.path.join(__file__, "..", "..")):
    del sys.path[0]

from p2prisk.cli import main  # noqa: E402

sys.exit(main())
