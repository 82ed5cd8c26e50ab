"""Commands on a Dask cluster of separate processes: what one machine finds, also when a worker is killed."""

import json
import os
import signal
import sqlite3
import sys

import pandas as pd
import pytest

from made_tapes import book
from p2prisk import read_tape
from p2prisk.cli import main
from p2prisk.errors import DataError
from p2prisk.report import lineage
from p2prisk.tape import cluster
from p2prisk.tape.pieces import Piece, pieces_of

distributed = pytest.importorskip("distributed", reason="dask is the optional extra 'scale'")
RECORD = ("--record-date", "2018-06-30")
SPILL = {"distributed.worker.memory.target": False, "distributed.worker.memory.spill": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A book of loans as one file, as six, and in a database; and a model of it."""
    folder = tmp_path_factory.mktemp("book")
    frame = book(3000)
    frame.loc[7, "loan_id"] = frame.loc[2900, "loan_id"] = "13812345678"  # a phone number for a key, in two pieces
    frame["bureau_score"] = 700
    frame.to_parquet(folder / "whole.parquet")
    (folder / "parts").mkdir()
    for place in range(6):
        frame.iloc[500 * place : 500 * (place + 1)].to_parquet(folder / "parts" / f"part-{place + 7}.parquet")
    with sqlite3.connect(folder / "book.db") as base:
        frame.assign(issue_date=frame["issue_date"].dt.strftime("%Y-%m-%d")).to_sql("loans", base, index_label="place")
    said = ["fit", folder / "parts", *RECORD, "--horizon", 12, "--anyway", "--output", folder / "model.json"]
    assert main([str(word) for word in said]) == 0
    return folder


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    import dask

    place = str(tmp_path_factory.mktemp("workers"))
    with dask.config.set(SPILL):
        with distributed.LocalCluster(
            n_workers=3, threads_per_worker=1, dashboard_address=":0", local_directory=place
        ) as local:
            for nanny in local.workers.values():  # a worker that is killed stays away: starting one takes seconds
                nanny.auto_restart = False
            with distributed.Client(local, set_as_default=False) as client:
                yield client


@pytest.fixture
def kill(machines, monkeypatch):
    """A worker dies when the first piece has come back."""
    before, awaited = list(machines.run(os.getpid).values()), cluster._awaited
    killed = []

    def and_kill(client, future):
        result = awaited(client, future)
        if not killed:
            os.kill(before[0], signal.SIGKILL)
            killed.append(before[0])
        return result

    monkeypatch.setattr(cluster, "_awaited", and_kill)
    yield killed
    assert killed and killed[0] not in machines.run(os.getpid).values()


def call(capsys, *words):
    code = main([str(word) for word in words])
    return code, capsys.readouterr().out


def score(capsys, folder, name, *tape):
    """The bytes of the scores, and what is said, but for the name of the file."""
    target = folder / f"{name}.csv"
    code, said = call(capsys, "score", *tape, "--model", folder / "model.json", "--output", target)
    assert code == 0
    return target.read_bytes(), said.replace(str(target), "")


def test_scores_are_those_of_one_machine_though_a_worker_dies(folder, machines, kill, capsys):
    whole, said = score(capsys, folder, "whole", folder / "whole.parquet")
    assert whole.count(b"\n") == 3001 and whole.count(b"k00000001") == 2 and b"1381234" not in whole
    assert score(capsys, folder, "here", folder / "parts") == (whole, said)
    there = score(capsys, folder, "there", folder / "parts", "--scheduler", machines.scheduler.address)
    assert there == (whole, said)
    assert kill


def test_estimates_are_those_of_one_machine_though_a_worker_dies(folder, machines, kill, capsys):
    asked = ["fit", *RECORD, "--horizon", 12, "--anyway", "--output", folder / "other.json"]
    code, _ = call(capsys, *asked, folder / "parts", "--scheduler", machines.scheduler.address)
    assert code == 0
    assert (folder / "other.json").read_bytes() == (folder / "model.json").read_bytes()
    call(capsys, *asked, folder / "whole.parquet")
    one, many = (json.loads((folder / name).read_text()) for name in ("other.json", "model.json"))
    assert one["model"] == many["model"] and one["population"] == many["population"]
    assert one["about"]["sha256"] != many["about"]["sha256"]


def test_check_and_monitor_say_what_one_machine_says(folder, machines, capsys):
    there = ("--scheduler", machines.scheduler.address)
    for words in (
        ("check", folder / "parts", *RECORD),
        ("monitor", folder / "parts", *RECORD, "--model", folder / "model.json", "--same-months"),
    ):
        here = call(capsys, *words)
        assert call(capsys, *words, *there) == here
    whole = call(capsys, "check", folder / "whole.parquet", *RECORD)
    parts = call(capsys, "check", folder / "parts", *RECORD)
    assert whole[1].splitlines()[3:] == parts[1].splitlines()[3:]


def test_queries_of_a_database_are_pieces(folder, machines, capsys):
    base = f"sqlite:///{folder / 'book.db'}"
    halves = [f"SELECT * FROM loans WHERE place {sign} 1500 ORDER BY place" for sign in ("<", ">=")]
    pieces = [word for query in halves for word in ("--query", query)]
    whole = score(capsys, folder, "base", base, "--query", "SELECT * FROM loans ORDER BY place")
    assert score(capsys, folder, "halves", base, *pieces, "--scheduler", machines.scheduler.address) == whole
    assert whole[0] == (folder / "whole.csv").read_bytes()
    pd.testing.assert_frame_equal(
        read_tape(base, query=halves).frame, read_tape(base, query="SELECT * FROM loans ORDER BY place").frame
    )


def test_nothing_stays_on_the_workers(machines, folder):
    with cluster.workers(machines.scheduler.address) as over:
        assert [len(table) for (table,) in over(_table, pieces_of(folder / "parts"))] == [500] * 6
    assert not any(machines.has_what().values())
    for place in machines.run(lambda dask_worker: dask_worker.local_directory).values():
        left = [name for _, _, names in os.walk(place) for name in names]
        assert left == []


def test_what_a_worker_refuses_is_an_error_with_the_remedy(folder, machines, capsys):
    at = machines.scheduler.address
    (folder / "broken").mkdir()
    for name in ("a", "b"):
        (folder / "broken" / f"{name}.parquet").write_bytes(b"PAR1 and no more")
    for words, told in (
        (("check", folder / "broken"), "a.parquet is not a whole Parquet file"),
        (("check", folder / "absent.parquet"), "the files must lie where every worker sees them"),
        (("check", f"sqlite:///{folder / 'book.db'}", "--query", "DELETE FROM loans"), "must be one SELECT"),
    ):
        assert main([str(word) for word in (*words, "--scheduler", at)]) == 2
        assert told in capsys.readouterr().err
    with pytest.raises(Exception, match="fault of this program, not of your data: ZeroDivisionError at test_cluster"):
        with cluster.workers(at) as over:
            list(over(_faulty, [Piece("secret")]))
    assert "secret" not in repr(Piece("secret"))


def _table(piece):
    return (pd.read_parquet(piece.source),)


def _faulty(piece):
    return 1 / len(piece.source.replace("secret", ""))


def test_workers_that_would_write_loans_to_disk_are_refused(folder):
    import dask

    more = {"processes": False, "protocol": "tcp", "dashboard_address": ":0", "memory_limit": "2GB"}
    told = "would write loans to its disk.*MEMORY__SPILL=False dask worker ADDRESS"
    with dask.config.set(dict(zip(SPILL, (0.6, 0.7), strict=True))):  # what Dask does unless told not to
        with distributed.LocalCluster(n_workers=1, **more) as local:
            with pytest.raises(DataError, match=told), cluster.workers(local.scheduler_address) as over:
                list(over(len, ["x"]))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "10.0.0.5:8786"])
def test_a_scheduler_that_is_not_there(folder, capsys, monkeypatch, address):
    monkeypatch.setattr(cluster, "ANSWER", 1)
    assert main(["check", str(folder / "parts"), "--scheduler", address]) == 2
    told = capsys.readouterr().err
    assert f"no Dask scheduler answers at {address}" in told and "tcp://HOST" in told + "tcp://HOST" * ("start" in told)


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(DataError, match=r"pip install 'p2prisk\[scale\]'"), cluster.workers("tcp://127.0.0.1:9"):
        pass


def test_a_scheduler_without_workers(folder, monkeypatch):
    monkeypatch.setattr(cluster, "FIRST", 1)
    with distributed.LocalCluster(n_workers=0, processes=False, protocol="tcp", dashboard_address=":0") as local:
        with pytest.raises(DataError, match="no worker for 1 s; start some with"):
            with cluster.workers(local.scheduler_address):
                pass


def test_a_report_finds_its_pieces_again(folder):
    digest = read_tape(folder / "parts").provenance["sha256"]
    assert lineage.find("parts", digest, None, [folder]) == folder / "parts"
    assert lineage.find("x", digest, folder / "parts", []) == folder / "parts"
    one = read_tape(folder / "whole.parquet").provenance["sha256"]
    with pytest.raises(DataError, match="parts is another file than the one of the report"):
        lineage.find("parts", one, None, [folder])


def test_no_piece_is_written_over(folder, capsys):
    piece = folder / "parts" / "part-7.parquet"
    before = piece.read_bytes()
    for tape in (folder / "parts", folder / "parts" / "*.parquet"):
        assert main(["score", str(tape), "--model", str(folder / "model.json"), "--output", str(piece)]) == 2
        assert "part-7.parquet" in capsys.readouterr().err and piece.read_bytes() == before


def test_pieces_differ_or_are_none(tmp_path):
    with pytest.raises(DataError, match="is a folder; give the file, or a folder of Parquet files"):
        pieces_of(tmp_path)
    with pytest.raises(DataError, match="is a pattern that fits no file"):
        pieces_of(tmp_path / "*.parquet")
    frame = book(40)
    frame.to_parquet(tmp_path / "a.parquet")
    frame.drop(columns="income").to_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match="b.parquet and the first piece differ in the columns income"):
        read_tape(tmp_path)
    (tmp_path / "year=2016").mkdir()
    frame.to_parquet(tmp_path / "year=2016" / "c.parquet")
    with pytest.raises(DataError, match="whose value is not in their rows"):
        read_tape(tmp_path)


def test_an_empty_column_of_a_piece_takes_the_type_of_the_others(tmp_path):
    frame = book(40)
    frame["dti"] = frame["dti"].where(frame.index < 20).astype(object)
    (tmp_path / "p").mkdir()
    frame.to_parquet(tmp_path / "whole.parquet")
    frame.iloc[:20].to_parquet(tmp_path / "p" / "1.parquet")
    frame.iloc[20:].to_parquet(tmp_path / "p" / "2.parquet")
    parts = read_tape(tmp_path / "p")
    pd.testing.assert_frame_equal(parts.frame, read_tape(tmp_path / "whole.parquet").frame)
    assert parts.frame["dti"].dtype == float
