# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A statement: what one person decides about one revision of a plan; SSH keys sign its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical

FORMAT = 1
TYPE = "itops.release/statement"
APPROVE, REJECT, WITHDRAW, COMMENT = "approve", "reject", "withdraw", "comment"
DECLARE, OVERRIDE = "declare", "override"
DECISIONS = (APPROVE, REJECT, WITHDRAW, COMMENT, DECLARE, OVERRIDE)
LARGEST = 20_000  # bytes
LONGEST_REASON = 1000


class StatementError(ReleaseError):
    """A statement is malformed or does not count; the text says why, in a line."""

    code = "invalid_statement"


@dataclass(frozen=True)
class Statement:
    """What *person* decides in *role* about a *revision* of a *plan* in an *environment*.

    *plan_digest* is that of the resolved plan, *release_digest* that of the release, *ledger* the
    id of the ledger that it is for. *expires*: UTC, as the ledger writes times. *withdraws* is the
    digest of the statement that a withdrawal takes back. An override names one *gate* and one
    *run*.
    """

    ledger: str
    plan: str
    revision: int
    plan_digest: str
    release_digest: str
    environment: str
    person: str
    decision: str
    expires: str
    role: str = ""
    reason: str = ""
    withdraws: str = ""
    gate: str = ""
    run: str = ""

    @property
    def data(self) -> bytes:
        """The bytes that are signed: canonical JSON, and a line's end."""
        said = {name: value for name, value in asdict(self).items() if value != ""}
        return _canonical.dumps({"format": FORMAT, "type": TYPE, **said}) + b"\n"

    @property
    def digest(self) -> str:
        """The SHA-256 of the bytes."""
        return _canonical.sha256_hex(self.data)


def parse(data: bytes) -> Statement:
    """Return the Statement in *data*; StatementError unless these are its only possible bytes."""
    if len(data) > LARGEST:
        raise StatementError(f"larger than {LARGEST} bytes")
    try:
        plain = _canonical.loads(data)
    except ReleaseError as error:
        raise StatementError(str(error)) from None
    if not isinstance(plain, Mapping) or plain.get("type") != TYPE:
        raise StatementError(f"not of type {TYPE}")
    if plain.get("format") != FORMAT:
        raise StatementError(f"format {plain.get('format')!r:.20} is not known; known: {FORMAT}")
    said: dict[str, Any] = {k: v for k, v in plain.items() if k not in ("format", "type")}
    try:
        statement = Statement(**said)
    except TypeError:
        raise StatementError("a key is missing or not known") from None
    for name, value in asdict(statement).items():
        # True is an int to Python.
        if not isinstance(value, int if name == "revision" else str) or value is True:
            raise StatementError(f"{name} has the wrong type")
    if statement.decision not in DECISIONS:
        raise StatementError(f"'{statement.decision[:40]}' is not a decision")
    if statement.data != data:
        raise StatementError("its bytes were changed: do not edit or reformat it")
    return statement
