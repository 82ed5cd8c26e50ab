"""Work on all cores gives what work on one does, in the same order, errors included."""

import threading
import time

import pandas as pd
import pytest

from p2prisk.cli.csv_text import csv_bytes
from p2prisk.tape import abreast, plain_lines, read_tape
from p2prisk.tape.abreast import in_order, over_columns
from test_plain_lines import tape_of


@pytest.fixture(params=[1, 3])
def cores(request, monkeypatch):
    monkeypatch.setattr(abreast, "_cores", lambda: request.param)
    return request.param


def test_results_come_in_the_order_of_the_items(cores):
    def late(item):
        time.sleep(0.02 * (item == 0))
        return item

    assert list(in_order(late, range(20))) == list(range(20))
    assert list(over_columns(late, range(5), 100_000)) == list(over_columns(late, range(5), 10)) == list(range(5))


def test_what_is_raised_is_raised_where_its_turn_is(cores):
    def items():
        yield from range(3)
        raise LookupError("the items")

    took, seen = in_order(abs, items()), []
    with pytest.raises(LookupError, match="the items"):
        while True:
            seen.append(next(took))
    assert seen == [0, 1, 2]
    took = in_order(lambda item: 1 // (2 - item), items())
    seen = [next(took), next(took)]
    with pytest.raises(ZeroDivisionError):
        next(took)
    assert seen == [0, 1]


def test_no_more_is_held_than_was_said(cores):
    taken = []
    results = in_order(abs, (taken.append(item) or item for item in range(50)), ahead=2)
    assert next(results) == 0 and len(taken) <= 2
    results.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("p2prisk-tape")]


def test_a_tape_is_the_same_on_one_core_and_on_several(tmp_path, monkeypatch):
    path, found = tape_of(tmp_path / "tape.csv"), []
    monkeypatch.setattr(plain_lines, "_BLOCK", 20_000)
    monkeypatch.setattr(abreast, "_ROWS", (10, 10**9))
    for several in (1, 3):
        monkeypatch.setattr(abreast, "_cores", lambda several=several: several)
        tape = read_tape(path)
        found.append((tape.frame, tape.quality().summary(), csv_bytes(tape.frame, True)))
    pd.testing.assert_frame_equal(found[0][0], found[1][0], check_exact=True)
    assert found[0][1:] == found[1][1:]
