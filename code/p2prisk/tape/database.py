"""Tapes in a database: one SELECT in a read-only transaction, held to reading by the driver's own means.

==========  =======================================================================================================
SQLite      opened with ``mode=ro``, ``query_only``, and an authorizer that lets nothing but reading pass
PostgreSQL  ``default_transaction_read_only``, a READ ONLY transaction, and the statement prepared, so that it is one;
            who may write files of the server or start programs on it is refused: a view can do so in their name, and no
            transaction or role holds them, as a function may take the role back
DuckDB      opened with ``read_only`` and without access to other files; the statement is parsed, is one, is a SELECT
==========  =======================================================================================================

Other databases are refused: what cannot be held to reading is not opened. What a function of the database itself does
when it is called (an extension, a procedure in another language) is beyond the reach of a transaction; a role that may
only SELECT is the lender's own safeguard.
"""

import os
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape.bounds import CELL, free_memory, within
from p2prisk.tape.choose import shown
from p2prisk.tape.containers import columns_to_read
from p2prisk.tape.privacy import personal_columns

_BEGINS = ("select", "with", "table", "values")
_LISTS = {list, dict, tuple, set, np.ndarray}
_ONE_SELECT = "the query must be one SELECT and nothing else; the tape is never changed"


def read_sql(url, query, mapping):
    """Run a SELECT; the password of the URL is in no message.

    Parameters
    ----------
    url : str
        ``sqlite:///file.db``, ``duckdb:///file.duckdb`` or ``postgresql+psycopg://user@host/database``.
    query : str or None
        Without one, the message lists the tables.
    mapping : callable or None

    Returns
    -------
    frame, facts, set_aside, notes
        As of :func:`p2prisk.tape.read.read_raw`.

    Raises
    ------
    DataError
    """
    from sqlalchemy.engine import make_url

    where = shown(url)
    try:
        parsed = make_url(url)
        backend, driver = parsed.get_backend_name(), parsed.drivername.partition("+")[2]
    except Exception as error:  # what SQLAlchemy says may hold the URL with its password
        raise DataError(
            f"{where}: cannot be opened as a database ({type(error).__name__}); a URL looks like "
            "sqlite:///file.db or postgresql+psycopg://user@host/database"
        ) from None
    readers = {"sqlite": _sqlite, "duckdb": _duckdb, "postgresql": _postgresql}
    if backend not in readers or driver not in ("", "psycopg"):
        raise DataError(
            f"{where}: SQLite, DuckDB and PostgreSQL (postgresql+psycopg://...) are read, because they can be held to "
            "reading; export the rows as CSV or Parquet from another database"
        )
    if query is not None and (query.split(None, 1)[:1] or [""])[0].lower() not in _BEGINS:
        raise DataError(f"{where}: {_ONE_SELECT}")
    watch = _Memory(where)
    try:
        with within(2 * watch.most):
            frame, notes = readers[backend](where, parsed, query, watch)
    except MemoryError:
        raise watch.refused() from None
    if query is None:
        tables = ", ".join(sorted(frame.iloc[:, 0])) or "none"
        raise DataError(f"{where}: say which rows with query='SELECT ...'; tables: {tables}")
    if not len(frame):
        raise DataError(f"{where}: the query gives no rows; check its conditions")
    frame.columns = [str(name) for name in frame.columns]
    if frame.columns.duplicated().any():
        name = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"{where}: the column {name!r} is there twice; name columns apart in the query")
    header = list(frame.columns)
    for name in header:
        if frame[name].dtype == object and not _LISTS.isdisjoint(map(type, frame[name])):
            raise DataError(
                f"{where}, column {name!r}: holds lists; one value a cell is needed: spread them in the query, or "
                "leave the column out"
            )
    wanted = columns_to_read(header, mapping)
    for name in wanted:  # NUMERIC comes as Decimal
        if frame[name].dtype == object:
            frame[name] = frame[name].map(lambda cell: float(cell) if type(cell).__name__ == "Decimal" else cell)
            frame[name] = frame[name].infer_objects()
    facts = {
        "name": where,
        "path": where,
        "query": query,
        "encoding": "database",
        "rows_read": len(frame),
        "personal": personal_columns(frame),
        "not_read": [name for name in header if name not in wanted],
    }
    return frame[wanted], facts, [], notes


def _file(where, parsed, kind, head, at):
    """The file of a database, opened by nobody else's wishes."""
    name = parsed.database or ""
    if parsed.query or name.startswith("file:") or name in ("", ":memory:") or parsed.host:
        raise DataError(f"{where}: give the file alone, as {kind.lower()}:///file.db; options are not read")
    path = Path(name)
    if not path.is_file():
        what = "is no ordinary file" if path.exists() else "is not there"
        raise DataError(f"{where}: {path.name} {what}; check the path")
    with path.open("rb") as stream:  # SQLite takes an empty file for a database without tables
        if stream.read(at + len(head))[at:] != head and (kind != "SQLite" or path.stat().st_size):
            raise DataError(f"{where}: {path.name} is no {kind} database; check the path")
    return path.resolve()


def _sqlite(where, parsed, query, watch):
    import sqlite3

    path = _file(where, parsed, "SQLite", b"SQLite format 3\0", 0)
    reading = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}

    def allowed(action, one, two, database, trigger):
        loads = action == sqlite3.SQLITE_FUNCTION and str(two).lower() in ("load_extension", "fts3_tokenizer")
        return sqlite3.SQLITE_OK if action in reading and not loads else sqlite3.SQLITE_DENY

    connection, reads = None, False
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
        # what is sorted stays in memory, which is bounded, and does not fill the disk
        for setting in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {setting}")
        connection.execute("BEGIN")
        connection.set_authorizer(allowed)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 4 * CELL)
        connection.set_progress_handler(lambda: 0, 1_000_000)  # Python looks for signals here, so that Ctrl-C arrives
        query = query or "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
        connection.execute(f"EXPLAIN {query}")  # what is wrong with its words is said before a cell is read
        reads = True
        frame = _frame(connection.execute(query), watch)
        connection.set_authorizer(None)
        connection.execute("ROLLBACK")
    except UnicodeDecodeError:  # a name of the file, or a message that repeats it
        raise _failed(where, "the file holds names that are not UTF-8: it is damaged") from None
    except (sqlite3.Error, sqlite3.Warning) as error:
        words = str(error)
        if words == "interrupted":
            raise KeyboardInterrupt from None
        if "not authorized" in words or "prohibited" in words or "one statement" in words or "readonly" in words:
            raise DataError(f"{where}: {_ONE_SELECT}") from None
        raise _failed(where, _NO_VALUE if reads and not words.startswith(_OF_THE_FILE) else words) from None
    finally:
        if connection is not None:
            connection.close()
    return frame, []


#: what a database says while it computes may repeat a cell: it is said without its words
_NO_VALUE = "a value cannot be computed"
_OF_THE_FILE = ("database", "file", "disk", "string or blob too big")


def _duckdb(where, parsed, query, watch):
    try:
        import duckdb
    except ImportError:
        raise DataError(f"{where}: the driver is not installed: pip install duckdb") from None
    path = _file(where, parsed, "DuckDB", b"DUCK", 8)
    settings = {"enable_external_access": "false", "autoload_known_extensions": "false"}
    settings |= {"autoinstall_known_extensions": "false", "lock_configuration": "true"}
    settings["temp_directory"] = ""  # what does not fit into memory is not written beside the database
    settings["memory_limit"] = f"{int(max(watch.most, 1 << 27))}B"
    connection = None
    try:
        connection = duckdb.connect(str(path), read_only=True, config=settings)
        statements = connection.extract_statements(query or "SELECT table_name FROM duckdb_tables()")
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise DataError(f"{where}: {_ONE_SELECT}")
        connection.execute("BEGIN TRANSACTION READ ONLY")
        connection.execute(statements[0])
        parts = []
        while len(part := connection.fetch_df_chunk(1)) or not parts:
            watch.see(len(part), part.shape[1])
            parts.append(part)
            if not len(part):
                break
        frame = pd.concat(parts, ignore_index=True)
        connection.execute("ROLLBACK")
    except duckdb.OutOfMemoryException:
        raise watch.refused() from None
    except duckdb.Error as error:
        words = str(error)
        if isinstance(error, duckdb.PermissionException) or "read-only" in words or "read only" in words:
            raise DataError(f"{where}: {_ONE_SELECT}") from None
        of_the_query = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
        of_the_query += (duckdb.SyntaxException, duckdb.IOException, duckdb.NotImplementedException)
        raise _failed(where, words if isinstance(error, of_the_query) else _NO_VALUE) from None
    finally:
        if connection is not None:
            connection.close()
    return frame, []


def _postgresql(where, parsed, query, watch):
    try:
        import psycopg
    except ImportError:
        raise DataError(f"{where}: the driver is not installed: pip install 'psycopg[binary]'") from None
    secret = parsed.password
    connection = None
    try:
        connection = psycopg.connect(
            parsed.set(drivername="postgresql").render_as_string(hide_password=False),
            options="-c default_transaction_read_only=on",
            connect_timeout=30,
        )
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        cursor = connection.cursor()
        _ends_with_us(connection, cursor)
        # the first statement takes the snapshot: from here on no setting can make the transaction write
        cursor.execute(_RIGHTS)
        role, may_act, may_write = cursor.fetchone()
        if may_act:
            raise DataError(
                f"{where}: the role {role!r} is a superuser, or may write files and start programs on the server, and "
                "a view can do so in its name. Read as one that may only SELECT: CREATE ROLE reader LOGIN; GRANT "
                "pg_read_all_data TO reader (before version 14: GRANT SELECT ON the table TO reader)"
            )
        # row by row, as the driver would fetch all of them first; and one statement, as what is streamed must be
        frame = _frame(cursor, watch, cursor.stream(query or _TABLES))
        connection.rollback()
    except psycopg.Error as error:
        state, words = error.sqlstate or "", str(error).strip() or type(error).__name__
        if state == "57014":
            raise DataError(
                f"{where}: the query was ended by the server, which gives it {MINUTES} minutes at most; ask for fewer "
                "rows, or for a table instead of a view that computes"
            ) from None
        if state in ("25006", "42601") and ("read-only" in words or "multiple commands" in words):
            raise DataError(f"{where}: {_ONE_SELECT}") from None
        if state[:2] not in _OF_THE_QUERY or not (state or isinstance(error, psycopg.OperationalError)):
            words = f"{_NO_VALUE} ({type(error).__name__})"
        raise _failed(where, words.replace(secret, "***") if secret else words) from None
    finally:
        if connection is not None:
            connection.close()
    told = f"the role {role!r} may change tables; read as one that may only SELECT"
    return frame, [{"column": "", "what": told, "rows": len(frame)}] if may_write else []


#: minutes that a query may take at the server; it looks for its client so often (from PostgreSQL 14 on)
MINUTES, LOOKS = 60, "10s"


def _ends_with_us(connection, cursor):
    """A query does not go on at the server for hours, nor for a client that is gone."""
    most = f"{MINUTES * 60_000:.0f}ms"  # a part of a minute is rounded to seconds by the server, and none is no limit
    settings = {"statement_timeout": most, "idle_in_transaction_session_timeout": most}
    if connection.info.server_version >= 140000:
        settings["client_connection_check_interval"] = LOOKS
    for name, value in settings.items():
        cursor.execute("SELECT set_config(%s, %s, false)", (name, value))


#: classes of SQLSTATE whose words are of the query, the role or the server; those of others may repeat a cell
_OF_THE_QUERY = ("", "08", "0A", "25", "28", "3D", "3F", "42", "53", "55", "57")
_RIGHTS = """
SELECT current_user, rolsuper OR EXISTS (
    SELECT FROM pg_roles r WHERE r.rolname IN ('pg_write_server_files', 'pg_execute_server_program')
      AND pg_has_role(current_user, r.oid, 'MEMBER')), EXISTS (
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND NOT pg_is_other_temp_schema(n.oid) AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
FROM pg_roles WHERE rolname = current_user"""
_TABLES = """
SELECT table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"""


class _Memory:
    """Stop before the rows of a query have taken the memory: a view may have no end."""

    def __init__(self, where):
        self.where, self.most, self.begun, self.cells = where, (free_memory() or 1 << 33) / 3, _taken(), 0

    def see(self, rows, columns):
        """Count rows that came."""
        self.cells += rows * columns
        now = _taken()
        if (64 * self.cells if now is None else now - self.begun) > self.most:
            raise self.refused()

    def refused(self):
        """The error."""
        return DataError(
            f"{self.where}: the rows of the query take more than {self.most / 1e9:.1f} GB of memory; ask for fewer "
            "columns or rows, or export them as Parquet and score that, which streams"
        )


def _taken():
    """Bytes of memory that this program holds; None where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def _frame(cursor, watch, found=None):
    """The rows of a cursor, or those `found` by it, as long as they take no more memory than the watch allows."""
    rows, found = [], iter(cursor if found is None else found)
    while part := list(islice(found, 200)):
        watch.see(len(part), len(part[0]))
        rows += part
    if cursor.description is None:
        return pd.DataFrame()
    names = [entry[0] for entry in cursor.description]
    return pd.DataFrame.from_records(rows, columns=names, coerce_float=True)


def _failed(where, words):
    reason = (words.splitlines() or ["no reason is given"])[0][:200]
    return DataError(f"{where}: the query failed: {reason}; check table, columns and access")
