# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/module_utils/git/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check

ADDRESS = "module_utils/git/_address.py"
COMMAND = "module_utils/git/_command.py"
COMMITS = "module_utils/git/_commits.py"
CHECKOUT_TESTS = "unit/module_utils/building/test_checkout.py"
COMMITS_TESTS = "unit/module_utils/git/test_commits.py"
PROVENANCE_TESTS = "unit/plugin_utils/evidence/test_provenance.py"

MUTANTS = (
    Mutant(
        "keeping the secrets of addresses out of provenance",
        ADDRESS,
        're.split(r"[?#]", place, maxsplit=1)[0] if "://" in place else place',
        "place",
        f"{PROVENANCE_TESTS} no_secret",
    ),
    Mutant(
        "keeping hooks of users from a checkout",
        COMMAND,
        '"core.hooksPath=/dev/null"',
        '"core.fsmonitor=false"',
        f"{CHECKOUT_TESTS} nothing_is_run",
    ),
    Mutant(
        "hiding the secret of an address",
        COMMAND,
        r'return re.sub(r"(?<=://)[^/\s]*@", "", repository)',
        "return repository",
        f"{CHECKOUT_TESTS} without_the_secret",
    ),
    Mutant(
        "showing no control characters of commits",
        COMMITS,
        r'DECEIVING.sub("\ufffd", text.replace("\r\n", "\n"))',
        r're.sub("(?!)", "\ufffd", text.replace("\r\n", "\n"))',
        f"{COMMITS_TESTS} text_and_no_more",
    ),
    check(
        "telling that the build before is not in the repository",
        COMMITS,
        "old and not _is_there(old, folder, environment)",
        f"{COMMITS_TESTS} not_there",
    ),
    Mutant(
        "giving git nothing for a commit that it could take for an option",
        COMMITS,
        "not _command.COMMIT.match(commit)",
        "False",
        f"{COMMITS_TESTS} never_given_to_git",
    ),
    Mutant(
        "counting the files of commits that are not told",
        COMMITS,
        "kept = (commits[:MOST_TOLD], removed[:MOST_TOLD])",
        "kept = (commits, removed)",
        f"{COMMITS_TESTS} very_many",
    ),
    Mutant(
        "cutting messages without end",
        COMMITS,
        "_text(message).strip()[:LONGEST_MESSAGE]",
        "_text(message).strip()",
        f"{COMMITS_TESTS} megabyte",
    ),
)
