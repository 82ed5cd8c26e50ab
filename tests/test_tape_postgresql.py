"""A tape read from a real PostgreSQL server of the system's packages; skipped, with the reason, where there is none."""

import io
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from p2prisk import read_tape
from p2prisk.errors import DataError

psycopg = pytest.importorskip("psycopg", reason="the driver psycopg is not installed")


def _program(name):
    found = shutil.which(name)
    if found:
        return found
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(versions[-1]) if versions else None


@pytest.fixture(scope="module")
def server():
    """URL of a server of our own on a free port, run by the user 'postgres' when the tests are run by root."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if not (initdb and pg_ctl):
        pytest.skip("no initdb and pg_ctl: install the package postgresql")
    as_user = []
    if os.geteuid() == 0:
        import pwd

        try:
            pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("the server refuses to run as root, and there is no user 'postgres'")
        if not shutil.which("setpriv"):
            pytest.skip("the server refuses to run as root, and setpriv is not installed")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    folder = tempfile.mkdtemp(prefix="p2prisk-pg-")
    data = f"{folder}/data"
    if as_user:
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    try:
        done = subprocess.run(
            [*as_user, initdb, "-D", data, "-A", "trust", "-U", "analyst", "-E", "UTF8", "--no-sync"],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"initdb failed: {done.stderr.strip().splitlines()[-1:]}")
        settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        done = subprocess.run(
            [*as_user, pg_ctl, "-D", data, "-w", "-t", "30", "-l", f"{folder}/log", "-o", settings, "start"],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"the server did not start: {done.stdout.strip().splitlines()[-1:]}")
        yield f"postgresql+psycopg://analyst@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(
            [*as_user, pg_ctl, "-D", data, "-m", "immediate", "stop"], capture_output=True, cwd=folder, check=False
        )
        shutil.rmtree(folder, ignore_errors=True)


LOANS = "loan_id,issue_date,amount,term,rate,status\n" + "".join(
    f"L{i},2015-0{1 + i % 9}-01,{1000 + i}.50,36,{8 + i % 5}.25,{'paid' if i % 4 else 'charged off'}\n"
    for i in range(40)
)


@pytest.fixture(scope="module")
def filled(server):
    import sqlalchemy

    engine = sqlalchemy.create_engine(server)
    with engine.begin() as connection:
        connection.execute(
            sqlalchemy.text(
                "CREATE TABLE loans (loan_id text, issue_date date, amount numeric(12,2), term smallint, "
                "rate numeric(6,3), status text, 备注 text)"
            )
        )
        for row in pd.read_csv(io.StringIO(LOANS)).to_dict("records"):
            connection.execute(
                sqlalchemy.text(
                    "INSERT INTO loans VALUES (:loan_id, :issue_date, :amount, :term, :rate, :status, '按时')"
                ),
                row,
            )
    engine.dispose()
    return server


def test_numeric_dates_and_text_arrive_as_from_a_file(filled, tmp_path):
    (tmp_path / "loans.csv").write_text(LOANS)
    expected = read_tape(tmp_path / "loans.csv").frame
    tape = read_tape(filled, query="SELECT * FROM loans ORDER BY substr(loan_id, 2)::int")
    pd.testing.assert_frame_equal(tape.frame, expected)
    assert tape.unused == {"备注": "no canonical column"}
    assert tape.provenance["rows_read"] == 40


def test_the_tape_is_never_changed(filled):
    with pytest.raises(DataError, match="must be a SELECT"):
        read_tape(filled, query="DELETE FROM loans")
    # a query that writes behind a WITH is rolled back
    read_tape(filled, query="WITH gone AS (DELETE FROM loans RETURNING *) SELECT * FROM gone")
    assert len(read_tape(filled, query="SELECT * FROM loans").frame) == 40


def test_errors_name_what_is_wrong(filled):
    with pytest.raises(DataError, match="tables: loans"):
        read_tape(filled)
    with pytest.raises(DataError, match='column "amout" does not exist'):
        read_tape(filled, query="SELECT amout FROM loans")
    with pytest.raises(DataError, match="gives no rows"):
        read_tape(filled, query="SELECT * FROM loans WHERE term = 99")
    wrong = filled.replace("analyst@", "analyst:hush@").replace("/postgres", "/nowhere")
    with pytest.raises(DataError) as caught:
        read_tape(wrong, query="SELECT 1")
    assert "hush" not in str(caught.value) and "nowhere" in str(caught.value)
