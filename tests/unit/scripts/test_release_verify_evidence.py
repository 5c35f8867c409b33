# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verifier: a pack is whole or the file that is altered is named, whoever altered it how."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import pytest

from ansible_collections.itops.release.plugins.module_utils.formats import _canonical
from ansible_collections.itops.release.plugins.plugin_utils.evidence import _dsse
from ansible_collections.itops.release.plugins.plugin_utils.pack import _tar
from ansible_collections.itops.release.plugins.plugin_utils.policy import _sshsig
from ansible_collections.itops.release.tests.fakes.evidence_packs import (
    PEOPLE,
    RELEASES,
    VERIFIER,
    Closed,
    rechained,
    signers,
    verifier,
)
from ansible_collections.itops.release.tests.fakes.signing import (
    LABEL,
    envelope,
    private_key,
    public_key,
    public_line,
)

TOP = "shop-1.5/"
FLIPS = 400


class Packs:
    """Packs of one closed plan, and forgeries of them, each run through the verifier."""

    def __init__(self, folder):
        self.folder = folder
        self.closed = Closed(folder)
        self.pack = self.closed.pack().read_bytes()
        self.whole = self.closed.pack("whole.tar", whole=True).read_bytes()
        self.unsigned = self.closed.pack("unsigned.tar", closer=None).read_bytes()
        self.head = self.closed.ledger.head()

    def files(self, pack=None):
        """Return the files of a pack by their path below the top folder."""
        place = self.folder / "read.tar"
        place.write_bytes(pack or self.pack)
        read = _tar.read(str(place))
        return {name.removeprefix(TOP): stream.read() for name, stream in read}

    def forged(self, files, signer=None, /, **changes):
        """Return a pack of *files* whose index says so; *changes* are of the index."""
        files = {name: data for name, data in files.items() if name != "index.json.sig"}
        index = json.loads(files.pop("index.json"))
        strength = "signed" if signer else "claimed"
        index["closer"] = {**index["closer"], "strength": strength}
        index["files"] = [
            {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for path, data in sorted(files.items())
        ]
        index = {**index, **changes}
        del index["sum"]
        index["sum"] = _canonical.sha256_hex(_canonical.dumps(index))
        files["index.json"] = _canonical.dumps(index) + b"\n"
        if signer:
            key = self.closed.keys[signer]
            signature = _sshsig.sign(files["index.json"], key, _sshsig.EVIDENCE)
            files["index.json.sig"] = signature.encode()
        return tar_of(files.items())

    def retold(self, change, signer=None, **files):
        """Return a whole pack with another ledger: each event as *change(event)* leaves it."""
        there, events = self.events(change)
        for event in events:
            if event.kind == "statement_recorded":
                path = f"statements/{event.sequence}.json"
                there[path] = event.body["statement"].encode()
                if "signature" in event.body:
                    there[f"{path}.sig"] = event.body["signature"].encode()
        return self.forged({**there, **files}, signer, head=self.head_of(events))

    def events(self, change):
        """Return the files of a whole pack, where the ledger was changed alone, and its events."""
        there = self.files(self.whole)
        events = rechained(there["ledger/events.jsonl"].splitlines(), change)
        lines = [_canonical.dumps(event.to_plain()) + b"\n" for event in events]
        there["ledger/events.jsonl"] = b"".join(lines)
        there["ledger/chain.txt"] = b"".join(f"{e.hash}\n".encode() for e in events)
        return there, events

    def head_of(self, events):
        return {"ledger": self.head.ledger, "sequence": len(events), "hash": events[-1].hash}


def tar_of(files, in_order=True):
    files = [(name if name.startswith("/") else TOP + name, data) for name, data in files]
    data = b""
    for name, content in sorted(files) if in_order else files:
        data += _tar.header(name, len(content)) + content + bytes(-len(content) % 512)
    return data + bytes(1024)


@pytest.fixture(scope="module")
def packs():
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="itops-release-", dir=memory) as folder:
        yield Packs(pathlib.Path(folder))


@pytest.fixture(scope="module")
def program():
    return verifier()


@pytest.fixture
def check(program, capsys, monkeypatch, tmp_path):
    """Return ``check(pack, keys=None, …)``: the exit status and the lines of the verifier."""

    def check(pack, keys=None, *more):
        path = tmp_path / "shop-1.5.tar"
        if isinstance(pack, bytes):
            path.write_bytes(pack)
        else:
            path = pack
        arguments = ["release_verify_evidence", str(path), *more]
        if keys is not None:
            (tmp_path / "keys").write_text(keys)
            arguments += ["--keys", str(tmp_path / "keys")]
        monkeypatch.setattr(sys, "argv", arguments)
        status = program.main()
        return status, capsys.readouterr().out.splitlines()

    return check


def is_altered(result, name, *words):
    """Tell whether a problem with the file *name* was found, in these *words*."""
    status, lines = result
    assert status == 1
    assert lines[0].endswith(("1 problem", "problems"))
    about = [line for line in lines[1:] if line.startswith(name)]
    return bool(about) and all(any(word in line for line in about) for word in words)


def test_a_pack_is_whole_by_the_keys_of_the_verifier(packs, check):
    status, lines = check(packs.pack, signers())

    assert status == 0
    assert lines[0].startswith("shop-1.5: whole: 19 files, 18 events of a ledger of 25, head ")
    assert lines[0].endswith("7 signatures by your keys")
    assert "statements/9.json: not signed (approve of ben)" in lines


@pytest.mark.parametrize("name", ["pack", "whole", "unsigned"])
def test_without_keys_it_says_that_anybody_could_have_made_it(packs, check, name):
    status, lines = check(getattr(packs, name))

    assert status == 0
    assert lines[0] == (
        "shop-1.5: integrity only: whoever made the pack could have made all of it (no --keys)"
    )


def test_json_has_the_same(packs, check):
    status, lines = check(packs.pack, signers(), "--json")
    said = json.loads("\n".join(lines))

    assert status == 0
    assert (said["verdict"], said["problems"]) == ("whole", [])
    assert said["head"] == packs.head.to_plain()
    assert {"name": "index.json", "by": f"ada {public_key(21).fingerprint}"} in said["signed"]
    assert len(said["signed"]) == 7


@pytest.mark.parametrize("name", ["pack", "unsigned"])
def test_a_flipped_bit_anywhere_is_found_and_named(packs, check, name):
    pack, chance = getattr(packs, name), random.Random(name)
    for _time in range(FLIPS):
        at, bit = chance.randrange(len(pack)), 1 << chance.randrange(8)
        flipped = pack[:at] + bytes([pack[at] ^ bit]) + pack[at + 1 :]
        status, lines = check(flipped)

        assert status == 1, f"byte {at}, bit {bit}"
        assert len(lines) > 1
        assert lines[1].partition(":")[0]


def test_a_flipped_bit_in_the_signature_of_the_index_is_found(packs, check):
    begin = packs.pack.index(b"-----BEGIN SSH")
    end = packs.pack.index(b"-----END SSH", begin) + 28
    for at in range(begin, end, 3):
        flipped = packs.pack[:at] + bytes([packs.pack[at] ^ 1]) + packs.pack[at + 1 :]

        assert is_altered(check(flipped), "index.json.sig"), at


def test_a_flipped_bit_in_an_index_without_a_signature_is_found(packs, check):
    begin = packs.unsigned.index(b"{")
    for at in range(begin, packs.unsigned.index(b"}\n", begin), 2):
        flipped = packs.unsigned[:at] + bytes([packs.unsigned[at] ^ 1]) + packs.unsigned[at + 1 :]

        assert is_altered(check(flipped), "index.json"), at


def test_a_pack_that_is_cut_anywhere_is_altered(packs, check):
    for end in [*range(0, len(packs.pack), 1999), len(packs.pack) - 512, len(packs.pack) - 1]:
        assert check(packs.pack[:end])[0] == 1


@pytest.mark.parametrize("more", [b"\0", bytes(512), b"x", bytes(9216)])
def test_what_comes_after_the_end_is_altered(packs, check, more):
    assert "after the end" in check(packs.pack + more)[1][1]


def test_files_are_those_of_the_index(packs, check):
    files = packs.files()
    index = {name: data for name, data in files.items() if name.startswith("index.json")}
    added = tar_of([*files.items(), ("review.txt", b"x")])
    removed = tar_of((name, data) for name, data in files.items() if name != "review.md")
    renamed = tar_of((name.replace("review.md", "rexiew.md"), data) for name, data in files.items())

    assert is_altered(check(added), "review.txt", "not in index.json")
    assert is_altered(check(removed), "review.md", "missing")
    assert is_altered(check(renamed), "rexiew.md", "not in index.json")
    assert is_altered(check(renamed), "review.md", "missing")
    assert is_altered(check(tar_of(index.items())), "plan.json", "missing")


def test_each_file_is_there_once_and_in_order(packs, check):
    files = sorted(packs.files().items())

    assert is_altered(check(tar_of([*files, files[3]])), TOP + files[3][0], "twice")
    assert is_altered(check(tar_of(files[::-1], in_order=False)), TOP, "not in order")


@pytest.mark.parametrize(
    "name", ["../x", "a/../x", "./x", "a//x", "/etc/x", "/other/x", "x\x1b[2J", "x\n"]
)
def test_paths_stay_in_the_folder_of_the_pack(packs, check, name):
    status, lines = check(tar_of([*packs.files().items(), (name, b"x")]))

    assert status == 1
    assert "path" in lines[1] or "one folder" in lines[1]
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    "kind", [b"1", b"2", b"3", b"4", b"5", b"6", b"S", b"x", b"g", b"L", b"\0"]
)
def test_there_is_nothing_but_files(packs, check, kind):
    block = bytearray(_tar.header(TOP + "zzz", 0))
    block[156:157] = kind
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    pack = packs.pack[:-1024] + bytes(block) + bytes(1024)

    assert "the header of the next file is not as a pack has it" in check(pack)[1][1]


def test_a_size_that_lies_is_altered(packs, check):
    pack = tar_of(packs.files().items())[:-1024] + _tar.header(TOP + "zzz", 8**11 - 1)

    assert is_altered(check(pack + bytes(1024)), TOP + "zzz", "cut short")


def test_an_index_that_is_no_index_is_altered(packs, check):
    files = packs.files()
    for data in (
        b"",
        b"{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"format":1,"format":1}',
        b"\xff",
    ):
        assert is_altered(check(tar_of({**files, "index.json": data}.items())), "index.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"made_at": "now"},
        {"files": [1]},
        {"left_out": [1]},
        {"head": {}},
        {"closer": []},
        {"plan": "shop-1.6"},
        {"revision": True},
        {"ended": None},
        {"closer": {"person": "-x", "actor": "", "strength": "signed"}},
    ],
)
def test_an_index_has_what_an_index_must_have(packs, check, changes):
    assert is_altered(check(packs.forged(packs.files(), **changes)), "index.json")


def test_the_index_says_of_the_plan_what_the_ledger_says(packs, check):
    for key, value in (("revision", 1), ("ended", ""), ("plan_digest", "0" * 64)):
        pack = packs.forged(packs.files(), **{key: value})

        assert is_altered(check(pack), "index.json", key)


def test_an_event_that_was_changed_is_found_although_its_file_fits_the_index(packs, check):
    files = packs.files()
    events = files["ledger/events.jsonl"].replace(b"an index", b"an  hint")
    pack = packs.forged({**files, "ledger/events.jsonl": events})

    assert is_altered(check(pack), "ledger/events.jsonl, event 23", "hash")


def test_an_event_with_a_new_hash_has_no_place_in_the_chain(packs, check):
    files = packs.files()
    lines = files["ledger/events.jsonl"].splitlines()
    event = json.loads(lines[-1])
    event["body"]["how"] = "cancelled"
    del event["hash"]
    event["hash"] = _canonical.sha256_hex(_canonical.dumps(event))
    events = b"\n".join([*lines[:-1], _canonical.dumps(event), b""])
    pack = packs.forged({**files, "ledger/events.jsonl": events})
    assert is_altered(check(pack), "ledger/events.jsonl, event 24", "ledger/chain.txt")

    chain = files["ledger/chain.txt"].splitlines()
    chain[23] = event["hash"].encode()
    text = b"\n".join([*chain, b""])
    head = {"ledger": packs.head.ledger, "sequence": 25, "hash": packs.head.hash}
    whole = {**packs.files(packs.whole), "ledger/chain.txt": text}
    whole["ledger/events.jsonl"] = whole["ledger/events.jsonl"].replace(
        lines[-1], _canonical.dumps(event)
    )
    pack = packs.forged(whole, head=head, ended="cancelled")
    assert is_altered(check(pack), "ledger/events.jsonl, event 25", "does not follow")


def test_the_chain_ends_with_the_head(packs, check):
    files = packs.files()
    chain = files["ledger/chain.txt"]
    head = {**packs.head.to_plain(), "sequence": 24}

    assert is_altered(check(packs.forged(files, head=head)), "ledger/chain.txt")
    shorter = {**files, "ledger/chain.txt": chain[:-65]}
    assert is_altered(check(packs.forged(shorter, head=head)), "ledger/chain.txt", "head")
    assert is_altered(check(packs.forged(shorter)), "ledger/chain.txt", "25 hashes")
    other = {**files, "ledger/chain.txt": chain.replace(b"a", b"A")}
    assert is_altered(check(packs.forged(other)), "ledger/chain.txt", "one hash a line")


def test_events_are_in_order_from_the_first(packs, check):
    files = packs.files()
    lines = files["ledger/events.jsonl"].splitlines(keepends=True)
    for events in (lines[1:], [*lines[:3], lines[2], *lines[3:]], [lines[0], *lines[:0:-1]]):
        pack = packs.forged({**files, "ledger/events.jsonl": b"".join(events)})

        assert is_altered(check(pack), "ledger/events.jsonl")


def test_a_whole_ledger_has_all_events(packs, check):
    pack = packs.forged(packs.files(), whole_ledger=True)

    assert is_altered(check(pack), "ledger/events.jsonl", "all events")


def test_another_ledger_is_found(packs, check):
    head = {**packs.head.to_plain(), "ledger": "2" * 32}

    assert is_altered(check(packs.forged(packs.files(), head=head)), "ledger/events", "another")


def test_a_head_that_is_known_must_be_in_the_chain(packs, check):
    known = check(packs.whole, signers(), "--ledger-head", packs.head.hash)
    assert known[0] == 0
    assert "the hash that you know is that of event 25" in known[1]

    first = next(packs.closed.ledger.events()).hash
    assert check(packs.pack, None, "--ledger-head", first)[0] == 0
    unknown = check(packs.pack, None, "--ledger-head", "e" * 64)
    assert is_altered(unknown, "ledger/chain.txt", "--ledger-head")


def test_files_of_the_ledger_are_those_that_its_events_name(packs, check):
    for path in ("statements/11.json", "revisions/1.json", "policies/3.yml", "plan.json"):
        files = packs.files()
        files[path] += b" "
        assert is_altered(check(packs.forged(files)), path)
        del files[path]
        assert is_altered(check(packs.forged(files)), path)
    for path in ("statements/99.json", "revisions/3.json", "policies/99.yml"):
        pack = packs.forged({**packs.files(), path: b"{}"})
        assert is_altered(check(pack), path, "no event")
    swapped = packs.files()
    one, other = "statements/11.json.sig", "statements/12.json.sig"
    swapped[one], swapped[other] = swapped[other], swapped[one]
    assert is_altered(check(packs.forged(swapped)), one, "not what the ledger has")


def stated(**changes):
    """Return a change by which ben's signed statement says something else, and nothing re-signs."""

    def change(event):
        if event["sequence"] != 11:
            return
        said = {**json.loads(event["body"]["statement"]), **changes}
        text = (_canonical.dumps(said) + b"\n").decode()
        event["body"] |= {"statement": text, "digest": _canonical.sha256_hex(text.encode())}

    return change


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("plan", "other-1"),
        ("ledger", "2" * 32),
        ("plan_digest", "0" * 64),
        ("release_digest", "0" * 64),
        ("person", "cleo"),
        ("environment", "staging"),
        ("decision", "reject"),
        ("revision", 1),
        ("type", "other"),
    ],
)
def test_a_statement_is_about_this_plan_and_what_the_event_says(packs, check, key, value):
    result = check(packs.retold(stated(**{key: value})))

    assert is_altered(result, "statements/11.json", key)


def test_a_statement_is_recorded_for_who_made_it_and_as_strong_as_it_is(packs, check):
    def for_another(event):
        if event["sequence"] == 11:
            event["actor"] = "cleo"

    def as_signed(event):
        if event["sequence"] == 9:
            event["strength"] = "signed"

    assert is_altered(check(packs.retold(for_another)), "statements/11.json", "another person")
    assert is_altered(check(packs.retold(as_signed)), "statements/9.json", "which it is not")


def test_a_signature_of_another_statement_does_not_fit(packs, check):
    events = [json.loads(line) for line in packs.files()["ledger/events.jsonl"].splitlines()]
    found = {e["sequence"]: e["body"].get("signature") for e in events}

    def swapped(event):
        if event["sequence"] in (11, 12):
            event["body"]["signature"] = found[23 - event["sequence"]]

    pack = packs.retold(swapped, "ada")
    assert is_altered(check(pack), "statements/11.json.sig", "does not fit")
    assert is_altered(check(pack, signers()), "statements/12.json.sig", "not by a key of cleo")


ODD = (None, True, 5, "", "😀\x1b", "x" * 9999, [], [[]], {}, {"digest": 5})


def test_events_of_any_form_are_judged(packs, check):
    chance = random.Random(7)
    events = [json.loads(line) for line in packs.files()["ledger/events.jsonl"].splitlines()]
    for event in events:
        for key in event["body"]:
            odd = chance.choice([value for value in ODD if value != event["body"][key]])

            def change(there, number=event["sequence"], key=key, odd=odd):
                if there["sequence"] == number:
                    there["body"][key] = odd

            files, told = packs.events(change)
            status, lines = check(packs.forged(files, head=packs.head_of(told)))

            assert status in (0, 1)
            assert status == 0 or len(lines) > 1


def test_manifests_are_those_of_the_plan(packs, check):
    digest = packs.closed.label.digest
    manifest = f"releases/{digest}/manifest.json"
    files = packs.files()
    less = {path: data for path, data in files.items() if not path.startswith("releases/")}
    other = {**files, f"releases/{'0' * 64}/manifest.json": b"{}"}

    assert is_altered(check(packs.forged({**files, manifest: b"{}"})), manifest, "release digest")
    assert is_altered(check(packs.forged(less)), f"releases/{digest}", "missing")
    assert is_altered(check(packs.forged(other)), f"releases/{'0' * 64}", "not a release")
    del files[manifest]
    assert is_altered(check(packs.forged(files)), manifest)


def test_envelopes_are_about_their_release(packs, check):
    path = f"releases/{packs.closed.label.digest}/signature-1.json"
    moved = _dsse.render(envelope(RELEASES, label=LABEL))
    for data, word in ((moved, "another release"), (b"{}", "not a DSSE"), (b"[" * 9999, "JSON")):
        pack = packs.forged({**packs.files(), path: data})

        assert is_altered(check(pack), path, word)


@pytest.mark.parametrize("name", ["ada", "ben", "cleo"])
def test_a_key_that_is_not_in_the_file_proves_nothing(packs, check, name):
    signed = {"ada": "index.json.sig", "ben": "statements/11.json.sig"}

    result = check(packs.pack, signers(**{name: None}))

    assert is_altered(result, signed.get(name, "statements/12.json.sig"), f"of {name} for ")


@pytest.mark.parametrize(
    "line",
    [
        None,
        "",
        f"ci {public_line(30)}",
        f"* {public_line(RELEASES)}",  # as people have them
        f'ci namespaces="approval@itops.release" {public_line(RELEASES)}',
        f'ci namespaces="*,!release@*" {public_line(RELEASES)}',
        f"ci cert-authority {public_line(RELEASES)}",
        f'ci valid-before="20200101" {public_line(RELEASES)}',
        f'ci valid-after="20300101Z" {public_line(RELEASES)}',
        f"# ci {public_line(RELEASES)}",
    ],
)
def test_releases_are_signed_by_keys_for_releases(packs, check, line):
    result = check(packs.pack, signers(releases=line))

    assert is_altered(result, f"releases/{packs.closed.label.digest}/signature-", "release@")


@pytest.mark.parametrize(
    "line",
    [
        f'"ci, build" namespaces="file,rel*" {public_line(RELEASES)} build key',
        'ci namespaces="release@itops.release",valid-after="20200101",'
        f'valid-before="203001011200Z" {public_line(RELEASES)}',
    ],
)
def test_keys_for_releases_are_read_as_openssh_reads_them(packs, check, line):
    assert check(packs.pack, signers(releases=line))[0] == 0


def test_a_key_counts_at_the_time_of_the_signature(packs, check):
    def limited(dates):
        return signers(ben=f"ben {dates} {public_line(PEOPLE['ben'])}")

    # Ben signed on 2 November 2026, whatever the time is now.
    assert check(packs.pack, limited('valid-after="20261101",valid-before="20261104"'))[0] == 0
    assert check(packs.pack, limited('valid-before="20260101"'))[0] == 1
    assert check(packs.pack, limited('valid-after="20270101"'))[0] == 1


def test_a_foreign_closer_is_not_the_closer(packs, check):
    mallory = packs.closed.pack("mallory.tar", key="mallory")
    assert is_altered(check(mallory, signers()), "index.json.sig", "not by a key of ada")
    assert check(mallory)[0] == 0  # without keys it cannot know

    herself = packs.closed.pack("herself.tar", closer="mallory")
    assert is_altered(check(herself, signers()), "index.json.sig", "mallory")
    restricted = f'ada namespaces="approval@itops.release" {public_line(PEOPLE["ada"])}'
    assert is_altered(check(packs.pack, signers(ada=restricted)), "index.json.sig", "evidence@")


def test_with_keys_the_index_must_be_signed(packs, check):
    assert is_altered(check(packs.unsigned, signers()), "index.json", "not signed")


def test_an_index_whose_signature_was_taken_away_is_altered(packs, check):
    files = packs.files()
    signature = files.pop("index.json.sig")
    assert is_altered(check(tar_of(files.items())), "index.json.sig", "missing")

    unsigned = {**packs.files(packs.unsigned), "index.json.sig": signature}
    assert is_altered(check(tar_of(unsigned.items())), "index.json.sig", "not signed")


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("LARGEST_PACK", 9999, "larger than 9999 bytes"),
        ("MOST_FILES", 3, "more than 3 files"),
        ("LARGEST_INDEX", 99, "larger than 99 bytes"),
        ("LARGEST_DOCUMENT", 500, "larger than 500 bytes"),
        ("MOST_VALUES", 9, "more than 9 values"),
        ("MOST_SIGNATURES", 2, "more than 2 signatures"),
        ("MOST_TRIES", 1, "more than 1 signatures of releases"),
    ],
)
def test_what_is_larger_than_a_limit_is_not_judged(
    packs, check, program, monkeypatch, limit, value, words
):
    keys = "" if limit == "LARGEST_INDEX" else signers()
    monkeypatch.setattr(program, limit, value)

    status, lines = check(packs.pack, keys or None)

    assert (status, lines[0].partition(": ")[2]) == (2, "not verified")
    assert words in lines[1]


def test_a_sparse_file_takes_no_time(check, tmp_path):
    place = tmp_path / "sparse.tar"
    with place.open("wb") as stream:
        stream.truncate(2**40)

    assert check(place)[0] == 2


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_what_cannot_be_read_is_not_judged(check, tmp_path, kind):
    place = tmp_path / kind
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)

    assert check(place)[0] == 2


def test_without_ssh_keygen_or_the_file_of_keys_it_does_not_judge(packs, check, monkeypatch):
    assert check(packs.pack, None, "--keys", "/nonexistent/keys")[0] == 2
    monkeypatch.setenv("PATH", "/nonexistent")

    status, lines = check(packs.pack)

    assert (status, "ssh-keygen" in lines[1]) == (2, True)


@pytest.mark.parametrize("more", [["--ledger-head", "x"], ["--key", "x", "y"]])
def test_wrong_usage(packs, check, more):
    with pytest.raises(SystemExit) as ended:
        check(packs.pack, None, *more)

    assert ended.value.code == 2


def test_it_needs_nothing_but_python_and_ssh_keygen(packs, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/ssh-keygen").symlink_to(shutil.which("ssh-keygen"))
    (tmp_path / "keys").write_text(signers())
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    (tmp_path / "pack.tar").write_bytes(packs.pack)
    command = [sys.executable, "-I", "-S", str(VERIFIER), "pack.tar", "--keys", "keys"]
    environment = {"PATH": str(tmp_path / "bin")}
    run = {"cwd": tmp_path, "env": environment, "capture_output": True, "check": False}

    done = subprocess.run(command, **run)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"shop-1.5: whole: ")


def test_it_is_one_file_of_the_oldest_standard_library():
    tree = ast.parse(VERIFIER.read_text("utf-8"), feature_version=(3, 8))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert imported - sys.stdlib_module_names == set()


def test_it_can_be_run_as_it_is():
    assert os.access(VERIFIER, os.X_OK)
    assert VERIFIER.read_text("utf-8").startswith("#!/usr/bin/env python3\n")


def test_ed25519_is_that_of_rfc_8032(program):
    # RFC 8032, section 7.1, TEST 3.
    key = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
    signature = (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    key, signature, data = map(bytes.fromhex, (key, signature, "af82"))
    high = int.from_bytes(signature[32:], "little") + program.ORDER
    malleable = signature[:32] + high.to_bytes(32, "little")

    assert program.ed25519_verifies(key, signature, data)
    assert not program.ed25519_verifies(key, signature, b"other")
    assert not program.ed25519_verifies(key, malleable, data)
    assert not program.ed25519_verifies(key, signature[:-1], data)
    assert not program.ed25519_verifies(b"\xff" * 32, signature, data)


def test_ed25519_agrees_with_the_library(program):
    for number in range(1, 9):
        data = os.urandom(number * 20)
        signature = private_key(number).sign(data)
        at = number * 7
        other = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]

        assert program.fingerprint(public_key(number).raw) == public_key(number).fingerprint
        assert program.ed25519_verifies(public_key(number).raw, signature, data)
        assert not program.ed25519_verifies(public_key(number).raw, other, data)
        assert not program.ed25519_verifies(public_key(number + 1).raw, signature, data)
