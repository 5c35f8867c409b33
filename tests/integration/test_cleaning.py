# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes from a host and from the pack cache, what never does, and what has room."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import time

import pytest

from ansible_collections.itops.release.tests.integration.ansible_run import Controller
from ansible_collections.itops.release.tests.integration.applications import (
    deploying,
    is_one_line,
    looking,
    objects_of,
    play,
    read_state,
    seal_all,
    write_application,
)
from ansible_collections.itops.release.tests.integration.test_transfer import resize, used

pytestmark = pytest.mark.slow

GIGABYTE = 1024**3
MEGABYTE = 1_000_000
BIG = "9.0.0"
IGNORED = {"ignore_errors": True}
PREDICTED = {"check_mode": True}
LONG_AGO = "2026-01-01T00:00:00Z"
IN_THE_WAY = "rm {{ srv }}/shop/current && mkdir {{ srv }}/shop/current"


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library with shop 1.0.0 to 7.0.0, and 9.0.0, which has 6 MB more."""
    directory = tmp_path_factory.mktemp("shop")
    applications = []
    for version in [*(f"{number}.0.0" for number in range(1, 8)), BIG]:
        files = {"version": version, "readme": "the same in all\n"}
        if version == BIG:
            files["data"] = base64.b64encode(os.urandom(6 * MEGABYTE)).decode()
        number = len(applications) + 1
        applications.append(write_application(directory / version, files, version, number))
    controller = Controller(directory / "controller", _sockets)
    seal_all(controller, directory / "media", applications)
    return directory / "media"


def filling(library, *numbers):
    """Return the task that makes these releases live, one after the other, and removes none."""
    loop = {"loop": [f"{number}.0.0" for number in numbers]}
    return deploying("Fill", "shop:{{ item }}", library, loop, keep=20)


def numbers(trees):
    """Return the versions' first numbers in the names of *trees*, as text, in their order."""
    return "".join(tree[0] for tree in trees)


def held(host):
    return numbers(sorted(os.listdir(host.seen / "shop/releases")))


def was_foreseen(run, title):
    """Tell whether the check named ``Predict <title>`` said what the run then did."""

    def told(result):
        deployment = {**result["deployment"], "since": None}
        return result["changed"], result["removed"], deployment["releases"], deployment["live"]

    return told(run.result(f"Predict {title}")) == told(run.result(title))


def foreseeing(title, release, library, keywords=None, **options):
    """Return the task that predicts and the one that does."""
    predicted = {**(keywords or {}), **PREDICTED}
    return [
        deploying(f"Predict {title}", release, library, predicted, **options),
        deploying(title, release, library, keywords, **options),
    ]


def make_old(host, *old):
    """Let the releases with these numbers be staged long ago, and times of files say otherwise."""
    path = host.seen / "shop/.release/state.json"
    state = json.loads(path.read_bytes())
    state.pop("sum", None)
    for age, (tree, record) in enumerate(sorted(state["trees"].items())):
        if tree[0] in old:
            record["at"] = LONG_AGO
        os.utime(host.seen / "shop/releases" / tree, (1e9 - age, 1e9 - age))
    path.write_text(json.dumps(state, sort_keys=True, separators=(",", ":")), encoding="utf-8")


@pytest.mark.every_point
def test_retention_by_count_and_age_spares_what_is_needed_and_pinned(
    local_hosts, inventory, run_playbook, library
):
    (host,) = local_hosts(1)
    hosts = inventory([host])
    aged = {"keep": 20, "keep_days": 30}
    pin = {"mark": "pinned"}
    first = run_playbook(
        play(
            filling(library, 1, 2, 3, 4, 5),
            *foreseeing("Pin", "shop:2.0.0", library, **pin),
            deploying("Pin again", "shop:2.0.0", library, **pin),
            deploying("Stage", "shop:6.0.0", library, state="staged"),
        ),
        hosts,
    )
    assert first.rc == 0, first.output
    assert was_foreseen(first, "Pin")
    assert not first.result("Pin again")["changed"]
    make_old(host, *"1245")

    run = run_playbook(
        play(
            *foreseeing("Seven", "shop:7.0.0", library, **aged),
            *foreseeing("Back", "previous", None, keep=2, media_library="{{ omit }}"),
            *foreseeing("Pinned", "shop:2.0.0", library, IGNORED, state="absent"),
            *foreseeing("Trial", "shop:7.0.0", library, commit=False, keep=0),
            *foreseeing("On trial", "shop:7.0.0", library, IGNORED, state="absent"),
            *foreseeing("Still live", "shop:5.0.0", library, IGNORED, state="absent"),
            looking("Look"),
            deploying("Unpin", "shop:2.0.0", library, mark="unpinned"),
            *foreseeing("No longer", "shop:2.0.0", library, state="absent"),
            *foreseeing("Accept", "shop:7.0.0", library, keep=0),
            looking("Look again"),
        ),
        hosts,
    )

    assert run.rc == 0, run.output
    done = ("Seven", "Back", "Trial", "No longer", "Accept")
    assert {title: was_foreseen(run, title) for title in done} == dict.fromkeys(done, True)
    removed = {title: numbers(run.result(title)["removed"]) for title in done}
    assert removed == {"Seven": "14", "Back": "36", "Trial": "", "No longer": "2", "Accept": ""}
    refused = {"Pinned": "is pinned", "On trial": "is on trial", "Still live": "is live"}
    for title, reason in refused.items():
        for message in (run.result(f"Predict {title}")["msg"], run.result(title)["msg"]):
            assert is_one_line(message)
            assert f"{reason}: it is not removed" in message
    assert held(host) == "57"
    assert run.result("Look again")["ok"]
    digests = {record["digest"] for record in read_state(host)["trees"].values()}
    assert set(os.listdir(host.seen / "shop/.release/manifests")) == digests
    there = {version: bool(objects_of(host, f"{version}.0.0")) for version in range(1, 8)}
    assert there == {version: version in (5, 7) for version in range(1, 8)}


def test_nothing_is_removed_where_current_cannot_be_read(
    local_hosts, inventory, run_playbook, library
):
    """Somebody else's directory gets there before the release is tried out, or after it."""
    during, before = local_hosts(2)
    only = {"when": f"inventory_hostname == '{before.name}'"}
    restart = {"restart": ["sh", "-c", IN_THE_WAY]}

    run = run_playbook(
        play(
            filling(library, 1, 2, 3),
            {"name": "In the way", "ansible.builtin.shell": IN_THE_WAY, **only},
            *foreseeing("Clean", "shop:4.0.0", library, IGNORED, keep=1, **restart),
            *foreseeing("One", "shop:1.0.0", library, IGNORED, state="absent"),
            *foreseeing("All", None, library, IGNORED, state="absent", purge_shared=True),
        ),
        inventory([during, before]),
    )

    assert run.rc == 0, run.output
    told = [(host, title) for host in (during, before) for title in ("Predict One", "One", "All")]
    for host, title in [*told, (during, "Clean"), (before, "Predict Clean"), (before, "Clean")]:
        message = run.result(title, host=host.name).get("msg", "was done")
        assert is_one_line(message), title
        assert f"{host.srv}/shop/current is not a link" in message, title
    assert held(before) == "123"
    assert held(during) == "1234"
    assert (during.seen / "shop/current").is_dir()


def write_pack(path, size, hours_ago):
    """Write a pack that takes no room here, and was last used so many hours ago."""
    with open(path, "wb") as stream:
        stream.truncate(size)
    then = time.time() - hours_ago * 3600
    os.utime(path, (then, then))


def test_packs_used_longest_ago_go_when_the_cache_is_full(
    local_hosts, inventory, run_playbook, library, tmp_path
):
    (host,) = local_hosts(1)
    packs = tmp_path / "packs"
    packs.mkdir()
    write_pack(packs / "recent-none-zstd", GIGABYTE, 0)
    write_pack(packs / "b-longest-ago-none-zstd", GIGABYTE, 3)
    write_pack(packs / "a-longer-ago-none-zstd", GIGABYTE // 2, 2)

    run = run_playbook(
        play(
            deploying("Predict", "shop:1.0.0", library, PREDICTED, pack_cache=str(packs)),
            {"name": "List", "ansible.builtin.command": f"ls {packs}"},
            deploying("Deploy", "shop:1.0.0", library, pack_cache=str(packs)),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    assert len(run.result("List")["stdout"].split()) == 3
    recent = {"recent-none-zstd", "as-recent-none-zstd"}
    assert big(packs) == {"recent-none-zstd", "a-longer-ago-none-zstd"}
    write_pack(packs / "as-recent-none-zstd", 2 * GIGABYTE, 0.5)
    more = deploying("Deploy", "shop:2.0.0", library, pack_cache=str(packs))
    assert run_playbook(play(more), inventory([host])).rc == 0
    assert big(packs) == recent  # another run may be sending them, however full the cache is


def big(packs):
    return {path.name for path in packs.glob("[!.]*") if path.stat().st_size > MEGABYTE}


def leave(host, pack, digest):
    """Leave the most of *pack* in a drop for the release *digest*; return how many bytes."""
    data = pack.read_bytes()[: int(pack.stat().st_size * 0.75)]
    drop = host.seen / f"shop/.release/drop/{digest[:16]}-left"
    drop.mkdir(mode=0o700)
    (drop / "pack").write_bytes(data)
    return len(data)


def test_what_arrived_earlier_is_no_reason_to_lack_room(
    ssh_hosts, inventory, run_playbook, library
):
    """A transfer goes on from it, or it is removed; check mode counts it as the run does."""
    (host,) = ssh_hosts(1)
    hosts = inventory([host])
    named = f"shop:{BIG}"
    resize(host, size=MEGABYTE, nr_inodes=500)
    first = run_playbook(play(*foreseeing("Big", named, library, IGNORED)), hosts)
    messages = [first.result(title)["msg"] for title in ("Predict Big", "Big")]
    assert is_one_line(messages[0])
    assert messages[0].startswith("/srv/shop has not enough room: ")
    needed = [re.search(r"free, .* are needed; nothing was sent", text)[0] for text in messages]
    assert needed[0] == needed[1]
    resize(host, size=100 * MEGABYTE, nr_inodes=5000)
    going = [
        deploying("Big", named, library),
        deploying("Back", "previous", library),
        deploying("Away", named, library, state="absent"),
    ]
    run = run_playbook(play(deploying("Small", "shop:1.0.0", library), *going), hosts)
    assert run.rc == 0, run.output
    digest = run.result("Big")["after"]["digest"]
    (pack,) = (library.parent / "media-packs").glob(f"{digest[:32]}-[0-9a-f]*")
    resize(host, size=used(host)[0] + MEGABYTE)
    short = run_playbook(play(deploying("Big", named, library, PREDICTED)), hosts).result("Big")
    room = float(re.search(r"free, ([0-9.]+) MB", short["msg"])[1])

    for wanted, resumed in ((hashlib.sha256(b"another").hexdigest(), False), (digest, True)):
        before = used(host)[0]
        resize(host, size=100 * MEGABYTE)
        arrived = leave(host, pack, wanted)
        resize(host, size=before + round((room + 0.2) * MEGABYTE))
        foreseen = deploying("Predict", named, library, PREDICTED)

        run = run_playbook(play(foreseen, *going), hosts)

        assert run.rc == 0, run.output
        assert run.result("Big")["resumed_bytes"] == (arrived if resumed else 0)
