# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a signature says of a release: an in-toto Statement v1 about its digest, for one role.

Source: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

from typing import NamedTuple

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ...module_utils.release import _manifest
from ..release._stored import Label

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:itops-release:signature:v1"
BUILD_NOTE_TYPE = "urn:itops-release:build-note:v1"  # the predicate type of build notes
FORMAT = 1
ROLES = ("build", "release")


class StatementError(ReleaseError):
    """Bytes are no statement that signs a release."""

    code = "invalid_statement"


class Statement(NamedTuple):
    """For which role a release is signed, and which one that is."""

    role: str
    digest: str
    name: str
    version: str
    serial: int

    def is_about(self, label: Label) -> bool:
        """Tell whether this is about the release of a Label."""
        return self[1:] == tuple(label)


def render(label: Label, role: str) -> bytes:
    """Return the statement that signs the release of a Label for *role*, as bytes."""
    predicate = {"format": FORMAT, "role": role, "serial": label.serial}
    return render_any(label, PREDICATE_TYPE, predicate)


def render_any(label: Label, predicate_type: str, predicate: object) -> bytes:
    """Return the statement that says *predicate* of the release of a Label, as bytes."""
    return _canonical.dumps(
        {
            "_type": STATEMENT_TYPE,
            "subject": [
                {"name": f"{label.name}@{label.version}", "digest": {"sha256": label.digest}}
            ],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )


def parse(data: bytes) -> Statement | None:
    """Return the Statement in bytes whose signature was verified; None if it is of another kind.

    Others attach statements of theirs to a release; those are no signatures of it.
    """
    try:
        plain = _canonical.loads(data)
        if plain["_type"] != STATEMENT_TYPE or plain["predicateType"] != PREDICATE_TYPE:
            return None
        predicate = plain["predicate"]
        if predicate["format"] != FORMAT:
            raise StatementError(f"has format {predicate['format']!r:.20}, expected {FORMAT}")
        (subject,) = plain["subject"]
        name, _at, version = subject["name"].partition("@")
        statement = Statement(
            predicate["role"], subject["digest"]["sha256"], name, version, predicate["serial"]
        )
        _check(statement)
    except StatementError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise StatementError(f"is malformed ({str(error)[:100]})") from None
    return statement


def _check(statement: Statement) -> None:
    """Raise ValueError for what could not be shown, or would be read in two ways."""
    patterns = (_manifest.DIGEST, _manifest.NAME, _manifest.VERSION)
    for pattern, value in zip(patterns, statement[1:4], strict=True):
        if not pattern.match(value):
            raise ValueError(f"{value!r:.60} does not name a release")
    if statement.role not in ROLES:
        raise ValueError(f"role {statement.role!r:.20} is not known")
    if not isinstance(statement.serial, int):
        raise ValueError("serial is no number")
