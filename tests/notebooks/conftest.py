"""The kernels of the references are told what they run: what hangs on the day or the machine is then not shown."""

import os

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    """With its first cell a notebook's kernel is started, and takes over the environment."""
    os.environ["BOOKKIT_REFERENCE"] = "1"
    try:
        return (yield)
    finally:
        del os.environ["BOOKKIT_REFERENCE"]
