"""Databases are read: whatever a query tries, the file or the server is afterwards what it was before."""

import hashlib
import sqlite3
import subprocess
import sys

import pandas as pd
import pytest

from p2prisk import read_tape
from p2prisk.cli import main
from p2prisk.errors import DataError

ROWS = [(f"L{i}", f"2015-0{1 + i % 9}-01", 1000.5 + i, 36, "paid" if i % 4 else "charged off") for i in range(40)]
TABLE = "loans (loan_id text, issue_date text, amount double, term integer, status text)"

#: what writes, or reaches beyond the tape; LOANS stands for the table
WRITES = [
    "WITH x AS (SELECT 1) DELETE FROM loans RETURNING *",
    "WITH x AS (SELECT 1) UPDATE loans SET amount = 0 RETURNING *",
    "WITH x AS (SELECT 1) INSERT INTO loans SELECT * FROM loans RETURNING *",
    "DELETE FROM loans",
    "DROP TABLE loans",
    "CREATE TABLE t (a int)",
    "ALTER TABLE loans ADD COLUMN b int",
    "SELECT 1; DELETE FROM loans",
    "SELECT * FROM loans; DROP TABLE loans;",
    "SELECT * FROM loans; COMMIT; DELETE FROM loans",
    "SELECT 1; ATTACH 'other.db' AS other",
    "ATTACH 'other.db' AS other",
    "PRAGMA user_version = 7",
    "VACUUM INTO 'copy.db'",
    "SELECT * FROM loans; PRAGMA query_only=OFF; DELETE FROM loans",
    "COMMIT",
    "BEGIN; DELETE FROM loans; COMMIT",
    "-- SELECT\nDELETE FROM loans",
    "/* SELECT */ DELETE FROM loans",
    "WITH RECURSIVE x AS (SELECT 1) REPLACE INTO loans SELECT * FROM loans",
    "EXPLAIN DELETE FROM loans",
    "",
    "   ",
    ";",
]
ONLY_SQLITE = [
    "SELECT load_extension('evil')",
    "SELECT * FROM pragma_table_info('loans')",
    "SELECT writefile('copy.db', 'x')",
    "SELECT fts3_tokenizer('simple')",
]
ONLY_DUCKDB = [
    "COPY loans TO 'copy.csv'",
    "SELECT * FROM read_csv('secret.csv')",
    "SELECT * FROM 'secret.csv'",
    "SELECT * FROM glob('*')",
    "WITH x AS (SELECT 1) SELECT * FROM read_text('secret.csv')",
    "SELECT getenv('HOME')",
    "SET enable_external_access = true",
    "SELECT 1; SET enable_external_access = true; SELECT * FROM read_csv('secret.csv')",
    "INSTALL httpfs",
    "EXPORT DATABASE 'copy'",
]


def make(kind, folder):
    path = folder / f"loans.{kind}"
    if kind == "sqlite":
        connection = sqlite3.connect(path)
        connection.execute(f"CREATE TABLE {TABLE}")
        connection.executemany("INSERT INTO loans VALUES (?, ?, ?, ?, ?)", ROWS)
        connection.commit()
    else:
        duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed: make more")
        connection = duckdb.connect(str(path))
        connection.execute(f"CREATE TABLE {TABLE}")
        connection.executemany("INSERT INTO loans VALUES (?, ?, ?, ?, ?)", ROWS)
    connection.close()
    return path


@pytest.fixture(params=["sqlite", "duckdb"])
def database(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    return request.param, make(request.param, tmp_path)


def test_a_tape_is_read(database):
    kind, path = database
    frame = read_tape(f"{kind}:///{path}", query="SELECT * FROM loans ORDER BY amount").frame
    assert len(frame) == 40 and frame["amount"].iloc[0] == 1000.5 and frame["loan_id"].iloc[3] == "L3"
    assert frame["issue_date"].dtype.kind == "M"
    assert (
        len(read_tape(f"{kind}:///loans.{kind}", query="WITH x AS (SELECT * FROM loans) SELECT * FROM x").frame) == 40
    )
    with pytest.raises(DataError, match="tables: loans"):
        read_tape(f"{kind}:///{path}")
    with pytest.raises(DataError, match="gives no rows"):
        read_tape(f"{kind}:///{path}", query="SELECT * FROM loans WHERE term = 99")
    with pytest.raises(DataError, match="the query failed: .*amout"):
        read_tape(f"{kind}:///{path}", query="SELECT amout FROM loans")


def test_nothing_that_is_asked_changes_the_file(database, tmp_path):
    kind, path = database
    own = ONLY_SQLITE if kind == "sqlite" else ONLY_DUCKDB
    before, names = hashlib.sha256(path.read_bytes()).hexdigest(), {entry.name for entry in tmp_path.iterdir()}
    for query in [*WRITES, *own]:
        with pytest.raises(DataError) as caught:
            frame = read_tape(f"{kind}:///{path}", query=query).frame
            assert False, f"{query!r} gave {len(frame)} rows"  # noqa: B011
        assert "one SELECT" in str(caught.value) or "the query failed" in str(caught.value), query
        assert hashlib.sha256(path.read_bytes()).hexdigest() == before, query
        assert {entry.name for entry in tmp_path.iterdir()} == names, query


def test_a_view_without_end_is_refused_before_the_memory_is_gone(database, monkeypatch):
    kind, path = database
    if kind == "sqlite":
        connection = sqlite3.connect(path)
        source = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i AS amount, 36 AS term FROM c"
        connection.execute("CREATE VIEW wide AS SELECT hex(zeroblob(9000000)) AS note, 1000 AS amount, 36 AS term")
    else:
        connection = pytest.importorskip("duckdb").connect(str(path))
        source = "SELECT i AS amount, 36 AS term FROM range(100000000000) t(i)"
    connection.execute(f"CREATE VIEW endless AS {source}")
    connection.commit()
    connection.close()
    monkeypatch.setattr("p2prisk.tape.database.free_memory", lambda: 3e8)
    with pytest.raises(DataError, match="more than 0.1 GB of memory"):
        read_tape(f"{kind}:///{path}", query="SELECT * FROM endless")
    if kind == "sqlite":
        with pytest.raises(DataError, match="too big"):
            read_tape(f"{kind}:///{path}", query="SELECT * FROM wide")


def test_what_duckdb_cannot_hold_is_not_written_beside_the_database(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = make("duckdb", tmp_path)
    asked = "SELECT 1000 AS amount, 36 AS term, 'in ' || current_setting('temp_directory') || '!' AS purpose"
    assert read_tape(f"duckdb:///{path}", query=asked).frame["purpose"].tolist() == ["in !"]


def test_a_file_that_is_no_database_and_odd_urls(database, tmp_path):
    kind, path = database
    (tmp_path / "note.db").write_text("SELECT")
    for url, words in (
        (f"{kind}:///note.db", "is no .* database"),
        (f"{kind}:///absent.db", "is not there"),
        (f"{kind}:///{path}?mode=rwc&uri=true", "options are not read"),
        (f"{kind}://", "give the file alone"),
        (f"{kind}:///:memory:", "give the file alone"),
        (f"{kind}:///file:loans.db?mode=rwc", "options are not read"),
        ("mysql://user:hush@host/loans", "SQLite, DuckDB and PostgreSQL"),
        ("postgresql+psycopg2://user:hush@host/loans", "SQLite, DuckDB and PostgreSQL"),
        ("nonsense+evil://user:hush@host/loans", "cannot be opened|SQLite, DuckDB"),
        ("://", "cannot be opened"),
    ):
        with pytest.raises(DataError, match=words) as caught:
            read_tape(url, query="SELECT 1")
        assert "hush" not in str(caught.value)
    assert not (tmp_path / "absent.db").exists()


def test_a_file_in_a_folder_that_only_others_may_write_is_read(tmp_path):
    path = make("sqlite", tmp_path)
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        assert len(read_tape(f"sqlite:///{path}", query="SELECT * FROM loans").frame) == 40
    finally:
        tmp_path.chmod(0o755)


def test_a_score_into_the_database_itself_is_refused(tmp_path, capsys):
    path = make("sqlite", tmp_path)
    before = path.read_bytes()
    url = f"sqlite:///{path}"
    code = main(["fit", url, "--query", "SELECT * FROM loans", "--output", str(path)])
    assert code == 2 and "never changed" in capsys.readouterr().err and path.read_bytes() == before


def test_a_reader_waits_for_nobody_and_locks_nobody_out(tmp_path):
    path = make("sqlite", tmp_path)
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("INSERT INTO loans SELECT * FROM loans LIMIT 1")  # not committed
    assert len(read_tape(f"sqlite:///{path}", query="SELECT * FROM loans").frame) == 40
    writer.commit()
    writer.close()


def test_without_the_driver_the_message_says_what_to_install(tmp_path):
    script = (
        "import sys; sys.modules['psycopg'] = sys.modules['duckdb'] = None\n"
        "from p2prisk import read_tape\n"
        "for url in ('postgresql://host/x', 'duckdb:///x.db'):\n"
        "    try: read_tape(url, query='SELECT 1')\n"
        "    except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.count("DataError") == 2 and done.stdout.count("pip install") == 2


def test_decimals_dates_and_nulls_keep_their_values(tmp_path, monkeypatch):
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed: make more")
    monkeypatch.chdir(tmp_path)
    connection = duckdb.connect("d.duckdb")
    connection.execute(
        "CREATE TABLE loans AS SELECT 'L' || i AS loan_id, DATE '2015-01-01' + i::INTEGER AS issue_date, "
        "(1000 + i)::DECIMAL(12,2) AS amount, 36 AS term, CASE WHEN i = 3 THEN NULL ELSE 12.25 END AS rate, "
        "'paid' AS status FROM range(30) t(i)"
    )
    connection.close()
    frame = read_tape("duckdb:///d.duckdb", query="SELECT * FROM loans ORDER BY amount").frame
    assert frame["amount"].tolist() == [1000.0 + i for i in range(30)]
    assert frame["rate"].isna().tolist() == [i == 3 for i in range(30)]
    assert frame["issue_date"].iloc[1] == pd.Timestamp("2015-01-02")


def test_no_cell_is_in_the_words_of_a_database_that_computes(database):
    """SQLite said "JSON path error near 'Maria Roth'", DuckDB "Could not convert string 'Maria Roth' to INT32"."""
    kind, path = database
    asked = (
        ("json_extract('[]', {})", "json({})")
        if kind == "sqlite"
        else ("CAST({} AS INT)", "CAST({} AS DATE)", "strptime({}, '%Y')", "error({})", "json_extract({}, '$.a')")
    )
    for call in asked:
        computed = call.replace("{}", "'Maria ' || loan_id")
        with pytest.raises(DataError, match="a value cannot be computed") as refused:
            read_tape(f"{kind}:///{path}", query=f"SELECT amount, term, {computed} AS x FROM loans")
        assert "Maria" not in str(refused.value)


def test_what_a_driver_takes_beyond_the_memory_is_said(database, monkeypatch):
    kind, path = database

    def takes(where, parsed, query, watch):
        raise MemoryError

    monkeypatch.setattr(f"p2prisk.tape.database._{kind}", takes)
    with pytest.raises(DataError, match="the rows of the query take more than"):
        read_tape(f"{kind}:///{path}", query="SELECT * FROM loans")


def test_a_statement_without_rows_and_without_end_can_be_stopped(tmp_path):
    """SQLite does not let Ctrl-C through by itself: it came when the statement had ended, or never."""
    import _thread
    import threading

    path = make("sqlite", tmp_path)
    endless = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT count(*) AS amount FROM c"
    stop = threading.Timer(0.5, _thread.interrupt_main)
    stop.start()
    with pytest.raises(KeyboardInterrupt):
        read_tape(f"sqlite:///{path}", query=endless)
