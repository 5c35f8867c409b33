# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of scripts/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

VERIFIER = "scripts/release_verify_evidence"
TESTS = "unit/scripts/test_release_verify_evidence.py"

MUTANTS = (
    Mutant(
        "one form for the header of each file in a pack",
        VERIFIER,
        "is_right = size >= 0 and header(name, size) == block",
        "is_right = size >= 0",
        f"{TESTS} nothing_but_files",
    ),
    check(
        "zeros after each file of a pack",
        VERIFIER,
        "offset > self.size or self.at(end, offset - end) != bytes(offset - end)",
        f"{TESTS} flipped_bit_anywhere",
    ),
    check(
        "nothing after the end of a pack",
        VERIFIER,
        "self.at(offset, 2 * BLOCK + 1) != bytes(2 * BLOCK)",
        f"{TESTS} after_the_end",
    ),
    check("each file of a pack once", VERIFIER, "name <= last", f"{TESTS} once_and_in_order"),
    Mutant(
        "no file in a pack that the index does not list",
        VERIFIER,
        "for path in sorted(there - self.files.keys()):",
        "for path in ():",
        f"{TESTS} those_of_the_index",
    ),
    check(
        "the sum of the index of a pack",
        VERIFIER,
        'index.get("sum") != sha256(canonical(rest, INDEX))',
        f"{TESTS} without_a_signature",
    ),
    check(
        "the hash of each event in a pack",
        VERIFIER,
        'event["hash"] != sha256(canonical(rest, where))',
        f"{TESTS} although_its_file_fits",
    ),
    check(
        "the place of an event in the chain",
        VERIFIER,
        'event["hash"] != self.hash_at(sequence)',
        f"{TESTS} no_place_in_the_chain",
    ),
    check(
        "the event before in the chain",
        VERIFIER,
        'event["previous"] != self.hash_at(sequence - 1)',
        f"{TESTS} no_place_in_the_chain",
    ),
    check(
        "the head at the end of the chain",
        VERIFIER,
        'self.hash_at(head["sequence"]) != head["hash"]',
        f"{TESTS} ends_with_the_head",
    ),
    omit(
        "comparing the plan of a statement",
        VERIFIER,
        'self.wrong(path, "its %s is not that of the plan and the event" % key)',
        f"{TESTS} about_this_plan",
    ),
    check(
        "the release digest of a manifest",
        VERIFIER,
        "self.files.get(manifest) != digest",
        f"{TESTS} manifests",
    ),
    check(
        "the release that an envelope is about",
        VERIFIER,
        "digest not in subjects",
        f"{TESTS} about_their_release",
    ),
    Mutant(
        "the verifier's own keys for people",
        VERIFIER,
        'arguments = ["-Y", "verify", "-f", os.path.abspath(self.keys.path), "-I", wanted.person]',
        'arguments = ["-Y", "check-novalidate"]',
        f"{TESTS} not_in_the_file",
    ),
    Mutant(
        "the time at which a key counts",
        VERIFIER,
        'arguments += ["-O", "verify-time=" + moment, *about]',
        "arguments += about",
        f"{TESTS} at_the_time_of_the_signature",
    ),
    Mutant(
        "a signature of the index where there are keys",
        VERIFIER,
        'self.wrong(INDEX, "not signed by the closer")',
        "pass",
        f"{TESTS} index_must_be_signed",
    ),
    check(
        "the one form of a signature",
        VERIFIER,
        "not is_canonical_armor(armored)",
        f"{TESTS} signature_of_the_index",
    ),
    Mutant(
        "the namespace of keys of releases",
        VERIFIER,
        '"cert-authority" in options or not is_in(RELEASE, namespaces)',
        '"cert-authority" in options',
        f"{TESTS} keys_for_releases",
    ),
    Mutant(
        "one signature for one text (Ed25519)",
        VERIFIER,
        "a is None or r is None or BASE is None or s >= ORDER",
        "a is None or r is None or BASE is None",
        f"{TESTS} rfc_8032",
    ),
    check(
        "counting values before they are made",
        VERIFIER,
        'sum(map(data.count, (b",", b"[", b"{"))) > MOST_VALUES',
        f"{TESTS} larger_than_a_limit",
    ),
)
