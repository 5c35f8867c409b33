# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan from proposal to close, with people's keys, and packs of it made by the collection."""

from __future__ import annotations

import contextlib
import json
import pathlib
import sys
import types

from ansible_collections.itops.release.plugins.module_utils.formats import _canonical
from ansible_collections.itops.release.plugins.plugin_utils.evidence import (
    _attachments,
    _sbom,
    _signatures,
    _statement,
)
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import (
    Actor,
    Draft,
    chained,
    utc,
)
from ansible_collections.itops.release.plugins.plugin_utils.pack import _contents, _pack
from ansible_collections.itops.release.plugins.plugin_utils.pack._index import Closer
from ansible_collections.itops.release.plugins.plugin_utils.plan import (
    _file,
    _standing,
    _statement_files,
    _taking_in,
)
from ansible_collections.itops.release.plugins.plugin_utils.plan._agreement import Recorded
from ansible_collections.itops.release.plugins.plugin_utils.plan._resolved import Place, Resolved
from ansible_collections.itops.release.plugins.plugin_utils.policy import _sshsig
from ansible_collections.itops.release.tests.fakes.estate import Estate
from ansible_collections.itops.release.tests.fakes.plans import PLAN
from ansible_collections.itops.release.tests.fakes.signing import (
    public_key,
    public_line,
    signer,
    write_private_key,
)
from ansible_collections.itops.release.tests.fakes.told_ledgers import ToldLedger

VERIFIER = pathlib.Path(__file__).resolve().parents[2] / "scripts/release_verify_evidence"
PEOPLE = {"ada": 21, "ben": 22, "cleo": 23, "mallory": 66}
RELEASES = 31  # the key that signs releases
POLICY = "format: 1\npeople: {}\n"
PAGES = {"plans/shop-1.5.html": b"<p>shop-1.5</p>\n", "plans/shop-1.5.md": b"# shop-1.5\n"}


class Closed:
    """The plan shop-1.5, and another one, in a ledger below *folder*; both end."""

    def __init__(self, folder):
        self.folder = folder
        self.estate = Estate(folder)
        self.told = ToldLedger(folder / "ledger.db")
        self.ledger = self.told.ledger
        self.keys = {}
        for name, number in PEOPLE.items():
            self.keys[name] = str(write_private_key(folder / name, number))
        self.label = self.estate.seal("1.5.0", {"app.py": "print(15)\n"})
        self._vouch()
        self._live()

    def _vouch(self):
        library, key = self.estate.library, signer(RELEASES)
        said = {"bomFormat": "CycloneDX", "specVersion": "1.7", "share": 0.5}
        _attachments.attach(library, self.label, _sbom.PREDICATE_TYPE, said, key)
        note = {"format": 1, "note": "ä"}
        _attachments.attach(library, self.label, _statement.BUILD_NOTE_TYPE, note, key)
        _signatures.sign(library, self.label.digest, "release", key)

    def _live(self):
        told = self.told
        digest = _canonical.sha256_hex(POLICY.encode())
        signature = _sshsig.sign(POLICY.encode(), self.keys["ada"], _sshsig.POLICY)
        body = {"policy": digest, "content": POLICY, "signature": signature, "person": "ada"}
        told.append(Draft("policy_changed", "policy", {"policy": "0" * 64, "content": "old"}, "p1"))
        told.append(Draft("policy_changed", "policy", body, "p2"))
        other = told.propose("other-1", "1.0.0", {"staging": ["o1"]}, application="other")
        told.deploy(other, "staging", [["o1"]])
        self.propose(1)
        self.say("ben", "approve", role="operations", signed=False)
        self.resolved = self.propose(2, why="Checkout in two steps, with prices")
        self.say("ben", "approve", role="operations", reason="Read it, ünd gut")
        self.say("cleo", "approve", role="product")
        for environment, hosts in (("staging", ["s1"]), ("production", ["p1", "p2"])):
            self.run = told.deploy(self.resolved, environment, [hosts[:1], hosts[1:] or hosts[:1]])
            told.clock.pass_(hours=1)
        told.issue("I-1", title="shop is slow", run=self.run)
        told.issue("I-2", title="other is slow")
        told.issue("I-1", change="closed", corrective_action="an index")
        ended = {"plan": "shop-1.5", "revision": 2, "how": "closed"}
        told.append(Draft("plan_ended", "shop-1.5", ended, "plan/shop-1.5/2/ended"))
        told.issue("I-2", change="changed", title="other is slow at night")

    def propose(self, revision, **changes):
        plan = _file.of_plain({**PLAN, **changes})
        release = {"name": "shop", "version": "1.5.0", "digest": self.label.digest}
        places = (Place("staging", ("s1",)), Place("production", ("p1", "p2")))
        resolved = Resolved(plan, release, places)
        body = {
            "plan": "shop-1.5",
            "revision": revision,
            "digest": resolved.digest,
            "resolved": resolved.to_plain(),
            "expires": "2027-01-01T00:00:00.000Z",
        }
        key = f"plan/shop-1.5/{revision}"
        self.told.append(Draft("plan_proposed", "shop-1.5", body, key))
        return resolved

    def say(self, person, decision, signed=True, key=None, **about):
        standing = _standing.of_ledger(self.ledger)["shop-1.5"]
        ledger = self.ledger.head().ledger
        said = _statement_files.of(standing, ledger, "production", person, decision, **about)
        signature = _sshsig.sign(said.data, self.keys[key or person]) if signed else ""
        strength = "signed" if signed else "claimed"
        recorded = Recorded(said, self.told.clock.now, strength, signature)
        self.told.append(_taking_in.draft(recorded), actor=Actor(person, strength))

    def pack(self, name="shop-1.5.tar", closer="ada", key=None, whole=False, known=None):
        """Make a pack and return its path; *closer* None is nobody with a key."""
        key = self.keys.get(key or closer)
        sign = (lambda data: _sshsig.sign(data, key, _sshsig.EVIDENCE)) if closer else None
        with self.prepared(name, closer, whole, known) as (dest, index, shelf):
            _pack.write(dest, index, shelf, sign)
        return self.folder / name

    @contextlib.contextmanager
    def prepared(self, name="shop-1.5.tar", closer="ada", whole=False, known=None, pages=PAGES):
        """Give path, index and shelf of a pack that is to be written."""
        dest = str(self.folder / name)
        source = _contents.Source(self.ledger, self.estate.library, known)
        with _pack.Workshop(dest) as folder:
            shelf = _contents.Shelf(folder)
            collected = _contents.collect(source, "shop-1.5", shelf, pages, b"# Review\n", whole)
            who = Closer(closer or "", "ada@control1", "signed" if closer else "claimed")
            made_at = utc(self.told.clock.now)
            yield dest, _pack.index_of(collected, shelf, who, made_at, whole), shelf


def known_keys():
    """Return the keys that may sign releases, as trust has them."""
    key = public_key(RELEASES)
    return {key.fingerprint: key}


def signers(**changes):
    """Return the text of a file of allowed signers; *changes* are lines by name, None for none."""
    lines = {name: f"{name} {public_line(number)}" for name, number in PEOPLE.items()}
    del lines["mallory"]
    lines["releases"] = f'ci namespaces="release@itops.release" {public_line(RELEASES)}'
    lines |= changes
    return "# keys\n" + "".join(f"{line}\n" for line in lines.values() if line)


def rechained(lines, change):
    """Return the events in *lines* of JSON, each as *change(event)* leaves it, in a new chain."""
    previous, found = "0" * 64, []
    for line in lines:
        event = json.loads(line)
        event = change(event) or event
        draft = Draft(event["kind"], event["subject"], event["body"], event["key"])
        actor = Actor(event["actor"], event["strength"])
        made = chained(draft, actor, event["sequence"], event["time"], previous)
        previous = made.hash
        found.append(made)
    return found


def verifier():
    """Return the verifier as a module: anew, and without a file of byte code beside it."""
    module = types.ModuleType("release_verify_evidence")
    sys.modules[module.__name__] = module  # where NamedTuple looks for it
    exec(compile(VERIFIER.read_text("utf-8"), str(VERIFIER), "exec"), module.__dict__)
    return module
