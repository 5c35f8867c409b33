# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A root that others could replace is refused, in a line that says what would mend that."""

from __future__ import annotations

import grp
import os
import pathlib
import pwd

import pytest

from ansible_collections.itops.release.plugins.module_utils.root import _directory
from ansible_collections.itops.release.tests.fakes.processes import NOBODY, as_plain_user, in_child

needs_root = pytest.mark.root("gives files to other users")
DAEMON = pwd.getpwnam("daemon")
SHARED_GROUP = 4242  # no group has this number


@pytest.fixture
def label(estate):
    return estate.seal("1.0", {"app": "1"})


def refused(host, label, **params):
    """Return the line by which a deployment is refused, in check mode as in a real run."""
    lines = []
    for check_mode in (True, False):
        with pytest.raises(_directory.RootError) as caught:
            host.deploy(label, check_mode, **params)
        lines.append(str(caught.value))
    assert len(set(lines)) == 1
    assert lines[0].isprintable()
    return lines[0]


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o1777])
def test_a_root_that_everybody_may_write_to_is_refused(estate, label, mode):
    host = estate.host()
    host.root.mkdir(parents=True)
    host.root.chmod(mode)

    line = refused(host, label)

    assert f"{host.root} can be written to by everybody" in line
    assert f"chmod go-w {host.root}" in line
    assert list(host.root.iterdir()) == []
    host.root.chmod(0o755)
    assert host.deploy(label)["changed"]


@pytest.mark.parametrize("mode", [0o777, 0o733])
def test_a_directory_above_the_root_that_everybody_may_write_to_is_refused(estate, label, mode):
    host = estate.host()
    above = host.root.parent
    above.mkdir()
    above.chmod(mode)

    assert f"{above} can be written to by everybody" in refused(host, label)
    assert not host.root.exists()
    above.chmod(mode | 0o1000)  # as /tmp
    assert host.deploy(label)["changed"]


@needs_root
@pytest.mark.parametrize("name", ["", "releases", ".release"])
def test_a_live_root_that_another_user_got_is_refused_until_it_is_taken_back(estate, label, name):
    host = estate.host()
    host.deploy(label)
    os.chown(host.root / name, DAEMON.pw_uid, -1)

    if name == ".release":
        assert f"{host.root} is written by daemon" in refused(host, label, verify=True)
    else:
        path = host.root / name if name else host.root
        assert f"{path} belongs to daemon" in refused(host, label, verify=True)
        assert f"chown root {path}" in refused(host, None, state="absent")
    os.chown(host.root / name, os.geteuid(), -1)
    assert not host.deploy(label, verify=True)["changed"]


@needs_root
def test_a_directory_above_the_root_that_belongs_to_somebody_else_is_refused(estate, label):
    host = estate.host()
    above = host.root.parent
    above.mkdir(mode=0o700)
    os.chown(above, DAEMON.pw_uid, DAEMON.pw_gid)

    assert f"{above} belongs to daemon" in refused(host, label)


@needs_root
@pytest.mark.parametrize("mode", [0o775, 0o2770])
def test_a_group_that_others_may_be_in_is_refused_and_named(estate, label, mode):
    host = estate.host()
    host.root.mkdir(parents=True)
    primary = {user.pw_gid for user in pwd.getpwall()}
    empty = next(group for group in grp.getgrall() if group.gr_gid not in primary)
    groups = {SHARED_GROUP: f"number {SHARED_GROUP}", DAEMON.pw_gid: "daemon"}
    for gid, name in {**groups, empty.gr_gid: empty.gr_name}.items():
        os.chown(host.root, -1, gid)
        host.root.chmod(mode)
        assert f"{host.root} can be written to by group {name}" in refused(host, label)


def test_a_users_own_group_counts_as_that_user(estate, label, tmp_path):
    host = estate.host()
    user = pwd.getpwuid(NOBODY if os.geteuid() == 0 else os.geteuid())
    own = grp.getgrgid(user.pw_gid)
    is_private = user.pw_name == own.gr_name and not own.gr_mem
    if not is_private and os.geteuid() != 0:
        pytest.skip(f"{user.pw_name} has no group of that name alone")
    host.deploy(label)
    host.deploy(None, state="absent")
    host.root.mkdir()

    if is_private:
        host.root.chmod(0o775)
        result = as_plain_user(lambda: host.deploy(label)["changed"], tmp_path)
        assert result
    else:  # the group of nobody is nogroup: as root, root's own one
        host.root.chmod(0o775)
        assert host.deploy(label)["changed"]


@needs_root
def test_an_access_list_is_no_private_group(estate, label):
    host = estate.host()
    host.root.mkdir(parents=True)
    host.root.chmod(0o775)
    # Version 2: owner rwx, user 1 rwx, group r-x, mask rwx, others r-x; in little endian.
    entries = [(1, 7, 0xFFFFFFFF), (2, 7, 1), (4, 5, 0xFFFFFFFF), (16, 7, 0xFFFFFFFF)]
    entries.append((32, 5, 0xFFFFFFFF))
    data = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + bits.to_bytes(2, "little") + who.to_bytes(4, "little")
        for tag, bits, who in entries
    )
    try:
        os.setxattr(host.root, "system.posix_acl_access", data)
    except OSError as error:
        pytest.skip(f"no access lists here: {error.strerror}")

    assert "can be written to by group root" in refused(host, label)


def test_links_of_our_own_on_the_way_are_followed(estate, label, tmp_path):
    (tmp_path / "data/deep").mkdir(parents=True)
    (tmp_path / "one").symlink_to("./two")
    (tmp_path / "two").symlink_to(tmp_path / "data/deep/..")
    (tmp_path / "srv").symlink_to("one")
    host = estate.host()

    assert host.deploy(label)["changed"]

    assert (tmp_path / "data/shop/current/app").read_text() == "1"
    assert not host.deploy(label, verify=True)["changed"]


def test_what_a_link_leads_through_is_looked_at(estate, label, tmp_path):
    open_to_all = tmp_path / "open"
    (open_to_all / "data").mkdir(parents=True)
    open_to_all.chmod(0o777)
    (tmp_path / "srv").symlink_to("open/data")

    assert f"{open_to_all} can be written to by everybody" in refused(estate.host(), label)


@needs_root
def test_a_link_that_somebody_put_where_all_may_write_is_refused(estate, label, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "public").mkdir()
    (tmp_path / "public").chmod(0o1777)
    (tmp_path / "public/link").symlink_to("../data")
    os.chown(tmp_path / "public/link", DAEMON.pw_uid, -1, follow_symlinks=False)
    (tmp_path / "srv").symlink_to("public/link")

    line = refused(estate.host(), label)

    assert f"{tmp_path}/public/link is a link of daemon" in line
    assert list((tmp_path / "data").iterdir()) == []


def test_a_link_that_never_ends_is_no_root(estate, label, tmp_path):
    (tmp_path / "srv").symlink_to("srv")

    with pytest.raises(OSError, match="symbolic links"):
        estate.host().deploy(label)


@needs_root
def test_shared_may_belong_to_the_service(estate, label):
    host = estate.host(linked_paths=["log/"])
    host.deploy(label, state="staged")
    os.chown(host.root / "shared", DAEMON.pw_uid, DAEMON.pw_gid)
    (host.root / "shared").chmod(0o2777)

    assert host.deploy(label)["changed"]
    assert pathlib.Path(host.root / "shared/log").is_dir()


@needs_root
def test_who_only_looks_trusts_the_user_who_writes_the_root_and_nobody_else(
    estate, label, tmp_path
):
    host = estate.host()
    host.deploy(label)  # loads all the code: a plain user may not be allowed to read that
    host.deploy(None, state="absent")
    as_plain_user(lambda: host.deploy(label)["changed"], tmp_path)

    with _directory.opened(str(host.root), looks_only=True) as root:
        assert root.read_state().live
    with (
        pytest.raises(_directory.RootError, match="is written by nobody"),
        _directory.opened(str(host.root)),
    ):
        pass
    os.chown(host.root / "releases", DAEMON.pw_uid, -1)
    with pytest.raises(_directory.RootError), _directory.opened(str(host.root), looks_only=True):
        pass


@needs_root
def test_a_directory_that_cannot_be_made_is_named_by_its_whole_path(estate, label, tmp_path):
    host = estate.host()
    host.deploy(label)
    host.deploy(None, state="absent")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o755)
    host.root = closed / "shop"

    def refused_by_the_system():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        with pytest.raises(PermissionError) as caught:
            host.deploy(label)
        return caught.value.filename

    tmp_path.chmod(0o711)
    assert in_child(refused_by_the_system) == str(host.root)
