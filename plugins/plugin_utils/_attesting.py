# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence that ``release_package`` attaches: options in, what was attached out."""

from __future__ import annotations

import json
from typing import NamedTuple

from . import _bill, _bill_file, _catalogue, _evidence, _provenance

SBOM, PROVENANCE = "sbom", "provenance"
KINDS = {SBOM: _bill.PREDICATE_TYPE, PROVENANCE: _provenance.PREDICATE_TYPE}


class Wanted(NamedTuple):
    """The kinds of evidence to make, and a bill made elsewhere as plain data, or None."""

    kinds: tuple
    bill: dict | None


class Sealed(NamedTuple):
    """A Stored release, the record of its build or None, and whether it is in the library."""

    stored: _catalogue.Stored
    record: dict | None
    is_there: bool


def refuse(options):
    """Return why the *options* of ``release_package`` ask for no evidence, or None."""
    given = [name for name in ("evidence", "sbom") if options[name]]
    if not given:
        return None
    if not options["sign"]:
        return f"{given[0]} needs sign: evidence is only as good as the key that signs it"
    if PROVENANCE in options["evidence"] and options["state"] != "present":
        return (
            "evidence: provenance is made where a release is sealed: seal it again, with the "
            "workspace that it was built in, which changes nothing else"
        )
    if PROVENANCE in options["evidence"] and not options["workspace"]:
        return "evidence: provenance tells of a build: give workspace, and build with release_build"
    return None


def prepare(options):
    """Return what is Wanted; a bill that is none is told before anything is sealed."""
    kinds = tuple(kind for kind in KINDS if kind in options["evidence"])
    return Wanted(kinds, _bill_file.read(options["sbom"]) if options["sbom"] else None)


def attest(library, wanted, sealed, signer, keep):
    """Attach what is Wanted to a Sealed release; return ``[{"predicate_type", "attached"}]``.

    Without *keep* nothing is written, and *attached* tells whether it would be.
    """
    told = []
    for predicate_type, make in _predicates(library, wanted, sealed):
        is_new = not sealed.is_there or _evidence.attach(
            library, sealed.stored.label, predicate_type, make(), signer, keep
        )
        told.append({"predicate_type": predicate_type, "attached": is_new})
    return told


def lines(label, told, signer):
    """Return the lines by which a diff names what ``attest`` attached."""
    key = signer.public_key.fingerprint
    return [
        f"{label.name}:{label.version} attested {item['predicate_type']} by {key}\n"
        for item in told
        if item["attached"]
    ]


def _predicates(library, wanted, sealed):
    """Yield each type of predicate, and what makes one: reading layers takes a while."""
    if SBOM in wanted.kinds:
        yield _bill.PREDICATE_TYPE, lambda: json.loads(_bill.of_stored(library, sealed.stored))
    if wanted.bill:
        yield _bill.PREDICATE_TYPE, lambda: wanted.bill
    if PROVENANCE in wanted.kinds:
        yield _provenance.PREDICATE_TYPE, lambda: _provenance.predicate(sealed.record)
