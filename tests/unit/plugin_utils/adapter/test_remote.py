# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of modules on a host: why one failed."""

from __future__ import annotations

from ansible_collections.itops.release.plugins.plugin_utils.adapter import _remote


def test_why_a_module_did_not_start_is_told():
    told = {"msg": "no result", "rc": 127, "module_stderr": "pyenv: no \x1b[1mpython\nmore\n"}

    assert _remote.why_failed(told) == r"no result (exit status 127: pyenv: no \x1b[1mpython)"
    assert _remote.why_failed({"msg": "there is no git"}) == "there is no git"
