# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of the run that goes on: tasks in all its workers note them, and its end reads them."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..events import _facts
from . import _bodies

NAME = "itops-release-facts.jsonl"
INTENT = "intent"  # a line that says what is about to be done
GATED = "gated"  # a line that says which hosts gates let go on
ENDED = "ended"  # a line that closes what was noted before it: how the run ended so far
OWN = "own"  # in the same line: how this part of it ended


@dataclass(frozen=True)
class Ending:
    """How the run ended so far: its verdict, the reason, and the release digest, "" if unknown."""

    verdict: str
    reason: str = ""
    digest: str = ""

    def and_then(self, other: Ending) -> Ending:
        """Return how a run ended that did this and then the *other*."""
        return Ending(
            _bodies.combined(self.verdict, other.verdict),
            other.reason or self.reason,
            other.digest or self.digest,
        )


@dataclass(frozen=True)
class Part:
    """A part of a run: what was to be done, as plain intents, and its end, None while it is open.

    A part that was refused before anything was to be done has no intents.
    """

    intents: tuple[Mapping[str, Any], ...]
    ending: Ending | None


class Journal:
    """The facts that tasks note in a file in *directory*, which lasts as long as the run."""

    def __init__(self, directory: str) -> None:
        self._path = os.path.join(directory, NAME)

    def note(self, facts: Iterable[_facts.Event]) -> None:
        """Add *facts*; where that cannot be written the run goes on without."""
        self._add([fact.to_plain() for fact in facts])

    def open(self, intent: Mapping[str, Any]) -> None:
        """Note what is about to be done, as plain data with ``act`` and ``hosts``."""
        self._add([{INTENT: dict(intent)}])

    def intent(self, act: str, host: str) -> dict[str, Any] | None:
        """Return what was noted last to be done on *host*, if that is *act*."""
        for line in reversed(self._lines(0)):
            if host in line.get(INTENT, {}).get("hosts", ()):
                return dict(line[INTENT]) if line[INTENT]["act"] == act else None
        return None

    def gated(self, note: Mapping[str, Any]) -> None:
        """Note that the gates let ``hosts`` go on, and with what."""
        self._add([{GATED: dict(note)}])

    def gate_of(self, host: str) -> dict[str, Any] | None:
        """Return what the gates noted last for *host*, None where they were not asked."""
        for line in reversed(self._lines(0)):
            if host in line.get(GATED, {}).get("hosts", ()):
                return dict(line[GATED])
        return None

    def keep(self, name: str, value: Mapping[str, Any]) -> None:
        """Keep *value*, plain data, by its *name* for later tasks of the run; or OSError."""
        path = self._kept(name)
        with open(f"{path}.new", "w", encoding="ascii") as stream:
            json.dump(dict(value), stream)
        os.replace(f"{path}.new", path)

    def kept(self, name: str) -> dict[str, Any] | None:
        """Return what was kept last by this *name*, None where nothing was."""
        try:
            with open(self._kept(name), encoding="ascii") as stream:
                return dict(json.load(stream))
        except FileNotFoundError:
            return None

    def last_intent(self) -> dict[str, Any] | None:
        """Return what was noted last to be done, None where nothing was."""
        intents = [line[INTENT] for line in self._lines(0) if INTENT in line]
        return dict(intents[-1]) if intents else None

    def is_open(self) -> bool:
        """Tell whether the last thing that was to be done has no end."""
        last = [ENDED in line for line in self._lines(0) if ENDED in line or INTENT in line]
        return bool(last) and not last[-1]

    def close(self, ending: Ending) -> Ending:
        """Note how a part of the run ended; return how the run ended so far."""
        so_far = self.ending()
        whole = so_far.and_then(ending) if so_far else ending
        self._add([{ENDED: whole.__dict__, OWN: ending.__dict__}])
        return whole

    def parts(self, start: int = 0) -> list[Part]:
        """Return the parts of the run from position *start* on."""
        found: list[Part] = []
        intents: list[Mapping[str, Any]] = []
        for line in self._lines(start):
            if INTENT in line:
                intents.append(line[INTENT])
            elif ENDED in line:
                found.append(Part(tuple(intents), Ending(**line[OWN])))
                intents = []
        return [*found, Part(tuple(intents), None)] if intents else found

    def position(self) -> int:
        """Return where the next fact comes."""
        with contextlib.suppress(OSError):
            return os.path.getsize(self._path)
        return 0

    def facts(self, start: int | None = None) -> list[_facts.Event]:
        """Return the facts from position *start* on, or those noted since the last ``close``."""
        lines = self._lines(start or 0)
        if start is None:
            last = max((number for number, line in enumerate(lines, 1) if ENDED in line), default=0)
            lines = lines[last:]
        return [fact for fact in map(_facts.from_plain, lines) if fact]

    def ending(self) -> Ending | None:
        """Return how the run ended so far, None where nothing did."""
        endings = [line[ENDED] for line in self._lines(0) if ENDED in line]
        return Ending(**endings[-1]) if endings else None

    def _kept(self, name: str) -> str:
        return os.path.join(os.path.dirname(self._path), f"itops-release-{name}.json")

    def _add(self, lines: Iterable[Mapping[str, Any]]) -> None:
        data = b"".join(json.dumps(line).encode("ascii") + b"\n" for line in lines)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        with contextlib.suppress(OSError):
            descriptor = os.open(self._path, flags, 0o600)
            try:
                os.write(descriptor, data)
            finally:
                os.close(descriptor)

    def _lines(self, start: int) -> list[dict[str, Any]]:
        found = []
        with contextlib.suppress(OSError), open(self._path, "rb") as stream:
            stream.seek(start)
            for line in stream:
                with contextlib.suppress(ValueError):
                    found.append(json.loads(line))
        return found
