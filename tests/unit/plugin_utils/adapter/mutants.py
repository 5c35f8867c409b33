# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/adapter/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, omit

ENVIRONMENT = "plugin_utils/adapter/_environment.py"
TRANSFER = "plugin_utils/adapter/_transfer.py"
TRANSPORT = "plugin_utils/adapter/_transport.py"
RELEASE_DEPLOYMENT_TESTS = "unit/action/test_release_deployment.py"
ENVIRONMENT_TESTS = "unit/plugin_utils/adapter/test_environment.py"
TRANSFER_TESTS = "unit/plugin_utils/adapter/test_transfer.py"

MUTANTS = (
    Mutant(
        "keeping the environment of a task out of command lines",
        ENVIRONMENT,
        "name in stays",
        "True",
        f"{ENVIRONMENT_TESTS} stays_in_command_lines",
    ),
    omit(
        "giving the next try of a task its environment",
        ENVIRONMENT,
        "action._task.environment = declared",
        f"{ENVIRONMENT_TESTS} stays_in_command_lines",
    ),
    Mutant(
        "parts that may be sent twice",
        TRANSFER,
        'f"dd of={there} bs={BLOCK_BYTES} seek={start // BLOCK_BYTES} conv=notrunc"',
        'f"cat >>{there}"',
        f"{TRANSFER_TESTS} bounded_parts",
    ),
    omit(
        "going on at a whole block",
        TRANSFER,
        "start -= start % BLOCK_BYTES",
        f"{TRANSFER_TESTS} whole_block",
    ),
    Mutant(
        "bounded parts",
        TRANSFER,
        "stream.read(PART_BYTES)",
        "stream.read()",
        f"{TRANSFER_TESTS} bounded_parts",
    ),
    Mutant(
        "removing what could not be sent whole",
        TRANSFER,
        "action._low_level_execute_command(remove)",
        "del remove",
        f"{TRANSFER_TESTS} removed_and_told",
    ),
    Mutant(
        "keeping what arrived when the link breaks",
        TRANSFER,
        "except AnsibleConnectionFailure as error:",
        "except () as error:",
        f"{TRANSFER_TESTS} link_breaks",
    ),
    omit(
        "putting the setting for pipelining back",
        TRANSFER,
        'connection.set_option("pipelining", before)',
        f"{TRANSFER_TESTS} go_through_input",
    ),
    Mutant(
        "leaving no file with options on a host",
        TRANSFER,
        'origin == "default"',
        "False",
        f"{TRANSFER_TESTS} nobody_has_decided",
    ),
    omit(
        "leaving no file in the second call of a task",
        TRANSFER,
        "_PUT_BACK.add(connection)",
        f"{TRANSFER_TESTS} nobody_has_decided",
    ),
    Mutant(
        "leaving su its terminal",
        TRANSFER,
        "become and not become.pipelining",
        "False",
        f"{TRANSFER_TESTS} needs_a_terminal",
    ),
    Mutant(
        "keeping what was hidden out of results",
        TRANSPORT,
        "for name in _message.OPTIONS:",
        "for name in ():",
        f"{RELEASE_DEPLOYMENT_TESTS} may_be_secret",
    ),
)
