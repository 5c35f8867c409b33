# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All gates: each is a file, named here; they are asked together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ...module_utils.errors._release_error import ReleaseError
from . import (
    _acknowledgements,
    _approvals,
    _blockers,
    _compatibility,
    _domains,
    _freeze,
    _lease,
    _networks,
    _plan,
    _promotion,
    _scope,
    _signatures,
    _window,
)
from ._answer import Answer
from ._facts import Facts
from ._issues_of import Issues

Gate = Callable[[Facts], Answer]


def _of_scope(facts: Facts) -> Answer:
    problem = facts.of_release.problem
    issues = facts.of_release.issues or Issues((), problem or "the media library was not asked")
    return _scope.answer(facts.plan.scope, facts.plan.excused, issues)


def _of_compatibility(facts: Facts) -> Answer:
    problem = facts.of_release.problem
    return _compatibility.answer([problem] if problem else facts.of_release.compatibility_problems)


def _of_signatures(facts: Facts) -> Answer:
    release = facts.of_release
    problems = [release.problem] if release.problem and release.trust else []
    return _signatures.answer(
        release.trust, facts.demands.signatures, [*problems, *release.signature_problems]
    )


def _of_networks(facts: Facts) -> Answer:
    return _networks.answer(facts.demands.networks, facts.addresses)


GATES: Mapping[str, Gate] = {
    "plan": _plan.answer,
    "approvals": _approvals.answer,
    "window": _window.answer,
    "freeze": _freeze.answer,
    "promotion": _promotion.answer,
    "domains": _domains.answer,
    "scope": _of_scope,
    "blockers": _blockers.answer,
    "compatibility": _of_compatibility,
    "signatures": _of_signatures,
    "networks": _of_networks,
    "acknowledgements": _acknowledgements.answer,
    "lease": _lease.answer,
}
# What status asks: gates that the ledger, the policy and the calendar answer, without the library,
# the hosts and commands.
ON_RECORD = (
    "plan",
    "approvals",
    "window",
    "freeze",
    "promotion",
    "blockers",
    "acknowledgements",
    "lease",
)


def evaluate(facts: Facts, only: Sequence[str] = tuple(GATES)) -> tuple[Answer, ...]:
    """Return the answers of all gates in *only*, and of those of the organisation's own.

    A gate that cannot answer is closed.
    """
    return (*(_asked(name, facts) for name in GATES if name in only), *facts.own)


def overridden(answers: Sequence[Answer], overrides: Mapping[str, str]) -> tuple[Answer, ...]:
    """Return *answers*, of which those closed count as open by *overrides*: the person by gate."""
    return tuple(
        each if each.is_open else replace(each, override=overrides.get(each.gate, ""))
        for each in answers
    )


def _asked(name: str, facts: Facts) -> Answer:
    try:
        return GATES[name](facts)
    except (ReleaseError, OSError, ValueError, KeyError) as error:
        return Answer(name, False, f"it cannot be answered: {error}")


def closed(answers: Sequence[Answer]) -> list[Answer]:
    """Return those of *answers* that keep the run from going on."""
    return [answer for answer in answers if not answer.lets_pass]
