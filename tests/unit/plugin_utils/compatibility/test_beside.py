# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release is held to what is live beside, and to the host; what is not known is refused."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.formats import _canonical
from ansible_collections.itops.release.plugins.module_utils.release import _manifest
from ansible_collections.itops.release.plugins.plugin_utils.compatibility import (
    _declarations,
    _fitness,
)
from ansible_collections.itops.release.plugins.plugin_utils.environment._state import (
    ADOPTED,
    DeployedRelease,
    EnvironmentState,
    HostState,
)
from ansible_collections.itops.release.plugins.plugin_utils.library import _catalogue, _store
from ansible_collections.itops.release.plugins.plugin_utils.oci._layout import LibraryError
from ansible_collections.itops.release.tests.fakes.estate import component, file

NOWHERE = _store.Library(None)


def release(name, version, serial=1, hosts=None, **about):
    part = component(file('"requires":', version), name=name, version=version)
    part = part._replace(about=tuple(sorted(about.items())))
    whole = (("requires_hosts", hosts),) if hosts else ()
    return _manifest.Manifest(f"shop-{name}", version, serial, (part,), whole)


def digest_of(manifest):
    return _canonical.sha256_hex(_manifest.render(manifest))


def label_of(manifest):
    return _catalogue.Label(digest_of(manifest), *manifest[:3])


class Library:
    """The releases given, as a media library has them; it counts what is read."""

    path = "/srv/media"

    def __init__(self, *manifests):
        self._documents = {digest_of(each): _manifest.render(each) for each in manifests}
        self._labels = [label_of(each) for each in manifests]

    def labels(self):
        return sorted(self._labels, key=lambda label: (label.name, label.serial))

    def document(self, digest):
        try:
            return self._documents[digest]
        except KeyError:
            raise LibraryError(f"/srv/media has no release sha256:{digest}") from None


API = release("api", "3.0.2")
WEB = release("web", "2.4.0", requires=["api >=3.1,<4"])
PLAIN = release("plain", "1")


def deployed(manifest):
    return DeployedRelease(*manifest[:3], digest_of(manifest))


def declared(*manifests):
    """Return what a host tells that releases declare, by digest."""
    return {
        digest_of(each): {
            "name": each.name,
            "version": each.version,
            "components": [
                {"name": part.name, "version": part.version, **dict(part.about)}
                for part in each.components
            ],
        }
        for each in manifests
    }


def told(manifest, *hosts):
    """Return the states of *hosts* that tell of a *manifest* that is live there."""
    return [
        HostState(host, "", "production", deployed(manifest), declared=declared(manifest))
        for host in hosts
    ]


def refused(library, manifest, hosts, ask=None, label="known"):
    """Return why a release is refused, as (lines, text); None where it is not."""
    label = label_of(manifest) if label == "known" else label
    try:
        _fitness.demand_beside(library, label, EnvironmentState(tuple(hosts)), ask)
    except _fitness.Incompatible as error:
        return error.lines, str(error)
    return None


OLD_API = ["web 2.4.0 requires api >=3.1,<4; production has api 3.0.2 on api1, api2"]


def test_hosts_with_one_release_are_told_in_one_line():
    assert refused(Library(WEB), WEB, told(API, "api1", "api2"))[0] == OLD_API
    assert refused(Library(WEB), WEB, told(API, "api1", "api2", "api1"))[0] == OLD_API


def test_the_text_names_what_would_do():
    library = Library(WEB, API, release("api", "3.5", 2))

    text = refused(library, WEB, told(API, "api1", "api2"))[1]
    assert text == f"{OLD_API[0]}; the media library has shop-api:3.5, which would do"


def test_a_digest_is_looked_up_in_the_media_library():
    items = [HostState(host, "", "production", deployed(API)) for host in "ab"]

    lines, _text = refused(Library(WEB, API), WEB, items)
    assert lines == ["web 2.4.0 requires api >=3.1,<4; production has api 3.0.2 on a, b"]
    lines, text = refused(Library(WEB), WEB, items)
    assert lines == [text]  # nothing is proposed where not all is known
    assert text.startswith(
        f"cannot know what is deployed on a, b (/srv/media has no release sha256:{digest_of(API)})"
    )


def test_what_is_not_known_is_refused_for_every_release():
    items = [*told(API, "api1"), HostState("api2", unknown="unreachable")]

    lines, text = refused(Library(PLAIN), PLAIN, items)
    assert lines == [text]
    assert text.startswith(
        "cannot know what is deployed on api2 (unreachable): mend that, or leave"
    )


def test_nothing_at_a_place_is_something_known():
    items = [HostState("api1", "", "production")]

    lines, _text = refused(Library(WEB), WEB, items)
    assert lines == ["web 2.4.0 requires api >=3.1,<4; production has no api"]
    assert refused(Library(PLAIN), PLAIN, items) is None


def test_without_a_place_it_is_the_estate():
    (line,) = refused(Library(WEB), WEB, [HostState("api1")])[0]

    assert line.endswith("the estate has no api")


def test_a_release_that_requires_nothing_is_not_even_read_where_nothing_is_told(monkeypatch):
    monkeypatch.setattr(_declarations, "read", None)

    assert refused(Library(PLAIN), PLAIN, []) is None


def test_what_is_required_of_nobody_known_is_refused_with_the_way_to_tell():
    library = Library(WEB, release("api", "3.5"))

    (line,), text = refused(library, WEB, [])
    assert line == text
    assert line.startswith(
        "web 2.4.0 requires api >=3.1,<4; of api nothing is known: name the hosts"
    )


def test_what_others_live_on_is_not_taken_from_them():
    reader = release("reader", "1", requires=["search"])
    had = [release("web", str(n), n, provides={"search": "1"}) for n in (1, 2)]
    new = release("web", "3", 3)

    (line,) = refused(Library(*had, new), new, told(reader, "r1"))[0]
    assert line == (
        "reader 1, live in production on r1, requires search; this release has no search, and web "
        "2 had"
    )
    assert refused(Library(release("web", "2", 2), new), new, told(reader, "r1")) is None


def test_what_is_adopted_or_damaged_is_not_taken_for_nothing():
    adopted = HostState("a", live=DeployedRelease("shop", "1", 0, None))
    damaged = HostState("b", live=deployed(API), declared={})

    (line,), _text = refused(Library(PLAIN), PLAIN, [adopted, damaged])
    assert line.startswith(
        f"cannot know what is deployed on a ({ADOPTED}), b (the manifest that is held there is "
        "damaged): mend"
    )


def answer(live=None, previous=None, trial=None):
    """Return the state of a host itself; each is a manifest or None."""
    given = {"live": live, "previous": previous, "trial": trial}
    return HostState(
        "web1",
        **{key: each and deployed(each) for key, each in given.items()},
        declared=declared(*filter(None, given.values())),
    )


def test_a_way_back_is_what_the_host_says():
    new = release("web", "3", 2)
    items = told(API, "api1", "api2")

    def ask():
        return answer(live=new, previous=WEB)

    assert refused(NOWHERE, WEB, items, ask, label=None)[0] == OLD_API
    assert refused(NOWHERE, WEB, [], None, label=None) is None  # nobody is asked


def test_a_way_back_is_named_to_the_host_that_told_it():
    items, newer = told(release("api", "3.5"), "api1"), release("web", "3", 2)

    def ask():
        return answer(live=newer, previous=WEB)

    state = EnvironmentState(tuple(items))
    assert _fitness.demand_beside(NOWHERE, None, state, ask) == digest_of(WEB)
    assert _fitness.demand_beside(Library(WEB), label_of(WEB), state, None) is None


def test_a_way_back_takes_nothing_from_others_that_they_live_on():
    reader = release("reader", "1", requires=["search"])
    new, old = release("web", "2", provides={"search": "1"}), release("web", "1")

    (line,) = refused(
        NOWHERE, old, told(reader, "r1"), lambda: answer(live=new, previous=old), label=None
    )[0]
    assert line.endswith("this release has no search, and web 2 had")


def test_where_there_is_no_way_back_the_host_says_so_itself():
    assert refused(NOWHERE, WEB, told(API, "a"), lambda: answer(trial=WEB), label=None) is None


@pytest.mark.parametrize("library", [NOWHERE, Library()])
def test_a_way_back_of_which_nobody_knows_anything_is_refused(library):
    damaged = HostState("web1", live=deployed(API), previous=deployed(WEB), declared={})

    lines, _text = refused(library, WEB, told(API, "a"), lambda: damaged, label=None)
    assert lines[0].startswith(f"cannot know what sha256:{digest_of(WEB)[:12]} requires: ")
    assert refused(Library(WEB), WEB, told(API, "api1", "api2"), lambda: damaged, label=None)[
        0
    ] == (OLD_API)
    adopted = HostState("web1", previous=DeployedRelease("shop", "20260101", 0, None), declared={})
    lines, _text = refused(library, WEB, told(API, "a"), lambda: adopted, label=None)
    assert lines == ["cannot know what 20260101 requires: it was adopted"]
    odd = HostState("web1", unknown="its answer is malformed")
    lines, _text = refused(library, WEB, told(API, "a"), lambda: odd, label=None)
    assert lines == ["cannot know what is deployed on web1 (its answer is malformed)"]


def test_a_digest_that_only_the_host_knows_is_asked_there():
    only_digest = _catalogue.Label(digest_of(WEB), "", "", 0)

    lines, _text = refused(
        NOWHERE, WEB, told(API, "api1", "api2"), lambda: answer(live=WEB), label=only_digest
    )
    assert lines == OLD_API


@pytest.mark.parametrize(
    "change",
    [
        {"components": None},
        {"components": [{"name": "api"}]},
        {"components": [{"name": "a\nb", "version": "1"}]},
        {"components": [{"name": "api", "version": "1", "requires": "web"}]},
        {"components": [{"name": "api", "version": "1", "requires": ["Web !"]}]},
        {"components": [{"name": "api", "version": "1", "provides": ["web"]}]},
        {"components": [{"name": "api", "version": "1", "provides": {"web": 1}}]},
        {"name": None},
    ],
    ids=str,
)
def test_a_host_that_tells_what_no_release_declares_is_not_believed(change):
    said = {**declared(API)[digest_of(API)], **change}
    there = HostState("api1", live=deployed(API), declared={digest_of(API): said})

    lines, _text = refused(Library(PLAIN), PLAIN, [there])
    assert lines[0].startswith("cannot know what is deployed on api1 (")


def test_many_hosts_that_are_not_known_are_counted():
    items = [HostState(f"h{n}", unknown="unreachable") for n in range(30)]

    _lines, text = refused(Library(PLAIN), PLAIN, items)
    assert "h18, h19 (unreachable) and 10 more: mend" in text


HOST = {"os": "ID=debian\nVERSION_ID=12\n", "architecture": "x86_64", "python": "3.11.2"}


def test_a_host_is_held_to_what_the_release_requires_of_hosts():
    strict = release("web", "3", hosts={"os": ["debian >=13"], "free_disk": 5})
    mild = release("web", "3", hosts={"os": ["debian >=12"], "free_disk": 5})
    library = Library(strict, mild, PLAIN)

    with pytest.raises(_fitness.Incompatible) as caught:
        _fitness.demand_host(library, label_of(strict), HOST, "web1")
    assert caught.value.lines == ["shop-web 3 requires debian >=13; web1 is debian 12"]
    assert _fitness.demand_host(library, label_of(mild), HOST, "web1") == 5
    assert _fitness.demand_host(library, label_of(PLAIN), HOST, "web1") == 0


def test_names_of_files_are_not_taken_for_declarations():
    whole = release("a", "1", hosts={"free_disk": 1}, requires=["b"])
    for key in (_declarations.REQUIRES, _declarations.REQUIRES_HOSTS):
        assert key not in _manifest.render(PLAIN)
        assert key in _manifest.render(whole)


def test_a_damaged_document_is_told_in_a_line():
    with pytest.raises(LibraryError, match=r"release sha256:0{12} is malformed: "):
        _declarations.read(None, "0" * 64, b'{"components": []}')
