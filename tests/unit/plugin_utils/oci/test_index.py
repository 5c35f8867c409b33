# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.library import _catalogue
from ansible_collections.itops.release.plugins.plugin_utils.oci import _index

NOW = datetime(2026, 3, 31, 12, tzinfo=timezone.utc)
ONE = _catalogue.Label("1" * 64, "shop", "1.0", 1)
TWO = _catalogue.Label("2" * 64, "shop", "2.0", 2)


def descriptor(label: _catalogue.Label) -> dict[str, Any]:
    """Return a descriptor of the OCI manifest that belongs to a release."""
    return {"digest": f"sha256:{label.digest[::-1]}", "size": 7}


def added(index: list[dict[str, Any]], label: _catalogue.Label) -> list[dict[str, Any]]:
    return _index.with_release(index, label, descriptor(label), set(), NOW)


def tags(index: list[dict[str, Any]]) -> list[str]:
    return [_index.tag_of(item) for item in index]


def test_a_release_has_a_tag_of_its_digest_and_one_of_its_name() -> None:
    index = added([], ONE)

    assert tags(index) == [f"sha256-{ONE.digest}", "shop-1.0"]
    assert _index.created(index) == "2026-03-31T12:00:00Z"
    assert not _index.is_pinned(index)


def test_adding_a_release_again_adds_no_tag() -> None:
    index = added([], ONE)

    assert added(index, ONE) == index


def test_the_first_release_keeps_a_tag_that_two_would_have() -> None:
    plus, tilde = ONE._replace(version="1+2"), TWO._replace(version="1~2")
    index = added(added([], plus), tilde)

    assert tags(index) == [f"sha256-{plus.digest}", "shop-1_2", f"sha256-{tilde.digest}"]


def test_a_pin_goes_to_what_takes_the_place_of_a_release() -> None:
    index = _index.with_pin(added([], ONE), {descriptor(ONE)["digest"]}, True)

    mended = _index.with_release(index, ONE, descriptor(TWO), {descriptor(ONE)["digest"]}, NOW)

    assert {item["digest"] for item in mended} == {descriptor(TWO)["digest"]}
    assert _index.is_pinned(mended)


def test_pinning_and_unpinning_leave_other_releases_alone() -> None:
    index = added(added([], ONE), TWO)
    digests = {descriptor(ONE)["digest"]}

    pinned = _index.with_pin(index, digests, True)

    assert [_index.is_pinned([item]) for item in pinned] == [True, True, False, False]
    assert _index.with_pin(pinned, digests, False) == index


def test_removing_a_release_removes_its_tags() -> None:
    index = added(added([], ONE), TWO)

    assert _index.without(index, {descriptor(ONE)["digest"]}) == index[2:]


def test_a_tag_has_only_what_a_registry_takes_and_is_not_too_long() -> None:
    assert _index.name_tag("shop", "1.0+b~c") == "shop-1.0_b_c"
    assert len(_index.name_tag("s" * 200, "1.0")) == 128


@pytest.mark.parametrize("annotations", [None, [], "text", 3])
def test_annotations_of_another_type_count_as_none(annotations: object) -> None:
    item = {"digest": "sha256:x", "annotations": annotations}

    assert (_index.tag_of(item), _index.created([item])) == ("", "")
    assert not _index.is_pinned([item])
