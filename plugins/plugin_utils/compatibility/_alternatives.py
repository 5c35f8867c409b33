# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which other releases of a media library would make a release work beside what is live.

`resolvelib` chooses, as it does for pip: each application is a package, whose candidates are what
is live of it, best of all, and then its releases, newest first. A name that is required and may be
offered by several applications is a package too, whose candidates are those that offer it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..definition import _ranges, _schema_file
from ..library._catalogue import Catalogue, Label
from ..oci._layout import LibraryError
from . import _components, _declarations
from ._components import Part

MOST_TRIED = 50  # releases of each application, the newest
MOST_ROUNDS = 500

# What resolvelib calls a package: an application, or ("offered", a name that is required).
Key = str | tuple[str, str]


class Choice(NamedTuple):
    """One release of an application, or (*is_live*) what is live of it; what would be there."""

    application: str
    label: Label | None
    parts: tuple[Part, ...]
    is_live: bool = False

    @property
    def key(self) -> Key:
        return self.application


class Offer(NamedTuple):
    """A Choice that offers what is required by the *name*."""

    name: str
    choice: Choice

    @property
    def key(self) -> Key:
        return ("offered", self.name)


class Beside(NamedTuple):
    """The demand that an *application* works together with a *choice* of another one."""

    application: str
    choice: Choice

    @property
    def key(self) -> Key:
        return self.application

    def takes(self, choice: Choice) -> bool:
        if self.choice.is_live and choice.is_live:
            return True  # both are as they were
        return _work_together(self.choice.parts, choice.parts)


class Offered(NamedTuple):
    """The demand that somebody offers what the Range *wanted* has."""

    wanted: _ranges.Range

    @property
    def key(self) -> Key:
        return ("offered", self.wanted.name)

    def takes(self, offer: Offer) -> bool:
        there = _components.offering(self.wanted.name, offer.choice.parts)
        return any(_components.has(self.wanted, part) for part in there)


class Exactly(NamedTuple):
    """The demand that it is this *choice*."""

    choice: Choice

    @property
    def key(self) -> Key:
        return self.choice.application

    def takes(self, choice: Choice) -> bool:
        return choice == self.choice


def explain(
    library: Catalogue, new: Sequence[Part], live: Sequence[Part], former: Sequence[Part] = ()
) -> str:
    """Return in words which releases of *library* would let the Parts *new* work, or that none do.

    *live* are the Parts that are live elsewhere, *former* those that *new* may replace.
    """
    labels = find(library, new, live, former)
    if not labels:
        return "no release in the media library would do"
    named = " and ".join(f"{label.name}:{label.version}" for label in labels)
    return f"the media library has {named}, which would do{' together' * (len(labels) > 1)}"


def find(
    library: Catalogue, new: Sequence[Part], live: Sequence[Part], former: Sequence[Part] = ()
) -> list[Label] | None:
    """Return the Labels of the releases to make live for *new*, sorted; None where none would do.

    They fit each other and all that stays live.
    """
    try:
        import resolvelib
    except ImportError:
        raise _schema_file.MissingLibrary("resolvelib") from None
    world = _World(library, new, live, former)
    demands = world.demands(Choice("", None, tuple(new)))
    provider = _provider(resolvelib, world)
    try:
        resolver = resolvelib.Resolver(provider, resolvelib.BaseReporter())
        chosen = resolver.resolve(demands, max_rounds=MOST_ROUNDS).mapping.values()
    except (resolvelib.ResolutionImpossible, resolvelib.ResolutionTooDeep):
        return None
    choices = [item for item in chosen if isinstance(item, Choice)]
    parts = [part for choice in choices for part in choice.parts]
    if _components.find_problems(new, parts, ["there"]):
        return None
    return sorted(
        (choice.label for choice in choices if choice.label), key=lambda label: label.name
    )


Demand = Beside | Offered | Exactly


class _World:
    """The applications that there are, live and in the library; those of *new* are given."""

    def __init__(
        self,
        library: Catalogue,
        new: Sequence[Part],
        live: Sequence[Part],
        former: Sequence[Part],
    ) -> None:
        ours = {part.application for part in new}
        self._library, self._new = library, new
        self._there: dict[str, Choice] = {}
        for part in live:
            if part.application not in ours:
                nothing = Choice(part.application, None, (), is_live=True)
                there = self._there.setdefault(part.application, nothing)
                self._there[part.application] = there._replace(parts=(*there.parts, part))
        self.applications = list(self._there)
        self._before = [*live, *former]
        self._labels: dict[str, list[Label]] = {}
        self._known: dict[Label, tuple[Part, ...] | None] = {}
        for label in reversed(library.labels()):
            if label.name not in ours:
                self._labels.setdefault(label.name, []).append(label)

    def choices(self, application: str) -> Iterator[Choice]:
        """Yield the Choices of an *application*: what is live, then others, newest first."""
        if application in self._there:
            yield self._there[application]
        yield from self._releases(application)

    def offers(self, name: str) -> Iterator[Offer]:
        """Yield the Offers of *name*: what is live, then others, newest first."""
        for choice in self._there.values():
            if _components.offering(name, choice.parts):
                yield Offer(name, choice)
        for application in dict.fromkeys([*self.applications, *sorted(self._labels)]):
            for choice in self._releases(application, name):
                if _components.offering(name, choice.parts):
                    yield Offer(name, choice)

    def _releases(self, application: str, name: str = "") -> Iterator[Choice]:
        """Yield the Choices in the library that can be read; with a *name*, that may offer it."""
        for label in self._labels.get(application, [])[:MOST_TRIED]:
            parts = self._parts(label, name)
            if parts:
                yield Choice(application, label, parts)

    def demands(self, choice: Choice) -> list[Demand]:
        """Return what follows from a Choice: what else is live fits it; what it needs is there.

        What is live, and may stay, does without what it lacks already.
        """
        found: list[Demand] = [
            Beside(application, choice)
            for application in self.applications
            if application != choice.application
        ]
        for part in choice.parts:
            for wanted in part.requires:
                given = _components.offering(wanted.name, [*choice.parts, *self._new])
                before = _components.offering(wanted.name, self._before)
                had = any(_components.has(wanted, other) for other in before)
                if not given and (had or not choice.is_live):
                    found.append(Offered(wanted))
        return found

    def _parts(self, label: Label, name: str) -> tuple[Part, ...] | None:
        """Return the Parts of a release, or None where they cannot be read or lack *name*."""
        if label not in self._known:
            try:
                data = self._library.document(label.digest)
                if name and f'"{name}"'.encode() not in data:
                    return None  # that was quick, for releases have thousands of files
                declared = _declarations.read(self._library, label.digest, data)
                self._known[label] = tuple(_components.parts(declared, ["there"]))
            except (LibraryError, _ranges.RangeError):
                self._known[label] = None
        return self._known[label]


def _work_together(some: Iterable[Part], others: Iterable[Part]) -> bool:
    """Tell whether nothing comes between *some* Parts and *others* that was not there before."""
    one, other = ([part._replace(hosts=()) for part in parts] for parts in (some, others))
    known = {*_components.find_problems(one), *_components.find_problems(other)}
    return known.issuperset(_components.find_problems([*one, *other]))


def _provider(resolvelib: Any, world: _World) -> Any:
    """Return what tells `resolvelib` about the *world*."""

    class Provider(resolvelib.AbstractProvider):
        """A package is an application, or a name that is required."""

        def identify(self, requirement_or_candidate: Demand | Choice | Offer) -> Key:
            return requirement_or_candidate.key

        def get_preference(self, identifier: Key, *_args: Any, **_options: Any) -> Any:
            return isinstance(identifier, str), str(identifier)  # who offers what, before the rest

        def find_matches(
            self,
            identifier: Key,
            requirements: Mapping[Key, Iterator[Any]],
            incompatibilities: Mapping[Key, Iterator[Any]],
        ) -> Callable[[], Iterator[Choice | Offer]]:
            demands, refused = list(requirements[identifier]), list(incompatibilities[identifier])

            # No release is read before those that are newer have failed.
            def matches() -> Iterator[Choice | Offer]:
                found: Iterator[Choice | Offer] = (
                    world.offers(identifier[1])
                    if isinstance(identifier, tuple)
                    else world.choices(identifier)
                )
                return (
                    item
                    for item in found
                    if item not in refused and all(demand.takes(item) for demand in demands)
                )

            return matches

        def is_satisfied_by(self, requirement: Any, candidate: Choice | Offer) -> bool:
            return requirement.takes(candidate)

        def get_dependencies(self, candidate: Choice | Offer) -> Sequence[Demand]:
            if isinstance(candidate, Offer):
                return [Exactly(candidate.choice)]
            return world.demands(candidate)

    return Provider()
