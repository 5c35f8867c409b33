# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy, a plan and what is on record of it, to be changed in one thing by a test."""

from __future__ import annotations

import base64
import copy
import struct
from datetime import datetime, timedelta, timezone

import yaml

from ansible_collections.itops.release.plugins.plugin_utils.gates import _collect
from ansible_collections.itops.release.plugins.plugin_utils.gates._facts import Facts
from ansible_collections.itops.release.plugins.plugin_utils.plan import (
    _demands,
    _file,
    _statement_files,
)
from ansible_collections.itops.release.plugins.plugin_utils.plan._agreement import Recorded
from ansible_collections.itops.release.plugins.plugin_utils.plan._resolved import Place, Resolved
from ansible_collections.itops.release.plugins.plugin_utils.plan._standing import Standing
from ansible_collections.itops.release.plugins.plugin_utils.policy import _file as _policy_file
from ansible_collections.itops.release.plugins.plugin_utils.policy._policy import Identity

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=timezone.utc)
LEDGER = "1" * 32
RELEASE = {"name": "shop", "version": "1.5.0", "digest": "d" * 64}


def public_key(name):
    """Return a line with an Ed25519 key that nobody has the private part of."""
    kind, raw = b"ssh-ed25519", name.encode().ljust(32, b".")
    blob = b"".join(struct.pack(">I", len(part)) + part for part in (kind, raw))
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} {name}"


KEYS = {name: public_key(name) for name in ("ada", "ben", "cleo", "dan")}
POLICY = {
    "format": 1,
    "people": {
        "ada": {
            "roles": ["release_manager", "operations"],
            "os_user": "ada",
            "awx": "ada.l",
            "keys": [KEYS["ada"]],
        },
        "ben": {"roles": ["operations"], "os_user": "ben", "keys": [KEYS["ben"]]},
        "cleo": {"roles": ["product"], "keys": [KEYS["cleo"]]},
    },
    "environments": {
        "test": {},
        "staging": {},
        "production": {
            "plan_required": True,
            "approvals": {"operations": 1, "product": 1},
            "separation": ["author", "approver"],
        },
    },
    "standard": ["docs-site"],
    "emergency": {
        "roles": ["release_manager"],
        "ratify": {"operations": 1},
        "within": "2d",
    },
    "override": {"window": ["release_manager"], "scope": ["release_manager"]},
}
PLAN = {
    "format": 1,
    "plan": "shop-1.5",
    "author": "ada",
    "release": "shop:1.5.0",
    "why": "Checkout in two steps",
    "change": "normal",
    "path": [
        {"environment": "staging", "hosts": "shop:&staging"},
        {"environment": "production", "hosts": "shop:&production"},
    ],
}
TRAIN = {
    **{key: value for key, value in PLAN.items() if key != "release"},
    "plan": "checkout-2",
    "domains": {
        "db": {"release": "shop-db:7.1.0", "hosts": "db"},
        "api": {"release": "shop-api:3.0.0", "hosts": "api", "needs": ["db"]},
        "web": {
            "release": "shop-web:5.2.0",
            "hosts": "web",
            "needs": ["api"],
            "back_out_with": ["api"],
        },
    },
    "path": [{"environment": "staging"}, {"environment": "production"}],
}
HOSTS = {"test": ("t1",), "staging": ("shop9",), "production": ("shop1", "shop2")}


def changed(plain, *path, **values):
    """Return a copy of *plain* with *values* at *path*; None takes a key away."""
    plain = copy.deepcopy(plain)
    there = plain
    for key in path:
        there = there[key]
    for name, value in values.items():
        if value is None:
            there.pop(name, None)
        else:
            there[name] = value
    return plain


def policy(plain=None):
    """Return a Policy."""
    return _policy_file.parse(yaml.safe_dump(plain or POLICY, sort_keys=False), "policy.yml")


def plan(plain=None):
    """Return a Plan."""
    return _file.parse(yaml.safe_dump(plain or PLAN, sort_keys=False), "plan.yml")[0]


def resolved(plain=None, release=None, hosts=None, options=()):
    """Return a Resolved plan; *hosts* by environment, *options* for all of them."""
    known = plan(plain)
    places = tuple(
        Place(step.environment, tuple((hosts or HOSTS)[step.environment]), {}, dict(options))
        for step in known.path
    )
    return Resolved(known, dict(release or RELEASE), places)


def of_domain(name, environment):
    """Return the hosts of a domain of TRAIN in an environment: two databases in production."""
    count = 2 if (name, environment) == ("db", "production") else 1
    return tuple(f"{name}-{environment}{number + 1}" for number in range(count))


def resolved_train(plain=None, options=()):
    """Return a plan with domains, resolved; the digests of the releases differ by domain."""
    known = plan(plain or TRAIN)
    parts = {}
    for number, (name, part) in enumerate(known.parts().items()):
        application, version = part.release.split(":")
        release = {"name": application, "version": version, "digest": str(number) * 64}
        places = tuple(
            Place(step.environment, of_domain(name, step.environment), {}, dict(options))
            for step in part.path
        )
        parts[name] = Resolved(part, release, places)
    return Resolved.of_parts(known, parts)


def rows_of(part, environment, **more):
    """Return rows of the ledger's deployments: the release of a *part* on its hosts there."""
    release = {"application": part.release["name"], "digest": part.release["digest"]}
    version = {"version": part.release["version"], "environment": environment}
    return [row(host, **{**release, **version, **more}) for host in part.place(environment).hosts]


def standing(
    what=None, revision=1, proposed=NOW - timedelta(hours=1), recorded=(), proposer="ada", **more
):
    """Return a plan on record; its approvals expire 30 days after it was *proposed*."""
    what = what or resolved()
    expires = (proposed + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return Standing(
        what.plan.name,
        revision,
        what.digest,
        what,
        proposed,
        expires,
        recorded=tuple(recorded),
        proposer=proposer,
        proposer_strength=more.pop("proposer_strength", "signed"),
        **more,
    )


def said(stands, person, decision="approve", role="", environment="production", **more):
    """Return a statement of *person* about a plan that *stands*, as it would be recorded."""
    at, strength = more.pop("at", NOW), more.pop("strength", "signed")
    ledger = more.pop("ledger", LEDGER)
    changes = more.pop("changes", {})
    statement = _statement_files.of(
        stands, ledger, environment, person, decision, role=role, **more
    )
    statement = type(statement)(**{**statement.__dict__, **changes})
    return Recorded(statement, at, strength, "a signature")


def demands(plain=None, environment="production", rules=None):
    """Return the Demands of an environment."""
    known = plan(plain)
    return _demands.of_step(policy(rules), known, known.step(environment))


def row(host, digest=RELEASE["digest"], since=NOW - timedelta(days=2), **more):
    """Return a row of the ledger's deployments."""
    return {
        "host": host,
        "root": "/srv/shop",
        "application": "shop",
        "environment": "staging",
        "version": "1.5.0",
        "digest": digest,
        "phase": "live",
        "since": since.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        **more,
    }


def facts(environment="production", rules=None, what=None, stands=True, **more):
    """Return Facts, with the plan as it was agreed unless *stands* says otherwise."""
    what = what or resolved()
    rules = policy(rules)
    on_record = standing(what) if stands is True else stands
    known = {
        "now": NOW,
        "policy": rules,
        "demands": _demands.of_step(rules, what.plan, what.plan.step(environment)),
        "resolved": what,
        "standing": on_record or None,
        "ledger": LEDGER,
        "identity": Identity(rules.people["ada"], "claimed", "ada@control"),
        "verify": lambda recorded: "",
        "run": "run-1",
        "hosts": HOSTS[environment],
        **more,
    }
    return Facts(**known)


def record(*plans, entries=(), deployments=(), open_runs=()):
    """Return what a ledger has on record."""
    return _collect.OnRecord(
        LEDGER,
        {each.plan: each for each in plans},
        list(entries),
        list(deployments),
        list(open_runs),
    )
