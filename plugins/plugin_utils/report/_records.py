# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of runs that the callback ``metrics`` writes: where their time went."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ..measures import _of_run
from ..measures._of_run import OfRun

MOST_BYTES = 20_000_000  # that are read, from the end of the file
MOST_RUNS = 20  # the last ones


def read(path: str) -> dict[str, OfRun]:
    """Return where the time of the last runs in the record at *path* went, by run.

    A record that cannot be read has none: pages do not depend on it.
    """
    if not path:
        return {}
    by_run: dict[str, list[Mapping[str, Any]]] = {}
    for line in _lines(path):
        run = str(line.get("run") or "")
        if run:
            by_run.setdefault(run, []).append(line)
    last = list(by_run)[-MOST_RUNS:]
    found = {run: _of_run.of_run(by_run[run], run) for run in last}
    return {run: told for run, told in found.items() if told.path}


def _lines(path: str) -> Iterator[Mapping[str, Any]]:
    try:
        with open(path, "rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - MOST_BYTES))
            if size > MOST_BYTES:
                stream.readline()  # the rest of a line
            for text in stream:
                try:
                    line = json.loads(text)
                except ValueError:
                    continue  # a line that was cut off
                if isinstance(line, dict):
                    yield line
    except OSError:
        return
