# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SBOMs made elsewhere: CycloneDX in JSON, as the official schema of its version says.

The schemas are those that cyclonedx-python-lib brings; nothing is fetched.
Source: https://github.com/CycloneDX/specification/tree/master/schema
"""

from __future__ import annotations

import functools
import itertools
import json
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ..definition import _schema_file
from . import _attachments

if TYPE_CHECKING:
    from jsonschema import ValidationError

MOST_ERRORS = 100
TOLD, LONGEST = 3, 80  # places that are named, and how much of what is wrong there
SCHEMAS = "http://cyclonedx.org/schema/"


class SbomError(ReleaseError):
    """A file is not an SBOM that can be attached; the text is one line."""

    code = "invalid_sbom"


def read(path: str) -> dict[str, Any]:
    """Return the SBOM in the file *path* as plain data, or raise SbomError."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(_attachments.LARGEST_STATEMENT + 1)
    except OSError as error:
        raise SbomError(
            f"{path}: {error.strerror}; sbom names a bill of materials on the controller"
        ) from None
    try:
        if len(data) > _attachments.LARGEST_STATEMENT:
            raise SbomError(f"larger than {_attachments.LARGEST_STATEMENT:,} bytes")
        plain = _canonical.loads(data, floats=True)
        check(plain)
        return plain
    except SbomError as error:
        raise SbomError(f"{path}: {error}") from None
    except _canonical.CanonicalError as error:
        raise SbomError(f"{path}: {_canonical.one_line(error)}") from None


def check(plain: object) -> None:
    """Raise SbomError, which names the first places, unless *plain* is an SBOM by its schema."""
    if isinstance(plain, dict) and "spdxVersion" in plain:
        raise SbomError("it is of SPDX; expected CycloneDX in JSON")
    if not isinstance(plain, dict) or plain.get("bomFormat") != "CycloneDX":
        raise SbomError("it has no bomFormat of CycloneDX; expected CycloneDX in JSON")
    files = _schemas()
    version = plain.get("specVersion")
    if not isinstance(version, str) or version not in files.versions:
        known = ", ".join(files.versions)
        raise SbomError(f"specVersion is {version!r:.40}; expected one of {known}")
    try:
        found = list(itertools.islice(_validator(files, version).iter_errors(plain), MOST_ERRORS))
    except RecursionError:
        raise SbomError("nested too deep") from None
    if found:
        found.sort(key=lambda error: [(isinstance(key, str), key) for key in error.absolute_path])
        lines = [_line(error) for error in found[:TOLD]]
        if len(found) > TOLD:
            lines.append(f"and {'many' if len(found) == MOST_ERRORS else len(found) - TOLD} more")
        raise SbomError(f"not as the schema of CycloneDX {version} says: {'; '.join(lines)}")


def _line(error: ValidationError) -> str:
    where = _schema_file.spell(tuple(error.absolute_path)) or "the file"
    return _canonical.one_line(f"{where[:100]}: {error.message[:LONGEST]}")


class _Schemas:
    """The schema files of the library, by their versions in their order."""

    def __init__(self, resources: types.ModuleType) -> None:
        known = {version.to_version(): path for version, path in resources.BOM_JSON.items() if path}
        self.versions = dict(sorted(known.items()))
        self.others = {
            "spdx.SNAPSHOT.schema.json": resources.SPDX_JSON,
            "jsf-0.82.SNAPSHOT.schema.json": resources.JSF,
            "cryptography-defs.SNAPSHOT.schema.json": resources.CRYPTOGRAPHY_DEFS,
        }


def _schemas() -> _Schemas:
    try:
        from cyclonedx.schema import _res
    except ImportError:
        raise _schema_file.MissingLibrary("cyclonedx-python-lib") from None
    return _Schemas(_res)


def _validator(files: _Schemas, version: str) -> Any:
    """Return what validates an SBOM; the library's own takes time by the square of components."""
    try:
        import jsonschema
        import referencing
        import referencing.jsonschema
    except ImportError:
        raise _schema_file.MissingLibrary("jsonschema") from None
    draft = jsonschema.Draft7Validator
    made = jsonschema.validators.extend(draft, {"uniqueItems": _unique})
    resources = [
        (SCHEMAS + name, referencing.jsonschema.DRAFT7.create_resource(_load(path)))
        for name, path in files.others.items()
    ]
    registry = referencing.Registry().with_resources(resources)
    return made(
        _load(files.versions[version]), registry=registry, format_checker=draft.FORMAT_CHECKER
    )


@functools.lru_cache(maxsize=None)
def _load(path: str) -> Any:
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)


def _unique(validator: Any, wanted: bool, instance: Any, rule: object) -> Iterator[ValidationError]:
    import jsonschema

    del rule
    if wanted and validator.is_type(instance, "array"):
        if len(set(map(_canonical.dumps, instance))) < len(instance):
            yield jsonschema.ValidationError("an item stands twice")
