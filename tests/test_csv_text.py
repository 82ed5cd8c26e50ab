"""The scores written as text at once are, byte for byte, what pandas writes."""

import io
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2prisk.cli import csv_text
from p2prisk.cli.behind import Behind
from p2prisk.cli.progress import CHECK, Progress, Steps
from p2prisk.tape import iter_tape, read_tape, text_file

NUMBER = st.floats() | st.integers(-(10**12), 10**12).map(float) | st.floats(1e-6, 1e-3) | st.floats(1e8, 1e17)
WORD = st.none() | st.text(max_size=5) | st.sampled_from(["a,b", 'say "x"', "\n", "\r", "", " x ", "王", "'=1+1"])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(NUMBER, WORD, st.booleans(), st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=8))
def test_bytes_are_those_of_pandas(rows):
    number, word, flag, count = (list(column) for column in zip(*rows, strict=True))
    words = pd.Series(word, dtype=object)
    frame = pd.DataFrame(
        {
            "n,1": np.array(number),
            "object": words,
            "str": words.astype("str"),
            "level": pd.Categorical(words),
            "flag": flag,
            "count": np.array(count, dtype="int64"),
            "none": np.nan,
        }
    )
    usual = frame.to_csv(index=False, lineterminator="\n").encode("utf-8")
    assert csv_text.csv_bytes(frame, header=True) == usual
    assert csv_text.csv_bytes(frame.iloc[::2], header=False) == (
        frame.iloc[::2].to_csv(index=False, header=False, lineterminator="\n").encode("utf-8")
    )


def test_the_columns_of_scores_need_no_help(monkeypatch):
    frame = pd.DataFrame({"pd": np.linspace(0, 1, 300), "grade": pd.Categorical(["A", None, "B"] * 100), "refer": True})
    usual = frame.to_csv(index=False, lineterminator="\n").encode("utf-8")
    plain = csv_text._usual
    monkeypatch.setattr(
        csv_text, "_usual", lambda part, header: pytest.fail("left to pandas") if len(part) else plain(part, header)
    )
    monkeypatch.setattr(csv_text, "_ROWS", 7)
    assert csv_text.csv_bytes(frame, header=True) == usual


@pytest.mark.parametrize("odd", [pd.Timestamp("2020-01-01"), [1], b"x", 3])
def test_other_kinds_are_left_to_pandas(odd):
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": pd.Series(["x", odd], dtype=object)})
    assert csv_text.csv_bytes(frame, True) == frame.to_csv(index=False, lineterminator="\n").encode("utf-8")


class Screen(io.StringIO):
    def isatty(self):
        return True


def test_progress_shows_the_time_left_on_a_terminal_alone():
    seconds = iter([0.0, 10.0, 20.0])
    told = Progress(4000, Screen(), lambda: next(seconds))
    told.show(1000)
    told.show(2000)
    told.show(4000)
    told.close()
    assert told.stream.getvalue().split("\r\x1b[K")[1:] == [
        "1,000 of 4,000 loans scored, 30 s left",
        "2,000 of 4,000 loans scored, 20 s left",
        "4,000 loans scored\n",
    ]
    plain = Progress(4000, io.StringIO())
    plain.show(1000)
    assert plain.stream.getvalue() == "1,000 loans scored\n"


def test_a_file_in_pieces_is_gone_through_twice_at_most_for_its_grouped_numbers(tmp_path, monkeypatch):
    path = tmp_path / "tape.csv"
    rows = [f"L{i},{1 + i % 30}.47,{36 + 24 * (i % 2)},{1000 + i}" for i in range(400)]
    path.write_text("\n".join(["loan_id,dti,term,amount", *rows, ""]))
    opened = []
    plain = text_file.open_binary
    monkeypatch.setattr(text_file, "open_binary", lambda path: opened.append(path) or plain(path))
    once = [tape.frame["dti"].tolist() for tape in iter_tape(path, rows=400)]
    few = len(opened)
    opened.clear()
    many = [tape.frame["dti"].tolist() for tape in iter_tape(path, rows=20)]
    assert sum(many, []) == once[0] and len(many) == 20 and len(opened) == few


def test_pieces_are_written_in_their_order_and_a_failure_comes_out():
    written = []

    def write(piece):
        if piece == "full":
            raise OSError("no space left")
        time.sleep(0.01 * (piece == 0))
        written.append(piece)

    with Behind(write) as behind:
        for piece in range(5):
            behind.take(piece)
    assert written == list(range(5))
    with pytest.raises(OSError, match="no space"), Behind(write) as behind:
        behind.take("full")
    with pytest.raises(OSError, match="no space"), Behind(write) as behind:
        behind.take("full")
        behind.take(6)
    assert written == list(range(5))


def test_reading_and_checking_tells_the_time_left_on_a_terminal_alone(tmp_path):
    path = tmp_path / "tape.csv"
    lines = [f"L{i},{1000 + i % 900},36,{i % 7 + 0.5},paid" for i in range(3000)]
    path.write_text("\n".join(["loan_id,amount,term,rate,status", *lines, ""]))
    seconds = iter(np.arange(0.0, 1000.0, 2.0))
    screen = Screen()
    with Steps(CHECK, screen, lambda: next(seconds)):
        read_tape(path).quality()
    said = screen.getvalue().split("\r\x1b[K")
    assert said[0] == said[-1] == "" and [text for text in said if text.startswith("counting lines: 15 % of all done")]
    shares = [int(text.split(": ")[1].split(" %")[0]) for text in said[1:-1]]
    assert shares == sorted(shares) and {text.split(":")[0] for text in said[1:-1]} == {
        "counting lines",
        "reading",
        "converting",
        "checking",
    }
    for stream in (Screen(), io.StringIO()):  # a short run, and one that nobody watches
        with Steps(CHECK, stream):
            read_tape(path).quality()
        assert not stream.getvalue()
