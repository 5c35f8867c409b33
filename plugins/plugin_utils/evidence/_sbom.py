# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bill of materials (SBOM) of a release: CycloneDX in JSON, made from what is in its files.

It is a function of the files and of what is declared of them: nothing in it is of a clock, a
machine or chance, so that everybody makes the same.
Source: https://cyclonedx.org/specification/overview/
"""

from __future__ import annotations

import json
import types
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ...module_utils.formats import _canonical
from ...module_utils.git import _address
from ...module_utils.release import _layer, _manifest
from ..definition import _schema_file
from ..library._catalogue import Catalogue
from ..release._stored import Stored
from . import _package_files, _packages

if TYPE_CHECKING:
    from cyclonedx.model import ExternalReference
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component as CycloneComponent
    from cyclonedx.model.dependency import Dependency
    from cyclonedx.model.license import License
    from packageurl import PackageURL

# Reads the files of a component, as ``_packages.find`` wants it.
Stream = Callable[[_manifest.Component, _packages.Sink], object]

TYPE = "application/vnd.cyclonedx+json"
PREDICATE_TYPE = "https://cyclonedx.org/bom"
PATH, INCOMPLETE = "itops:release:path", "itops:release:incomplete"
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # that of URLs, RFC 9562


def of_stored(library: Catalogue, stored: Stored) -> bytes:
    """Return the SBOM of a Stored release as bytes, read from its layers, each once at most."""

    def stream(component: _manifest.Component, sink: _packages.Sink) -> None:
        with library.read_layer(stored, component) as read_bytes:
            _layer.read(component.entries, read_bytes, sink)

    return make(stored.manifest, stream)


def require() -> None:
    """Raise MissingLibrary unless SBOMs can be made here."""
    _model()


def make(manifest: _manifest.Manifest, stream: Stream) -> bytes:
    """Return the SBOM of a Manifest as bytes; ``stream(component, sink)`` reads its files.

    Each component of the release is one in the SBOM; within it are the packages that its files
    tell of. One that tells of none is known by the digest of its entries. For *sink* see
    ``_packages.find``.
    """
    model = _model()
    bom = model.bom.Bom(serial_number=_number(manifest))
    bom.metadata.timestamp = None
    bom.metadata.component = root = model.component.Component(
        name=manifest.name,
        version=manifest.version,
        type=model.component.ComponentType.APPLICATION,
        bom_ref=f"release:{manifest.name}",
    )
    parts = [_component(model, component, stream) for component in manifest.components]
    bom.components.update(parts)
    bom.dependencies.update(_dependencies(model, root, parts))
    return _written(bom)


def _dependencies(
    model: types.SimpleNamespace, root: CycloneComponent, parts: list[CycloneComponent]
) -> list[Dependency]:
    """Return what depends on what; the library's own way takes time by the square of packages."""
    packages = [package for part in parts for package in part.components]
    wanted = [(root, parts), *((part, part.components) for part in parts)]
    wanted += [(package, ()) for package in packages]
    return [
        model.Dependency(item.bom_ref, [model.Dependency(other.bom_ref) for other in others])
        for item, others in wanted
    ]


def _component(
    model: types.SimpleNamespace, component: _manifest.Component, stream: Stream
) -> CycloneComponent:
    found = _packages.find(component.entries, lambda sink: stream(component, sink))
    notes = []
    if not found.is_complete:
        most = f"{_packages.MOST_PACKAGES:,}"
        notes = [model.Property(name=INCOMPLETE, value=f"more than {most} packages")]
    return model.component.Component(
        name=component.name,
        version=component.version,
        type=model.component.ComponentType.APPLICATION,
        bom_ref=f"component:{component.name}",
        hashes=[model.HashType(alg=model.HashAlgorithm.SHA_256, content=_digest(component))],
        external_references=_repositories(model, component),
        properties=notes,
        components=[
            *(_package(model, package, component.name) for package in _unpacked(component)),
            *(
                _package(model, package, f"{component.name}/{package.path}")
                for package in found.packages
            ),
        ],
    )


def _unpacked(component: _manifest.Component) -> Iterator[_package_files.Package]:
    """Yield the Debian packages that a component was unpacked from, of which no file tells.

    Their architecture is not known: it is not sealed.
    """
    for kind, place, _commit in _materials(component):
        if kind == "deb":
            name, _equals, version = place.partition("=")
            yield _packages.debian(name, version)


def _repositories(
    model: types.SimpleNamespace, component: _manifest.Component
) -> list[ExternalReference]:
    """Return where a component's sources lie, with the commit."""
    kind = model.ExternalReferenceType.VCS
    return [
        model.ExternalReference(type=kind, url=model.XsUri(place), comment=commit)
        for source, place, commit in _materials(component)
        if source == "git" and "://" in place
    ]


def _materials(component: _manifest.Component) -> list[tuple[str | None, str, str | None]]:
    """Return (kind, place, commit) of what a component was built from, without secrets."""
    declared = dict(component.about).get("materials")
    return [
        (item.get("kind"), _address.shown(item["place"]), item.get("commit"))
        for item in (declared if isinstance(declared, list) else ())
        if isinstance(item, dict) and isinstance(item.get("place"), str)
    ]


def _package(
    model: types.SimpleNamespace, package: _package_files.Package, place: str
) -> CycloneComponent:
    address = _package_url(package)
    return model.component.Component(
        name=package.name,
        version=package.version or None,
        type=model.component.ComponentType.LIBRARY,
        purl=address,
        bom_ref=f"{address or package.name}#{place}",
        licenses=_licences(model, package.licences),
        properties=[model.Property(name=PATH, value=place)],
    )


def _licences(model: types.SimpleNamespace, told: tuple[str, ...]) -> list[License]:
    """Return licences as CycloneDX has them: one expression, or any number of names."""
    if len(told) == 1:
        return [model.licences.make_from_string(told[0])]
    kinds = [{"id": name} if model.is_id(name) else {"name": name} for name in told]
    return [model.DisjunctiveLicense(**kind) for kind in kinds]


def _package_url(package: _package_files.Package) -> PackageURL | None:
    """Return the package URL of a Package, None if its name does not make one.

    Source: https://github.com/package-url/purl-spec
    """
    from packageurl import PackageURL

    namespace, name = None, package.name
    qualifiers = {}
    if package.system == "npm" and name.startswith("@"):
        namespace, _slash, name = name.partition("/")
    elif package.system == "deb":
        namespace = package.distribution
        qualifiers = {"arch": package.architecture} if package.architecture else {}
    try:
        address = PackageURL(package.system, namespace, name, package.version or None, qualifiers)
        return PackageURL.from_string(address.to_string())
    except (TypeError, ValueError):  # both come of a name such as "/"
        return None


def _digest(component: _manifest.Component) -> str:
    plain = [_manifest.entry_to_plain(entry) for entry in component.entries]
    return _canonical.sha256_hex(_canonical.dumps(plain))


def _number(manifest: _manifest.Manifest) -> uuid.UUID:
    """Return a number that the same release always has."""
    parts = [[component.name, _digest(component)] for component in manifest.components]
    name = _canonical.dumps([manifest.name, manifest.version, manifest.serial, parts])
    return uuid.uuid5(NAMESPACE, _canonical.sha256_hex(name))


def _written(bom: Bom) -> bytes:
    from cyclonedx.output.json import BY_SCHEMA_VERSION

    text = BY_SCHEMA_VERSION[max(BY_SCHEMA_VERSION)](bom).output_as_string()
    return json.dumps(json.loads(text), indent=1, sort_keys=True).encode("utf-8") + b"\n"


def _model() -> types.SimpleNamespace:
    """Return what is used of the library, which is imported only where it is needed."""
    try:
        from cyclonedx import model, spdx
        from cyclonedx.contrib.license.factories import LicenseFactory
        from cyclonedx.model import bom, component, dependency
        from cyclonedx.model import license as licence
    except ImportError:
        raise _schema_file.MissingLibrary("cyclonedx-python-lib") from None
    return types.SimpleNamespace(
        bom=bom,
        component=component,
        licences=LicenseFactory(),
        is_id=spdx.is_supported_id,
        Dependency=dependency.Dependency,
        DisjunctiveLicense=licence.DisjunctiveLicense,
        ExternalReference=model.ExternalReference,
        ExternalReferenceType=model.ExternalReferenceType,
        HashAlgorithm=model.HashAlgorithm,
        HashType=model.HashType,
        Property=model.Property,
        XsUri=model.XsUri,
    )
