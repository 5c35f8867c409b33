# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is told the credentials of a registry, and by what a registry is known."""

from __future__ import annotations

import base64
import json
import ssl

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.library import _layout_at, _store
from ansible_collections.itops.release.plugins.plugin_utils.registry import _credentials, _place
from ansible_collections.itops.release.plugins.plugin_utils.registry import (
    _session as _registry_session,
)
from ansible_collections.itops.release.tests.fakes.certificates import certificates
from ansible_collections.itops.release.tests.fakes.registries import TOKEN, MemoryRegistry

PASSWORD = "never-to-be-seen"
PLACE = _place.Place("registry.example.org:5000", "team/shop")


def auth(user="ci", password=PASSWORD):
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def environ(tmp_path, monkeypatch):
    """Return settings for a client, with nothing of this machine's in them."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in _place.AUTHORITIES:
        monkeypatch.delenv(name, raising=False)
    return {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        _place.PATIENCE: "30",
    }


def with_password(environ, password=PASSWORD):
    return {
        **environ,
        _credentials.USERNAME: "ci",
        _credentials.PASSWORD: password,
    }


def tags_at(host, environ):
    """Ask a registry for something, as *environ* says."""
    return _layout_at.open_layout(f"oci://{host}/shop", environ).descriptors()


# --- where


@pytest.mark.parametrize(
    "text",
    [
        "oci://host",
        "oci://host/",
        "oci:///name",
        "oci://host/Name",
        "oci://host/a//b",
        "oci://host/../b",
        "oci://host/name:tag",
        "oci://host:port/name",
        "oci://host/name?x=1",
        "oci://ho st/name",
        "oci://host\n/name",
    ],
)
def test_an_address_that_is_none_is_told(text):
    with pytest.raises(_store.LibraryError, match=r"is not oci://host\[:port\]/name"):
        _place.parse(text)


def test_credentials_in_an_address_are_refused_and_not_repeated():
    with pytest.raises(_store.LibraryError) as told:
        _place.parse(f"oci://ci:{PASSWORD}@host/name")

    assert PASSWORD not in str(told.value)


@pytest.mark.parametrize(
    ("host", "scheme"),
    [
        ("registry.example.org", "https"),
        ("registry.example.org:80", "https"),
        ("10.0.0.1:5000", "https"),
        ("localhost.example.org", "https"),
        ("localhost:5000", "http"),
        ("127.0.0.1:5000", "http"),
        ("127.9.9.9", "http"),
        ("[::1]:5000", "http"),
        ("plain.example.org:5000", "http"),
        ("plain.example.org", "https"),
    ],
)
def test_only_loopback_and_what_is_named_goes_without_tls(environ, host, scheme):
    named = {**environ, _place.PLAIN_HTTP: "other.example.org, plain.example.org:5000"}
    reach = _place.reach(named)

    assert reach.scheme(host) == scheme


@pytest.mark.parametrize("text", ["soon", "0", "-1", "1e9", "nan"])
def test_a_patience_that_is_none_is_told(environ, text):
    with pytest.raises(_store.LibraryError, match=_place.PATIENCE):
        _place.reach({**environ, _place.PATIENCE: text})


# --- which credentials


def write(path, plain):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(plain if isinstance(plain, str) else json.dumps(plain))
    return str(path)


def test_the_environment_comes_first_and_may_be_for_one_registry(environ, tmp_path):
    file = write(tmp_path / "auth.json", {"auths": {PLACE.host: auth("file", "other")}})
    environ = with_password({**environ, "REGISTRY_AUTH_FILE": file})
    find = _credentials.find

    assert find(PLACE, environ)[:2] == ("ci", PASSWORD)
    limited = {**environ, _credentials.ONLY_FOR: "other.example.org"}
    assert find(PLACE, limited)[:2] == ("file", "other")
    same = {**environ, _credentials.ONLY_FOR: PLACE.host}
    assert find(PLACE, same)[:2] == ("ci", PASSWORD)
    assert PASSWORD not in repr(find(PLACE, environ))
    del environ[_credentials.PASSWORD]
    with pytest.raises(_store.LibraryError, match="PASSWORD is not"):
        find(PLACE, environ)


def test_the_key_that_says_most_counts(environ, tmp_path):
    auths = {
        PLACE.host: auth("host", "1"),
        f"{PLACE.host}/team": auth("team", "2"),
        f"{PLACE.host}/team/other": auth("other", "3"),
    }
    file = {**environ, "REGISTRY_AUTH_FILE": write(tmp_path / "auth.json", {"auths": auths})}

    assert _credentials.find(PLACE, file)[:2] == ("team", "2")
    assert _credentials.find(PLACE._replace(name="shop"), file)[:2] == ("host", "1")
    assert _credentials.find(PLACE._replace(host="other.example.org"), file) is None


def test_files_are_looked_for_in_order(environ, tmp_path):
    places = ["run/containers/auth.json", "config/containers/auth.json", "docker/config.json"]
    environ = {
        **environ,
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        "DOCKER_CONFIG": str(tmp_path / "docker"),
    }
    for name in reversed(places):
        write(tmp_path / name, {"auths": {PLACE.host: auth("ci", name)}})
        assert _credentials.find(PLACE, environ).password == name


@pytest.mark.parametrize(
    ("plain", "told"),
    [
        ("no JSON: " + PASSWORD, "is not a JSON file"),
        ("[]", "is not a JSON file"),
        ({"auths": []}, None),
        ({"auths": {PLACE.host: {"auth": "!" + PASSWORD}}}, "are not user:password"),
        ({"auths": {PLACE.host: {"auth": "bm9jb2xvbg=="}}}, "are not user:password"),
        ({"auths": {PLACE.host: {"identitytoken": PASSWORD}}}, "identity token"),
        ({"credHelpers": {PLACE.host: "vault"}}, "helper program"),
        ({"auths": {PLACE.host: {}}, "credsStore": "desktop"}, "helper program"),
        ({"auths": {"other": {}}, "credsStore": "desktop"}, None),
        ({"auths": {PLACE.host: auth()}, "credsStore": "desktop"}, None),
    ],
)
def test_what_a_file_lacks_is_told_without_what_it_holds(environ, tmp_path, plain, told):
    file = {**environ, "REGISTRY_AUTH_FILE": write(tmp_path / "auth.json", plain)}
    if told is None:
        _credentials.find(PLACE, file)
        return
    with pytest.raises(_store.LibraryError, match=told) as error:
        _credentials.find(PLACE, file)
    assert PASSWORD not in str(error.value)


def test_a_file_that_is_named_must_be_there(environ):
    with pytest.raises(_store.LibraryError, match="is not there"):
        _credentials.find(PLACE, {**environ, "REGISTRY_AUTH_FILE": "/nowhere"})


# --- whom they are told


@pytest.mark.parametrize("tokens", [True, False])
def test_a_registry_is_told_who_asks_when_it_wants_to_know(environ, tmp_path, tokens):
    with MemoryRegistry(password=PASSWORD, tokens=tokens) as registry:
        assert tags_at(registry.host, with_password(environ)) == []
        with pytest.raises(_store.LibraryError, match="wants credentials, and none are given"):
            tags_at(registry.host, {**environ, "XDG_CACHE_HOME": str(tmp_path / "none")})
        assert registry.authorizations[0] is None


@pytest.mark.parametrize("tokens", [True, False])
def test_wrong_credentials_are_told_by_where_they_are_from(environ, tokens):
    with MemoryRegistry(password="another", tokens=tokens) as registry:
        with pytest.raises(_store.LibraryError) as told:
            tags_at(registry.host, with_password(environ))

    assert "does not accept the credentials from ITOPS_RELEASE_REGISTRY_USERNAME (401)" in str(
        told.value
    )
    assert PASSWORD not in str(told.value)


def test_a_token_that_ran_out_is_asked_for_again(environ):
    with MemoryRegistry(password=PASSWORD, tokens=True) as registry:
        layout = _layout_at.open_layout(f"oci://{registry.host}/shop", with_password(environ))
        layout._client._session._authorization = "Bearer stale"

        assert layout.descriptors() == []


def redirecting(url):
    return lambda handler: handler.reply(307, Location=url)


def test_only_the_registry_sees_credentials(environ):
    """A redirect to elsewhere is followed, as object stores need it, and told nothing."""
    with MemoryRegistry(password=PASSWORD) as registry, MemoryRegistry() as store:
        registry.manifests["shop-1"] = store.manifests["shop-1"] = ("text/plain", b"{}")
        registry.fail("GET", "tags/list", redirecting(f"http://{store.host}/v2/shop/tags/list"))
        environ = with_password(environ)
        registry.fail(
            "GET", "manifests", redirecting(f"http://{store.host}/v2/shop/manifests/shop-1")
        )

        layout = _layout_at.open_layout(f"oci://{registry.host}/shop", environ)
        layout._client._session._authorization = "Basic " + auth()["auth"]
        assert len(layout.descriptors()) == 1

        assert store.requests
        assert set(store.authorizations) == {None}


@pytest.mark.parametrize("where", ["http://198.18.0.1/blob", "ftp://127.0.0.1/x"])
def test_a_redirect_to_where_no_tls_is_is_refused(environ, where):
    with MemoryRegistry() as registry:
        registry.fail("GET", "tags/list", redirecting(where), times=9)
        with pytest.raises(_store.LibraryError, match="without TLS: refused"):
            tags_at(registry.host, environ)


@pytest.mark.parametrize("where", ["http://[", "https://[::1", "http://a b/", "//[x]/", ""])
def test_an_address_that_a_registry_makes_up_is_told_in_a_line(environ, where):
    with MemoryRegistry() as registry:
        registry.fail("GET", "tags/list", redirecting(where), times=99)
        with pytest.raises(_store.LibraryError, match=f"^oci://{registry.host}/shop: the regist"):
            tags_at(registry.host, environ)


def test_the_name_of_a_host_is_no_way_to_write_on_a_terminal(environ):
    with MemoryRegistry() as registry:
        registry.fail("GET", "tags/list", redirecting("http://a\x1b[31mb/"), times=9)
        with pytest.raises(_store.LibraryError) as told:
            tags_at(registry.host, environ)

    assert str(told.value).isprintable()


def test_redirects_end(environ):
    with MemoryRegistry() as registry:
        registry.fail("GET", "tags/list", redirecting("/v2/shop/tags/list"), times=99)
        with pytest.raises(_store.LibraryError, match="sends on and on"):
            tags_at(registry.host, environ)
        assert len(registry.requests) < 9


@pytest.mark.parametrize("realm", ["http://198.18.0.1/token", "", "file:///etc/passwd"])
def test_no_password_goes_to_a_service_for_tokens_without_tls(environ, realm):
    with MemoryRegistry() as registry:
        challenge = f'Bearer realm="{realm}",service="x"'
        registry.fail(
            "GET", "tags", lambda handler: handler.reply(401, WWW_Authenticate=challenge), times=9
        )
        with pytest.raises(_store.LibraryError, match="without TLS: refused"):
            tags_at(registry.host, with_password(environ))


def test_uploads_do_not_go_elsewhere(environ, tmp_path):
    with MemoryRegistry() as registry, MemoryRegistry() as other:
        where = f"http://{other.host}/v2/shop/blobs/uploads/1"
        registry.fail(
            "POST", "uploads", lambda handler: handler.reply(202, Location=where), times=9
        )
        layout = _layout_at.open_layout(f"oci://{registry.host}/shop", environ)
        layout.create()
        blob = layout.store_bytes(b"secret", "text/plain")
        with pytest.raises(_store.LibraryError, match="sends us on to 127"):
            layout._send_blob(blob)
        assert not other.requests


@pytest.mark.parametrize(
    ("status", "told"), [(403, "answers 403 DENIED to GET"), (418, "answers 418 to GET")]
)
def test_what_a_registry_answers_is_told_in_a_line(environ, status, told):
    body = b'{"errors":[{"code":"DENIED","message":"' + PASSWORD.encode() + b'\\n\\u001b[31m"}]}'
    with MemoryRegistry() as registry:
        registry.fail(
            "GET", "tags", lambda handler: handler.reply(status, body * (status == 403)), times=9
        )
        with pytest.raises(_store.LibraryError) as error:
            tags_at(registry.host, environ)

    assert str(error.value) == f"oci://{registry.host}/shop: the registry {told}"


def test_a_token_that_is_none_is_told(environ):
    with MemoryRegistry(password=PASSWORD, tokens=True) as registry:
        registry.fail("GET", "/token", lambda handler: handler.reply(200, b'{"token": "a\\nb"}'))
        with pytest.raises(_store.LibraryError, match="the service for tokens gives none"):
            tags_at(registry.host, with_password(environ))


def test_what_is_written_about_requests_has_no_addresses(environ, caplog):
    """Such as the signed ones of object stores, and those of uploads."""
    with MemoryRegistry(password=PASSWORD, tokens=True) as registry, caplog.at_level("DEBUG"):
        tags_at(registry.host, with_password(environ))

    assert PASSWORD not in caplog.text
    assert TOKEN not in caplog.text
    assert "tags/list" not in caplog.text


def test_nothing_of_netrc_is_used(environ, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    (home / ".netrc").write_text(f"machine 127.0.0.1 login ci password {PASSWORD}\n")
    (home / ".netrc").chmod(0o600)
    with MemoryRegistry() as registry:
        tags_at(registry.host, environ)

    assert registry.authorizations == [None]


# --- TLS


@pytest.fixture
def tls_registry(tmp_path):
    authority, server = certificates(tmp_path / "pki")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server)
    with MemoryRegistry(tls=context) as registry:
        registry.authority = authority
        yield registry


def trusting(environ, registry, tmp_path):
    """Name the authority of a registry as Docker and Podman do."""
    folder = tmp_path / "config/containers/certs.d" / registry.host
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(registry.authority.read_bytes())
    return environ


def test_a_private_authority_is_named_as_for_docker(environ, tls_registry, tmp_path):
    assert tags_at(tls_registry.host, trusting(environ, tls_registry, tmp_path)) == []


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_private_authority_is_named_by_the_environment(environ, tls_registry, tmp_path, variable):
    folder = tmp_path / "config/containers/certs.d" / tls_registry.host
    folder.mkdir(parents=True)
    environ = {**environ, variable: str(tls_registry.authority)}

    assert tags_at(tls_registry.host, environ) == []


def test_a_registry_that_nobody_vouches_for_is_refused(environ, tls_registry, tmp_path):
    folder = tmp_path / "config/containers/certs.d" / tls_registry.host
    certificates(folder / "other")
    (folder / "ca.crt").write_bytes((folder / "other/ca.crt").read_bytes())

    with pytest.raises(_store.LibraryError, match="TLS: "):
        tags_at(tls_registry.host, environ)

    assert not tls_registry.requests


def test_a_registry_with_tls_does_not_lead_to_loopback_without(environ, tls_registry, tmp_path):
    with MemoryRegistry() as other:
        where = f"http://{other.host}/v2/shop/tags/list"
        tls_registry.fail("GET", "tags/list", redirecting(where))
        with pytest.raises(_store.LibraryError, match="without TLS: refused"):
            tags_at(tls_registry.host, trusting(environ, tls_registry, tmp_path))

        assert not other.requests


def test_authorities_that_cannot_be_read_are_told(environ, tls_registry, tmp_path):
    trusting(environ, tls_registry, tmp_path)
    with pytest.raises(_store.LibraryError, match="/nowhere"):
        tags_at(tls_registry.host, {**environ, "SSL_CERT_FILE": "/nowhere"})


def test_the_library_that_is_missing_is_named(environ, monkeypatch):
    monkeypatch.setattr(_registry_session, "requests", None)
    with pytest.raises(_store.LibraryError, match="needs the Python library requests"):
        _layout_at.open_layout("oci://127.0.0.1:1/shop", environ)
