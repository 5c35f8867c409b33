# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call has to do: which release is meant, and the step from what is here to that."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ..root import _claim, _directory, _inspection, _state
from . import _governance, _request


class Plan(NamedTuple):
    """The next step, as ``_state.next_step`` names it, and what it is about.

    *tree* is the tree it is about, *drift* how that differs from what was sealed: then the step is
    ``stage``, and another tree takes its place. The step ``withdraw`` ends the trial of a first
    release, with nothing live: it is about no *release*. *state* is what the plan was made for.
    """

    release: Optional[_state.Release]
    step: str
    tree: Optional[str]
    drift: List[Dict[str, Any]]
    state: _state.State


def make(root: _directory.Root, state: _state.State, request: _request.Request) -> Plan:
    """Return the Plan for what *request* asks for, where *state* is what is here.

    A tree is compared with its manifest before it is activated, unless this very run staged it and
    it was not live since, and with ``verify`` always. Raises DeploymentError for a release that
    must not go live, is of another application or, where the request goes only ``forward``, is
    older than what is, or that needs a plan; NoWayBack where there is none.
    """
    if _goes_back(request) and state.trial and not state.live:
        return Plan(None, "withdraw" if request.goes_live else "nothing", None, [], state)
    release, back = _meant(root, request, state)
    if request.expected_digest not in (None, release.digest):
        raise _claim.DeploymentError("another run changed %s meanwhile: run again" % root.path)
    refuse_bad(state, release.digest, release.version)
    _governance.refuse_unplanned(root.path, state, request, release)
    if not request.rename and not _was_accepted_here(state, request, release):
        _refuse_another_application(root.path, state, release)
    older = _refusal_of_older(root.path, state, release) if request.forward else None
    if older:
        # What another run is trying may go again: that comes first.
        _claim.Claim(root, request.run, str, 0, request.takeover).check_turn(state)
        raise _claim.DeploymentError(older)
    step, tree = next_step(root, state, request, release, back)
    if step == "settle" and not (
        changes(step, state, request)
        or request.service.probes_after
        or _moves_lease(state, request, request.run)
    ):
        step = "nothing"
    drift: List[Dict[str, Any]] = []
    is_new = tree is not None and _is_untouched(state, tree, request.process or request.run)
    looks = (step == "activate" and not is_new) or (request.verify and step != "stage")
    if looks and tree and not state.trees[tree].adopted:
        found, _runtime = _inspection.look_through(root, state, tree, request.runtime_paths)
        drift = [{**item._asdict(), "tree": tree} for item in found]
    return Plan(release, "stage" if drift else step, tree, drift, state)


def refuse_bad(state: _state.State, digest: str, version: str) -> None:
    """Raise DeploymentError if the release *digest* is marked bad in *state*."""
    if digest in state.bad:
        raise _claim.DeploymentError(
            "%s was marked bad by %s: it does not go live unless it is marked good"
            % (version, state.bad[digest].run)
        )


def _refusal_of_older(path: str, state: _state.State, release: _state.Release) -> Optional[str]:
    """Return the line that refuses *release* if it is older than what is live or on trial, or None.

    Serials count within one application. Two releases of one serial are from two media libraries:
    nobody knows which is the newer.
    """
    for tree, phase in ((state.trial, "on trial"), (state.live, "live")):
        there = state.trees.get(tree) if tree else None
        if not there or there.name != release.name or there.digest == release.digest:
            continue
        if release.serial > there.serial:
            continue
        word = "older than" if release.serial < there.serial else "not newer than"
        return (
            "%s %s (serial %d) is %s %s (serial %d), which is %s at %s: to go back to it, give its "
            "digest, sha256:%s, or roll back (release: previous, or the role rollback)"
            % (
                *(release.name, release.version, release.serial, word),
                *(there.version, there.serial, phase, path, release.digest),
            )
        )
    return None


def _is_untouched(state: _state.State, tree: str, run: str) -> bool:
    """Tell whether *run* staged *tree*, and it was not live since: a service can change it then."""
    record = state.trees[tree]
    return record.run == run and record.digest not in state.good and tree != state.left


def _was_accepted_here(
    state: _state.State, request: _request.Request, release: _state.Release
) -> bool:
    """Tell whether *request* goes back to a release of this root: its application is known here."""
    return request.release is None or (not request.forward and release.digest in state.good)


def _refuse_another_application(path: str, state: _state.State, release: _state.Release) -> None:
    """Raise DeploymentError if what is live is of another application than *release*."""
    there = state.trees.get(state.current) if state.current else None
    if there and not there.adopted and release.name and there.name != release.name:
        raise _claim.DeploymentError(
            "%s holds %s %s, and %s %s is another application: use a root of its own, or set "
            "rename: true (deploy_rename in the role) if the application was renamed"
            % (path, there.name, there.version, release.name, release.version),
            code="another_application",
        )


def next_step(
    root: _directory.Root,
    state: _state.State,
    request: _request.Request,
    release: _state.Release,
    back: Optional[str] = None,
) -> Tuple[str, Optional[str]]:
    """Return what is to be done now and the tree it is about, as ``_state.next_step`` does.

    *back* is the very tree to return to from a trial.
    """
    if back:
        return ("activate" if request.goes_live else "nothing"), back
    current, existing = root.read_current(state), root.existing_trees(state)
    step, tree = _state.next_step(state, existing, current, release, request.goes_live)
    if step == "nothing" and request.goes_live and request.service.restart:
        # A run that was killed after it switched, or a restart that failed, left that to be done.
        step = "nothing" if state.restarted else "settle"
    return step, tree


def changes(step: str, state: _state.State, request: _request.Request) -> bool:
    """Tell whether *step* changes anything: to probe a trial again does not."""
    if step == "settle":
        return request.commit or bool(request.service.restart and not state.restarted)
    return step != "nothing"


def _moves_lease(state: _state.State, request: _request.Request, run: str) -> bool:
    """Tell whether the lease has to be taken on, or let go of, although nothing else is to do."""
    holder = state.lease.run if state.lease else None
    return bool(state.trial) and holder != (run if request.hold else None)


def _goes_back(request: _request.Request) -> bool:
    return request.release is None and request.reference != "current"


def _meant(
    root: _directory.Root, request: _request.Request, state: _state.State
) -> Tuple[_state.Release, Optional[str]]:
    """Return the Release that is meant, and the very tree where that is known.

    The call has all of it where the library knows it, else the digest of one that is here. Without
    either it is the current or the previous one, linked as it was.
    """
    asked = request.release
    links = tuple(sorted(request.linked_paths if request.links is None else request.links))
    if asked and asked.name:
        return asked._replace(links=links), None
    existing = root.existing_trees(state)
    tree = back = None
    if asked:
        digest = asked.digest
    elif request.reference == "current":
        if not state.current:
            raise _claim.DeploymentError("nothing is live at %s" % root.path)
        tree, digest = state.current, state.trees[state.current].digest
    else:
        tree = back = _state.previous_tree(state, existing) if state.trial else None
        digest = state.trees[back].digest if back else _state.previous_release(state)
    tree = tree or _state.newest_tree(state, existing, digest)
    if digest.startswith(_state.ADOPTED) and tree not in existing:
        raise _claim.DeploymentError(
            "release %s was adopted, and is not in %s/releases any more: nobody can bring it again"
            % (digest[len(_state.ADOPTED) :], root.path)
        )
    tree = tree or _state.newest_tree(state, set(state.trees), digest)
    if tree is None and asked:
        raise _claim.DeploymentError(
            "release sha256:%s is neither here nor in the media library" % digest
        )
    if tree is None:  # it was here once: the manifest may still be, or the library has it
        manifest = root.read_manifest(digest)
        return _state.Release(digest, *(manifest[:3] if manifest else ("", "", 0)), links), None
    record = state.trees[tree]
    links = links if asked else record.links
    return _state.Release(digest, record.name, record.version, record.serial, links), back
