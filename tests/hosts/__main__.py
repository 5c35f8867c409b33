# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet as a command: ``python -m tests.hosts [--fleet NAME] VERB …`` from the checkout."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time

from .commands import HostsError
from .fleet import STORES, Fleet
from .requirements import why_not


def main():
    """Run the command line; return the exit status."""
    options = _parser().parse_args()
    try:
        return options.verb(Fleet(options.fleet), options) or 0
    except HostsError as error:
        print(error, file=sys.stderr)
        return 1


def _parser():
    parser = argparse.ArgumentParser(prog="python -m tests.hosts", description=__doc__)
    parser.add_argument("--fleet", default="dev", help="fleets of different names are apart")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    up = _verb(verbs, "up", _up, "start hosts h001 to hNNN, those that are missing")
    up.add_argument("count", type=int)
    up.add_argument("--store", choices=STORES, default="tmpfs", help="what /srv is on")
    _verb(verbs, "down", _down, "remove all hosts, links, mounts and files of the fleet")
    inventory = _verb(verbs, "inventory", _inventory, "print an inventory (JSON)")
    inventory.add_argument("--user", choices=["root", "deploy"], default="root")
    for name, help_text in (
        ("cut", "cut hosts off the network"),
        ("restore", "connect hosts again"),
        ("kill", "switch hosts off"),
        ("revive", "switch hosts on again with the same disk"),
        ("reset", "put hosts back to new"),
        ("counters", "print bytes, logins and sessions of hosts (JSON)"),
    ):
        verb = _counters if name == "counters" else _on_hosts(name)
        parser_of_verb = _verb(verbs, name, verb, help_text)
        parser_of_verb.add_argument("hosts", nargs="*", metavar="HOST", help="default: all")
    shell = _verb(verbs, "sh", _sh, "run a command as root on a host, without SSH")
    shell.add_argument("host")
    shell.add_argument("argv", nargs=argparse.REMAINDER, metavar="COMMAND")
    _verb(verbs, "check", _check, "say why hosts cannot be made here")
    return parser


def _verb(verbs, name, function, help_text):
    parser = verbs.add_parser(name, help=help_text, description=help_text)
    parser.set_defaults(verb=function)
    return parser


def _up(fleet, options):
    began = time.monotonic()
    hosts = fleet.up(options.count, options.store)
    print(f"{len(hosts)} hosts are up after {time.monotonic() - began:.1f} s", file=sys.stderr)


def _down(fleet, _options):
    fleet.down()


def _inventory(fleet, options):
    print(json.dumps(fleet.inventory(user=options.user), indent=2))


def _on_hosts(name):
    def verb(fleet, options):
        getattr(fleet, name)(_chosen(fleet, options))

    return verb


def _counters(fleet, options):
    counted = fleet.counters(_chosen(fleet, options))
    print(json.dumps({name: dataclasses.asdict(c) for name, c in counted.items()}, indent=2))


def _chosen(fleet, options):
    return [fleet.host(name) for name in options.hosts] or fleet.hosts()


def _sh(fleet, options):
    done = fleet.run(fleet.host(options.host), options.argv or ["hostname"])
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


def _check(_fleet, _options):
    reason = why_not()
    print(reason or "test hosts can be made here")
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main())
