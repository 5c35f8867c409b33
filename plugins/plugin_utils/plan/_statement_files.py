# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements as files that people sign: written for a revision of a plan, and taken in signed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ..evidence import _file as _evidence_file
from ..policy._policy import Policy
from . import _demands, _statement
from ._demands import Demands
from ._plan import EMERGENCY
from ._standing import Standing
from ._statement import APPROVE, DECLARE, Statement

SUFFIX, SIGNATURE = ".json", ".json.sig"
LARGEST_SIGNATURE = 10_000


@dataclass(frozen=True)
class Signed:
    """A *statement* and its *signature* as they lie at *path*; *problem*: why it cannot be read."""

    path: str
    statement: Statement | None
    signature: str = ""
    problem: str = ""


def wanted(
    policy: Policy, standing: Standing, demands: list[Demands], ledger: str, now: datetime
) -> dict[str, Statement]:
    """Return the statements that people may sign, by the names of their files."""
    found: dict[str, Statement] = {}
    plan = standing.resolved.plan
    for each in demands:
        for role in each.agreeing:
            for person in _demands.who_may(policy, plan, each, [role], now):
                name = f"{each.environment}-{role}.{person.id}{SUFFIX}"
                found[name] = of(standing, ledger, each.environment, person.id, APPROVE, role)
        if plan.change == EMERGENCY:
            for person in _demands.who_may(policy, plan, each, each.declarers, now, DECLARE):
                name = f"{each.environment}-emergency.{person.id}{SUFFIX}"
                found[name] = of(standing, ledger, each.environment, person.id, DECLARE)
    return found


def of(
    standing: Standing,
    ledger: str,
    environment: str,
    person: str,
    decision: str,
    role: str = "",
    reason: str = "",
    withdraws: str = "",
    gate: str = "",
    run: str = "",
) -> Statement:
    """Return the statement of *person* about the revision of a plan that stands."""
    return Statement(
        ledger=ledger,
        plan=standing.plan,
        revision=standing.revision,
        plan_digest=standing.digest,
        release_digest=standing.resolved.release["digest"],
        environment=environment,
        person=person,
        decision=decision,
        expires=standing.expires,
        role=role,
        reason=" ".join(reason.split())[: _statement.LONGEST_REASON],
        withdraws=withdraws,
        gate=gate,
        run=run,
    )


def put(folder: str, statements: dict[str, Statement]) -> list[str]:
    """Write *statements* to *folder*, after moving those of an earlier revision out of the way.

    Returns the paths that were written. ssh-keygen does not replace a signature that is there.
    """
    os.makedirs(folder, exist_ok=True)
    written = []
    for name, statement in sorted(statements.items()):
        path = os.path.join(folder, name)
        if _evidence_file.differs(path, statement.data):
            put_one(path, statement)
            written.append(path)
    for name in sorted(os.listdir(folder)):
        if name.endswith(SUFFIX) and name not in statements:
            _move_if_earlier(os.path.join(folder, name), statements)
    return written


def put_one(path: str, statement: Statement) -> None:
    """Write one *statement* to *path*, in place of another one."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if _evidence_file.differs(path, statement.data):
        _move_away(path)
        _evidence_file.write(path, statement.data)


def withdraw(folder: str, digest: str) -> None:
    """Move the file of the statement with this *digest* away, if it is in *folder*."""
    for each in signed(folder):
        if each.statement is not None and each.statement.digest == digest:
            _move_away(each.path)


def signed(folder: str) -> Iterator[Signed]:
    """Yield the statements in *folder* that have a signature beside them, by name."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        if not name.endswith(SIGNATURE):
            continue
        path = os.path.join(folder, name.removesuffix(".sig"))
        try:
            data = _read(path, _statement.LARGEST)
            signature = _read(path + ".sig", LARGEST_SIGNATURE).decode("ascii")
            yield Signed(path, _statement.parse(data), signature)
        except OSError as error:
            yield Signed(path, None, problem=str(error.strerror))
        except ValueError as error:  # a StatementError, too
            yield Signed(path, None, problem=" ".join(str(error).split()))


def _read(path: str, most: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # it may be a pipe
    with open(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return stream.read(most + 1)


def _move_if_earlier(path: str, statements: dict[str, Statement]) -> None:
    """Move a statement of an earlier revision away; what people wrote themselves stays."""
    try:
        there = _statement.parse(_read(path, _statement.LARGEST))
    except (OSError, ValueError):
        return
    if all(there.revision < each.revision for each in statements.values()):
        _move_away(path)


def _move_away(path: str) -> None:
    """Move a statement and its signature to a folder of the revision that they are about."""
    try:
        old = _statement.parse(_read(path, _statement.LARGEST))
        place = f"revision-{old.revision}"
    except (OSError, ValueError):
        place = "old"
    folder = os.path.join(os.path.dirname(path), place)
    for each in (path, path + ".sig"):
        if os.path.lexists(each):
            os.makedirs(folder, exist_ok=True)
            os.replace(each, os.path.join(folder, os.path.basename(each)))
