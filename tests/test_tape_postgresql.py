"""A tape read from a real PostgreSQL server of the system's packages; skipped, with the reason, where there is none."""

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pytest

from p2prisk import read_tape
from p2prisk.errors import DataError
from p2prisk.tape.read import read_raw

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed: make more")


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
        for statement in (
            "CREATE ROLE reader LOGIN",
            "GRANT SELECT ON loans TO reader",
            "CREATE ROLE writer LOGIN",
            "GRANT ALL ON loans TO writer",
            "GRANT CREATE ON SCHEMA public TO writer",
        ):
            connection.execute(sqlalchemy.text(statement))
    engine.dispose()
    return server


def reader(url, role="reader"):
    return url.replace("analyst@", f"{role}@")


def test_numeric_dates_and_text_arrive_as_from_a_file(filled, tmp_path):
    (tmp_path / "loans.csv").write_text(LOANS)
    expected = read_tape(tmp_path / "loans.csv").frame
    tape = read_tape(reader(filled), query="SELECT * FROM loans ORDER BY substr(loan_id, 2)::int")
    pd.testing.assert_frame_equal(tape.frame, expected)
    assert tape.unused == {"备注": "no canonical column"}
    assert tape.provenance["rows_read"] == 40


WRITES = [
    "DELETE FROM loans",
    "WITH gone AS (DELETE FROM loans RETURNING *) SELECT * FROM gone",
    "WITH more AS (INSERT INTO loans SELECT * FROM loans RETURNING *) SELECT * FROM more",
    "WITH x AS (UPDATE loans SET amount = 0 RETURNING *) SELECT * FROM x",
    "SELECT * INTO copy FROM loans",
    "SELECT * FROM loans FOR UPDATE",
    "SELECT 1; DROP TABLE loans",
    "SELECT 1; COMMIT; DROP TABLE loans",
    "SELECT 1; ROLLBACK; SET default_transaction_read_only = off; DROP TABLE loans",
    "SELECT 1; COPY (SELECT 1) TO PROGRAM 'touch CANARY'",
    "COPY loans TO PROGRAM 'touch CANARY'",
    "COPY (SELECT 1) TO 'CANARY'",
    "DO $$ BEGIN DELETE FROM loans; END $$",
    "CALL nothing()",
    "TABLE loans; DELETE FROM loans",
    "VALUES (1); DELETE FROM loans",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT set_config('transaction_read_only', 'off', true), query_to_xml('DELETE FROM loans', true, true, '')",
    "SELECT query_to_xml('DELETE FROM loans RETURNING *', true, true, '')",
    "SELECT nextval('counter')",
    "SELECT setval('counter', 100)",
    "SELECT empty_loans()",
    "SELECT lo_export(lo_from_bytea(0, 'x'), 'CANARY')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT pg_reload_conf()",
    "SELECT pg_rotate_logfile()",
    "SELECT pg_switch_wal()",
    "SELECT pg_create_restore_point('x')",
    "CREATE TABLE t (a int)",
    "EXPLAIN ANALYZE DELETE FROM loans",
    "PREPARE x AS DELETE FROM loans",
    "LOCK TABLE loans",
    "TRUNCATE loans",
    "GRANT ALL ON loans TO public",
    "VACUUM",
    "",
]


def test_the_tape_is_never_changed(filled, tmp_path):
    import psycopg

    connect = filled.replace("+psycopg", "")
    canary = tmp_path / "canary"
    tmp_path.chmod(0o777)
    with psycopg.connect(connect, autocommit=True) as connection:
        connection.execute("CREATE SEQUENCE IF NOT EXISTS counter")
        connection.execute(
            "CREATE OR REPLACE FUNCTION empty_loans() RETURNS int LANGUAGE plpgsql "
            "AS 'BEGIN DELETE FROM loans; RETURN 1; END'"
        )
        state = "SELECT md5(string_agg(l::text, ',' ORDER BY loan_id)) FROM loans l"
        before = connection.execute(state).fetchone()
        tables = "SELECT array_agg(relname ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        names = connection.execute(tables).fetchone()
        for query in WRITES:
            with pytest.raises(DataError, match="one SELECT|the query failed") as caught:
                read_raw(reader(filled, "writer"), query=query.replace("CANARY", str(canary)))
                pytest.fail(f"{query} is answered")
            assert len(str(caught.value)) < 400
            assert connection.execute(state).fetchone() == before, query
            assert connection.execute(tables).fetchone() == names, query
            assert not canary.exists(), query
        read_raw(
            reader(filled, "writer"), query="SELECT lo_from_bytea(0, 'x')"
        )  # before version 16 a transaction only rolls it back
        assert connection.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone() == (0,)
        assert connection.execute("SELECT last_value, is_called FROM counter").fetchone() == (1, False)
    assert len(read_tape(reader(filled, "writer"), query="SELECT * FROM loans").frame) == 40


def test_who_may_write_files_or_start_programs_on_the_server_is_refused(filled, tmp_path):
    """A superuser read as another role, which a view of the database took back before it started a program."""
    canary = tmp_path / "canary"
    tmp_path.chmod(0o777)
    with psycopg.connect(filled.replace("+psycopg", ""), autocommit=True) as connection:
        act = f"RESET ROLE; COPY (SELECT 1) TO PROGRAM 'touch {canary}'"
        connection.execute(
            f"CREATE OR REPLACE FUNCTION evil() RETURNS text LANGUAGE plpgsql AS $$ BEGIN {act}; RETURN 'x'; END $$"
        )
        connection.execute("CREATE OR REPLACE VIEW harmless AS SELECT *, evil() FROM loans LIMIT 1")
        connection.execute("GRANT SELECT ON harmless TO reader")
        for role in ("pg_write_server_files", "pg_execute_server_program"):
            connection.execute(f"CREATE ROLE by_{role[3:8]} LOGIN IN ROLE {role}")
    for role in ("analyst", "by_write", "by_execu"):
        with pytest.raises(DataError, match="may write files and start programs"):
            read_tape(reader(filled, role), query="SELECT * FROM harmless")
    with pytest.raises(DataError, match="the query failed: .*COPY"):
        read_tape(reader(filled), query="SELECT * FROM harmless")
    assert not canary.exists()
    with psycopg.connect(filled.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("DROP VIEW harmless")


def test_a_role_that_may_write_is_told_and_one_that_may_only_read_is_not(filled):
    told = [note["what"] for note in read_tape(reader(filled, "writer"), query="SELECT * FROM loans").notes]
    assert any("may only SELECT" in what for what in told)
    quiet = read_tape(reader(filled), query="SELECT * FROM loans")
    assert len(quiet.frame) == 40 and not any("may only SELECT" in note["what"] for note in quiet.notes)


def test_no_value_of_a_row_is_in_a_message(filled):
    with pytest.raises(DataError) as caught:
        read_tape(reader(filled), query="SELECT status::int FROM loans")
    assert "paid" not in str(caught.value) and "a value cannot be computed" in str(caught.value)


def test_errors_name_what_is_wrong(filled):
    with pytest.raises(DataError, match="tables: loans"):
        read_tape(reader(filled))
    with pytest.raises(DataError, match='column "amout" does not exist'):
        read_tape(reader(filled), query="SELECT amout FROM loans")
    with pytest.raises(DataError, match="gives no rows"):
        read_tape(reader(filled), query="SELECT * FROM loans WHERE term = 99")
    with pytest.raises(DataError, match="'many': holds lists"):
        read_tape(reader(filled), query="SELECT amount, term, ARRAY[1, 2] AS many FROM loans")
    wrong = filled.replace("analyst@", "analyst:hush@").replace("/postgres", "/nowhere")
    with pytest.raises(DataError) as caught:
        read_tape(wrong, query="SELECT 1")
    assert "hush" not in str(caught.value) and "nowhere" in str(caught.value)


def test_a_result_comes_row_by_row_and_no_cell_is_in_what_a_function_says(filled, monkeypatch):
    """The driver fetched all rows before the first could be counted, and an exception of a function named a loan."""
    with psycopg.connect(filled.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION says(x text) RETURNS int LANGUAGE plpgsql "
            "AS $$ BEGIN RAISE EXCEPTION 'loan of % is odd', x; END $$"
        )
        connection.execute(
            "CREATE OR REPLACE VIEW endless AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) "
            "SELECT i AS amount, 36 AS term, repeat('x', 100000) AS purpose FROM c"
        )
        connection.execute("GRANT SELECT ON endless TO reader")
    with pytest.raises(DataError, match="a value cannot be computed") as refused:
        read_tape(reader(filled), query="SELECT amount, term, says(status) AS x FROM loans")
    assert "paid" not in str(refused.value) and "loan of" not in str(refused.value)
    with pytest.raises(DataError, match="a value cannot be computed"):
        read_tape(reader(filled), query="SELECT amount, term, date '10001-01-01' AS issue_date FROM loans")
    monkeypatch.setattr("p2prisk.tape.database.free_memory", lambda: 1.5e8)
    with pytest.raises(DataError, match="more than 0.1 GB of memory"):
        read_tape(reader(filled), query="SELECT * FROM endless")


def _running(connection):
    """Queries of the reader that the server still works at."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader' AND state = 'active'"
    return connection.execute(query).fetchone()[0]


def test_a_query_ends_at_the_server_when_its_client_was_killed(filled):
    """It went on for as long as it took, and held what it had locked."""
    with psycopg.connect(filled.replace("+psycopg", ""), autocommit=True) as connection:
        if connection.info.server_version < 140000:
            pytest.skip("client_connection_check_interval is there from PostgreSQL 14 on")
        code = (
            "import sys; from p2prisk.tape import database; from p2prisk.tape.read import read_raw; "
            "database.LOOKS = '100ms'; read_raw(sys.argv[1], query='SELECT pg_sleep(600)')"
        )
        client = subprocess.Popen([sys.executable, "-c", code, reader(filled)])
        try:
            _until(lambda: _running(connection) == 1)
        finally:
            client.kill()
            client.wait()
        _until(lambda: _running(connection) == 0)


def test_a_query_ends_at_the_server_after_its_time(filled, monkeypatch):
    from p2prisk.tape import database

    monkeypatch.setattr(database, "MINUTES", 0.001)
    with pytest.raises(DataError, match="ended by the server, which gives it"):
        read_raw(reader(filled), query="SELECT pg_sleep(600)")


def _until(true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
