# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/module_utils/building/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

AS_BUILT = "module_utils/building/_as_built.py"
CHECKOUT = "module_utils/building/_checkout.py"
COMPONENT = "module_utils/building/_component.py"
FETCH = "module_utils/building/_fetch.py"
JOBS = "module_utils/building/_jobs.py"
LEFT = "module_utils/building/_left.py"
ORDER = "module_utils/building/_order.py"
PLACE = "module_utils/building/_place.py"
RECORD = "module_utils/building/_record.py"
SOURCES = "module_utils/building/_sources.py"
STEPS = "module_utils/building/_steps.py"
SUPERVISOR = "module_utils/building/_supervisor.py"
WORK = "module_utils/building/_work.py"
SEALING_BUILDS_TESTS = "unit/action/test_sealing_builds.py"
CHECKOUT_TESTS = "unit/module_utils/building/test_checkout.py"
SOURCES_TESTS = "unit/module_utils/building/test_sources.py"
STEPS_TESTS = "unit/module_utils/building/test_steps.py"
SUPERVISOR_TESTS = "unit/module_utils/building/test_supervisor.py"

MUTANTS = (
    Mutant(
        "comparing what is packed with what was built",
        AS_BUILT,
        "if _record.tree_digest(entries) == tree:",
        "if True:",
        f"{SEALING_BUILDS_TESTS} refused_by_name",
    ),
    Mutant(
        "asking at which commit a checkout is",
        AS_BUILT,
        "if found == commit:",
        "if True:",
        f"{SEALING_BUILDS_TESTS} refused_by_name",
    ),
    Mutant(
        "asking whether all artifacts are there",
        AS_BUILT,
        "if not gone:",
        "if True:",
        f"{SEALING_BUILDS_TESTS} artifacts",
    ),
    Mutant(
        "keeping the source of a component in its folder",
        AS_BUILT,
        "if found == inside or found.startswith(inside + os.sep):",
        "if True:",
        f"{SEALING_BUILDS_TESTS} leads_out",
    ),
    Mutant(
        "keeping filters of users from a checkout",
        CHECKOUT,
        "_unfiltered(environment)",
        "()",
        f"{CHECKOUT_TESTS} nothing_is_run",
        within="check_out",
    ),
    check(
        "removing the locks of a git that was killed",
        CHECKOUT,
        'name.endswith(".lock")',
        f"{CHECKOUT_TESTS} lock_that_a_killed",
    ),
    check(
        "refusing another commit than was checked out",
        CHECKOUT,
        "commit != source.commit",
        f"{CHECKOUT_TESTS} moved_on",
    ),
    Mutant(
        "keeping what is fetched from the files of this machine",
        CHECKOUT,
        "is_here(repository)",
        "True",
        f"{CHECKOUT_TESTS} reads_none",
    ),
    Mutant(
        "cutting the query from the address of a repository",
        CHECKOUT,
        '"[?#]"',
        '"(?!)"',
        f"{CHECKOUT_TESTS} cloned_from",
        within="address_of",
    ),
    Mutant(
        "hiding what is passed from the record",
        COMPONENT,
        """
        done.append(
            {
                "argv": [building.masked(word) for word in step["argv"]],
                "directory": step["directory"],
                "milliseconds": round(ended.seconds * 1000),
                "status": ended.status,
            }
        )
        """,
        """
        done.append(
            {
                "argv": step["argv"],
                "directory": step["directory"],
                "milliseconds": round(ended.seconds * 1000),
                "status": ended.status,
            }
        )
        """,
        f"{SUPERVISOR_TESTS} masked",
    ),
    Mutant(
        "hiding what is passed from the words of a step",
        COMPONENT,
        'words = _words([building.masked(word) for word in step["argv"]])',
        'words = _words(step["argv"])',
        f"{SUPERVISOR_TESTS} masked",
    ),
    Mutant(
        "hiding what is passed from logs",
        COMPONENT,
        "building.secrets",
        "()",
        f"{SUPERVISOR_TESTS} masked",
    ),
    Mutant(
        "handing steps what they pass and nothing else",
        COMPONENT,
        '{name: building.variables[name] for name in component["passed"]}',
        "dict(building.variables)",
        f"{SUPERVISOR_TESTS} nothing_of_the_builder",
    ),
    check(
        "running steps below the sources",
        COMPONENT,
        "os.path.commonpath([top, os.path.realpath(path)]) != top",
        f"{SUPERVISOR_TESTS} failing_step",
    ),
    check(
        "failing with a step", COMPONENT, "ended.status != 0", f"{SUPERVISOR_TESTS} failing_step"
    ),
    Mutant(
        "an empty home for each build",
        COMPONENT,
        '_place.fresh(os.path.join(place.base, "home", name))',
        'building.variables["HOME"]',
        f"{SUPERVISOR_TESTS} nothing_of_the_builder",
    ),
    check(
        "following redirections to https only",
        FETCH,
        'not newurl.startswith("https://")',
        f"{SOURCES_TESTS} https_does_not_give",
    ),
    check("limiting what is fetched", FETCH, "left < 0", f"{SOURCES_TESTS} may_be_fetched"),
    Mutant(
        "running nothing of a package that is fetched",
        FETCH,
        '["--disable-pip-version-check", "--only-binary", ":all:", "--dest", ".", wanted]',
        '["--disable-pip-version-check", "--dest", ".", wanted]',
        f"{SOURCES_TESTS} wheel_that_is_none",
    ),
    omit(
        "ending what a build started",
        JOBS,
        "_steps.end_children()",
        f"{SUPERVISOR_TESTS} gone_before",
        within="run",
    ),
    Mutant(
        "ending jobs with a supervisor that was killed",
        JOBS,
        "ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)",
        "ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)",
        f"{SUPERVISOR_TESTS} ends_with_all and killed",
    ),
    Mutant(
        "waiting for what is required",
        JOBS,
        "all(name in done for name in job.after)",
        "True",
        f"{SUPERVISOR_TESTS} built_after_those",
    ),
    check(
        "recording only what lies below the sources",
        LEFT,
        "os.path.commonpath([top, os.path.realpath(root)]) != top",
        f"{SUPERVISOR_TESTS} must_leave",
    ),
    check("demanding artifacts", LEFT, "not here", f"{SUPERVISOR_TESTS} must_leave"),
    Mutant(
        "setting aside the record of the build before",
        ORDER,
        "earlier = _place.set_aside(place)",
        "earlier = _place.look_at(place.workspace)",
        f"{SUPERVISOR_TESTS} sources_that_cannot",
    ),
    Mutant(
        "recording the definition as it is now",
        ORDER,
        'is_same = earlier["definition"] == definition',
        "is_same = True",
        f"{SUPERVISOR_TESTS} in_other_things",
    ),
    Mutant(
        "comparing sources with those of the build before",
        ORDER,
        """
        asked = {
            "release": plan["release"],
            "components": plan["components"],
            "sources": sources,
            "environment": {**_component.COMMON, "PATH": building.path},
        }
        """,
        """
        asked = {
            "release": plan["release"],
            "components": plan["components"],
            "environment": {**_component.COMMON, "PATH": building.path},
        }
        """,
        f"{SUPERVISOR_TESTS} not_built_again",
    ),
    check(
        "failing where two builds differ",
        ORDER,
        'differing and plan["require_reproducible"]',
        f"{SUPERVISOR_TESTS} verifying",
    ),
    check("warning of builds that differ", ORDER, "differing", f"{SUPERVISOR_TESTS} verifying"),
    Mutant(
        "warning of submodules that are left out",
        ORDER,
        "list(_left_out(record))",
        "[]",
        f"{SOURCES_TESTS} left_out",
    ),
    check(
        "refusing to build among other things",
        PLACE,
        "there and BASE not in there",
        f"{SUPERVISOR_TESTS} workspace_that_is_none",
    ),
    Mutant(
        "claiming a workspace",
        PLACE,
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        f"{SUPERVISOR_TESTS} one_build_at_a_time",
    ),
    omit(
        "removing the components of the build before",
        PLACE,
        "clear(place.component(name))",
        f"{SUPERVISOR_TESTS} leaves_no_record_and_nothing",
    ),
    Mutant(
        "ending a build that nobody polls",
        PLACE,
        "return self._now() - self._since < patience",
        "return True",
        f"{SUPERVISOR_TESTS} ends_with_all",
    ),
    check(
        "seeing that a build is polled",
        PLACE,
        "touched != self._last",
        f"{SUPERVISOR_TESTS} while_it_is_polled",
    ),
    Mutant(
        "ending a build that was forgotten",
        PLACE,
        "return False",
        "return True",
        f"{SUPERVISOR_TESTS} ends_with_all and forgotten",
        within="is_waited_for",
    ),
    Mutant(
        "building the second time elsewhere",
        PLACE,
        'os.path.join(place.base, "again")',
        "place.workspace",
        f"{SUPERVISOR_TESTS} verifying",
    ),
    omit(
        "reading the record of a build only in its form",
        RECORD,
        "_check(record)",
        f"{SEALING_BUILDS_TESTS} refused_by_name",
    ),
    Mutant(
        "reading no record of a build whose commits are none",
        RECORD,
        'origin["kind"] == "git" and not _command.COMMIT.match(origin["commit"])',
        "False",
        f"{SEALING_BUILDS_TESTS} refused_by_name",
    ),
    check(
        "refusing directories that lead out",
        SOURCES,
        "os.path.commonpath([above, os.path.realpath(there)]) != above",
        f"{SOURCES_TESTS} directory_that_leads_out",
    ),
    check(
        "refusing what has another digest",
        SOURCES,
        'origin["sha256"] and digest != origin["sha256"]',
        f"{SOURCES_TESTS} another_archive",
    ),
    check(
        "refusing a workspace in a directory that is copied",
        SOURCES,
        "inner.startswith(os.path.realpath(root) + os.sep)",
        f"{SUPERVISOR_TESTS} below_the_sources",
    ),
    Mutant(
        "links of archives that stay inside",
        SOURCES,
        '_scan.Rules(private=None, any_links=origin["kind"] == "deb")',
        "_scan.Rules(private=None, any_links=True)",
        f"{SOURCES_TESTS} leads_out",
    ),
    Mutant(
        "keeping private what an archive keeps private",
        SOURCES,
        "0o700 if entry.private else 0o777",
        "0o777",
        f"{SOURCES_TESTS} modes_say",
    ),
    Mutant(
        "hiding a secret that comes in pieces",
        STEPS,
        "keep = 0 if is_last else max(map(self._begun, [data]), default=0)",
        "keep = 0",
        f"{STEPS_TESTS} however_it_is_cut",
    ),
    omit("files that come out alike", STEPS, "os.umask(UMASK)", f"{STEPS_TESTS} alike"),
    omit("ending the children of a step", STEPS, "end_children()", f"{STEPS_TESTS} outlives"),
    Mutant(
        "masking each line of a secret",
        STEPS,
        "(secret, secret.strip(), *map(str.strip, secret.splitlines()))",
        "(secret, secret.strip())",
        f"{STEPS_TESTS} several_lines",
    ),
    check(
        "refusing to build without a variable to pass",
        SUPERVISOR,
        "missing",
        f"{SUPERVISOR_TESTS} refused_by_name",
    ),
    Mutant(
        "showing steps' words without what deceives",
        SUPERVISOR,
        "lines = list(map(_commits.shown, building.masked(error.tail).splitlines()))",
        "lines = building.masked(error.tail).splitlines()",
        f"{SUPERVISOR_TESTS} deceives",
    ),
    omit(
        "looking for scripts before a build",
        SUPERVISOR,
        '_script_digests.find(plan["folder"], plan["scripts"])',
        f"{SUPERVISOR_TESTS} scripts_that_are_not_there",
    ),
    Mutant(
        "comparing what lies there with what was built",
        WORK,
        "return trees == recorded",
        "return bool(trees)",
        f"{SUPERVISOR_TESTS} not_built_again",
    ),
)
