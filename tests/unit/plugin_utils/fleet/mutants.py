# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/fleet/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

FLEET, MEMBERS, RECONCILE, WAVES = (
    f"plugin_utils/fleet/_{name}.py" for name in ("fleet", "members", "reconcile", "waves")
)
FLEET_TESTS, MEMBERS_TESTS, RECONCILE_TESTS, WAVES_TESTS = (
    f"unit/plugin_utils/fleet/test_{name}.py" for name in ("fleet", "members", "reconcile", "waves")
)

MUTANTS = (
    check(
        "changing as many hosts at once as can be spared",
        WAVES,
        "counts and capacity is not None and taken >= capacity",
        f"{WAVES_TESTS} capacity or parts",
    ),
    check(
        "refusing a minimum that leaves no host",
        WAVES,
        "capacity is not None and capacity < 1"
        " and any(host not in out_of_service for host in hosts)",
        f"{WAVES_TESTS} spared",
    ),
    Mutant(
        "deploying to the canary first",
        WAVES,
        "host in canaries",
        "False",
        f"{WAVES_TESTS} canaries",
        within="ordered",
    ),
    Mutant(
        "taking turns between failure domains",
        WAVES,
        'domains.get(host, "")',
        '""',
        f"{WAVES_TESTS} canaries",
    ),
    Mutant(
        "undoing the newest wave first",
        FLEET,
        "reversed(order)",
        "order",
        f"{FLEET_TESTS} undone_first",
    ),
    Mutant(
        "undoing only as many at once as can be spared",
        FLEET,
        "max(1, serving - self.least) if self.least else None",
        "None",
        f"{FLEET_TESTS} way_back_leaves",
    ),
    Mutant(
        "undoing hosts that are down first",
        FLEET,
        "tuple(host for host in self.members if host in down)",
        "()",
        f"{FLEET_TESTS} down_are_undone_first",
    ),
    Mutant(
        "counting before each batch of the way back who is in service",
        FLEET,
        "all(member.is_new for member in taken) or self._spares(len(taken))",
        "True",
        f"{FLEET_TESTS} goes_back_only",
    ),
    Mutant(
        "counting before each wave who is in service",
        FLEET,
        "not taken or self._spares(taken)",
        "True",
        f"{FLEET_TESTS} wave_goes_only",
    ),
    Mutant(
        "counting a host that is lost as out of service",
        MEMBERS,
        "(LATE, LOST, FAILED, UNWELL)",
        "(LATE, FAILED, UNWELL)",
        f"{MEMBERS_TESTS} certain",
    ),
    Mutant(
        "counting a host that had nothing live as out of service",
        MEMBERS,
        "not self.is_new and self.was_well is not False",
        "self.was_well is not False",
        f"{MEMBERS_TESTS} certain",
    ),
    Mutant(
        "counting what did not work before as out of service",
        MEMBERS,
        "self.was_well is not False",
        "True",
        f"{MEMBERS_TESTS} certain",
    ),
    Mutant(
        "taking a host that was lost in its switch to be changed",
        MEMBERS,
        'fact.state == "live" and fact.status == "unreachable"',
        "False",
        f"{MEMBERS_TESTS} this_deployment_changed",
    ),
    Mutant(
        "undoing what an earlier run of the deployment changed",
        MEMBERS,
        "is_there and member.by in earlier",
        "False",
        f"{MEMBERS_TESTS} this_deployment_changed",
    ),
    Mutant(
        "leaving what another deployment brought",
        MEMBERS,
        'bool(digest) and there.digest == digest and (fact.by or "") in earlier',
        "bool(digest) and there.digest == digest",
        f"{MEMBERS_TESTS} this_deployment_changed",
    ),
    omit(
        "answering for the trial that a run took over",
        MEMBERS,
        'member = replace(member, by="")',
        f"{MEMBERS_TESTS} took_over",
    ),
    check(
        "stopping where hosts were out of service before",
        FLEET,
        "self.rules.unhealthy == STOP",
        f"{FLEET_TESTS} after_staging",
        within="Fleet.after_staging",
    ),
    Mutant(
        "holding a run that left hosts out",
        FLEET,
        "list(self.rules.missing)",
        "[]",
        f"{FLEET_TESTS} verdict",
        within="Fleet._incomplete",
    ),
    Mutant(
        "holding a run with hosts that are late",
        FLEET,
        "[member.host for member in self.in_state(LATE)]",
        "[]",
        f"{FLEET_TESTS} verdict",
    ),
    check(
        "failing a run whose hosts do not work on the way back",
        FLEET,
        "changed or unwell",
        f"{FLEET_TESTS} verdict",
    ),
    check(
        "bringing no release whose issue is open",
        RECONCILE,
        "digest in bad",
        f"{RECONCILE_TESTS} nothing_is_decided",
    ),
    check(
        "leaving hosts that a held run has not come to",
        RECONCILE,
        'left and last["verdict"] == "held"',
        f"{RECONCILE_TESTS} nothing_is_decided",
    ),
    check(
        "bringing nothing to all hosts that a few have",
        RECONCILE,
        "len(left) >= len(there)",
        f"{RECONCILE_TESTS} nothing_is_decided",
    ),
    check(
        "waiting for the end of a run that goes on",
        RECONCILE,
        'last["ended"] is None',
        f"{RECONCILE_TESTS} nothing_is_decided",
    ),
    Mutant(
        "not going back to what was undone",
        RECONCILE,
        "{*bad, *undone}",
        "{*bad}",
        f"{RECONCILE_TESTS} nothing_is_decided or most",
    ),
)
