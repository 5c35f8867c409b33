# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of a policy: what is one, and what is refused."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.policy._networks import (
    NetworkError,
    parse,
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "production",
        "10",
        "10/8",
        "10.0.0.0/33",
        "2001:db8::/129",
        "010.0.0.0/8",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/0.0.0.255",
        "10.0.0.0 /8",
        "10.0.0.0/8\n",
        "10.0.0.0/-1",
        "fe80::1%eth0",
        "10.0.0.0-10.0.0.9",
    ],
)
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(NetworkError, match="is not a valid network") as caught:
        parse(text)

    assert caught.value.code == "invalid_network"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("10.0.0.5/8", "write 10.0.0.0/8, or 10.0.0.5 for this one address"),
        ("2001:db8::7/32", "write 2001:db8::/32, or 2001:db8::7 for this one address"),
        ("::ffff:10.0.0.0/104", "is IPv4-mapped; write 10.0.0.0/8"),
    ],
)
def test_a_network_that_means_another_is_refused_with_the_right_spelling(
    text: str, instead: str
) -> None:
    with pytest.raises(NetworkError) as caught:
        parse(text)

    assert str(caught.value).startswith(f"{text!r} ")
    assert str(caught.value).endswith(instead)
