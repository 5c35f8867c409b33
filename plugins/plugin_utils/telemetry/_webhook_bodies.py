# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of the webhook: CDEvents, Apache DevLake, chat, or by a template of one's own.

Sources: CDEvents 0.5.1 with its binding to CloudEvents (https://cdevents.dev), the incoming
webhook of Apache DevLake (https://devlake.apache.org/docs/Plugins/webhook). Text of people is
always a value in JSON, never a part of its syntax.
"""

from __future__ import annotations

import json
import urllib.parse
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ..events._facts import Release
from ..notices._notice import plain
from ..rendering._markdown import TemplateError
from ._ended_run import BACKED_OUT, DONE, FAILED, EndedRun, Place

JSON = "application/json"
CLOUD_EVENT = "application/cloudevents+json; charset=UTF-8"
CLOUD_EVENTS = "application/cloudevents-batch+json; charset=UTF-8"
CDEVENTS_VERSION = "0.5.1"
# Which of DevLake's environments an environment is, by how its name begins.
DEVLAKE_ENVIRONMENTS = (
    ("PRODUCTION", ("prod", "live")),
    ("STAGING", ("stag", "acc", "preprod", "pre-prod", "uat")),
    ("DEVELOPMENT", ("dev",)),
)
DEVLAKE_RESULTS = {DONE: "SUCCESS", BACKED_OUT: "FAILURE", FAILED: "FAILURE"}
DEVLAKE_ORDER = ("PRODUCTION", "STAGING", "TESTING", "DEVELOPMENT")
DEVLAKE_SHA = 40  # characters of a commit
LONGEST_LINE = 600


@dataclass(frozen=True)
class Body:
    """What is posted: *data* of a content *type*."""

    type: str
    data: bytes


def cdevents(run: EndedRun) -> Body | None:
    """Return the CloudEvents that services were deployed, upgraded, rolled back or removed.

    A run that did one thing gives one event, else it is a batch; None where no service changed.
    """
    events = [_cloud_event(run, place, what) for place in run.places if (what := _change(place))]
    if not events:
        return None
    return _body(events[0], CLOUD_EVENT) if len(events) == 1 else _body(events, CLOUD_EVENTS)


def _change(place: Place) -> str:
    """Return what became of the service, "" where that is as it was, or not clear."""
    is_there = any(release.digest for release in place.after)
    if place.outcome == BACKED_OUT and place.application:
        return "rolledback" if is_there else "removed"
    if place.outcome != DONE or not place.application:
        return ""
    if place.hosts.get("removed"):
        return "" if is_there else "removed"
    if place.hosts.get("rolled back"):
        return "rolledback"
    if place.hosts.get("deployed"):
        return "upgraded" if any(release.digest for release in place.before) else "deployed"
    return ""


def _cloud_event(run: EndedRun, place: Place, what: str) -> dict[str, Any]:
    kind = f"dev.cdevents.service.{what}.0.3.0"
    id_ = _id(run, place)
    source = "/itops.release/" + urllib.parse.quote(run.control, safe="")
    at = _time(run.ended)
    content: dict[str, Any] = {"environment": {"id": place.environment or "unknown"}}
    current = [release for release in place.after if release.digest]
    if what != "removed" and current:
        content["artifactId"] = _purl(place.application, current[0])
    event = {
        "context": {
            "specversion": CDEVENTS_VERSION,
            "id": id_,
            "source": source,
            "type": kind,
            "timestamp": at,
        },
        "subject": {
            "id": place.application,
            "source": source,
            "type": "service",
            "content": content,
        },
        "customData": {"run": run.run, **_plain_place(place)},
        "customDataContentType": JSON,
    }
    return {
        "specversion": "1.0",
        "id": id_,
        "source": source,
        "type": kind,
        "time": at,
        "subject": place.application,
        "datacontenttype": JSON,
        "data": event,
    }


def devlake(run: EndedRun) -> Body | None:
    """Return the deployment of *run*, None where it deployed nothing, or has not ended yet.

    DevLake wants commits, which a deployment does not know: the release digest stands for them.
    A body is about one environment: that which is nearest to production.
    """
    told = [place for place in run.places if _is_deployment(place)]
    by_environment = {name: [p for p in told if _devlake(p) == name] for name in DEVLAKE_ORDER}
    environment = next((name for name in DEVLAKE_ORDER if by_environment[name]), "")
    if not environment:
        return None
    here = by_environment[environment]
    times = {"startedDate": _time(run.began), "finishedDate": _time(run.ended)}
    results = {DEVLAKE_RESULTS[place.outcome] for place in here}
    return _body(
        {
            "id": _id(run, here[0]),
            "displayTitle": "; ".join(map(_line, here)),
            "name": ", ".join(dict.fromkeys(place.application for place in here)),
            "result": "FAILURE" if "FAILURE" in results else "SUCCESS",
            "environment": environment,
            "originalEnvironment": here[0].environment,
            "createdDate": times["startedDate"],
            **times,
            "deploymentCommits": [_devlake_commit(place, times) for place in here],
        },
        JSON,
    )


def _is_deployment(place: Place) -> bool:
    """Tell whether DevLake is to count it: redeployments and refusals are none."""
    moved = {"deployed", "rolled back"} & place.hosts.keys()
    is_over = place.changes and place.outcome in DEVLAKE_RESULTS
    return is_over and bool(moved or place.outcome != DONE)


def _devlake(place: Place) -> str:
    for name, beginnings in DEVLAKE_ENVIRONMENTS:
        if place.environment.lower().startswith(beginnings):
            return name
    return "TESTING"


def _devlake_commit(place: Place, times: dict[str, str]) -> dict[str, Any]:
    release = next((each for each in place.after if each.digest), Release())
    return {
        "repoUrl": f"itops.release:{place.application}",
        "refName": release.version or "",
        "commitSha": (release.digest or "unknown")[:DEVLAKE_SHA],
        "displayTitle": _line(place),
        "result": DEVLAKE_RESULTS[place.outcome],
        **times,
    }


def chat(run: EndedRun) -> Body | None:
    """Return a line for each place as {"text": …}, which Slack, Mattermost and others take."""
    return _body({"text": said(run)}, JSON) if run.places else None


def said(run: EndedRun) -> str:
    """Return what became of each place, in a line each, which no chat reads as markup."""
    return "\n".join(map(_line, run.places))


def _line(place: Place) -> str:
    before, after = _versions(place.before), _versions(place.after)
    versions = before if before == after else f"{before or 'none'} → {after or 'none'}"
    where = f" in {place.environment}" if place.environment else ""
    hosts = ", ".join(f"{count} {outcome}" for outcome, count in place.hosts.items())
    what = " ".join(filter(None, [place.application or "release", versions]))
    reason = f": {place.reason}" if place.reason and place.outcome != DONE else ""
    return plain(f"{what}{where}: {place.outcome} ({hosts}){reason}", LONGEST_LINE)


def _versions(releases: Sequence[Release]) -> str:
    return ", ".join(sorted({release.version for release in releases if release.version}))


def by_template(text: str, name: str, run: EndedRun) -> Body | None:
    """Return *run* by the Jinja2 template *text*, called *name*; raises TemplateError.

    Each value that the template prints is JSON already, with its quotes. What comes of it must be
    JSON.
    """
    import jinja2
    import jinja2.sandbox

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        finalize=_as_json, undefined=jinja2.StrictUndefined
    )
    values = {**to_plain(run), "text": said(run)}
    try:
        rendered = environment.from_string(text).render(values)
        return _body(json.loads(rendered), JSON)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"{name}:{error.lineno}: {error.message}") from None
    except (jinja2.TemplateError, TypeError, ArithmeticError, LookupError, RecursionError) as error:
        raise TemplateError(f"{name}: {' '.join(str(error).split())}") from None
    except ValueError as error:
        raise TemplateError(f"{name}: what it gives is not JSON: {error}") from None


def _as_json(value: Any) -> Any:
    # What the template made JSON itself, by the filter tojson, is marked as such.
    if hasattr(value, "__html__") or type(value).__name__ == "StrictUndefined":
        return value
    return json.dumps(value)


def to_plain(run: EndedRun) -> dict[str, Any]:
    """Return *run* as plain data, as templates have it."""
    return {
        "run": run.run,
        "began": _time(run.began),
        "ended": _time(run.ended),
        "seconds": round(max(0.0, run.ended - run.began), 3),
        "places": [_plain_place(place) for place in run.places],
    }


def _plain_place(place: Place) -> dict[str, Any]:
    return {
        "application": place.application,
        "environment": place.environment,
        "outcome": place.outcome,
        "reason": place.reason,
        "hosts": {key.replace(" ", "_"): count for key, count in place.hosts.items()},
        "seconds": {phase: round(seconds, 3) for phase, seconds in place.seconds.items()},
        "before": [_plain_release(release) for release in place.before],
        "after": [_plain_release(release) for release in place.after],
        "changes": place.changes,
    }


def _plain_release(release: Release) -> dict[str, str]:
    return {"version": release.version or "", "digest": release.digest or ""}


def _purl(application: str, release: Release) -> str:
    """Return the package URL of a release package."""
    quoted = [urllib.parse.quote(part, safe="") for part in (application, release.version or "")]
    digest = f"?checksum=sha256:{release.digest}" if release.digest else ""
    return f"pkg:generic/{quoted[0]}{f'@{quoted[1]}' if quoted[1] else ''}{digest}"


def _id(run: EndedRun, place: Place) -> str:
    """Return the same id whenever the same is reported, so that a receiver can drop a second."""
    what = [run.run, run.control, run.began, place.application, place.environment]
    return str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(what)))


def _time(seconds: float) -> str:
    at = datetime.fromtimestamp(seconds, timezone.utc)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _body(plain_data: Any, type_: str) -> Body:
    return Body(type_, json.dumps(plain_data).encode("ascii"))


BUILT_IN: dict[str, Callable[[EndedRun], Body | None]] = {
    "cdevents": cdevents,
    "devlake": devlake,
    "chat": chat,
}
