# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a call that ended by an error is answered."""

from __future__ import annotations

import errno
import os

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _transaction
from ansible_collections.itops.release.plugins.module_utils.root import _directory

CALL = {"pack": None}


@pytest.mark.parametrize(
    ("name", "told"), [((), "No space left on device"), (("state.json.new",), "'state.json.new'")]
)
def test_what_the_system_refuses_is_told_with_the_root(name, told):
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *name)

    (line,) = _transaction.refusal(error, CALL, "/srv/shop").values()

    assert line.startswith("/srv/shop: ")
    assert line.endswith(told)


def test_our_own_lines_are_told_as_they_are():
    error = _directory.RootError("/srv/shop is locked")

    assert _transaction.refusal(error, CALL, "/srv/shop") == {"msg": "/srv/shop is locked"}


def test_an_error_that_is_not_ours_is_raised_again():
    with pytest.raises(UnicodeError):
        _transaction.refusal(UnicodeError("?"), CALL, "/srv/shop")
