# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task of ``release_deployment`` asks for, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils.deployment import _request
from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.root import _state
from ..environment._state import EnvironmentState

PREVIOUS, CURRENT = "previous", "current"
FOUND_ON_HOST = (PREVIOUS, CURRENT)  # releases that only the host can tell
# States that bring a release to a host, or make it live there.
BRINGING = ("checked", "staged", "live")


class AmbiguousTask(ReleaseError):
    """The options of a task could mean more than was meant; nothing was asked of a host."""

    code = "ambiguous_task"


@dataclass(frozen=True)
class Options:
    """The options of one task, checked; each means what the documentation of the module says."""

    root: str
    state: str
    release: str | None
    mark: str | None
    media_library: str | None
    trust: str | None
    beside: EnvironmentState | None
    allow_incompatible: bool
    allow_downgrade: bool
    pack_cache: str | None
    here_only: bool  # whether the host is not asked
    hooks_of_live: bool  # whether hooks are those of the release that is live, not of the wanted
    host: _request.Request  # what the host is told whatever happens

    @classmethod
    def from_arguments(
        cls,
        arguments: Mapping[str, Any],
        run: str,
        check: bool,
        login: str | None,
        becomes: bool,
        process: str | None = None,
        ledger: Mapping[str, Any] | None = None,
    ) -> Options:
        """Return the Options in validated *arguments*; *run* is the id of this run.

        *ledger* is the head of the ledger that the run is recorded in, if any.

        In *check* mode, and with ``state: checked``, nothing is changed. Raises StateError.
        """
        state, reference = arguments["state"], arguments["release"]
        request = _request.Request(
            root=arguments["root"],
            run=run,
            process=process,
            ledger=ledger,
            governed=arguments["governed"],
            back_only=arguments["back_only"],
            state="live" if state == "checked" else state,
            mark=arguments["mark"],
            reverts=(arguments["run"] or run) if state == "reverted" else None,
            reference=reference,
            forward=_goes_only_forward(reference, arguments["allow_downgrade"]),
            check=check or state == "checked",
            commit=arguments["commit"],
            hold=arguments["hold"],
            takeover=arguments["takeover"],
            verify=arguments["verify"],
            adopt=arguments["adopt"],
            rename=arguments["rename"],
            foreign_files=arguments["foreign_files"],
            seed=arguments["seed"],
            linked_paths=tuple(arguments["linked_paths"]),
            owner=arguments["owner"],
            group=arguments["group"],
            access=arguments["access"],
            retention=_request.Retention(arguments["keep"], arguments["keep_days"]),
            runtime_paths=tuple(arguments["runtime_paths"]),
            purge_shared=arguments["purge_shared"],
            lock_timeout=arguments["lock_timeout"],
            login=login,
            becomes=becomes,
            service=_request.Service(
                tuple(arguments["restart"] or ()),
                arguments["restart_timeout"],
                tuple(_given(probe) for probe in arguments["probe"] or ()),
            ),
            baseline=(
                arguments["baseline"] and state in ("checked", "staged") and not arguments["mark"]
            ),
        )
        return cls(
            root=arguments["root"],
            state=state,
            release=reference,
            mark=arguments["mark"],
            media_library=arguments["media_library"],
            trust=arguments["trust"],
            beside=(
                None
                if arguments["beside"] is None
                else EnvironmentState.from_plain(arguments["beside"], "beside")
            ),
            allow_incompatible=arguments["allow_incompatible"],
            allow_downgrade=arguments["allow_downgrade"],
            pack_cache=arguments["pack_cache"],
            here_only=arguments["here_only"],
            hooks_of_live=arguments["hooks_sealed_with"] == "live",
            host=request,
        )

    @property
    def brings(self) -> bool:
        """Whether a release comes to the host, or goes live there."""
        return self.state in BRINGING and not self.mark

    def asks_for(self, release: _state.Release | None) -> _request.Request:
        """Return the first request, about a *release* as far as it is known here."""
        return self.host.after(release=release)


def refuse_ambiguous(given: Mapping[str, Any]) -> None:
    """Raise AmbiguousTask for options, as they were *given*, that could mean several things."""
    state, mark, release = given.get("state"), given.get("mark"), given.get("release")
    named = release not in (None, "", *FOUND_ON_HOST)
    if state in ("absent", "reverted") and mark:
        raise AmbiguousTask(f"mark and state: {state} exclude each other: nothing was changed")
    if state == "absent" and "release" in given and not named:
        raise AmbiguousTask(
            "with state: absent, name one release, or leave release out to remove everything"
        )
    if state == "reverted" and release:
        raise AmbiguousTask("state: reverted takes a run, not a release")
    if mark and not named:
        raise AmbiguousTask(
            "mark needs the release that it is about, as name:version or sha256:<digest>"
        )


def _given(probe: Mapping[str, Any]) -> dict[str, Any]:
    """Return *probe* without the options that are not given."""
    return {name: value for name, value in probe.items() if value is not None}


def _goes_only_forward(reference: str | None, allow_downgrade: bool) -> bool:
    """Return whether the release may not be older than what is live: a digest says that it may."""
    named = reference or PREVIOUS
    return not (named in FOUND_ON_HOST or named.startswith("sha256:") or allow_downgrade)
