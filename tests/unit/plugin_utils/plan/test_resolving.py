# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans against the inventory: hosts of each domain, and domains that are not apart."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.definition._schema_file import Mistake
from ansible_collections.itops.release.plugins.plugin_utils.plan import _resolving
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.plans import PLAN, TRAIN, changed


def label(name):
    return SimpleNamespace(name=name, version="1.0.0", digest="d" * 64)


LABELS = {name: label(f"shop-{name}") for name in ("db", "api", "web")}


def resolve(plain, labels=None, hosts=lambda pattern: [pattern.replace(":&", "-")], **options):
    def inventory(step):
        return [SimpleNamespace(host=host, options=options, hooks={}) for host in hosts(step.hosts)]

    return _resolving.resolve(plans.plan(plain), labels or LABELS, inventory)


def test_a_domain_has_the_hosts_that_are_in_the_environment_too():
    whole = resolve(TRAIN)

    assert whole.of_domain("web").place("production").hosts == ("web-production",)
    assert whole.place("staging").hosts == ("api-staging", "db-staging", "web-staging")
    assert resolve(PLAN, {"": label("shop")}).parts == {}


@pytest.mark.parametrize(
    ("options", "path", "expected"),
    [
        (
            {"hosts": lambda pattern: [] if pattern == "api:&staging" else [pattern]},
            ("domains", "api", "hosts"),
            "api: 'api:&staging' selects no host",
        ),
        (
            {"hosts": lambda pattern: ["one"] if "staging" in pattern else [pattern]},
            ("domains", "api", "hosts"),
            "one is in db too; expected each host in one domain",
        ),
        (
            {"labels": {**LABELS, "web": label("shop-db")}},
            ("domains", "web", "release"),
            "shop-db is deployed by db too; expected one domain an application",
        ),
    ],
)
def test_domains_that_are_not_apart_are_refused(options, path, expected):
    with pytest.raises(Mistake) as caught:
        resolve(TRAIN, **options)

    assert (caught.value.path, str(caught.value)) == (path, expected)


def test_a_probe_is_needed_by_each_domain_where_hosts_must_stay_in_service():
    plain = changed(TRAIN, "path", 1, min_in_service=1)

    def two(pattern):
        return [f"{pattern}{number}" for number in (1, 2)]

    with pytest.raises(Mistake, match="db: deploy_probe is not set in production"):
        resolve(plain, hosts=two)
    observed = [{"url": "x", "observe": True}]
    with pytest.raises(Mistake, match="db: deploy_probe is not set in production"):
        resolve(plain, hosts=two, deploy_probe=observed)
    assert resolve(plain, hosts=two, deploy_probe={"url": "x"}).parts


def test_hosts_that_must_all_stay_in_service_could_never_change():
    plain = changed(TRAIN, "path", 1, min_in_service="75%")

    with pytest.raises(Mistake, match="1 of 1 hosts must stay in service, so none may change"):
        resolve(plain, deploy_probe={"url": "x"})
