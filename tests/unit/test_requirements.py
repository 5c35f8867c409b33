# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requirements name each library that the controller imports, and the whole names each part."""

from __future__ import annotations

import ast
import pathlib
import re
import sys
from importlib.metadata import packages_distributions

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = sorted((ROOT / "requirements").glob("*.txt"))
COMES_WITH = {
    "ansible-core": {"cryptography", "jinja2", "markupsafe", "pyyaml"},
    "cyclonedx-python-lib": {"packageurl-python"},
    "jsonschema": {"referencing"},
}
NOT_LISTED = {"ansible-core"}.union(*COMES_WITH.values())
# cryptography imports bcrypt, for a private key with a passphrase; SQLAlchemy imports psycopg.
NOT_IMPORTED = {"bcrypt", "psycopg"}


def libraries(path: pathlib.Path) -> set[str]:
    return set(re.findall(r"^[a-z][a-z0-9-]*", path.read_text(encoding="utf-8"), re.MULTILINE))


def imported(path: pathlib.Path) -> set[str]:
    """Return the top names of all that *path* imports anywhere, relative imports left out."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").partition(".")[0])
    return names


def test_each_library_that_plugins_import_is_required_and_no_other() -> None:
    names = set().union(*map(imported, (ROOT / "plugins").rglob("*.py")))
    known = packages_distributions()
    third = {name.lower() for top in names - sys.stdlib_module_names for name in known.get(top, ())}

    assert set().union(*map(libraries, PARTS)) - NOT_IMPORTED == third - NOT_LISTED


def test_no_library_is_required_twice() -> None:
    listed = [name for part in PARTS for name in libraries(part)]

    assert len(listed) == len(set(listed))


def test_the_whole_list_names_each_part() -> None:
    """An execution environment is made of requirements.txt alone."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")

    assert re.findall("^-r (.+)$", text, re.MULTILINE) == [
        f"requirements/{name}.txt"
        for name in ("core", "registry", "evidence", "ledger", "plan", "train", "notices")
    ]
    assert len(PARTS) == 7
