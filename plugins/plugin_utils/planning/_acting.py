# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who acts in a task: by an SSH key that is at hand, or by the account of the run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from ..gates._sources import GateError
from ..plan._agreement import Recorded
from ..plan._statement import Statement
from ..policy import _sshsig
from ..policy._policy import STRENGTHS, Identity, Person, Policy, is_as_strong

DEFAULT_KEY = "~/.ssh/id_ed25519"


@dataclass(frozen=True)
class Signer:
    """A *person*, and the path of one of their *key* files."""

    person: Person
    key: str


@dataclass
class Acting:
    """Who acts in a *run* at the time *now*: the *identity* by account, the option *key* or ""."""

    policy: Policy
    identity: Identity
    key: str
    now: datetime
    run: str

    @cached_property
    def signer(self) -> Signer | None:
        """The person whose key is at hand, None without one.

        Raises SignatureError where the option *key* names a file that is no person's key.
        """
        path = os.path.expanduser(self.key or DEFAULT_KEY)
        if not self.key and not os.path.isfile(path):
            return None
        try:
            person = self.policy.holder(_sshsig.public_key(path))
        except _sshsig.SignatureError:
            if self.key:
                raise
            return None
        if person is None and self.key:
            raise _sshsig.SignatureError(
                f"key (release_key): {path} is not a key of a person in policy.yml"
            )
        return Signer(person, path) if person else None

    @property
    def strength(self) -> str:
        """How strong a statement is that is made now."""
        return "signed" if self.signer else self.identity.strength

    @property
    def person(self) -> Person | None:
        """In whose name a statement is made: signing it shows whether that is true."""
        return self.signer.person if self.signer else self.identity.person

    @cached_property
    def proven(self) -> Identity:
        """Who acts, once something was signed with the key, or else by their account."""
        if self.signer is None:
            return self.identity
        person, key = self.signer.person, self.signer.key
        data = f"{self.run} {self.now.isoformat()}".encode()
        known = [each.line for each in person.keys if not each.why_not(self.now)]
        try:
            signature = _sshsig.sign(data, key, _sshsig.PRESENCE)
            _sshsig.verify(data, signature, known, person.id, _sshsig.PRESENCE)
        except _sshsig.SignatureError:
            if self.key:
                raise
            return self.identity
        return Identity(person, "signed", self.identity.called)

    def demand_person(self, what: str) -> Person:
        """Return who acts; GateError unless the policy knows them as strongly as it demands."""
        strengths = [each.strength for each in self.policy.environments if each.plan_required]
        least = max(strengths, key=STRENGTHS.index, default="claimed")
        found = self.proven
        if found.person is None or not is_as_strong(found.strength, least):
            raise GateError(
                f"{what} needs a person of policy.yml, known as {least} (release_key): "
                f"{found.called} is {found.strength}"
            )
        return found.person

    def recorded(self, statement: Statement) -> Recorded:
        """Return *statement* as it is to be recorded: signed where a key is at hand."""
        if self.signer is None:
            return Recorded(statement, self.now, self.identity.strength)
        signature = _sshsig.sign(statement.data, self.signer.key)
        return Recorded(statement, self.now, "signed", signature)
