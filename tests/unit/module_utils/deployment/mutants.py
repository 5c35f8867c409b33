# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/module_utils/deployment/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

ANSWER = "module_utils/deployment/_answer.py"
GOVERNANCE = "module_utils/deployment/_governance.py"
HOST_CALL = "module_utils/deployment/_host_call.py"
LOOK = "module_utils/deployment/_look.py"
PLAN = "module_utils/deployment/_plan.py"
PREDICTION = "module_utils/deployment/_prediction.py"
REMOVAL = "module_utils/deployment/_removal.py"
REQUEST = "module_utils/deployment/_request.py"
REVERSAL = "module_utils/deployment/_reversal.py"
SERVICE = "module_utils/deployment/_service.py"
SHARED = "module_utils/deployment/_shared.py"
STAGING = "module_utils/deployment/_staging.py"
TRANSACTION = "module_utils/deployment/_transaction.py"
TRIAL = "module_utils/deployment/_trial.py"
UPLOAD = "module_utils/deployment/_upload.py"
ATTACKED_TESTS = "behaviour/test_attacked.py"
FENCING_TESTS = "behaviour/test_fencing.py"
GOVERNED_TESTS = "behaviour/test_governed.py"
HEALING_TESTS = "behaviour/test_healing.py"
LEFTOVERS_TESTS = "behaviour/test_leftovers.py"
MEANWHILE_TESTS = "behaviour/test_meanwhile.py"
NOTHING_TO_DO_TESTS = "behaviour/test_nothing_to_do.py"
PROBES_TESTS = "behaviour/test_probes.py"
SERIALS_TESTS = "behaviour/test_serials.py"
RELEASE_DEPLOYMENT_TESTS = "unit/action/test_release_deployment.py"
ANSWER_TESTS = "unit/module_utils/deployment/test_answer.py"
HOST_CALL_TESTS = "unit/module_utils/deployment/test_host_call.py"
HOST_CALL_CHECK_MODE_TESTS = "unit/module_utils/deployment/test_host_call_check_mode.py"
LOOK_TESTS = "unit/module_utils/deployment/test_look.py"
REMOVAL_TESTS = "unit/module_utils/deployment/test_removal.py"
REVERSAL_TESTS = "unit/module_utils/deployment/test_reversal.py"
SHARED_TESTS = "unit/module_utils/deployment/test_shared.py"
STAGING_TESTS = "unit/module_utils/deployment/test_staging.py"
TRANSACTION_TESTS = "unit/module_utils/deployment/test_transaction.py"
TRIAL_TESTS = "unit/module_utils/deployment/test_trial.py"
UPLOAD_TESTS = "unit/module_utils/deployment/test_upload.py"
DURABLE_TESTS = "unit/module_utils/files/test_durable.py"
ADOPTION_TESTS = "unit/module_utils/root/test_adoption.py"
LEASE_TESTS = "unit/module_utils/root/test_lease.py"
HOST_DIFF_TESTS = "unit/plugin_utils/deployment/test_host_diff.py"

MUTANTS = (
    omit(
        "refusing a release without a plan where a ledger governs the root",
        PLAN,
        "_governance.refuse_unplanned(root.path, state, request, release)",
        f"{GOVERNED_TESTS} without_a_plan_is_refused",
    ),
    Mutant(
        "taking the plans of no other ledger",
        GOVERNANCE,
        'given and given["ledger"] == ledger',
        "given",
        f"{GOVERNED_TESTS} without_a_plan_is_refused",
    ),
    Mutant(
        "leaving the way back open without a plan",
        GOVERNANCE,
        "if _is_live(state, release) or _is_way_back(state, request, release):",
        "if _is_live(state, release):",
        f"{GOVERNED_TESTS} rollback_needs_no_plan",
    ),
    Mutant(
        "going back without a plan only to what was committed",
        GOVERNANCE,
        "not request.forward and release.digest in targets",
        "not request.forward",
        f"{GOVERNED_TESTS} never_committed",
    ),
    check(
        "keeping the ledger that governs a root",
        GOVERNANCE,
        'not governed or ledger not in (None, governed["ledger"])',
        f"{GOVERNED_TESTS} rollback",
    ),
    omit(
        "recording only a ledger that can be read again",
        HOST_CALL,
        "_governance.check(request.governed)",
        f"{GOVERNED_TESTS} id_that_no_ledger_has",
    ),
    omit(
        "foreseeing the ledger that governs a root",
        PREDICTION,
        "after.governed = _governance.after_commit(after.governed, request.governed)",
        f"{GOVERNED_TESTS} predicts",
    ),
    omit(
        "remembering the ledger that governs a root",
        TRIAL,
        "state.governed = _governance.after_commit(state.governed, governed)",
        f"{GOVERNED_TESTS} once_a_release_is_committed",
    ),
    omit(
        "asking a probe that failed after a reversal again",
        TRIAL,
        "state.restarted = False",
        f"{REVERSAL_TESTS} asked_again",
    ),
    omit(
        "remembering which run was undone",
        TRIAL,
        "claim.record(_reversal.REVERTED, change.to, change.run)",
        f"{REVERSAL_TESTS} restart_that_failed",
    ),
    Mutant(
        "undoing only the trial of the run that is named",
        REVERSAL,
        "trial.run == request.reverts",
        "True",
        REVERSAL_TESTS,
    ),
    check(
        "going back only to what is there",
        REVERSAL,
        "change.back and change.back not in root.existing_trees(state)",
        f"{REVERSAL_TESTS} is_gone",
    ),
    Mutant(
        "sending only the damaged contents again",
        ANSWER,
        "0 < len(resend) <= MOST_RESENT",
        "False",
        f"{HEALING_TESTS} only_those",
    ),
    check("leaving another's root untouched", HOST_CALL, "not request.adopt", ADOPTION_TESTS),
    omit(
        "predicting no removal where current is another's",
        HOST_CALL,
        "root.read_current(before)  # refuses what is not ours",
        f"{HOST_CALL_TESTS} nothing_is_removed",
    ),
    omit(
        "refusing probes that cannot be asked on the way back",
        HOST_CALL,
        "_check_service(request.service)",
        f"{PROBES_TESTS} undone",
        within="revert",
    ),
    check(
        "refusing probes that cannot be asked",
        HOST_CALL,
        "service.probes",
        f"{HOST_CALL_TESTS} cannot_be_asked",
    ),
    Mutant(
        "check mode that makes no folders",
        HOST_CALL,
        "if not request.check:",
        "if True:",
        HOST_CALL_CHECK_MODE_TESTS,
        within="bring",
    ),
    check("check mode that stages nothing", HOST_CALL, "request.check", HOST_CALL_CHECK_MODE_TESTS),
    Mutant(
        "loading little where nothing is to be done",
        HOST_CALL,
        "from . import _answer, _governance, _plan, _request",
        "from . import _answer, _governance, _plan, _transaction, _request",
        NOTHING_TO_DO_TESTS,
    ),
    Mutant(
        "check mode that marks nothing",
        HOST_CALL,
        "not request.check",
        "True",
        HOST_CALL_CHECK_MODE_TESTS,
        within="mark",
    ),
    Mutant(
        "check mode that counts what a killed run did",
        HOST_CALL,
        "_claim.settle(root, state, None)  # what a killed run left",
        "# what a killed run left",
        f"{HOST_CALL_CHECK_MODE_TESTS} predicts",
        within="_bring",
    ),
    check(
        "naming what is removed or marked on the host",
        HOST_CALL,
        "needs_name and request.release is None",
        f"{HOST_CALL_TESTS} has_to_be_named",
    ),
    omit(
        "keeping what a killed run made live from being removed",
        HOST_CALL,
        "_claim.settle(root, state, None)  # what a killed run made live is on trial",
        f"{MEANWHILE_TESTS} killed",
        within="remove",
    ),
    check(
        "looking again for what is to be adopted",
        HOST_CALL,
        "root and root.read_state().token",
        f"{MEANWHILE_TESTS} first_deployment",
    ),
    check(
        "refusing a negative number of events", LOOK, "look.history < 0", f"{LOOK_TESTS} negative"
    ),
    omit(
        "telling what a killed run switched to",
        LOOK,
        "_claim.settle(root, state, state.lease.since if state.lease else None)",
        f"{LOOK_TESTS} killed_run_switched",
    ),
    Mutant(
        "verifying a rollback's target",
        PLAN,
        'step == "activate" and not is_new',
        "False",
        f"{HEALING_TESTS} rollback",
    ),
    Mutant(
        "verifying what is live when that is asked for",
        PLAN,
        'request.verify and step != "stage"',
        "False",
        f"{HEALING_TESTS} live",
    ),
    omit(
        "finishing a restart that was not done",
        PLAN,
        'step = "nothing" if state.restarted else "settle"',
        f"{HOST_CALL_TESTS} next_run",
    ),
    check("refusing a bad release", PLAN, "digest in state.bad", HOST_CALL_TESTS),
    Mutant(
        "taking on, and letting go of, a trial that needs nothing else",
        PLAN,
        "bool(state.trial)",
        "False",
        f"{LEASE_TESTS} takes_it_on or lets_go",
    ),
    Mutant(
        "telling what another run did meanwhile as that run's",
        PLAN,
        'return step != "nothing"',
        "return True",
        f"{MEANWHILE_TESTS} ones_own",
    ),
    check(
        "telling that an adopted release is gone",
        PLAN,
        "digest.startswith(_state.ADOPTED) and tree not in existing",
        f"{ADOPTION_TESTS} told_as_such",
    ),
    check("refusing an older release by its name", PLAN, "older", f"{SERIALS_TESTS} older"),
    omit(
        "naming first the run that has a newer release on trial",
        PLAN,
        "_claim.Claim(root, request.run, str, 0, request.takeover).check_turn(state)",
        f"{SERIALS_TESTS} trial_of_another_run",
    ),
    Mutant(
        "counting what is on trial",
        PLAN,
        '((state.trial, "on trial"), (state.live, "live"))',
        '((state.live, "live"),)',
        f"{SERIALS_TESTS} on_trial_counts",
    ),
    Mutant(
        "counting what is live below a trial",
        PLAN,
        '((state.trial, "on trial"), (state.live, "live"))',
        '((state.current, "live"),)',
        f"{SERIALS_TESTS} live_release_counts",
    ),
    Mutant(
        "refusing another release of the same serial",
        PLAN,
        "if release.serial > there.serial:",
        "if release.serial >= there.serial:",
        f"{SERIALS_TESTS} same_serial",
    ),
    Mutant(
        "calling a way back by the manifest that is held",
        PLAN,
        "manifest = root.read_manifest(digest)",
        "manifest = None",
        f"{HOST_CALL_TESTS} under_its_name",
    ),
    check(
        "going back only to the release that was asked about",
        PLAN,
        "request.expected_digest not in (None, release.digest)",
        f"{ANSWER_TESTS} asked_about",
    ),
    Mutant(
        "foretelling what is seeded",
        PREDICTION,
        "_shared.absent(request.root, plan.release.links)",
        "[]",
        f"{HOST_DIFF_TESTS} seeded",
    ),
    check("absent sparing what is needed", REMOVAL, "tree in needed", f"{HOST_CALL_TESTS} absent"),
    Mutant(
        "moving everything aside in one commit point",
        REMOVAL,
        "os.rename(_directory.OURS, gone, src_dir_fd=top, dst_dir_fd=top)",
        "gone = _directory.OURS",
        f"{HOST_CALL_TESTS} removal_that",
    ),
    Mutant(
        "removing everything but what was adopted",
        REMOVAL,
        "return sorted(root.existing_trees(state) - adopted)",
        "return sorted(root.existing_trees(state))",
        f"{ADOPTION_TESTS} leaves_it",
    ),
    Mutant(
        "leaving current to the adopted release",
        REMOVAL,
        "not left.live",
        "True",
        f"{ADOPTION_TESTS} leaves_it_live",
    ),
    check(
        "absent sparing pinned releases",
        REMOVAL,
        "digest in state.pinned",
        f"{HOST_CALL_TESTS} pinned",
    ),
    omit(
        "choosing what is removed at the moment of removing it",
        REMOVAL,
        "trees = choose(state)",
        f"{MEANWHILE_TESTS} removed or pinned",
    ),
    check(
        "telling that what was adopted stays live after a removal",
        REMOVAL,
        "current in left.trees",
        f"{ADOPTION_TESTS} told_and_foretold",
    ),
    Mutant(
        "remembering what was adopted while everything of ours is removed",
        REMOVAL,
        "claim.root.write_state(left)",
        "claim.root.write_state(_state.State(left.token, left.run, access=left.access))",
        f"{ADOPTION_TESTS} removal_that_is_killed",
    ),
    Mutant(
        "asking who took over before cleaning",
        REMOVAL,
        "claim.commit_point",
        "claim.noting",
        f"{FENCING_TESTS} clean",
        within="clean",
    ),
    Mutant(
        "asking who took over before removing all",
        REMOVAL,
        "claim.commit_point",
        "claim.noting",
        f"{FENCING_TESTS} all",
        within="remove_all",
    ),
    Mutant(
        "keeping all contents while it is not known which are needed",
        REMOVAL,
        "return None",
        "continue",
        f"{REMOVAL_TESTS} cannot_be_read",
        within="_needed",
    ),
    Mutant(
        "removing current before the trees",
        REMOVAL,
        """
        if not left.live and claim.root.read_current(state):
            _durable.remove_file(top, "current")
            os.fsync(top)
        trees = ours(claim.root, state)
        _take_away(claim, stack, state, trees, staging)
        """,
        """
        trees = ours(claim.root, state)
        _take_away(claim, stack, state, trees, staging)
        if not left.live and claim.root.read_current(state):
            _durable.remove_file(top, "current")
            os.fsync(top)
        """,
        f"{REMOVAL_TESTS} before_the_first_tree",
        within="remove_all",
    ),
    Mutant(
        "making the removal of current last before trees are removed",
        REMOVAL,
        """
        _durable.remove_file(top, "current")
        os.fsync(top)
        """,
        '_durable.remove_file(top, "current")',
        f"{REMOVAL_TESTS} before_the_first_tree",
        within="remove_all",
    ),
    Mutant(
        "hiding options that may be secret",
        REQUEST,
        "return told, secret",
        "return {**told, **secret}, {}",
        f"{RELEASE_DEPLOYMENT_TESTS} may_be_secret",
    ),
    check(
        "going on only with probes that are good",
        SERVICE,
        "done.result != _probes.GOOD and not done.observe",
        f"{PROBES_TESTS} two_probes",
    ),
    Mutant(
        "counting an inconclusive probe as not good",
        SERVICE,
        "done.result != _probes.GOOD",
        "done.result == _probes.BAD",
        f"{PROBES_TESTS} inconclusive_probe_puts",
    ),
    Mutant(
        "leaving decisions to the probes that decide",
        SERVICE,
        "done.result != _probes.GOOD and not done.observe",
        "done.result != _probes.GOOD",
        f"{PROBES_TESTS} observes",
    ),
    Mutant(
        "asking a baseline by what decides",
        REQUEST,
        'not probe.get("observe")',
        "True",
        f"{PROBES_TESTS} baseline_tells",
    ),
    omit(
        "asking before the switch what is to be asked then",
        TRANSACTION,
        "probes = _trial.try_staged(root, root.read_state(), tree, request.service, is_new)",
        f"{PROBES_TESTS} leaves_current_alone",
    ),
    omit(
        "asking about what is staged already before the switch",
        HOST_CALL,
        'outcome["probes"] = _trial.try_staged(root, state, plan.tree, service, False)',
        f"{PROBES_TESTS} leaves_current_alone",
    ),
    Mutant(
        "asking after the switch only what is to be asked then",
        REQUEST,
        'not probe.get("before_switch")',
        "True",
        f"{PROBES_TESTS} leaves_current_alone or way_back",
    ),
    Mutant(
        "leaving the way back to no probe before the switch",
        TRIAL,
        "record.digest in state.good",
        "False",
        f"{PROBES_TESTS} way_back",
    ),
    Mutant(
        "seeding only what is not there",
        SHARED,
        "return [part for part in parts if not _exists(shared, _paths.to_os(part))]",
        "return parts",
        f"{SHARED_TESTS} copied_once",
    ),
    Mutant(
        "seeding by copies",
        SHARED,
        "entry._replace(path=name[len(path) + 1 :], writable=True)",
        "entry._replace(path=name[len(path) + 1 :])",
        f"{SHARED_TESTS} copied_once",
    ),
    check(
        "refusing what is neither shared nor sealed",
        SHARED,
        "not (may_be_brought and _layout.at_or_below(sealed, link))",
        f"{SHARED_TESTS} promises",
    ),
    Mutant(
        "leaving a shared link that leads nowhere to its owner",
        SHARED,
        "not os.path.lexists(place)",
        "True",
        f"{SHARED_TESTS} leads_nowhere",
    ),
    Mutant(
        "following no link on the way in shared",
        SHARED,
        "descriptor = _directory.open_directory(above, folder)",
        "descriptor = os.open(folder, _paths.OPEN_DIRECTORY & ~os.O_NOFOLLOW, dir_fd=above)",
        f"{ATTACKED_TESTS} on_the_way_in_shared",
    ),
    check(
        "giving away only the directory that was made",
        SHARED,
        "not is_ours or os.listdir(made)",
        f"{ATTACKED_TESTS} not_given_away",
    ),
    Mutant(
        "asking who took over before seeding",
        SHARED,
        "claim.commit_point",
        "claim.noting",
        f"{FENCING_TESTS} first",
        within="_seed",
    ),
    Mutant(
        "asking who took over before making directories in shared/",
        SHARED,
        "claim.commit_point",
        "claim.noting",
        f"{FENCING_TESTS} first",
        within="_make_directory",
    ),
    Mutant(
        "verifying the whole tree before it gets its name",
        STAGING,
        "drift = self._lay_out(entries)",
        "drift = self._lay_out(entries) and []",
        f"{HEALING_TESTS} builds_upon",
    ),
    omit(
        "the barrier before names are given",
        STAGING,
        "_durable.barrier(place.staging)",
        f"{DURABLE_TESTS} medium",
        within="_publish",
    ),
    Mutant(
        "recording a tree before it has its name",
        STAGING,
        """
        claim.root.write_state(state)
        os.rename("tree", tree, src_dir_fd=place.staging, dst_dir_fd=releases)
        """,
        """
        os.rename("tree", tree, src_dir_fd=place.staging, dst_dir_fd=releases)
        claim.root.write_state(state)
        """,
        f"{DURABLE_TESTS} killed and first",
    ),
    omit(
        "keeping what a pack brought when its base is damaged",
        STAGING,
        "place.publish()",
        f"{HEALING_TESTS} builds_upon",
        within="stage",
    ),
    omit(
        "mending what was seeded without being told again",
        STAGING,
        "seed = seed or _state.was_laid_out(self.state, release)",
        f"{SHARED_TESTS} told_again",
    ),
    Mutant(
        "asking who took over before a tree gets its name",
        STAGING,
        "claim.commit_point",
        "claim.noting",
        f"{FENCING_TESTS} replace",
        within="_publish",
    ),
    Mutant(
        "asking who took over before contents get their names",
        STAGING,
        "with claim.commit_point():",
        "with claim.noting():",
        f"{FENCING_TESTS} damage",
    ),
    Mutant(
        "giving a manifest its name in a commit point",
        STAGING,
        "place.keep_manifest(release.digest, data)",
        """
        place.keep_manifest(release.digest, data)
        place.publish()
        """,
        f"{STAGING_TESTS} overtaken",
    ),
    omit(
        "giving the lease back",
        TRANSACTION,
        "claim.give_back(request.hold)",
        f"{LEASE_TESTS} gives_its_lease_back",
    ),
    Mutant(
        "naming what cannot be removed",
        TRANSACTION,
        "warnings = _deletion.warnings(claim.leftovers)",
        "warnings = []",
        LEFTOVERS_TESTS,
    ),
    check(
        "planning anew what another run made untrue",
        TRANSACTION,
        "not _state.is_as_planned(state, plan.state)",
        f"{MEANWHILE_TESTS} previous",
    ),
    Mutant(
        "planning anew before a pack is asked for",
        TRANSACTION,
        """
        state = claim_of(root, request, now).await_turn(adopted)
        before, plan = _up_to_date(root, before, plan, state, request)
        """,
        "state = claim_of(root, request, now).await_turn(adopted)",
        f"{MEANWHILE_TESTS} pack_asked_for",
    ),
    Mutant(
        "foretelling what a removal leaves",
        TRANSACTION,
        "after = _removal.what_stays(root, state)",
        "after = None",
        f"{ADOPTION_TESTS} told_and_foretold",
    ),
    Mutant(
        "naming the root where the system refuses something",
        TRANSACTION,
        '"%s: %s" % (request.root, error)',
        "str(error)",
        f"{TRANSACTION_TESTS} told_with_the_root",
    ),
    Mutant(
        "writing down on the host what was allowed",
        TRANSACTION,
        "for line in request.overrides:",
        "for line in ():",
        f"{ANSWER_TESTS} allowed",
    ),
    Mutant(
        "recording where current is being pointed",
        TRIAL,
        """
        state.switching = _records.Switch(tree)
        claim.root.write_state(state)
        """,
        "state.switching = _records.Switch(tree)",
        f"{HOST_CALL_TESTS} killed",
    ),
    Mutant(
        "probing a trial that a run finds",
        TRIAL,
        "return _service.probe(service.probes_after)",
        "return []",
        f"{HOST_CALL_TESTS} trial",
        within="try_out",
    ),
    omit(
        "restarting again after putting back",
        TRIAL,
        "_restart(claim, service)",
        f"{HOST_CALL_TESTS} restarted_again",
        within="_restart_again",
    ),
    omit(
        "refusing a bad release at the moment of the switch",
        TRIAL,
        "_plan.refuse_bad(state, state.trees[tree].digest, state.trees[tree].version)",
        f"{MEANWHILE_TESTS} marked_bad",
    ),
    Mutant(
        "recording that a host went back",
        TRIAL,
        "_state.is_older(state, tree, state.current)",
        "False",
        f"{SERIALS_TESTS} history_says_so",
    ),
    Mutant(
        "asking who took over before activating",
        TRIAL,
        "claim.commit_point",
        "claim.noting",
        f"{FENCING_TESTS} replace",
        within="activate",
    ),
    Mutant(
        "asking who took over before restarting",
        TRIAL,
        "claim.commit_point",
        "claim.noting",
        f"{FENCING_TESTS} replace",
        within="try_out",
    ),
    Mutant(
        "asking who took over before putting back",
        TRIAL,
        "claim.commit_point",
        "claim.noting",
        f"{FENCING_TESTS} put or withdraw",
        within="withdraw",
    ),
    Mutant(
        "asking who took over before accepting",
        TRIAL,
        "claim.commit_point",
        "claim.noting",
        f"{FENCING_TESTS} accept",
        within="accept",
    ),
    Mutant(
        "asking who took over before noting a restart",
        TRIAL,
        "claim.commit_point",
        "claim.noting",
        f"{FENCING_TESTS} replace",
        within="_restart",
    ),
    Mutant(
        "asking who took over where a trial failed",
        TRIAL,
        "claim.commit_point",
        "claim.noting",
        f"{FENCING_TESTS} put",
        within="_put_back",
    ),
    omit(
        "making the removal of current last before it is told",
        TRIAL,
        "os.fsync(claim.root.descriptor)",
        f"{TRIAL_TESTS} durable",
        within="_switch",
    ),
    omit(
        "looking again at current before it is switched",
        TRIAL,
        "claim.root.read_current(state)",
        f"{TRIAL_TESTS} foreign",
        within="_switch",
    ),
    check(
        "naming the run that took a drop away",
        UPLOAD,
        "name != os.path.basename(path)",
        f"{UPLOAD_TESTS} taken_away",
    ),
    Mutant(
        "opening a pack without following links",
        UPLOAD,
        "_paths.OPEN_FILE",
        "os.O_RDONLY | os.O_NONBLOCK",
        f"{HOST_CALL_TESTS} no_file",
        within="open_pack",
    ),
    Mutant(
        "writing to files of the drop's owner only",
        UPLOAD,
        "(piece, kept)",
        "(piece,)",
        f"{UPLOAD_TESTS} hard_link",
    ),
    Mutant(
        "leaving what is behind a gap",
        UPLOAD,
        "if good and os.fstat(kept).st_size >= start:",
        "if good:",
        f"{UPLOAD_TESTS} gap",
    ),
    Mutant(
        "offering only what this login user sent",
        UPLOAD,
        "if os.fstat(directory).st_uid == owner:",
        "if True:",
        f"{UPLOAD_TESTS} somebody_else",
    ),
    Mutant(
        "offering plain files only",
        UPLOAD,
        "stat.S_ISREG(status.st_mode)",
        "True",
        f"{UPLOAD_TESTS} no_file",
    ),
    Mutant(
        "offering only what arrived of the same release",
        UPLOAD,
        "upload.startswith(prefix)",
        "True",
        f"{UPLOAD_TESTS} another_release",
    ),
    Mutant(
        "writing over what came late",
        UPLOAD,
        "_copy(piece, kept, start)",
        "_copy(piece, kept, os.fstat(kept).st_size)",
        f"{UPLOAD_TESTS} still_writes",
    ),
    omit(
        "removing other drops",
        UPLOAD,
        "_clear(folder, but=name)",
        f"{UPLOAD_TESTS} another_release",
    ),
    Mutant(
        "a pack sent from its beginning before what was kept",
        UPLOAD,
        "name = WHOLE if _status(directory, WHOLE) else KEPT",
        "name = KEPT if _status(directory, KEPT) else WHOLE",
        f"{UPLOAD_TESTS} replaces",
    ),
    Mutant(
        "counting what arrived earlier as free",
        UPLOAD,
        "status.f_bavail * status.f_frsize + sum(remains)",
        "status.f_bavail * status.f_frsize",
        f"{UPLOAD_TESTS} counts_as_free",
    ),
    check(
        "counting only what is gone with its name",
        UPLOAD,
        "status.st_nlink == 1",
        f"{UPLOAD_TESTS} counts_as_free",
    ),
    Mutant(
        "making a drop in one's turn",
        UPLOAD,
        "root.locked(lock_timeout, run)",
        "contextlib.nullcontext()",
        f"{UPLOAD_TESTS} turn_only",
        within="make",
    ),
    Mutant(
        "clearing drops in one's turn",
        UPLOAD,
        "root.locked(lock_timeout, run)",
        "contextlib.nullcontext()",
        f"{UPLOAD_TESTS} turn_only",
        within="clear",
    ),
    Mutant(
        "looking again at what was kept of a transfer",
        UPLOAD,
        "_is_file_of(os.fstat(descriptor), owner)",
        "True",
        f"{ATTACKED_TESTS} kept_pack",
    ),
    Mutant(
        "reading the name of a run from a file with one name",
        UPLOAD,
        "if os.fstat(descriptor).st_nlink == 1:",
        "if True:",
        f"{ATTACKED_TESTS} other_names",
    ),
    Mutant(
        "removing a drop again that somebody sent to meanwhile",
        UPLOAD,
        "if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):",
        "if True:",
        f"{MEANWHILE_TESTS} sends_to_it",
    ),
    Mutant(
        "reporting what a run that failed has left live",
        TRANSACTION,
        "reported or _left_by(request)",
        "reported",
        f"{TRANSACTION_TESTS} left_on_trial",
    ),
)
