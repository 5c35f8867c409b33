# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller asks of a host about one deployment root."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Dict, Mapping, Optional, Tuple

from ..root import _state

SECRET = ("restart", "probe")  # of the service: their words may hold passwords


@dataclass(frozen=True)
class Service:
    """How the service is restarted and probed after a switch, forward or back.

    *restart* is a command, empty for none; *timeout* the most seconds that it may take; *probes*
    are elements of option ``probe`` of release_deployment, without what is not given.
    """

    restart: Tuple[str, ...] = ()
    timeout: int = 300
    probes: Tuple[Mapping[str, Any], ...] = ()

    @property
    def probes_before(self) -> Tuple[Mapping[str, Any], ...]:
        """The probes that a staged release is asked by, before it is switched to."""
        return tuple(probe for probe in self.probes if probe.get("before_switch"))

    @property
    def probes_after(self) -> Tuple[Mapping[str, Any], ...]:
        """The probes that what is live is asked by."""
        return tuple(probe for probe in self.probes if not probe.get("before_switch"))

    @property
    def probes_of_baseline(self) -> Tuple[Mapping[str, Any], ...]:
        """The probes that decide whether what is live is in service."""
        return tuple(probe for probe in self.probes_after if not probe.get("observe"))


@dataclass(frozen=True)
class Retention:
    """How many releases stay on the host, and for how many days at most, None for no limit."""

    keep: int = 5
    days: Optional[int] = None


@dataclass(frozen=True)
class Request:
    """One call. What has the name of an option of release_deployment means what that does.

    ``run``: the run that calls, and ``process`` its main process, which no other run ever has;
    ``ledger``: the head of the ledger that the run is recorded in: its id, sequence and hash.
    ``governed``: the id of the ledger whose policy or plan the run follows, as ``ledger``, and
    ``plan_required``; None where it has neither. ``back_only``: whether only what was committed
    here before may be brought.
    ``reverts``: the run whose change ``state: reverted`` undoes.
    ``release``: the release, as far as the controller knows it, without links; None where only the
    host can tell, by ``reference``: ``previous`` or ``current``.
    ``forward``: whether an older release than what is live is refused.
    ``login``, ``becomes``: the user whom the connection logs in as, and whether this is another.
    ``expected_digest``: the release that was compared with what is live elsewhere.
    ``overrides``: what is incompatible and allowed, for the history.
    ``baseline``: whether what is in service now is probed too.
    The rest tells of a pack: ``upload_dir`` is where it lies, ``links`` are the linked paths of the
    release, ``resend`` the contents that come although the host holds them, ``full_pack`` says that
    it builds on nothing, and ``transfer_error`` why it could not be sent.
    """

    root: str
    run: str
    process: Optional[str] = None
    ledger: Optional[Mapping[str, Any]] = None
    governed: Optional[Mapping[str, Any]] = None
    back_only: bool = False
    state: str = "live"
    mark: Optional[str] = None
    reverts: Optional[str] = None
    release: Optional[_state.Release] = None
    reference: Optional[str] = None
    forward: bool = False
    check: bool = False
    commit: bool = True
    hold: bool = True
    takeover: Optional[str] = None
    verify: bool = False
    adopt: bool = False
    rename: bool = False
    foreign_files: bool = False
    seed: bool = False
    linked_paths: Tuple[str, ...] = ()
    owner: Optional[str] = None
    group: Optional[str] = None
    access: Optional[str] = None
    retention: Retention = Retention()
    runtime_paths: Tuple[str, ...] = ("**/__pycache__",)
    purge_shared: bool = False
    lock_timeout: int = 30
    login: Optional[str] = None
    becomes: bool = False
    expected_digest: Optional[str] = None
    overrides: Tuple[str, ...] = ()
    baseline: bool = False
    upload_dir: Optional[str] = None
    links: Optional[Tuple[str, ...]] = None
    resend: Tuple[str, ...] = ()
    full_pack: bool = False
    transfer_error: Optional[str] = None
    service: Service = Service()

    @property
    def goes_live(self) -> bool:
        """Whether the release is to be live in the end."""
        return self.state == "live"

    def after(self, **changes: Any) -> Request:
        """Return the next call of the same conversation, with *changes*."""
        return replace(self, **changes)

    def to_plain(self) -> Tuple[Dict[str, Any], Dict[str, Any]]:
        """Return what may be logged, and what may not, without what has its default."""
        told: Dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name not in ("service", "release", "retention") and value != item.default:
                told[item.name] = list(value) if isinstance(value, tuple) else value
        if self.release:
            told["release"] = {**self.release._asdict(), "links": list(self.release.links)}
        told["retention"] = asdict(self.retention)
        told["timeout"] = self.service.timeout
        secret: Dict[str, Any] = {}
        if self.service.restart:
            secret["restart"] = list(self.service.restart)
        if self.service.probes:
            secret["probe"] = [dict(probe) for probe in self.service.probes]
        return told, secret

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Request:
        """Return the Request in a mapping with both parts of ``to_plain``."""
        rest = dict(plain)
        service = Service(
            tuple(rest.pop("restart", ())), rest.pop("timeout"), tuple(rest.pop("probe", ()))
        )
        retention = Retention(**rest.pop("retention"))
        release = rest.pop("release", None)
        if release:
            release = _state.Release(**{**release, "links": tuple(release["links"])})
        values: Dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in rest.items()
        }
        return cls(**values, release=release, retention=retention, service=service)
