# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a ledger is kept: an SQLite file or a PostgreSQL database, and how each is opened.

Sources: sqlite.org/wal.html (no network file systems), sqlite.org/pragma.html#pragma_synchronous.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import sqlite3
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...module_utils.formats import _canonical
from ._event import LedgerError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

POSTGRESQL = re.compile(r"postgres(?:ql)?(?:\+psycopg)?://")
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.I)
SECRET_QUERY = re.compile(r"(password|passfile|sslpassword)=", re.I)
PASSWORDS = re.compile(r"://[^:/?]*:(.+)@|[?&](?:ssl)?password=([^&]*)", re.I)
# WAL needs memory that all readers and writers share.
NETWORK_FILE_SYSTEMS = frozenset(
    "9p afs beegfs ceph cifs fuse.glusterfs fuse.s3fs fuse.sshfs gfs2 glusterfs lustre ncpfs nfs "
    "nfs4 ocfs2 smb3 smbfs virtiofs vboxsf".split()
)
BUSY_SECONDS = 60  # how long another writer is waited for
BUSY_PAUSE = 0.02  # seconds
CONNECT_S = 10
LIBRARIES = "sqlalchemy 'psycopg[binary]'"  # see requirements/ledger.txt
STATEMENT_MS = 120_000  # that a statement may take beside waiting: an export reads everything
ADVISORY_LOCK = 0x17095_1ED6E2  # one number for all clients: creating the schema
MOUNTS = "/proc/self/mountinfo"


def shown(place: str) -> str:
    """Return *place* without the password that a URL may hold, also one that is not valid."""
    if not SCHEME.match(place):
        return _canonical.one_line(place)
    scheme, _slashes, rest = place.partition("://")
    user, at, where = rest.rpartition("@")
    where, _mark, query = where.partition("?")
    name, colon, _password = user.partition(":")
    if re.search("[/?#]", name):  # the @ is in a password, or in another value
        name, colon = "…", ""
    kept = "&".join(item for item in query.split("&") if item and not SECRET_QUERY.match(item))
    said = f"{scheme}://{name}{':…' if colon else ''}{at}{where}"
    return _canonical.one_line(said + (f"?{kept}" if kept else ""))


def without_password(text: str, place: str) -> str:
    """Return what a driver said, *text*, without the password in *place*."""
    for secret in PASSWORDS.findall(place):
        for part in secret:
            text = text.replace(part, "…") if part else text
    return text


def is_postgresql(place: str) -> bool:
    """Tell whether *place* is a PostgreSQL URL, and not a path."""
    return bool(POSTGRESQL.match(place))


def is_there(place: str) -> bool:
    """Tell whether a ledger may be at *place*: to look for one must not make a file."""
    return is_postgresql(place) or os.path.exists(os.path.expanduser(place))


def engine_at(place: str, mounts: str = MOUNTS, busy_seconds: float | None = None) -> Engine:
    """Return an engine for the ledger at *place*; nothing is read or made yet.

    A writer waits *busy_seconds* for another one, by default BUSY_SECONDS.

    Raises LedgerError for a place where a ledger would not be safe, and for a missing library.
    """
    try:
        import sqlalchemy as sa
    except ImportError:
        raise _missing("SQLAlchemy") from None
    seconds = BUSY_SECONDS if busy_seconds is None else busy_seconds
    if is_postgresql(place):
        return _postgresql(sa, place, seconds)
    if SCHEME.match(place):
        raise LedgerError(
            f"release_ledger: '{shown(place)}' is neither a path nor a postgresql:// URL",
            code="invalid_place",
        )
    path = os.path.realpath(os.path.expanduser(place))
    refuse_unsafe(path, mounts)
    return _sqlite(sa, path, seconds)


def _missing(library: str) -> LedgerError:
    return LedgerError(
        f"release_ledger needs {library} on this control machine: pip install {LIBRARIES}",
        code="no_library",
    )


def refuse_unsafe(path: str, mounts: str = MOUNTS) -> None:
    """Raise LedgerError where a file at *path* would be lost or damaged."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise LedgerError(
            f"release_ledger: {path}: the directory {folder} does not exist: make it, or give "
            "another path",
            code="no_directory",
        )
    kind, point = file_system_of(folder, mounts)
    if kind in NETWORK_FILE_SYSTEMS:
        raise LedgerError(
            f"release_ledger: {path} is on a network file system ({kind}), where SQLite loses "
            "data: use a local disk, or a postgresql:// URL",
            code="network_file_system",
        )
    if kind == "overlay" and point == "/":
        raise LedgerError(
            f"release_ledger: {path} is on the disk of a container, which is thrown away with it: "
            "mount a volume, or use a postgresql:// URL",
            code="container_disk",
        )


def file_system_of(folder: str, mounts: str = MOUNTS) -> tuple[str, str]:
    """Return the type and mount point of the file system that *folder* is on; "" if unknown."""
    real = os.path.realpath(folder)
    found = ("", "")
    with contextlib.suppress(OSError):
        for line in pathlib.Path(mounts).read_text(encoding="utf-8").splitlines():
            before, _dash, after = line.partition(" - ")
            point = _unescaped(before.split(" ")[4])
            inside = real == point or real.startswith(point.rstrip("/") + "/")
            if inside and len(point) >= len(found[1]):  # a later mount hides an earlier one
                found = (after.split(" ")[0], point)
    return found


@contextlib.contextmanager
def writing(engine: Engine, place: str) -> Iterator[Connection]:
    """Give a connection in a transaction that no other writer shares; it commits at the end."""
    with _in_one_line(place):
        if engine.dialect.name == "sqlite":
            _make_private(str(engine.url.database))
            engine = engine.execution_options(begin="BEGIN IMMEDIATE")
        with engine.begin() as connection:
            yield connection


def _make_private(path: str) -> None:
    """Make a file that is not there readable by its owner alone: reasons of failures are in it.

    One that is there is not opened: closing it would end the locks of SQLite in this process, and
    another process would take itself for the last one and delete what is not in the file yet.
    Source: sqlite.org/howtocorrupt.html, "POSIX advisory locks".
    """
    with contextlib.suppress(OSError):  # SQLite reports what is wrong
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


@contextlib.contextmanager
def reading(engine: Engine, place: str) -> Iterator[Connection]:
    """Give a connection that sees one moment of the ledger."""
    with _in_one_line(place):
        if engine.dialect.name != "sqlite":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with engine.begin() as connection:
            yield connection


def _sqlite(sa: Any, path: str, seconds: float) -> Engine:
    engine: Engine = sa.create_engine(
        sa.URL.create("sqlite", database=path), connect_args={"timeout": seconds}
    )

    @sa.event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves
        _use_wal(connection, seconds)
        for pragma in ("synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine


def _use_wal(connection: Any, seconds: float) -> None:
    """Switch to WAL; SQLite does not wait by itself while another process does the same."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(BUSY_PAUSE)
        else:
            return


def _postgresql(sa: Any, place: str, seconds: float) -> Engine:
    waiting = int(seconds * 1000)
    answering = waiting + STATEMENT_MS
    try:
        url = sa.make_url(POSTGRESQL.sub("postgresql+psycopg://", place, count=1))
        engine: Engine = sa.create_engine(
            url,
            connect_args={
                "connect_timeout": CONNECT_S,
                "tcp_user_timeout": answering,  # of a server that went away
                "prepare_threshold": None,  # a pooler may give each transaction another session
            },
            pool_pre_ping=True,
        )
    except ImportError:
        raise _missing("psycopg") from None
    except (sa.exc.ArgumentError, ValueError):
        raise LedgerError(
            f"release_ledger: '{shown(place)}' is not a valid URL",
            code="invalid_place",
        ) from None

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(
            f"SELECT set_config('lock_timeout', '{waiting}', true), "
            f"set_config('statement_timeout', '{answering}', true)"
        )

    return engine


@contextlib.contextmanager
def _in_one_line(place: str) -> Iterator[None]:
    """Raise LedgerError, with a code and a remedy, for what a database reports."""
    from sqlalchemy import exc

    try:
        yield
    except exc.DBAPIError as error:
        reason = _canonical.one_line(" ".join(str(error.orig).split()))
        code, remedy = _advice(reason)
        said = f"release_ledger: {shown(place)}: {without_password(reason, place)}"
        raise LedgerError(f"{said}: {remedy}" if remedy else said, code=code) from error


def _advice(reason: str) -> tuple[str, str]:
    for said, code, remedy in (
        ("is full", "ledger_full", "make room on its disk, then run again"),
        ("No space left", "ledger_full", "make room on its disk, then run again"),
        ("lock timeout", "ledger_locked", "another session holds it: see pg_stat_activity"),
        ("is locked", "ledger_locked", "another process holds it: see who with fuser or lsof"),
        ("disk I/O error", "ledger_full", "see whether its disk is full or failing"),
        ("readonly database", "ledger_read_only", "let the user of this run write to it"),
        (
            "unable to open",
            "ledger_unreadable",
            "let the user of this run write to it, its directory, and -wal and -shm beside it",
        ),
        (
            "permission denied",
            "ledger_unreadable",
            "record one run as the owner of the tables, then grant the privileges",
        ),
        ("is not a database", "no_ledger", "give the path of a ledger, or of a new file"),
        ("malformed", "ledger_damaged", "restore it, then run the playbook ledger_import"),
        ("connection", "ledger_unreachable", "check the server, the URL and the password"),
    ):
        if said in reason:
            return code, remedy
    return "ledger_failed", ""


def _unescaped(point: str) -> str:
    """Return a mount point as it is; the kernel writes blanks as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point)
