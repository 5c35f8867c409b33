# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which plugin file may import what: layers point down only, and hosts need nothing but Python."""

from __future__ import annotations

import ast
import graphlib
import pathlib
import sys

import pytest

PLUGINS = pathlib.Path(__file__).resolve().parents[2] / "plugins"
COLLECTION = "ansible_collections.itops.release.plugins."
# The folders of this collection that each folder may import from.
BELOW = {
    "modules": ["module_utils"],
    "module_utils": ["module_utils"],
    "plugin_utils": ["module_utils", "plugin_utils"],
    "action": ["module_utils", "plugin_utils"],
    "callback": ["module_utils", "plugin_utils"],
    "filter": ["module_utils", "plugin_utils"],
    "doc_fragments": [],
}
# The rooms of each side, from the ground up: none imports from one that comes after it.
ROOMS = {
    "module_utils": (
        "errors",
        "formats",
        "files",
        "release",
        "checksums",
        "sources",
        "git",
        "tree",
        "root",
        "probes",
        "deployment",
        "building",
        "options",
    ),
    "plugin_utils": (
        "run",
        "adapter",
        "rendering",
        "definition",
        "events",
        "ledger",
        "release",
        "oci",
        "registry",
        "library",
        "evidence",
        "environment",
        "compatibility",
        "deployment",
        "build_host",
        "building",
        "notes",
        "calendar",
        "policy",
        "plan",
        "registers",
        "gates",
        "handover",
        "measures",
        "pack",
        "report",
        "notices",
        "telemetry",
        "fleet",
        "planning",
        "train",
    ),
}
NEWER_THAN_PYTHON_38 = {"annotationlib", "compression", "graphlib", "tomllib", "zoneinfo"}
ANSIBLE = {"ansible", "ansible_collections"}
COMES_WITH_ANSIBLE = {"cryptography", "jinja2", "packaging", "resolvelib", "yaml"}


def required_imports(path, in_functions=True):
    """Yield the full names that *path* cannot do without.

    An import in a `try` with `except ImportError` is optional, and its absence is handled there.
    Without *in_functions*, only what the file needs to be imported itself.
    """
    waiting = [ast.parse(path.read_text("utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{source_of(node, path)}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.FunctionDef) and not in_functions:
            continue
        elif isinstance(node, ast.If) and is_for_types(node.test) and not in_functions:
            waiting += node.orelse
        elif isinstance(node, ast.Try) and any(map(catches_import_error, node.handlers)):
            waiting += [*node.handlers, *node.orelse, *node.finalbody]
        else:
            waiting += ast.iter_child_nodes(node)


def source_of(node, path):
    """Return the full name of the module that an `import from` in *path* names."""
    if not node.level:
        return node.module
    package = (COLLECTION + ".".join(path.parent.relative_to(PLUGINS).parts)).split(".")
    above = package[: len(package) + 1 - node.level]
    return ".".join([*above, node.module] if node.module else above)


def is_for_types(test):
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def catches_import_error(handler):
    return isinstance(handler.type, ast.Name) and handler.type.id == "ImportError"


def top(name):
    return name.split(".")[0]


def files(*folders):
    """Return the Python files in the *folders* of plugins, as pytest parameters named by path."""
    paths = sorted(path for folder in folders for path in (PLUGINS / folder).rglob("*.py"))
    return [pytest.param(path, id=str(path.relative_to(PLUGINS))) for path in paths]


def domain_files():
    """Return the files of all rooms but the one whose business Ansible is."""
    rooms = [file for file in files("module_utils", "plugin_utils") if "/_" in file.id]
    return [file for file in rooms if not file.id.startswith("plugin_utils/adapter/")]


@pytest.mark.parametrize("path", files(*BELOW))
def test_layers_point_down_only(path):
    below = BELOW[path.relative_to(PLUGINS).parts[0]]
    ours = {name for name in required_imports(path) if top(name) == "ansible_collections"}

    assert {n for n in ours if not n.startswith(tuple(COLLECTION + b for b in below))} == set()


@pytest.mark.parametrize("path", files("module_utils", "plugin_utils"))
def test_rooms_are_built_on_those_below_them(path):
    side, room, _file = path.relative_to(PLUGINS).parts
    rooms = ROOMS[side]
    above = rooms[rooms.index(room) + 1 :]
    ours = {name.removeprefix(COLLECTION) for name in required_imports(path)}

    assert {n for n in ours if n.startswith(tuple(f"{side}.{room}." for room in above))} == set()


@pytest.mark.parametrize("path", files("modules", "module_utils"))
def test_hosts_need_only_the_oldest_standard_library(path):
    from_ansible = {n for n in required_imports(path) if top(n) == "ansible"}
    others = {top(n) for n in required_imports(path)} - ANSIBLE

    assert {n for n in from_ansible if not n.startswith("ansible.module_utils.")} == set()
    assert others - sys.stdlib_module_names == set()
    assert others & NEWER_THAN_PYTHON_38 == set()


@pytest.mark.parametrize("path", domain_files())
def test_domain_code_does_not_know_ansible(path):
    assert [name for name in required_imports(path) if top(name) == "ansible"] == []


@pytest.mark.parametrize("path", files("plugin_utils", "action", "callback", "filter"))
def test_a_missing_library_stops_only_what_needs_it(path):
    at_once = {top(name) for name in required_imports(path, in_functions=False)} - ANSIBLE

    assert at_once - sys.stdlib_module_names - COMES_WITH_ANSIBLE == set()


def file_of(name):
    """Return the path that the module *name* below plugins would have."""
    return PLUGINS / (name.replace(".", "/") + ".py")


def modules_of(path):
    """Return the files of the collection that *path* imports, in functions and for types too."""
    names = [name.removeprefix(COLLECTION) for name in required_imports(path)]
    found = [file_of(name) for name in names] + [file_of(name.rpartition(".")[0]) for name in names]
    return {file for file in found if file.is_file()} - {path}


def test_no_files_import_each_other_in_a_circle():
    graph = {path: modules_of(path) for path in PLUGINS.rglob("*.py")}
    assert sum(map(len, graph.values())) > len(graph)  # they are found at all

    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        names = " imports ".join(str(path.relative_to(PLUGINS)) for path in reversed(error.args[1]))
        pytest.fail(names)


# Ansible sends to a host, at each call, all that a module could import.
ONLY_FOR_SEALING = {
    "_archive",
    "_archive_stream",
    "_archive_tar",
    "_archive_zip",
    "_compressor",
    "_confined",
    "_kind_archive",
    "_kind_files",
    "_kinds",
    "_layer",
    "_scan",
}


@pytest.mark.parametrize("module", ["release_deployment", "release_deployment_info"])
def test_what_only_sealing_needs_does_not_travel_to_hosts(module):
    travelling, waiting = set(), [PLUGINS / "modules" / f"{module}.py"]
    while waiting:
        names = {name.removeprefix(COLLECTION) for name in required_imports(waiting.pop())}
        imported = {path for path in map(file_of, names) if path.exists()} - travelling
        waiting += imported
        travelling |= imported
    travelling = {path.stem for path in travelling}

    assert "_manifest" in travelling
    assert travelling & ONLY_FOR_SEALING == set()
