# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Vouching for a release in ``release_package``: evidence is attached, then it is signed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ..library._store import Library
from ..release._stored import Stored
from . import _attachments, _provenance, _sbom, _sbom_file, _signatures, _signers

SBOM, PROVENANCE = "sbom", "provenance"
KINDS = {SBOM: _sbom.PREDICATE_TYPE, PROVENANCE: _provenance.PREDICATE_TYPE}


class Vouching(NamedTuple):
    """A key and the role that it signs in, the kinds of evidence that it signs before, and an
    SBOM made elsewhere, as plain data or None.
    """

    signer: _signers.Signer
    role: str
    kinds: tuple[str, ...]
    sbom: dict[str, Any] | None


class Sealed(NamedTuple):
    """A Stored release, the record of its build or None, and whether it is in the library."""

    stored: Stored
    record: dict[str, Any] | None
    is_there: bool


def refuse(options: Mapping[str, Any]) -> str | None:
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


def prepare(options: Mapping[str, Any], environment: Mapping[str, str]) -> Vouching | None:
    """Return the Vouching that the *options* ask for, or None.

    A key that cannot be used, an SBOM that is none, and a library that is missing, are told before
    anything is sealed.
    """
    if not options["sign"]:
        return None
    if SBOM in options["evidence"]:
        _sbom.require()
    return Vouching(
        _signers.choose(options["sign"], environment),
        options["sign"]["role"],
        tuple(kind for kind in KINDS if kind in options["evidence"]),
        _sbom_file.read(options["sbom"]) if options["sbom"] else None,
    )


def vouch(
    library: Library, vouching: Vouching | None, sealed: Sealed, result: dict[str, Any], keep: bool
) -> list[str]:
    """Attest and sign a Sealed release, tell so in *result*, and return the lines of a diff.

    The signature comes last: a release that lacks evidence it should have is not signed.
    """
    if not vouching:
        return []
    label, key = sealed.stored.label, vouching.signer.public_key.fingerprint
    told = _attest(library, vouching, sealed, keep)
    lines = [
        f"{label.name}:{label.version} attested {item['predicate_type']} by {key}\n"
        for item in told
        if item["attached"]
    ]
    role = vouching.role
    is_new = not sealed.is_there or _signatures.sign(
        library, label.digest, role, vouching.signer, keep
    )
    lines += [f"{label.name}:{label.version} signed as {role} by {key}\n"] * is_new
    result["signature"] = {"role": role, "key": key}
    result["evidence"] = told
    result["changed"] = result["changed"] or bool(lines)
    return lines


def _attest(
    library: Library, vouching: Vouching, sealed: Sealed, keep: bool
) -> list[dict[str, Any]]:
    """Attach evidence to a Sealed release; return ``[{"predicate_type", "attached"}]``.

    Without *keep* nothing is written, and *attached* tells whether it would be.
    """
    told = []
    for predicate_type, make in _predicates(library, vouching, sealed):
        is_new = not sealed.is_there or _attachments.attach(
            library, sealed.stored.label, predicate_type, make(), vouching.signer, keep
        )
        told.append({"predicate_type": predicate_type, "attached": is_new})
    return told


def _predicates(
    library: Library, vouching: Vouching, sealed: Sealed
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield each type of predicate, and what makes one: reading layers takes a while."""
    if SBOM in vouching.kinds:
        yield _sbom.PREDICATE_TYPE, lambda: json.loads(_sbom.of_stored(library, sealed.stored))
    if vouching.sbom:
        yield _sbom.PREDICATE_TYPE, lambda: vouching.sbom
    if PROVENANCE in vouching.kinds:
        record = sealed.record or {}  # an empty one lacks all, which is refused in words
        yield _provenance.PREDICATE_TYPE, lambda: _provenance.predicate(record)
