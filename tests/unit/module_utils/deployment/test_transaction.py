# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a call that ended by an error is answered."""

from __future__ import annotations

import errno
import os

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import (
    _answer,
    _request,
    _transaction,
)
from ansible_collections.itops.release.plugins.module_utils.formats import _codec
from ansible_collections.itops.release.plugins.module_utils.release import _pack
from ansible_collections.itops.release.plugins.module_utils.root import (
    _claim,
    _directory,
    _records,
)
from ansible_collections.itops.release.tests.fakes.estate import Estate

REQUEST = _request.Request("/srv/shop", "a run")


@pytest.mark.parametrize(
    ("name", "told"), [((), "No space left on device"), (("state.json.new",), "'state.json.new'")]
)
def test_what_the_system_refuses_is_told_with_the_root(name, told):
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *name)

    answer = _transaction.refusal(error, REQUEST)

    assert (answer.code, answer.failed) == ("system_error", True)
    assert answer.text.startswith("/srv/shop: ")
    assert answer.text.endswith(told)


def test_our_own_lines_are_told_as_they_are():
    error = _directory.RootError("/srv/shop is locked", hint="wait")

    answer = _transaction.refusal(error, REQUEST)

    assert answer == _answer.Answer("invalid_root", "/srv/shop is locked", "wait")


@pytest.mark.parametrize("error", [_pack.PackError("cut"), _codec.CodecError("not gzip")])
def test_a_pack_that_cannot_be_used_is_told_as_that_where_one_was_sent(error):
    sent = REQUEST.after(upload_dir="/srv/shop/.release/drop/x")

    assert _transaction.refusal(error, sent).code == _answer.PACK_REFUSED
    assert _transaction.refusal(error, REQUEST).code == error.code != _answer.PACK_REFUSED


def test_who_holds_the_root_is_told_with_the_refusal():
    error = _claim.LeaseHeld("held", _records.Lease("anna", "then", 4711))

    answer = _transaction.refusal(error, REQUEST)

    assert answer.code == _answer.LEASE_HELD
    assert answer.lease == {"run": "anna", "since": "then", "pid": 4711}


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), _claim.DeploymentError("no")])
def test_a_failure_tells_what_its_run_has_left_on_trial_and_nothing_of_another(
    estate: Estate, error: Exception
) -> None:
    host, label = estate.host(), estate.seal("1", {"app": "one"})
    host.deploy(label, commit=False)
    request = host.request(label)

    answer = _transaction.refusal(error, request)

    assert answer.outcome["changed"]
    assert answer.outcome["after"]["phase"] == "on trial"
    assert answer.outcome["after"]["digest"] == label.digest
    for other in (
        request.after(run="another"),
        request.after(state="staged"),
        request.after(check=True),
    ):
        assert _transaction.refusal(error, other).outcome == {}


def test_an_error_that_is_not_ours_is_raised_again():
    with pytest.raises(UnicodeError):
        _transaction.refusal(UnicodeError("?"), REQUEST)
