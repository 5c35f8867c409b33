# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of a plan: read and checked; errors name file, line, key and what was expected."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ..definition import _duration, _schema_file
from ..definition._schema_file import FileError, Lines, Mistake, Schema, at
from . import _domains
from ._plan import Plan, Risk, Step

Located = tuple[Plan, Lines]


def read(path: str, option: str = "release_plan") -> Located:
    """Return the Plan in the file *path*, which *option* names, and its lines; or FileError."""
    try:
        with open(path, "rb") as stream:
            text = stream.read().decode("utf-8")
    except OSError as error:
        raise FileError(f"{option}: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileError(f"{option}: {path}: not UTF-8; expected YAML in UTF-8") from None
    return parse(text, path)


def parse(text: str, filename: str) -> Located:
    """Return the Plan in the YAML *text*, and the lines of its keys."""
    plain, lines = _schema_file.load(text, filename, "a plan")
    _schema_file.check(plain, lines, filename, schema())
    with _schema_file.located(filename, lines):
        return of_plain(plain), lines


def of_plain(plain: Mapping[str, Any]) -> Plan:
    """Return the Plan that *plain*, which fits the schema, says; Mistake where it cannot be."""
    domains = _domains.of_plain(plain)
    steps: list[Step] = []
    for index, item in enumerate(plain["path"]):
        with at("path", index):
            if item["environment"] in [step.environment for step in steps]:
                raise Mistake(
                    ["environment"],
                    f"{item['environment']} stands twice; expected each environment once",
                )
            steps.append(_step(item))
    risks = tuple(Risk(**item) for item in plain.get("risks", ()))
    for index, risk in enumerate(risks):
        if risk.id in [each.id for each in risks[:index]]:
            raise Mistake(["risks", index, "id"], f"{risk.id} stands twice; expected it once")
    if plain["plan"] in plain.get("supersedes", ()):
        raise Mistake(["supersedes"], f"{plain['plan']} is this plan; expected other plans")
    return Plan(
        name=plain["plan"],
        author=plain["author"],
        release=plain.get("release", ""),
        why=plain["why"],
        change=plain["change"],
        path=tuple(steps),
        scope=tuple(plain["scope"]) if "scope" in plain else None,
        excused=dict(plain.get("excused", {})),
        risks=risks,
        fixes=tuple(plain.get("fixes", ())),
        supersedes=tuple(plain.get("supersedes", ())),
        on_failure=plain.get("on_failure", "back_out"),
        domains=domains,
        notify={
            audience: (given,) if isinstance(given, str) else tuple(given)
            for audience, given in plain.get("notify", {}).items()
        },
        plain=plain,
    )


@functools.lru_cache(maxsize=None)
def schema() -> Schema:
    """Return the published JSON Schema of a plan."""
    return _schema_file.schema("plan")


def _step(item: Mapping[str, Any]) -> Step:
    durations = {
        name: _duration.parse(item[name]) if name in item else timedelta()
        for name in ("soak", "wave_soak")
    }
    return Step(
        environment=item["environment"],
        hosts=item.get("hosts", ""),
        window=item.get("window", ""),
        acknowledge=tuple(item.get("acknowledge", ())),
        approvals=dict(item.get("approvals", {})),
        strength=item.get("strength", ""),
        waves=tuple(item.get("waves", ())),
        min_in_service=item.get("min_in_service", 0),
        canary=tuple(item.get("canary", ())),
        failure_domain=item.get("failure_domain", ""),
        unhealthy=item.get("unhealthy", ""),
        **durations,
    )
