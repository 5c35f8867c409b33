# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/module_utils/root/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

ADOPTION = "module_utils/root/_adoption.py"
CLAIM = "module_utils/root/_claim.py"
DIRECTORY = "module_utils/root/_directory.py"
HISTORY = "module_utils/root/_history.py"
LEASE = "module_utils/root/_lease.py"
STATE = "module_utils/root/_state.py"
STATE_FORM = "module_utils/root/_state_form.py"
FENCING_TESTS = "behaviour/test_fencing.py"
FORMATS_TESTS = "behaviour/test_formats.py"
GOVERNED_TESTS = "behaviour/test_governed.py"
HEALING_TESTS = "behaviour/test_healing.py"
LEFTOVERS_TESTS = "behaviour/test_leftovers.py"
MEANWHILE_TESTS = "behaviour/test_meanwhile.py"
UNREADABLE_TESTS = "behaviour/test_unreadable.py"
HOST_CALL_TESTS = "unit/module_utils/deployment/test_host_call.py"
HOST_CALL_CHECK_MODE_TESTS = "unit/module_utils/deployment/test_host_call_check_mode.py"
LOOK_TESTS = "unit/module_utils/deployment/test_look.py"
ANCESTORS_TESTS = "unit/module_utils/files/test_ancestors.py"
DURABLE_TESTS = "unit/module_utils/files/test_durable.py"
ADOPTION_TESTS = "unit/module_utils/root/test_adoption.py"
DIRECTORY_TESTS = "unit/module_utils/root/test_directory.py"
LEASE_TESTS = "unit/module_utils/root/test_lease.py"
STATE_TESTS = "unit/module_utils/root/test_state.py"
STATE_FORM_TESTS = "unit/module_utils/root/test_state_form.py"

MUTANTS = (
    check(
        "refusing to adopt what could not be gone back to",
        ADOPTION,
        "name is None or not os.path.isdir(os.path.join(releases, name))",
        ADOPTION_TESTS,
    ),
    Mutant(
        "settling what a killed run left",
        CLAIM,
        "note_switch",
        "lambda *nothing: None",
        f"{HOST_CALL_TESTS} killed",
        within="settle",
    ),
    Mutant(
        "restarting after each switch",
        CLAIM,
        "state.restarted = False",
        "state.restarted = True",
        f"{HOST_CALL_TESTS} restarted_once",
    ),
    Mutant(
        "an overtaken run leaving the staging of the other alone",
        CLAIM,
        "if not (name.isdigit() and int(name) > self.token):",
        "if name != str(self.token):",
        DIRECTORY_TESTS,
    ),
    check("the token at each commit point", CLAIM, "state.token != self.token", DIRECTORY_TESTS),
    omit(
        "clearing what killed runs left in staging",
        CLAIM,
        'self.discard(staging, name, "staging")',
        f"{DURABLE_TESTS} killed and first",
    ),
    check(
        "refusing another user",
        CLAIM,
        "state.token and state.uid != os.geteuid()",
        f"{HOST_CALL_TESTS} another_user",
    ),
    check(
        "refusing another owner",
        CLAIM,
        "access and state.access and state.access != access",
        f"{HOST_CALL_TESTS} another_owner",
    ),
    Mutant(
        "the lease", CLAIM, "self._hindrance(state)", "state, None", LEASE_TESTS, within="_turn"
    ),
    check("the lease in check mode", CLAIM, "hindrance", f"{LEASE_TESTS} refused"),
    Mutant(
        "waiting for a call of another run",
        CLAIM,
        'hindrance != "busy"',
        "True",
        f"{LEASE_TESTS} waited_for",
    ),
    Mutant(
        "keeping the lease while a release is on trial",
        CLAIM,
        "hold and state.trial and self.tries",
        "False and self.tries",
        f"{LEASE_TESTS} trial",
    ),
    Mutant(
        "giving the lease back when nobody shall hold the trial",
        CLAIM,
        "hold",
        "True",
        f"{LEASE_TESTS} nobody_holds",
        within="give_back",
    ),
    omit(
        "recording a takeover",
        CLAIM,
        'self.record("took over", state.current, self.took_over)',
        f"{LEASE_TESTS} recorded",
    ),
    Mutant(
        "leaving a trial as open as it was found",
        CLAIM,
        "self.tries",
        "True",
        f"{LEASE_TESTS} as_open_as_it_was",
        within="give_back",
    ),
    omit(
        "keeping the lease of a trial while another release is staged",
        CLAIM,
        "self.tries = bool(state.lease and not self.took_over and state.trial)",
        f"{LEASE_TESTS} stages_while",
    ),
    omit(
        "settling before asking whose the lease is",
        CLAIM,
        "settle(self.root, settled, None)",
        f"{LEASE_TESTS} no_time_to_record",
    ),
    omit(
        "foretelling a takeover",
        CLAIM,
        "self._note_lease(state)",
        f"{LEASE_TESTS} foretold",
        within="check_turn",
    ),
    Mutant(
        "working on beside what cannot be removed",
        CLAIM,
        "_deletion.discard",
        "_deletion.remove",
        f"{LEFTOVERS_TESTS} blocks_no_later_call",
    ),
    Mutant(
        "remembering the tree that a killed run switched to",
        CLAIM,
        "switching and switching.to",
        "None",
        f"{LOOK_TESTS} gone",
    ),
    omit(
        "asking at a commit point who took over", CLAIM, "self._check_token(state)", FENCING_TESTS
    ),
    Mutant(
        "asking who took over before giving back",
        CLAIM,
        "self.commit_point",
        "self.noting",
        FENCING_TESTS,
    ),
    check(
        "ending a run that was taken over, for its later calls too",
        CLAIM,
        "run == self.run",
        f"{FENCING_TESTS} later_calls",
    ),
    Mutant(
        "telling who took over whatever an overtaken run stumbles over",
        CLAIM,
        "except (OSError, KeyError, _drift.Damaged, _directory.Moved, _directory.RootError):",
        "except (OSError, _drift.Damaged):",
        f"{MEANWHILE_TESTS} stumbles",
    ),
    check(
        "refusing a current that is not ours",
        DIRECTORY,
        "target and (tree is None or not _knows(state, tree))",
        f"{HOST_CALL_TESTS} somebody",
    ),
    omit(
        "the lock", DIRECTORY, "_flock(descriptor, timeout, self.path)", f"{DIRECTORY_TESTS} held"
    ),
    check(
        "refusing the state of a newer version",
        DIRECTORY,
        'plain["format"] not in READ_FORMATS',
        f"{HOST_CALL_TESTS} newer_version",
    ),
    Mutant(
        "keeping an earlier version away from a root that a ledger governs",
        DIRECTORY,
        "GOVERNED_FORMAT if state.governed else FORMAT",
        "FORMAT",
        f"{GOVERNED_TESTS} format_of_its_own",
    ),
    Mutant(
        "telling a newer manifest from a damaged one",
        DIRECTORY,
        "_manifest.UnknownFormat",
        "ZeroDivisionError",
        f"{FORMATS_TESTS} damaged_one",
    ),
    Mutant(
        "taking a folder that is missing for an empty one",
        DIRECTORY,
        "except FileNotFoundError:",
        "except ZeroDivisionError:",
        f"{HOST_CALL_CHECK_MODE_TESTS} killed_at_the_first_folder",
        within="names",
    ),
    Mutant(
        "taking a manifest that cannot be read for damaged",
        DIRECTORY,
        "except OSError:",
        "except FileNotFoundError:",
        f"{UNREADABLE_TESTS} manifest",
        within="read_manifest",
    ),
    omit(
        "looking at the root itself",
        DIRECTORY,
        "_ancestors.check(way, local, users)",
        f"{ANCESTORS_TESTS} root_that",
    ),
    Mutant(
        "looking at releases and our own folder",
        DIRECTORY,
        'for name in (OURS, "releases"):',
        "for name in ():",
        f"{ANCESTORS_TESTS} live_root",
    ),
    Mutant(
        "trusting the writer of a root only to be looked at",
        DIRECTORY,
        "if looks_only:",
        "if True:",
        f"{ANCESTORS_TESTS} live_root",
    ),
    check(
        "looking again where another run switched",
        DIRECTORY,
        "tree != state.current or (target and not tree)",
        f"{MEANWHILE_TESTS} switch",
    ),
    Mutant(
        "writing who locks before cutting off who locked",
        DIRECTORY,
        r'os.pread(descriptor, 200, 0).decode("utf-8", "replace").partition("\n")[0]',
        'os.pread(descriptor, 200, 0).decode("utf-8", "replace")',
        f"{DIRECTORY_TESTS} named_over",
    ),
    Mutant(
        "looking again where the run that switched had its token before",
        DIRECTORY,
        "self.read_state().as_read != state.as_read",
        "self.read_state().token != state.token",
        f"{MEANWHILE_TESTS} before_a_run_staged",
    ),
    Mutant(
        "looking again where everything was removed",
        DIRECTORY,
        "not self.is_there()",
        "False",
        f"{MEANWHILE_TESTS} deployed_anew",
        within="_check_unchanged",
    ),
    omit(
        "knowing the record that was written from the one before",
        DIRECTORY,
        "state.as_read = _canonical.sha256_hex(data)",
        f"{MEANWHILE_TESTS} record_of_its_own",
    ),
    Mutant(
        "telling that everything was removed where the lock was",
        DIRECTORY,
        """
        self._check_there()
        raise
        """,
        "raise",
        f"{MEANWHILE_TESTS} waited_while_everything",
    ),
    Mutant(
        "looking again where the folders to be made have no place any more",
        DIRECTORY,
        """
        if root.is_there():
            raise
        raise Moved from None
        """,
        "raise",
        f"{MEANWHILE_TESTS} two_runs_that_remove",
    ),
    check("dropping a torn line of history", HISTORY, "start != end", f"{HOST_CALL_TESTS} torn"),
    check(
        "refusing a newer history",
        HISTORY,
        'plain["format"] not in FORMATS',
        f"{FORMATS_TESTS} history_of_a_newer",
    ),
    check(
        "refusing what an event has that is unknown",
        HISTORY,
        "set(event) - KEYS",
        f"{FORMATS_TESTS} any_byte",
    ),
    Mutant(
        "telling a process from a later one of the same number",
        LEASE,
        "lease.started is not None and _started(pid, proc) == lease.started",
        "_started(pid, proc) is not None",
        f"{LEASE_TESTS} used_again",
    ),
    check(
        "telling a boot from the one before",
        LEASE,
        "pid is None or lease.boot != _boot(proc)",
        f"{LEASE_TESTS} used_again",
    ),
    Mutant(
        "leaving a killed run's trial to that run",
        LEASE,
        'return "on trial" if state.trial else None',
        "return None",
        f"{LEASE_TESTS} trial",
    ),
    Mutant(
        "passing over bad releases", STATE, "if digest not in state.bad:", "if True:", STATE_TESTS
    ),
    Mutant(
        "the second rollback going further back",
        STATE,
        "digest in good",
        "False",
        f"{HOST_CALL_TESTS} rolling_back",
    ),
    Mutant(
        "retention sparing the way back",
        STATE,
        "{state.live, state.trial, previous_tree(state, existing)}",
        "{state.live, state.trial}",
        f"{HOST_CALL_TESTS} retention",
    ),
    Mutant(
        "retention sparing live and trial",
        STATE,
        "{state.live, state.trial, previous_tree(state, existing)}",
        "{previous_tree(state, existing)}",
        f"{HOST_CALL_TESTS} retention",
    ),
    Mutant(
        "retention by the order of staging",
        STATE,
        "sorted(ours, key=lambda tree: state.trees[tree].token, reverse=True)",
        "sorted(ours, reverse=True)",
        f"{HOST_CALL_TESTS} retention",
    ),
    Mutant(
        "going back from a trial to its live tree",
        STATE,
        "trees = [state.live]",
        "trees = []",
        f"{HOST_CALL_TESTS} going_back_from",
    ),
    Mutant(
        "passing over a tree that is gone on the way back",
        STATE,
        "tree in existing",
        "tree",
        f"{HOST_CALL_TESTS} a_trial_that_fails",
        within="ways_back",
    ),
    Mutant(
        "preferring a way back that is not marked bad",
        STATE,
        "sorted(filter(None, there), key=lambda tree: state.trees[tree].digest in state.bad)",
        "list(filter(None, there))",
        f"{HOST_CALL_TESTS} marked_bad",
    ),
    check(
        "keeping the damaged tree for processes that read it",
        STATE,
        "state.left in ours and state.trees[state.left].digest == state.good[-1]",
        f"{HEALING_TESTS} processes",
    ),
    Mutant(
        "retention sparing pinned releases",
        STATE,
        "{tree for tree in newest if state.trees[tree].digest in state.pinned}",
        "set()",
        f"{STATE_TESTS} pinned",
    ),
    Mutant(
        "retention sparing adopted releases",
        STATE,
        "not state.trees[tree].adopted",
        "True",
        f"{ADOPTION_TESTS} cleaned",
    ),
    Mutant(
        "writing early years as texts that sort",
        STATE,
        'return moment.isoformat() + "Z"',
        "return moment.strftime(TIME)",
        f"{STATE_TESTS} beyond_all_records",
    ),
    Mutant(
        "passing over an age that reaches back beyond the calendar",
        STATE,
        "except OverflowError:",
        "except ZeroDivisionError:",
        f"{STATE_TESTS} beyond_all_records",
    ),
    check(
        "refusing a record that is not whole",
        STATE_FORM,
        "not (_is_name(tree) and _is_record(record))",
        f"{STATE_FORM_TESTS} named_in_a_line",
    ),
    check(
        "refusing a live release without a record",
        STATE_FORM,
        "tree is not None and tree not in trees",
        f"{STATE_FORM_TESTS} named_in_a_line",
    ),
    check(
        "refusing a live release without a way back to itself",
        STATE_FORM,
        'plain["live"] and not plain["good"]',
        f"{STATE_FORM_TESTS} named_in_a_line",
    ),
    Mutant(
        "refusing names with control characters in a state",
        STATE_FORM,
        "_manifest.CONTROL.search(value)",
        "False",
        f"{STATE_FORM_TESTS} named_in_a_line",
    ),
)
