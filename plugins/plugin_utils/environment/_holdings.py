# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which releases hosts hold, from what they answered, and of which hosts that is not known."""

from __future__ import annotations

from ...module_utils.errors._release_error import ReleaseError

REASON_LENGTH = 120
NAMED_HOSTS = 20


class NoAnswer(ReleaseError):
    """A host did not say what it holds; the text says why."""

    code = "no_answer"


def collect(answers, asked, ignored=(), also=()):
    """Return what hosts hold: ``{"references": […], "unknown": {host: why}, "problem": text}``.

    *answers* has for each host what a loop of ``release_deployment_info`` registered, or None;
    *asked* are the hosts that it was run for now, so that no earlier answer counts. Of those
    *ignored* nothing needs to be known, but what they answered counts. *also* are further
    references. *problem* is a line that names who is unknown, "" when nobody is.
    """
    references, unknown, now = set(also), {}, set(asked)
    for host, answer in answers.items():
        try:
            if host not in now:
                raise NoAnswer("left out by --limit, or lost earlier in this run")
            references.update(_held(answer))
        except NoAnswer as error:
            if host not in ignored:
                unknown[host] = str(error)
    # Whoever is asked is of the pattern. If not, the pattern was not understood.
    unknown.update(
        {host: "asked, but not among those named" for host in asked if host not in answers}
    )
    return {
        "references": sorted(references),
        "unknown": unknown,
        "problem": _problem(unknown),
    }


def _held(answer):
    """Yield the references of all releases in the answers of one host; raises NoAnswer."""
    if answer is None:
        raise NoAnswer("was not asked")
    if "results" not in answer:
        raise NoAnswer(reason(answer))
    for result in answer["results"]:
        if not isinstance(result.get("deployment"), dict):
            raise NoAnswer(reason(result))
        deployment = result["deployment"]
        for release in [
            *deployment["releases"],
            *map(deployment.get, ("live", "trial", "previous")),
        ]:
            if release and release["digest"]:  # nobody knows that of what was there before
                yield f"sha256:{release['digest']}"


def reason(answer):
    """Return in a few words why there is no answer in what a task registered."""
    if answer.get("unreachable"):
        return "unreachable"
    said = " ".join(str(answer.get("msg") or "no answer").split())
    for prefix in ("Task failed: ", "Action failed: ", "Module failed: "):
        said = said.removeprefix(prefix)
    return said if len(said) <= REASON_LENGTH else said[: REASON_LENGTH - 1] + "…"


def _problem(unknown):
    if not unknown:
        return ""
    named = [f"{host} ({why})" for host, why in list(unknown.items())[:NAMED_HOSTS]]
    more = [f"and {len(unknown) - NAMED_HOSTS} more"] if len(unknown) > NAMED_HOSTS else []
    return f"nothing was removed: cannot know what they hold: {', '.join([*named, *more])}"
