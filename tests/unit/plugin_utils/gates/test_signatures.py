# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release that is not signed as the trust file demands closes the gate."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.gates import _signatures

PATH = "/etc/itops/trust.yml"


@pytest.mark.parametrize(
    ("trust_path", "required", "text"),
    [
        ("", False, "no trust file is set (deploy_trust)"),
        (PATH, False, "signed as trust.yml demands"),
        (PATH, True, "signed as trust.yml demands"),
    ],
)
def test_without_problems_it_is_open(trust_path, required, text):
    found = _signatures.answer(trust_path, required, [])

    assert (found.gate, found.is_open, found.text) == ("signatures", True, text)


@pytest.mark.parametrize(
    ("trust_path", "required", "problems", "text", "needs"),
    [
        (
            "",
            True,
            [],
            "no trust file is set (deploy_trust)",
            "deploy_trust: the path of a trust file",
        ),
        (PATH, False, ["not signed"], "not signed", "signatures as trust.yml demands"),
        (PATH, True, ["not signed"], "not signed", "signatures as trust.yml demands"),
        (PATH, True, list("abc"), "3 problems, the first: a", "signatures as trust.yml demands"),
        ("", False, ["odd"], "odd", "signatures as deploy_trust demands"),
    ],
)
def test_a_missing_trust_file_or_signature_closes(trust_path, required, problems, text, needs):
    found = _signatures.answer(trust_path, required, problems)

    assert (found.is_open, found.text, found.needs) == (False, text, needs)


def test_the_answer_is_one_line_of_the_gate():
    assert _signatures.answer(PATH, True, ["not signed\n"]).line() == (
        "closed: signatures: not signed\\n (needs signatures as trust.yml demands)"
    )
