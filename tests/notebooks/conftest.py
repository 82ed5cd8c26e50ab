"""The references run one after the other in one kernel, which is emptied between them; it knows what it runs.

Each chapter in a kernel of its own would start 31 of them, each with the same imports and fits; the renderer does so.
What hangs on the day or the machine is not shown where ``BOOKKIT_REFERENCE`` is set, with which the kernel starts.
"""

import os

import pytest
from nbval import plugin

#: leaves nothing of the notebook before but the modules it loaded
EMPTY = """
import sys
if "matplotlib.pyplot" in sys.modules:
    sys.modules["matplotlib.pyplot"].close("all")
get_ipython().run_line_magic("reset", "-f")
"""
_kernels = []


def emptied(*given, _start=plugin.RunningKernel, **options):
    """The kernel of this process without names or figures, or a new one where there is none (any more)."""
    if not _kernels or not _kernels[-1].is_alive():
        _kernels.append(_start(*given, **options))
    asked = _kernels[-1].execute_cell_input(EMPTY, allow_stdin=False)
    _kernels[-1].await_reply(asked, timeout=60)
    _kernels[-1].await_idle(asked, timeout=60)
    return _kernels[-1]


plugin.RunningKernel = emptied
plugin.IPyNbFile.teardown = lambda notebook: None  # the next one goes on in its kernel


def pytest_sessionfinish():
    for kernel in _kernels:
        if kernel.is_alive():
            kernel.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    """With its first cell a notebook's kernel is started, and takes over the environment."""
    os.environ["BOOKKIT_REFERENCE"] = "1"
    try:
        return (yield)
    finally:
        del os.environ["BOOKKIT_REFERENCE"]
