"""``python -m p2prisk`` is the command ``p2prisk``."""

import os
import sys

# Python has put the working directory first, where a stranger's pandas.py may lie beside a tape: begin again without it
_ROOT = os.path.realpath(os.path.join(__file__, "..", ".."))
if not sys.flags.safe_path and _ROOT != os.path.realpath(os.getcwd()) and os.name == "posix":
    os.execv(sys.executable, [sys.executable, "-P", "-m", "p2prisk", *sys.argv[1:]])

from p2prisk.cli import main  # noqa: E402

sys.exit(main())
