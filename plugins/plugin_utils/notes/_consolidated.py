# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The consolidated note: what a release changes in an environment, from what its hosts have."""

from __future__ import annotations

from typing import NamedTuple

from . import _baseline, _build_note

FORMAT = 1


class Change(NamedTuple):
    """What changes from one Baseline: a build note from there, and the Labels on the way."""

    baseline: _baseline.Baseline
    note: dict
    brought: list
    taken_back: list


def compose(new, environment, baselines, changes, releases):
    """Return the note for the release *new*, a pair of Label and Manifest, as plain data.

    *changes* has a Change for each Baseline that counts: what any of them changes is in the note.
    *releases* is ``{digest: build note or None}`` of the releases on the way.
    """
    label, manifest = new
    commits = _union(changes)
    back = [commit for commit in commits if commit["is_taken_back"]]
    come = [commit for commit in commits if not commit["is_taken_back"]]
    return {
        "format": FORMAT,
        "release": label._asdict(),
        "environment": environment,
        "since": [_since(item, label) for item in baselines],
        "releases": _labels(changes, "brought", releases),
        "releases_taken_back": _labels(changes, "taken_back", releases),
        "components": _components(manifest, changes),
        "dependencies": _dependencies(changes),
        "commits": commits,
        "issues": _issues(come),
        "issues_taken_back": sorted({*_issues(back)} - {*_issues(come)}),
        "scripts": dict(manifest.about).get("scripts", {}),
        "findings": _lines(changes, "findings"),
        "lacks": [*_of_hosts(baselines), *_lines(changes, "lacks")],
    }


def _since(baseline, wanted):
    label = baseline.label
    return {
        "release": label._asdict() if label else None,
        "hosts": list(baseline.hosts),
        "why": baseline.why,
        "is_newer": bool(label and label.serial > wanted.serial),
    }


def _of_hosts(baselines):
    """Yield a line for the hosts of which it is not known what they have."""
    for baseline in baselines:
        if baseline.why == _baseline.UNKNOWN:
            names = ", ".join(baseline.hosts)
            yield f"{names}: it is not known what changes there: {baseline.text}"


def _labels(changes, which, releases):
    """Return the releases on the way, newest first, with who built them when."""
    found = {label: None for change in changes for label in getattr(change, which)}
    return [
        {**label._asdict(), **_built(releases.get(label.digest))}
        for label in sorted(found, key=lambda label: (-label.serial, label.digest))
    ]


def _built(note):
    """Return by whom and when a release was built, by its build note."""
    built = (note or {}).get("built") or {}
    builder = built.get("builder") or {}
    user = (built.get("ci") or {}).get("actor") or builder.get("user")
    return {"built_by": user or None, "built_on": built.get("ended") or None}


def _union(changes):
    """Return the commits of all *changes*, each once."""
    found = {}
    for change in changes:
        for commit in change.note["commits"]:
            found.setdefault((commit["repository"], commit["id"], commit["is_taken_back"]), commit)
    return list(found.values())


def _issues(commits):
    return sorted({issue for commit in commits for issue in commit["issues"]})


def _components(manifest, changes):
    """Return what changes in each component: a path is listed if it changes for any host."""
    rows = {}
    for change in changes:
        for item in change.note["components"]:
            rows.setdefault(item["name"], []).append(item)
    sources = {
        component.name: _build_note.source_of(component) for component in manifest.components
    }
    found = []
    for name, items in sorted(rows.items()):
        kinds = {item["change"] for item in items}
        paths = {
            key: sorted({path for item in items for path in item[key]})
            for key in _build_note.CHANGES
        }
        found.append(
            {
                "name": name,
                "change": kinds.pop() if len(kinds) == 1 else "modified",
                "from_versions": _distinct(item["from_version"] for item in items),
                "to_version": items[0]["to_version"],
                **paths,
                "source": sources.get(name),
            }
        )
    return found


def _distinct(values):
    return sorted({value for value in values if value is not None})


def _dependencies(changes):
    """Return a row for each package and what becomes of it, with the versions of all hosts."""
    found = {}
    for change in changes:
        for row in change.note["dependencies"]:
            there = found.setdefault((row["package"], row["change"]), dict(row))
            for key in ("from_versions", "from_licences"):
                there[key] = sorted({*there[key], *row[key]})
    return [found[key] for key in sorted(found)]


def _lines(changes, key):
    return list(dict.fromkeys(line for change in changes for line in change.note[key]))
