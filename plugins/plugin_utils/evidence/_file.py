# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release's evidence as a file: what one statement says, or the signed envelopes themselves."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.files import _durable
from ..library._catalogue import Catalogue
from ..release._stored import Label
from . import _attachments, _attesting, _statement
from ._attachments import Evidence

SHORT = {**_attesting.KINDS, "build_note": _statement.BUILD_NOTE_TYPE}
MISSING = {
    SHORT["sbom"]: "bill of materials attached; attach one with release_package evidence: [sbom]",
    SHORT["provenance"]: (
        "provenance attached; attach it with release_package evidence: [provenance]"
    ),
    SHORT["build_note"]: "build note attached; attach one with release_notes and sign",
}
TOLD = 5
MODE = 0o644


class EvidenceFileError(ReleaseError):
    """There is no such evidence, or more than one; the text is one line."""

    code = "no_evidence"


def choose(
    found: Iterable[Evidence], label: Label, predicate_type: str, digest: str | None = None
) -> Evidence:
    """Return the one of the Evidence *found* that is meant, or raise EvidenceFileError.

    *predicate_type* may be one of SHORT. Where several say different things, *digest*, that of an
    envelope, tells which.
    """
    wanted = SHORT.get(predicate_type, predicate_type)
    called = f"{label.name}:{label.version}"
    about = [item for item in found if item.predicate_type == wanted]
    about = [item for item in about if digest in (None, item.digest)]
    good = [item for item in about if item.predicate is not None]
    if not good:
        reasons = "; ".join(f"{item.digest[:19]}: {item.problem}" for item in about[:TOLD])
        there = f": {reasons}" if reasons else ""
        named = f" {digest}" if digest else ""
        if not about and digest is None:
            missing = MISSING.get(wanted, f"evidence {wanted} attached")
            raise EvidenceFileError(f"{called} has no {missing}")
        raise EvidenceFileError(f"{called} has no evidence {wanted}{named} to be believed{there}")
    if any(item.predicate != good[0].predicate for item in good):
        digests = ", ".join(item.digest for item in good[:TOLD])
        raise EvidenceFileError(
            f"{called} has {len(good)} of {wanted} that differ: choose by digest, one of {digests}"
        )
    return good[0]


def predicate(chosen: Evidence) -> bytes:
    """Return what the chosen Evidence says, as the bytes of a file."""
    text = json.dumps(chosen.predicate, indent=1, sort_keys=True, ensure_ascii=False)
    return text.encode("utf-8") + b"\n"


def envelopes(library: Catalogue, label: Label, chosen: Evidence) -> bytes:
    """Return the envelope of the chosen Evidence as the bytes of a file, one JSON in a line.

    Source: https://github.com/in-toto/attestation/blob/main/spec/v1/bundle.md
    """
    there = library.attached(
        label.digest, _attachments.ARTIFACT_TYPE, _attachments.LARGEST_ENVELOPE
    )
    (data,) = [attached.data for attached in there if attached.digest == chosen.digest]
    return data + b"\n"


def differs(path: str, data: bytes) -> bool:
    """Tell whether the file at *path* is missing, or holds something other than *data*."""
    try:
        with open(path, "rb") as stream:
            return stream.read(len(data) + 1) != data
    except FileNotFoundError:
        return True
    except IsADirectoryError:
        raise EvidenceFileError(f"{path} is a directory: dest is the file to write") from None


def write(path: str, data: bytes) -> None:
    """Write *data* to the file at *path*, in one step."""
    folder, name = os.path.split(os.path.abspath(path))
    scratch = f".{name[:100]}.{os.getpid()}.new"
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _durable.write_file(descriptor, name, data, MODE, scratch)
    except OSError:
        _durable.remove_file(descriptor, scratch)
        raise
    finally:
        os.close(descriptor)
