# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry answered, for all workers of one run of Ansible: each question is asked once.

Without it a play over 200 hosts would ask 200 times which release a tag names.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from ._place import RegistryError

Answer = TypeVar("Answer")
VALID_S = 30
NOTHING_VALID_S = 10  # of what is not there yet, or failed: enough for the workers that waited
LEFTOVER_S = 24 * 3600
LOCKS = 16


class Answers:
    """Answers in the directory *folder*, for the run that *run* names; *clock* is as time.time."""

    def __init__(self, folder: str, run: str, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._run = run
        self._clock = clock

    def get(self, question: str, ask: Callable[[], Answer]) -> Answer:
        """Return the answer to *question*, plain data: what is known of it, else ``ask()``.

        Who asks the same at the same time waits, and is told the same, failures too. An answer of
        None is one for those who wait, and not much longer.
        """
        name = self._name(question)
        with self._locked(name):
            known = self._known(name)
            if known is None:
                known = {"answer": self._asked(name, ask), "failure": ""}
                self._write(name, known)
            return known["answer"]

    def alone(self, question: str, act: Callable[[], object]) -> None:
        """Do ``act()`` while nobody else does; who waited for one that failed, fails like that."""
        name = self._name(question)
        with self._locked(name):
            self._known(name)
            self._asked(name, act)

    def forget(self) -> None:
        """Forget all answers, also those given to other runs: something was written."""
        for path in self._paths():
            _remove(path)

    def trim(self) -> None:
        """Remove what was answered to runs that are long over."""
        for path in self._paths():
            with contextlib.suppress(FileNotFoundError):
                if os.path.getmtime(path) < self._clock() - LEFTOVER_S:
                    os.unlink(path)

    def _name(self, question: str) -> str:
        return hashlib.sha256(f"{self._run}\n{question}".encode()).hexdigest()

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Hold the lock for a question: one of a few, so that no files of locks are left behind."""
        folder = os.path.join(self._folder, "locks")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(os.path.join(folder, f"{int(name[:8], 16) % LOCKS:x}"), "ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _asked(self, name: str, ask: Callable[[], Answer]) -> Answer:
        """Return ``ask()``; its failure is remembered."""
        try:
            return ask()
        except RegistryError as error:
            self._write(name, {"answer": None, "failure": str(error)})
            raise

    def _known(self, name: str) -> dict[str, Any] | None:
        """Return what is known of a question, or None; RegistryError when that is a failure."""
        known = self._read(name)
        if known and known["failure"]:
            raise RegistryError(known["failure"])
        return known

    def _paths(self) -> list[str]:
        folder = os.path.join(self._folder, "answers")
        with contextlib.suppress(FileNotFoundError):
            return [os.path.join(folder, name) for name in os.listdir(folder)]
        return []

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            with open(os.path.join(self._folder, "answers", name), encoding="utf-8") as stream:
                known = json.load(stream)
            age = self._clock() - known["at"]
            valid = 0 <= age < (VALID_S if known["answer"] else NOTHING_VALID_S)
            return known if valid else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self, name: str, known: Mapping[str, Any]) -> None:
        folder = os.path.join(self._folder, "answers")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        handle, scratch = tempfile.mkstemp(prefix=".new-", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump({**known, "at": self._clock()}, stream)
        os.rename(scratch, os.path.join(folder, name))


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
