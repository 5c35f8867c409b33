# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import signal
import sqlite3

import pytest
import sqlalchemy as sa

from ansible_collections.itops.release.plugins.plugin_utils.ledger import _ledger, _place, _tables
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import (
    Actor,
    Draft,
    LedgerError,
)

ADA = Actor("ada", "claimed")
DRAFT = Draft("run_began", "shop", {"run": "1", "act": "deploy", "part": "shop", "hosts": []}, "1")
MOUNTS = """\
20 1 0:20 / / rw - {root} overlay rw
21 20 0:21 / /srv rw - ext4 /dev/sda1 rw
22 21 0:22 / /srv/with\\040blank rw - nfs4 server:/x rw
23 21 0:23 / /srv/shared rw shared:1 - cifs //server/x rw
"""


@pytest.fixture
def mounts(tmp_path):
    def write(root="overlay"):
        path = tmp_path / "mountinfo"
        path.write_text(MOUNTS.format(root=root))
        return str(path)

    return write


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/opt/x", ("overlay", "/")),
        ("/srv", ("ext4", "/srv")),
        ("/srvs", ("overlay", "/")),
        ("/srv/with blank/x", ("nfs4", "/srv/with blank")),
        ("/srv/shared", ("cifs", "/srv/shared")),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(mounts, folder, kind):
    assert _place.file_system_of(folder, mounts()) == kind


def test_what_is_not_known_of_mounts_is_no_reason_to_refuse(tmp_path):
    _place.refuse_unsafe(str(tmp_path / "ledger.db"), str(tmp_path / "no such file"))


def test_a_container_s_own_disk_is_refused(tmp_path, mounts):
    with pytest.raises(LedgerError, match="disk of a container") as caught:
        _place.refuse_unsafe(str(tmp_path / "ledger.db"), mounts())
    assert caught.value.code == "container_disk"
    assert "mount a volume" in str(caught.value)

    _place.refuse_unsafe(str(tmp_path / "ledger.db"), mounts(root="ext4"))


def test_a_network_file_system_is_refused(tmp_path, mounts):
    point = f"24 21 0:24 / {os.path.realpath(tmp_path)} rw - nfs server:/x rw\n"
    with open(mounts(), "a", encoding="utf-8") as stream:
        stream.write(point)

    with pytest.raises(LedgerError, match=r"network file system \(nfs\)") as caught:
        _place.engine_at(str(tmp_path / "ledger.db"), str(tmp_path / "mountinfo"))
    assert caught.value.code == "network_file_system"


@pytest.mark.parametrize(
    ("place", "code", "said"),
    [
        ("/no/such/folder/ledger.db", "no_directory", "the directory /no/such/folder does not"),
        ("mysql://server/x", "invalid_place", "neither a path nor a postgresql:// URL"),
        ("postgresql://ada:secret@[::1/x", "invalid_place", "is not a valid URL"),
    ],
)
def test_a_place_that_cannot_be_is_told_in_a_line(place, code, said):
    with pytest.raises(LedgerError, match=said) as caught:
        _place.engine_at(place)

    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def refused(place):
    """Return the error with which nothing can be recorded at *place*."""
    with pytest.raises(LedgerError) as caught:
        _ledger.Ledger(place).append([DRAFT], ADA)
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_file_that_is_none_is_left_as_it_is(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_text("these are notes\n" * 100)

    error = refused(str(path))

    assert (error.code, "file is not a database" in str(error)) == ("no_ledger", True)
    assert path.read_text() == "these are notes\n" * 100


def test_a_ledger_that_another_holds_is_waited_for_and_then_named(tmp_path, monkeypatch):
    monkeypatch.setattr(_place, "BUSY_SECONDS", 0)
    path = tmp_path / "ledger.db"
    _ledger.Ledger(str(path)).append([DRAFT], ADA)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    error = refused(str(path))

    assert (error.code, "is locked" in str(error)) == ("ledger_locked", True)


def test_a_full_disk_is_told_and_loses_nothing(tmp_path):
    place = str(tmp_path / "ledger.db")
    ledger = _ledger.Ledger(place)
    ledger.append([DRAFT], ADA)

    @sa.event.listens_for(ledger._engine, "begin")
    def limit(connection):
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    many = [Draft(DRAFT.kind, "shop", {**DRAFT.body, "run": f"{n}"}, f"k{n}") for n in range(500)]
    with pytest.raises(LedgerError, match="is full") as caught:
        ledger.append(many, ADA)

    assert caught.value.code == "ledger_full"
    assert _ledger.Ledger(place).head().sequence == 2


def test_a_ledger_of_a_newer_version_is_refused(tmp_path):
    place = str(tmp_path / "ledger.db")
    ledger = _ledger.Ledger(place)
    ledger.append([DRAFT], ADA)
    with sqlite3.connect(place) as connection:
        connection.execute(f"UPDATE head SET schema = {_tables.SCHEMA_VERSION + 1}")

    error = refused(place)

    assert (error.code, "newer version" in str(error)) == ("newer_schema", True)


def test_a_server_that_is_gone_is_told_without_its_password(postgresql_server):
    place = postgresql_server.database().replace("tester@", "tester:secret@")
    _ledger.Ledger(place).append([DRAFT], ADA)
    postgresql_server.stop(signal.SIGINT)
    try:
        error = refused(place)
    finally:
        postgresql_server.start()

    assert error.code == "ledger_unreachable"
    assert "secret" not in str(error)
    assert _ledger.Ledger(place).head().sequence == 2


def test_a_ledger_that_is_there_is_opened_by_sqlite_alone(tmp_path, monkeypatch):
    """To open and close the file beside SQLite ends the locks of this process, and loses events."""
    path, opened = str(tmp_path / "ledger.db"), []
    ledger = _ledger.Ledger(path)
    ledger.append([DRAFT], ADA)
    really = os.open

    def open_(name, flags, *rest, **more):
        descriptor = really(name, flags, *rest, **more)
        opened.append(name)
        return descriptor

    monkeypatch.setattr(_place.os, "open", open_)
    ledger.append([DRAFT], ADA)
    ledger.close()

    assert path not in opened


@pytest.mark.parametrize(
    "place",
    [
        "postgresql://rel:s3cret@db.example.org/l",
        "postgresql://rel:s3/cr?et@db.example.org/l",
        "postgresql://rel@tenant:s3cret@db.example.org/l",
        "postgresql://db.example.org/l?user=rel&password=s3cret&sslmode=require",
        "postgresql://x@db.example.org/l?sslpassword=s3cret",
    ],
)
def test_no_form_of_a_password_is_shown(place):
    said = _place.shown(place)
    driver = _place.without_password("password s3cret is wrong, or s3/cr?et", place)

    assert "s3" not in said
    assert "db.example.org/l" in said
    assert "s3cret" not in driver or "s3/cr?et" in place


def test_a_session_that_holds_the_ledger_is_waited_for_and_then_named(postgresql_server):
    place = postgresql_server.database()
    ledger = _ledger.Ledger(place, busy_seconds=0.1)
    ledger.append([DRAFT], ADA)
    engine = _place.engine_at(place)
    with engine.begin() as other:
        other.exec_driver_sql("SELECT * FROM head FOR UPDATE")
        with pytest.raises(LedgerError, match="another session holds it") as caught:
            ledger.append([Draft(DRAFT.kind, DRAFT.subject, DRAFT.body, "2")], ADA)

    assert caught.value.code == "ledger_locked"
    assert ledger.head().sequence == 2
    ledger.close()
    engine.dispose()
