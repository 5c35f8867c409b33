# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages in a folder: HTML without script, and the same as Markdown and JSON."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...module_utils.formats import _canonical
from ..handover._runbook import Runbook
from ..ledger import _event
from ..ledger._runs import Run
from ..rendering import _html, _markdown, _templates
from . import _files, _measured, _review, _timeline
from ._hosts import Host
from ._package import Package
from ._plans import LIVE, PlanView
from ._site import Site
from ._timeline import Phase

STYLE = "report/style.css"
SHOWN = 20  # lines of a list

PackageOf = Callable[[PlanView], Package]


@dataclass(frozen=True)
class Page:
    """A page in one or several *files*, which *render* returns the texts of.

    A *stamp*, where it has one, is its end, and says what it was made from.
    """

    files: tuple[str, ...]
    render: Callable[[], list[str]]
    stamp: str = ""


@dataclass(frozen=True)
class Written:
    """What was written: the path of the index, and how many pages there are and were *changed*."""

    index: str
    pages: int
    changed: int


def write(site: Site, folder: str, package_of: PackageOf, keep: bool = True) -> Written:
    """Write all pages of *site* to *folder*; without *keep* only say what would be changed.

    A page about what has not changed since it was written stays as it is.
    """
    count = changed = 0
    for page in _pages(site, package_of):
        count += 1
        if page.stamp and _has(os.path.join(folder, page.files[0]), page.stamp):
            continue
        texts = page.render()
        for path, text in zip(page.files, texts, strict=True):
            data = (text + page.stamp).encode("utf-8", "replace")
            changed += _files.put(os.path.join(folder, path), data, keep)
    return Written(os.path.join(folder, "index.html"), count, changed)


def of_plan(site: Site, name: str, package_of: PackageOf) -> dict[str, bytes]:
    """Return the pages about the plan *name* by path, as ``write`` writes them."""
    (view,) = (view for view in site.plans if view.name == name)
    page = _plan_page(view, _shared(site), package_of, site.now)
    texts = [text + page.stamp for text in page.render()]
    return {
        path: text.encode("utf-8", "replace") for path, text in zip(page.files, texts, strict=True)
    }


def _has(path: str, stamp: str) -> bool:
    """Tell whether the page at *path* ends with this *stamp*."""
    wanted = stamp.encode("ascii")
    try:
        with open(path, "rb") as stream:
            stream.seek(-len(wanted), os.SEEK_END)
            return stream.read() == wanted
    except OSError:
        return False


def _pages(site: Site, package_of: PackageOf) -> Iterator[Page]:
    """Yield all pages; the index comes last, when all that it names is there."""
    shared = _shared(site)
    for host in site.hosts:
        yield _host_page(host, shared)
    for view in site.plans:
        yield _plan_page(view, shared, package_of, site.now)
    for book in site.runbooks:
        yield _runbook_page(book, shared)
    yield Page(
        ("hosts.html",), lambda: [_html.render("report/hosts.html.j2", {**shared, "up": ""})]
    )
    yield Page(("index.md", "index.json", "index.html"), lambda: _index(site, shared))


def _host_page(host: Host, shared: Mapping[str, Any]) -> Page:
    values = {**shared, "up": "../", "host": host}
    told = repr((host.live, host.changes))
    return Page(
        (f"{_files.HOSTS}/{_files.file_of(host.name)}.html",),
        lambda: [_html.render("report/host.html.j2", values)],
        _stamp(told),
    )


def _plan_page(
    view: PlanView, shared: Mapping[str, Any], package_of: PackageOf, now: datetime
) -> Page:
    def render() -> list[str]:
        values = {**shared, "up": "../", **_plan_values(view, package_of(view), now)}
        return [
            _html.render("report/plan.html.j2", values),
            _rendered("report/plan.md.j2", values),
            _rendered("report/review.md.j2", {**values, "deviations": _review.deviations(view)}),
        ]

    path = f"{_files.PLANS}/{_files.file_of(view.name)}"
    stamp = _stamp(f"{view.last} {view.sentence}") if view.standing.ended else ""
    return Page(
        (f"{path}.html", f"{path}.md", f"{_files.REVIEWS}/{_files.file_of(view.name)}.md"),
        render,
        stamp,
    )


def _runbook_page(book: Runbook, shared: Mapping[str, Any]) -> Page:
    values = {**shared, "up": "../", "book": book, "code": _markdown.Code}
    path = f"{_files.RUNBOOKS}/{_files.file_of(book.application)}"
    planned = [place for place in book.places if place.plan_file and not place.problem]
    files = [_files.plan_file(place.application, place.environment) for place in planned]
    return Page(
        (f"{path}.html", f"{path}.md", *files),
        lambda: [
            _html.render("report/runbook.html.j2", values),
            _rendered("report/runbook.md.j2", values),
            *(json.dumps(place.plan_plain, indent=1) + "\n" for place in planned),
        ],
    )


def _index(site: Site, shared: Mapping[str, Any]) -> list[str]:
    values = {**shared, "up": "", **_index_values(site)}
    return [
        _rendered("report/index.md.j2", values),
        json.dumps(_plain(site), indent=1) + "\n",
        _html.render("report/index.html.j2", values),
    ]


def _stamp(told: str) -> str:
    """Return the end of a page that is made from what was *told*, by these templates."""
    digest = hashlib.sha256(f"{_templates_digest()} {told}".encode("utf-8", "replace"))
    return f"<!-- {digest.hexdigest()} -->\n"


@functools.lru_cache(maxsize=None)
def _templates_digest() -> str:
    names = ("base", "parts", "host", "plan")
    text = "".join(_templates.text(f"report/{name}.html.j2") for name in names)
    return hashlib.sha256((text + _templates.text(STYLE)).encode("utf-8")).hexdigest()


def _rendered(name: str, values: Mapping[str, Any]) -> str:
    return _markdown.render(_templates.text(name), name, values)


def _shared(site: Site) -> dict[str, Any]:
    style, digest = _style()
    return {
        "site": site,
        "style": style,
        "style_digest": digest,
        "page": _files.file_of,
        "spelled": _timeline.spelled_s,
        "runbooks": {book.application for book in site.runbooks if book.places},
        "time": lambda value: _time(value, site),
    }


@functools.lru_cache(maxsize=None)
def _style() -> tuple[Any, str]:
    """Return the style sheet, which is markup, and the digest that the content policy names."""
    import markupsafe

    text = _templates.text(STYLE)
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return markupsafe.Markup(text), f"sha256-{digest}"


def _time(value: str | datetime, site: Site) -> str:
    """Return a time in the zone of the calendar: ``Tue 1 Dec 2026 22:00 CET``."""
    if isinstance(value, str):
        try:
            value = _event.moment(value) if value.endswith("Z") else datetime.fromisoformat(value)
        except ValueError:
            return str(value)
    try:
        local = value.astimezone(site.zone)
    except (ArithmeticError, ValueError):  # a time that a host made up
        return str(value)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M %Z}"


def _index_values(site: Site) -> dict[str, Any]:
    labels = {"waiting": "Approvals and closing", "problem": "Problems", "trains": "Trains"}
    waiting = [
        (labels[label], lines)
        for label, lines in (site.outlook.head(site.now) if site.outlook else ())
        if label in labels
    ]
    status = site.status
    held = [
        f"{row['application']} {row['version'] or ''} in {row['environment'] or 'no environment'}: "
        f"{row['reason'] or 'no reason on record'}"
        for row in status.held_runs
    ]
    trial = [
        f"{row['host']}: {row['application']} {row['version']} is on trial"
        for row in status.deployments
        if row["phase"] == "on trial"
    ]
    waiting += [
        (label, lines) for label, lines in (("Held runs", held), ("On trial", trial)) if lines
    ]
    unrecorded = status.unrecorded
    if unrecorded:
        lines = [f"{e.host} {e.root}: {e.event} by {e.user}, {e.at}" for e in unrecorded]
        waiting.append(("Unrecorded changes", lines))
    said = "Hosts were not asked for this page: the playbook report asks them for changes that "
    said += "are not on record."
    if unrecorded is not None:
        said = f"Unrecorded changes: {len(unrecorded)}."
    return {
        "waiting": [(label, _first(lines)) for label, lines in waiting],
        "blockers": [entry for entry in site.issues if entry.is_blocker],
        "unrecorded_line": said,
        "measures": _measured.shown(site.dora) if site.dora else [],
        "measured": _measured_line(site),
    }


def _measured_line(site: Site) -> str:
    if site.dora is None:
        return ""
    period = site.dora.period
    return f"{site.dora.environment}, {period.begin:%d %b %Y} to {period.end:%d %b %Y} (UTC)."


def _first(lines: Sequence[str]) -> list[str]:
    """Return the first *lines*, and how many are not shown."""
    more = len(lines) - SHOWN
    return [*lines[:SHOWN], *([f"and {more} more"] if more > 0 else [])]


def _plan_values(view: PlanView, package: Package, now: datetime) -> dict[str, Any]:
    affects = view.standing.resolved.plan.plain.get("affects", {})
    return {
        "view": view,
        "package": package,
        "bars": _timeline.bars(_phases(view, now)),
        "timeline_note": "",
        "affects": {key: ", ".join(names) for key, names in affects.items()},
        "service": view.standing.resolved.plan.plain.get("service", {}),
    }


def _phases(view: PlanView, now: datetime) -> Iterator[Phase]:
    """Yield what happened to a plan: the parts of its way, and what goes on."""
    for resolved, way in zip(view.parts, view.ways, strict=False):
        domain = f"{resolved.domain}: " if resolved.domain else ""
        for part in way.parts:
            planned = f" (planned {_timeline.spelled_s(part.planned)})" if part.planned else ""
            is_critical = way.schedule.of(part.id).is_critical
            yield Phase(f"{domain}{part.name}{planned}", part.began, part.ended, is_critical)
    for run in view.runs:
        began = _event.moment(run.began)
        if not run.ended:
            yield Phase(f"{run.label} in {run.environment}: no end yet", began, max(now, began))
    for step in view.steps:
        if step.state == LIVE and not view.standing.ended:
            since = datetime.fromisoformat(step.since)
            yield Phase(f"live in {step.environment}", since, max(now, since))


def _plain(site: Site) -> dict[str, Any]:
    """Return the site as data: what the index shows, and each plan in short."""
    return {
        "format": 1,
        "time": _event.utc(site.now),
        "head": site.head.to_plain(),
        "status": site.status.to_plain(site.now),
        "coming": [
            {
                "kind": each.kind,
                "name": each.name,
                "begins": _event.utc(each.begins),
                "ends": _event.utc(each.ends) if each.ends else None,
                "about": each.about,
            }
            for each in site.coming
        ],
        "runs": [_run(run) for run in site.last_runs],
        "plans": [_plan(view) for view in site.plans],
        "problem": site.problem,
    }


def _run(run: Run) -> dict[str, Any]:
    keys = ("run", "act", "application", "version", "environment", "plan", "actor")
    return {key: getattr(run, key) for key in (*keys, "began", "ended", "verdict", "reason")}


def _plan(view: PlanView) -> dict[str, Any]:
    return {
        "plan": view.name,
        "revision": view.standing.revision,
        "release": view.title,
        "ended": view.standing.ended,
        "sentence": _canonical.printable(view.sentence),
        "environments": {step.environment: step.state for step in view.steps},
        "issues": [entry.id for entry in view.issues],
    }
