# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What policy and plan demand together, and whether people could meet it at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..definition import _duration
from ..definition._schema_file import Mistake
from ..policy._policy import Environment, Person, Policy, is_as_strong, named
from ._plan import EMERGENCY, STANDARD, Plan, Step

DECLARING = "(declares)"  # in place of a role


@dataclass(frozen=True)
class Demands:
    """What must hold in an environment: the stricter of policy and plan.

    *approvals* are those before the run. *declarers* are the roles of which one person must declare
    an emergency, *ratify* the approvals that it needs *within* a time after the run.
    """

    environment: str
    approvals: Mapping[str, int]
    strength: str
    separation: tuple[str, ...]
    networks: tuple[str, ...]
    soak: timedelta
    window: str
    acknowledge: tuple[str, ...]
    signatures: bool
    plan_required: bool
    declarers: tuple[str, ...] = ()
    ratify: Mapping[str, int] | None = None
    within: timedelta = timedelta()

    @property
    def agreeing(self) -> Mapping[str, int]:
        """The approvals that people give, before or after the run."""
        return self.approvals if self.ratify is None else self.ratify


def of_step(policy: Policy, plan: Plan, step: Step) -> Demands:
    """Return the Demands of a *step* that ``check`` found nothing wrong with."""
    rule = policy.environment(step.environment) or Environment(step.environment)
    roles = {**rule.approvals, **step.approvals}
    approvals = {
        role: max(rule.approvals.get(role, 0), step.approvals.get(role, 0)) for role in roles
    }
    emergency = policy.emergency if plan.change == EMERGENCY else None
    return Demands(
        environment=step.environment,
        approvals={} if plan.change in (EMERGENCY, STANDARD) else approvals,
        strength=step.strength or rule.strength,
        separation=rule.separation,
        networks=rule.networks,
        soak=max(rule.soak, step.soak),
        window=step.window or rule.window,
        acknowledge=step.acknowledge,
        signatures=rule.signatures,
        plan_required=rule.plan_required,
        declarers=emergency.roles if emergency else (),
        ratify=emergency.ratify if emergency else None,
        within=emergency.within if emergency else timedelta(),
    )


def check(policy: Policy, plan: Plan, application: str, now: datetime) -> None:
    """Raise Mistake where *plan* is weaker than *policy*, or nobody could satisfy it."""
    if plan.author not in policy.people:
        raise Mistake(
            ["author"], f"{plan.author} is not a person in policy.yml; expected one of its people"
        )
    for index, risk in enumerate(plan.risks):
        if risk.owner not in policy.people:
            raise Mistake(["risks", index, "owner"], f"{risk.owner} is not a person in policy.yml")
    if plan.change == STANDARD and application not in policy.standard:
        raise Mistake(
            ["change"],
            f"{application} is not pre-approved; expected normal, or {application} in standard of "
            "policy.yml",
        )
    if plan.change == EMERGENCY and policy.emergency is None:
        raise Mistake(["change"], "policy.yml allows no emergency; expected normal")
    for index, step in enumerate(plan.path):
        for key, problem in _problems(policy, plan, index, now):
            raise Mistake(["path", index, key], f"{step.environment}: {problem}")


def check_channels(policy: Policy, plan: Plan) -> None:
    """Raise Mistake where *plan* notifies by a channel that *policy* does not have."""
    known = ", ".join(policy.channels) or "none, policy.yml has no channels"
    for audience, channels in plan.notify.items():
        for channel in channels:
            if channel not in policy.channels:
                raise Mistake(
                    ["notify", audience],
                    f"{channel} is not a channel of policy.yml; expected one of {known}",
                )


def _problems(policy: Policy, plan: Plan, index: int, now: datetime) -> Iterator[tuple[str, str]]:
    step, names = plan.path[index], list(policy.names())
    rule = policy.environment(step.environment)
    if rule is None:
        yield "environment", f"not in policy.yml; expected one of {', '.join(names)}"
        return
    earlier = [each.environment for each in plan.path[:index]]
    late = [name for name in earlier if names.index(name) > names.index(step.environment)]
    if late:
        yield "environment", f"comes before {late[0]} in policy.yml; expected its order"
    missing = [name for name in rule.promote_from if name not in earlier]
    if missing and not plan.is_emergency:
        yield "environment", f"policy.yml promotes from {missing[0]}; expected it earlier in path"
    for role, count in step.approvals.items():
        least = rule.approvals.get(role, 0)
        if count < least:
            yield "approvals", f"{role}: {count} is fewer than the {least} of policy.yml"
    if step.strength and not is_as_strong(step.strength, rule.strength):
        yield "strength", f"{step.strength} is weaker than {rule.strength} of policy.yml"
    if step.soak and step.soak < rule.soak:
        yield "soak", f"shorter than the {_duration.spelled(rule.soak)} of policy.yml"
    if step.window and rule.window and step.window != rule.window:
        yield "window", f"policy.yml demands the window {rule.window}"
    unsatisfiable = unmet(policy, plan, of_step(policy, plan, step), now)
    if unsatisfiable:
        yield "environment", unsatisfiable


def unmet(policy: Policy, plan: Plan, demands: Demands, now: datetime, proposer: str = "") -> str:
    """Return why nobody could satisfy *demands*, naming rule and people; "" where somebody can.

    Where author and approver are kept apart, the *proposer* cannot approve either.
    """
    if demands.declarers and not who_may(policy, plan, demands, demands.declarers, now, "declare"):
        roles = " or ".join(demands.declarers)
        return f"emergency: nobody of {roles} can declare it as {demands.strength}"
    wanted = demands.agreeing
    slots = [role for role in sorted(wanted) for _number in range(wanted[role])]
    able = {role: who_may(policy, plan, demands, [role], now) for role in wanted}
    if {"author", "approver"} <= set(demands.separation):
        able = {role: [p for p in people if p.id != proposer] for role, people in able.items()}
    if demands.declarers:  # who declares an emergency does not ratify it
        slots.insert(0, DECLARING)
        able[DECLARING] = who_may(policy, plan, demands, demands.declarers, now, "declare")
    taken: dict[str, int] = {}
    for slot in range(len(slots)):
        if not _assign(slot, slots, able, taken, set()):
            role = slots[slot]
            can = named(able[role])
            apart = ""
            if {"author", "approver"} <= set(demands.separation):
                apart = f"; {plan.author} is the author"
                apart += f", {proposer} proposes it" if proposer not in ("", plan.author) else ""
            return (
                f"approvals: {_spelled(wanted)} as {demands.strength} cannot be met: for {role} "
                f"there is {can}{apart}, and a person counts once"
            )
    return ""


def who_may(
    policy: Policy,
    plan: Plan,
    demands: Demands,
    roles: Sequence[str],
    now: datetime,
    decision: str = "approve",
) -> list[Person]:
    """Return the people who may make the *decision* in one of *roles*, as strongly as demanded."""
    found = []
    for person in policy.having(roles):
        apart = {"author", "approver"} <= set(demands.separation) and decision == "approve"
        if apart and person.id == plan.author:
            continue
        if can_act(person, demands.strength, now):
            found.append(person)
    return found


def can_act(person: Person, strength: str, now: datetime) -> bool:
    """Tell whether *person* has what an act of that *strength* takes: a key, or an account."""
    has_key = any(not key.why_not(now) for key in person.keys)
    if strength == "signed":
        return has_key
    if strength == "awx":
        return has_key or bool(person.awx)
    return has_key or bool(person.awx or person.os_user)


def _assign(
    slot: int,
    slots: Sequence[str],
    able: Mapping[str, Sequence[Person]],
    taken: dict[str, int],
    tried: set[str],
) -> bool:
    """Find a person for *slot*, moving others where that helps (augmenting path)."""
    for person in able[slots[slot]]:
        if person.id in tried:
            continue
        tried.add(person.id)
        if person.id not in taken or _assign(taken[person.id], slots, able, taken, tried):
            taken[person.id] = slot
            return True
    return False


def _spelled(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{role} {count}" for role, count in sorted(counts.items()))
