# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failed deployments: those that needed immediate intervention, and when all was well again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..ledger._event import moment
from ..plan._plan import EMERGENCY
from ..registers._register import ISSUE, Entry
from ._deployment import BACK_OUT, DEPLOY, DONE, FAILED, HELD, ROLLBACK, Deployment
from ._runs import Place

# Why a deployment counts as failed.
WENT_WRONG, BACKED_OUT, ROLLED_BACK = "went wrong", "backed out", "rolled back"
HOTFIX, INCIDENT = "hotfix", "incident"
DEFAULT_EARLY_LIFE = timedelta(days=1)  # where a plan has none


@dataclass(frozen=True)
class Failure:
    """A *deployment* that failed: why, when that was *seen* first, and since when it is *restored*.

    *restored* is None as long as there is neither a back-out, a rollback nor another acceptance.
    """

    deployment: Deployment
    causes: tuple[str, ...]
    seen: datetime
    restored: datetime | None

    @property
    def seconds(self) -> float | None:
        """How long recovery took, None while it has not come."""
        return (self.restored - self.seen).total_seconds() if self.restored else None

    def to_plain(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {
            "deployment": self.deployment.to_plain(),
            "causes": list(self.causes),
            "seen": self.seen.isoformat(),
            "restored": self.restored.isoformat() if self.restored else None,
        }


def failures(
    deployments: Sequence[Deployment],
    entries: Iterable[Entry],
    early_life: timedelta = DEFAULT_EARLY_LIFE,
) -> tuple[Failure, ...]:
    """Return the failed ones of *deployments*, once each; *entries* are of the registers.

    A deployment failed where its run did, where it was backed out or rolled back afterwards, or
    where in its early life an issue named its release or run, or an emergency followed it.
    Redeployments, reconcile and partial deployments never fail. *early_life* is for deployments
    whose plan has none.
    """
    places: dict[Place, list[Deployment]] = {}
    for each in deployments:
        places.setdefault(each.place, []).append(each)
    reasons: dict[Deployment, list[tuple[datetime, str]]] = {}
    for here in places.values():
        for failed, seen, cause in (*_wrong(here), *_undone(here), *_hotfixed(here, early_life)):
            reasons.setdefault(failed, []).append((seen, cause))
    for failed, seen, cause in _incidents(deployments, entries, early_life):
        reasons.setdefault(failed, []).append((seen, cause))
    return tuple(
        _failure(each, sorted(reasons[each]), here[number:])
        for here in places.values()
        for number, each in enumerate(here)
        if each in reasons
    )


Found = Iterator[tuple[Deployment, datetime, str]]


def _may_fail(each: Deployment) -> bool:
    return each.is_new and each.ended is not None and each.verdict not in ("refused", "unknown")


def _wrong(here: Iterable[Deployment]) -> Found:
    """Yield the deployments whose own run went wrong."""
    for each in here:
        if _may_fail(each) and each.verdict in FAILED:
            yield each, each.troubled or each.ended or each.began, WENT_WRONG


def _undone(here: Sequence[Deployment]) -> Found:
    """Yield the deployments in a place that a later run backed out or rolled back."""
    for number, each in enumerate(here):
        if each.verdict not in (DONE, HELD, *FAILED):
            continue
        digests, cause = {each.digest}, BACKED_OUT
        if each.act == ROLLBACK:
            # Of several that were live, the older ones are what earlier runs left behind.
            digests, cause = set(each.replaced), ROLLED_BACK
        elif each.act != BACK_OUT:
            continue
        undone = _before(here, number, digests)
        if undone is not None:
            yield undone, each.began, cause


def _hotfixed(here: Sequence[Deployment], early_life: timedelta) -> Found:
    """Yield the deployments in a place that an emergency followed in their early life."""
    for number, each in enumerate(here):
        if each.change != EMERGENCY or not _may_fail(each):
            continue
        before = _before(here, number)
        if before is None or before.digest == each.digest or before.accepted is None:
            continue
        if each.began <= _ends(before, early_life):
            yield before, each.began, HOTFIX


def _incidents(
    deployments: Iterable[Deployment], entries: Iterable[Entry], early_life: timedelta
) -> Found:
    """Yield the deployment that each issue is about: the latest that it can be."""
    by_word: dict[str, list[Deployment]] = {}
    for each in filter(_may_fail, deployments):
        by_word.setdefault(each.run, []).append(each)
        by_word.setdefault(each.digest, []).append(each)
    for entry in entries:
        if entry.register != ISSUE:
            continue
        since, environment = moment(entry.since), entry.text("environment")
        about = [
            each
            for each in by_word.get(entry.text("run") or entry.text("release"), [])
            if environment in ("", each.environment) and each.began <= since
        ]
        if about and since <= _ends(about[-1], early_life):
            yield about[-1], since, INCIDENT


def _before(
    here: Sequence[Deployment], number: int, digests: Collection[str] | None = None
) -> Deployment | None:
    """Return the last deployment before the *number*-th in its place, of *digests* if given."""
    for index in range(number - 1, -1, -1):
        if _may_fail(here[index]) and (digests is None or here[index].digest in digests):
            return here[index]
    return None


def _ends(each: Deployment, early_life: timedelta) -> datetime:
    """Return when the early life of a deployment ends."""
    own = each.early_life if each.early_life is not None else early_life
    return (each.accepted or each.ended or each.began) + own


def _failure(
    failed: Deployment, reasons: Sequence[tuple[datetime, str]], since: Iterable[Deployment]
) -> Failure:
    """Return the Failure of the first of the deployments *since*, in its place."""
    seen = reasons[0][0]
    causes = tuple(dict.fromkeys(cause for _at, cause in reasons))
    good = (_good_again(each, failed) for each in since)
    return Failure(failed, causes, seen, next((at for at in good if at and at >= seen), None))


def _good_again(each: Deployment, failed: Deployment) -> datetime | None:
    """Return when a run made good what *failed*, which may be the same run; None if it did not."""
    if each is failed:
        return each.ended if each.verdict == "backed_out" else None
    if each.act == BACK_OUT and each.digest == failed.digest and each.verdict == DONE:
        return each.ended
    if each.act == ROLLBACK and each.digest != failed.digest:
        return each.accepted
    # Who repairs it may deploy again what was accepted before.
    is_repair = each.is_new or (each.act == DEPLOY and failed.digest in each.replaced)
    return each.accepted if is_repair else None
