# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/deployment/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

CONVERSATION = "plugin_utils/deployment/_conversation.py"
HOST_DIFF = "plugin_utils/deployment/_host_diff.py"
OPTIONS = "plugin_utils/deployment/_options.py"
PACKS = "plugin_utils/deployment/_packs.py"
RELEASE_DEPLOYMENT_TESTS = "unit/action/test_release_deployment.py"
HOST_DIFF_TESTS = "unit/plugin_utils/deployment/test_host_diff.py"
PACKS_TESTS = "unit/plugin_utils/deployment/test_packs.py"

MUTANTS = (
    check(
        "letting nothing incompatible pass unless that is said",
        CONVERSATION,
        "not self._options.allow_incompatible",
        f"{RELEASE_DEPLOYMENT_TESTS} unless_that_is_allowed",
    ),
    Mutant(
        "letting a host keep and mend what it has had",
        CONVERSATION,
        "if not need.damaged and self._options.release not in _options.FOUND_ON_HOST:",
        "if True:",
        f"{RELEASE_DEPLOYMENT_TESTS} has_had",
    ),
    omit(
        "showing no file where a link is",
        HOST_DIFF,
        "del entries[path]",
        f"{HOST_DIFF_TESTS} links_and or alone",
    ),
    check(
        "naming what is removed before a host is asked",
        OPTIONS,
        'state == "absent" and "release" in given and not named',
        f"{RELEASE_DEPLOYMENT_TESTS} removed",
    ),
    check(
        "naming what is marked before a host is asked",
        OPTIONS,
        "mark and not named",
        f"{RELEASE_DEPLOYMENT_TESTS} marked or staged",
    ),
    Mutant(
        "taking only a name for a name",
        OPTIONS,
        "named in FOUND_ON_HOST",
        "False",
        f"{RELEASE_DEPLOYMENT_TESTS} what_the_host_knows",
    ),
    omit(
        "making packs under a lock",
        PACKS,
        "fcntl.flock(stream, fcntl.LOCK_EX)",
        f"{PACKS_TESTS} at_once",
    ),
    check(
        "the cache's bound",
        PACKS,
        "total > self._most_bytes and name != keep and self._remove_unused(name)",
        f"{PACKS_TESTS} longest_ago",
    ),
    Mutant(
        "building only on the beginning of the very pack",
        PACKS,
        "digest.hexdigest() == partial.sha256",
        "True",
        f"{PACKS_TESTS} another_pack",
    ),
)
