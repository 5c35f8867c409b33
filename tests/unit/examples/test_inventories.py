# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventories that the collection ships: who is in them, and what is said about each host."""

import ipaddress
import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
DOCUMENTATION = ipaddress.ip_network("192.0.2.0/24")


def read(name):
    """Return ({group: [hosts]}, {host: variables}) of an inventory, as Ansible reads it."""
    command = [sys.executable, "-m", "ansible", "inventory", "--list"]
    command += ["-i", str(CHECKOUT / "inventories" / name)]
    listing = json.loads(
        subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True).stdout
    )
    hostvars = listing.pop("_meta")["hostvars"]
    return {group: found.get("hosts", []) for group, found in listing.items()}, hostvars


@pytest.fixture(scope="module")
def sandbox():
    return read("sandbox")


@pytest.fixture(scope="module")
def example():
    return read("example")


def test_sandbox_has_eight_hosts_in_three_environments(sandbox):
    groups, hosts = sandbox
    assert groups["test"] == ["test1", "test2"]
    assert groups["staging"] == ["staging1", "staging2"]
    assert groups["production"] == ["prod1", "prod2", "prod3", "prod4"]
    assert len(hosts) == 8


def test_sandbox_hosts_share_no_port_and_leave_this_machine_never(sandbox):
    _groups, hosts = sandbox
    assert len({variables["sandbox_port_offset"] for variables in hosts.values()}) == 8
    assert {variables["ansible_connection"] for variables in hosts.values()} == {"local"}


def test_example_places_every_host_in_one_environment_and_one_domain(example):
    groups, hosts = example
    for kinds in (("test", "staging", "production"), ("api", "web", "database")):
        placed = [host for kind in kinds for host in groups[kind]]
        assert sorted(placed) == sorted(hosts)


def test_example_uses_only_names_and_addresses_made_for_documentation(example):
    _groups, hosts = example
    for host, variables in hosts.items():
        assert host.endswith(".example.org")
        assert ipaddress.ip_address(variables["ansible_host"]) in DOCUMENTATION


def test_example_tells_every_host_what_deploy_requires(example):
    _groups, hosts = example
    for variables in hosts.values():
        assert {"deploy_root", "deploy_media_library"} <= variables.keys()
