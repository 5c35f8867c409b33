# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of the controller to a host: what ``release_deployment`` does there.

The controller's half says what it wants with plain data and gets plain data back: either what was
done, or what it has to send first. Nothing here knows Ansible.
"""

from __future__ import annotations

import contextlib
import copy
import grp
import os
import pwd

from . import (
    _claim,
    _codec,
    _drift,
    _drop,
    _manifest,
    _removal,
    _root,
    _service,
    _staging,
    _state,
    _tree,
    _trial,
)


def remove(params, call, now, check_mode):
    """Do ``state: absent``: one release, or everything of ours; return the result."""
    with _root.opened(params["root"]) as root:
        if root is None:
            if not check_mode:
                _removal.sweep(params["root"])  # what a removal that was killed left to delete
            return _result(params["root"], None, None, changed=False)
        state = root.read_state()
        _claim.check_owner(root.path, state, None)
        root.read_current(state)  # refuses what is not ours
        before = copy.deepcopy(state)
        release = call["release"]
        trees = _removable(root, state, release) if release else []
        if release and not trees:
            return _result(params["root"], before, state, changed=False)
        if check_mode:
            _claim.settle(root, state, None)
            after = _without(state, trees) if release else None
            removed = trees or sorted(root.existing_trees(state))
            return _result(params["root"], before, after, changed=True, removed=removed)
        _root.ensure_folders(root)  # a removal that was killed may have begun with them
        claim, _state_now = _claimed(root, params, call, now, None)
        if release:
            _removal.clean(claim, trees)
            return _result(params["root"], before, root.read_state(), changed=True, removed=trees)
        removed = sorted(root.existing_trees(state))
        _removal.remove_all(claim, params["purge_shared"])
    return _result(params["root"], before, None, changed=True, removed=removed)


def mark(params, call, now, check_mode):
    """Do ``mark``: remember that a release is bad, or good again; return the result."""
    with _root.opened(params["root"]) as root:
        if root is None:
            raise _claim.DeploymentError("nothing is deployed at %s" % params["root"])
        before = root.read_state()
        _claim.check_owner(root.path, before, None)
        digest = call["release"]["digest"]
        bad = params["mark"] == "bad"
        after = copy.deepcopy(before)
        changed = (digest in before.bad) != bad
        if changed and check_mode:
            _claim.settle(root, after, None)
            after.bad = {**after.bad, digest: {}}
            if not bad:
                del after.bad[digest]
        elif changed:
            claim, _state_now = _claimed(root, params, call, now, None)
            _trial.mark(claim, digest, bad)
            after = root.read_state()
        return _result(params["root"], before, after, changed=changed)


def bring(params, call, now, check_mode):
    """Do ``state: staged`` and ``state: live``; return the result.

    Where the release is not here and no pack came with the call, the result has ``need``: the
    digest wanted, the releases held, the codecs that can be read, and where to drop the pack.
    """
    if params["probe"]:
        _service.check(params["probe"])
    with _root.opened(params["root"]) as root:
        access = _access(params, root.read_state() if root else _state.State())
        if root is None and call["release"] is None:
            raise _claim.DeploymentError(
                "nothing is deployed at %s, so there is nothing to go back to" % params["root"]
            )
    _root.check_free(params["root"])
    if not check_mode:
        _root.create(params["root"], access)
    with _root.opened(params["root"]) as root:
        if root is None:
            return _predict_first(params, call)
        return _bring(root, access, params, call, now, check_mode)


def _bring(root, access, params, call, now, check_mode):
    state = root.read_state()
    _claim.check_owner(root.path, state, access)
    before = copy.deepcopy(state)
    _claim.settle(root, state, None)  # what a killed run left counts as what it really did
    if call["release"] is None and state.trial and not state.live:
        return _withdraw_first(root, before, params, call, now, check_mode)
    release, tree = _release(root, params, call, state)
    live = params["state"] == "live"
    if live and release.digest in state.bad:
        raise _claim.DeploymentError(
            "%s was marked bad by %s: it does not go live unless it is marked good"
            % (release.version, state.bad[release.digest]["run"])
        )
    step, tree = _next_step(root, state, params, release, tree)
    if step == "nothing":
        return _nothing(root, before, state, params, release)
    if check_mode:
        return _predict(root, before, state, release, step, tree, params, call)
    if step == "stage" and not call["pack"]:
        return _ask_for_pack(root, before, release, call)

    claim, state = _claimed(root, params, call, now, access)
    release, tree = _release(root, params, call, state)  # another run may have come between
    step, tree = _next_step(root, state, params, release, tree)
    if step == "nothing" and not call["pack"]:
        return _nothing(root, before, state, params, release)
    try:
        if call["pack"]:
            tree = _stage(claim, release, call["pack"])
        elif step == "stage":
            return _ask_for_pack(root, before, release, call)
        if live and (call["pack"] or step == "activate"):
            # What was built just now has been verified as a whole.
            _trial.activate(claim, tree, None if call["pack"] else params["runtime_paths"])
    except _drift.Damaged as error:
        if call["pack"] and call["whole"]:
            raise
        return _ask_for_pack(root, before, release, {**call, "damaged": str(error)})
    removed = []
    if live:
        _try_and_accept(root, claim, before, params)
        if params["commit"]:
            after = root.read_state()
            removed = _state.superfluous(after, root.existing_trees(after), params["keep"])
            _removal.clean(claim, removed)
    changed = bool(call["pack"]) or _changes(step, state, params)
    result = _result(params["root"], before, root.read_state(), changed, removed)
    return {**result, "is_live": live and params["commit"]}


def _withdraw_first(root, before, params, call, now, check_mode):
    """Go back from the trial of a first release: to nothing being live."""
    if not check_mode:
        claim, _state_now = _claimed(root, params, call, now, None)
        _trial.withdraw(claim, params["restart"], params["restart_timeout"])
        return _result(params["root"], before, root.read_state(), changed=True)
    after = copy.deepcopy(before)
    _claim.settle(root, after, None)
    after.trial = None
    return _result(params["root"], before, after, changed=True)


def _next_step(root, state, params, release, back=None):
    """Return what is to be done now and the tree it is about, as ``_state.next_step`` does.

    *back* is the very tree to return to from a trial.
    """
    if back:
        return "activate", back
    current, existing = root.read_current(state), root.existing_trees(state)
    step, tree = _state.next_step(state, existing, current, release, params["state"] == "live")
    if step == "nothing" and params["state"] == "live" and params["restart"]:
        # A run that was killed after it switched, or a restart that failed, left that to be done.
        step = "nothing" if state.restarted else "settle"
    if not _changes(step, state, params) and not params["probe"]:
        return "nothing", tree
    return step, tree


def _changes(step, state, params):
    """Tell whether *step* changes anything: to probe a trial again does not."""
    return step != "settle" or params["commit"] or bool(params["restart"] and not state.restarted)


def _nothing(root, before, state, params, release):
    """Return the result of a call that had nothing to do."""
    ahead, _tree_name = _next_step(root, state, {**params, "state": "live"}, release)
    result = _result(params["root"], before, state, changed=False)
    return {**result, "is_live": ahead == "nothing" and not state.trial}


def _try_and_accept(root, claim, before, params):
    try:
        _trial.try_out(claim, params["restart"], params["probe"], params["restart_timeout"])
    except _trial.PutBack as error:
        error.result = {
            **_result(params["root"], before, root.read_state(), changed=True),
            "switched_back": True,
        }
        raise
    if params["commit"]:
        _trial.accept(claim)


def _stage(claim, release, path):
    """Stage from the pack in the drop at *path*, and remove that: staged or refused, it is over."""
    try:
        with _drop.open_pack(path) as stream:
            return _staging.stage(claim, release, stream)
    finally:
        _drop.remove(claim.root, path)


def _ask_for_pack(root, before, release, call):
    """Return the result that asks the controller for a pack, having made the place to drop it."""
    state = root.read_state()
    result = _result(root.path, before, state, changed=False)
    result["need"] = {
        **_need(root.path, release, _held(root, state), call.get("damaged")),
        **_drop.make(root, call["login"], call["becomes"], release.digest),
    }
    return result


def _need(path, release, held, damaged):
    """Return what the controller must know to send *release*, or to tell that it does not fit."""
    return {
        "digest": release.digest,
        "held": [] if damaged else held,
        "codecs": _codec.readable(),
        "free": _drop.space(path),
        "damaged": damaged,
        "links": list(release.links),
    }


def _held(root, state):
    """Return the digests of the releases that are here, those staged last first."""
    newest_first = sorted(root.existing_trees(state), key=lambda name: -state.trees[name]["token"])
    return list(dict.fromkeys(state.trees[name]["digest"] for name in newest_first))


def _claimed(root, params, call, now, access):
    """Return this call's Claim on the root, taken, and the State as it is then."""
    claim = _claim.Claim(root, call["run"], now, params["lock_timeout"])
    return claim, claim.take(access)


def _release(root, params, call, state):
    """Return the Release that is meant, and the very tree where that is known.

    The call has all of it where the library knows it, else the digest of one that is here. Without
    either it is the previous one, linked as it was; its tree is known when it ends a trial.
    """
    asked = call["release"]
    links = tuple(sorted(params["linked_paths"] if call["links"] is None else call["links"]))
    if asked and asked["name"]:
        return _state.Release(links=links, **asked), None
    existing = root.existing_trees(state)
    back = _state.previous_tree(state, existing) if state.trial and not asked else None
    if back:
        digest, tree = state.trees[back]["digest"], back
    else:
        digest = asked["digest"] if asked else _state.previous_release(state)
        tree = _state.newest_tree(state, existing, digest)
        tree = tree or _state.newest_tree(state, set(state.trees), digest)
    if tree is None and asked:
        raise _claim.DeploymentError(
            "release sha256:%s is neither here nor in the media library" % digest
        )
    if tree is None:  # it was here once: the library may have it
        return _state.Release(digest, "", "", 0, links), None
    record = state.trees[tree]
    names = [record[key] for key in ("name", "version", "serial")]
    return _state.Release(digest, *names, links if asked else tuple(record["links"])), back


def _removable(root, state, release):
    trees = [tree for tree, record in state.trees.items() if record["digest"] == release["digest"]]
    needed = {state.live: "live", state.trial: "on trial"}
    needed.setdefault(_state.previous_tree(state, root.existing_trees(state)), "the way back")
    for tree in trees:
        if tree in needed:
            raise _claim.DeploymentError("%s is %s: it is not removed" % (tree, needed[tree]))
    return trees


def _access(params, state):
    """Return the Access asked for; what is not asked for stays as recorded.

    Raises DeploymentError where this user cannot give files to that owner and group.
    """
    recorded = state.access or {}
    uid = _number(params["owner"], pwd.getpwnam, "pw_uid", recorded.get("uid", os.geteuid()))
    with contextlib.suppress(KeyError):
        if params["owner"]:
            recorded = {"gid": pwd.getpwuid(uid).pw_gid, **recorded}
    gid = _number(params["group"], grp.getgrnam, "gr_gid", recorded.get("gid", os.getegid()))
    groups = {os.getegid(), *os.getgroups()}
    if os.geteuid() != 0 and (uid != os.geteuid() or gid not in groups):
        raise _claim.DeploymentError(
            "%s cannot give files to owner %s and group %s: become root"
            % (_claim.user_name(os.geteuid()), params["owner"] or uid, params["group"] or gid)
        )
    return _tree.Access(uid, gid, params["access"] or recorded.get("access", "public"))


def _number(name, look_up, key, default):
    if not name:
        return default
    if name.isdigit():
        return int(name)
    try:
        return getattr(look_up(name), key)
    except KeyError:
        raise _claim.DeploymentError("there is no user or group %r here" % name) from None


def _predict_first(params, call):
    """Return what a first deployment would do, where nothing of ours is yet."""
    state = _state.State()
    release = _state.Release(links=tuple(sorted(params["linked_paths"])), **call["release"])
    _check_shared(params, release)
    tree = _manifest.tree_name(release.version, release.digest)
    after = _after(state, release, "stage", tree, params)
    result = _result(params["root"], None, after, changed=True)
    result["is_live"] = params["state"] == "live" and params["commit"]
    result["need"] = _need(params["root"], release, [], None)
    return result


def _predict(root, before, state, release, step, tree, params, call):
    """Return what the run would return, having changed nothing; *state* is *before*, settled."""
    if step != "settle":
        _check_shared(params, release)
    if step == "activate":
        drift, _runtime = _drift.look_through(root, state, tree, params["runtime_paths"])
        if drift:
            step, call = "stage", {**call, "damaged": _drift.name_drift(drift)}
    if step == "stage":
        name = _manifest.tree_name(release.version, release.digest)
        tree = _staging.free_name(root, name)
    after = _after(state, release, step, tree, params)
    existing = root.existing_trees(state) | {tree}
    removed = []
    if params["state"] == "live" and params["commit"]:
        removed = _state.superfluous(after, existing, params["keep"])
    changed = _changes(step, state, params)
    result = _result(params["root"], before, _without(after, removed), changed, removed)
    result["is_live"] = params["state"] == "live" and params["commit"]
    if step == "stage":
        result["need"] = _need(root.path, release, _held(root, state), call.get("damaged"))
    return result


def _check_shared(params, release):
    if params["state"] == "live":
        _trial.check_shared(params["root"], release.links)


def _after(state, release, step, tree, params):
    """Return the State that the step with *tree* leads to."""
    after = copy.deepcopy(state)
    if step == "stage":
        after.trees[tree] = {
            **release._asdict(),
            "links": list(release.links),
            "token": state.token + 1,
        }
    if params["state"] == "live":
        after.trial = None if tree == after.live else tree
        if params["commit"]:
            after.live, after.trial = tree, None
            after.good = _state.accepted(after.good, after.trees[tree]["digest"])
    return after


def _without(state, trees):
    after = copy.deepcopy(state)
    for tree in trees:
        after.trees.pop(tree, None)
    return after


def _result(path, before, after, changed, removed=None):
    """Return the plain result of a call; *before* and *after* are States, or None for nothing."""
    deployment = _state.summary(path, after or _state.State())
    return {
        "changed": changed,
        "before": _brief(_state.summary(path, before or _state.State())),
        "after": _brief(deployment),
        "deployment": deployment,
        "removed": removed or [],
        "switched_back": False,
        "is_live": False,
    }


def _brief(summary):
    """Return what of a summary tells one moment from another."""
    nothing = dict.fromkeys(("name", "version", "serial", "digest", "tree"))
    return {
        "phase": summary["phase"],
        "since": summary["since"],
        "releases": [release["tree"] for release in summary["releases"]],
        **(summary["trial"] or summary["live"] or nothing),
    }
