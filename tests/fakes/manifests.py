# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hypothesis strategies for manifests that may be sealed."""

from __future__ import annotations

from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.module_utils.release import _manifest
from ansible_collections.itops.release.tests.fakes.estate import (
    component,
    directory,
    file,
    link,
    manifest,
)

DECLARATIONS = st.sampled_from([["api >=3.1,<4"], {"web-api": "2.4.0"}, "pep440", [{"a": "é"}]])
NAMES = st.sampled_from(["a", "b", "lib", "é", "日本", "x" * 120, "A b", "-c"])
CONTENTS = st.text(alphabet="ab\n", max_size=30)


@st.composite
def entries(draw, contents, prefix="", depth=2):
    """Draw the sorted entries of one directory, and of those in it."""
    found = []
    for name in sorted(draw(st.sets(NAMES, max_size=4))):
        path = prefix + name
        what = draw(st.sampled_from(["file", "link", "directory"] if depth else ["file", "link"]))
        if what == "directory":
            found += [directory(path), *draw(entries(contents, path + "/", depth - 1))]
        elif what == "link":
            found.append(link(path, draw(st.sampled_from(["nowhere", ".", "./none/../none"]))))
        else:
            flags = draw(
                st.fixed_dictionaries(
                    {"exec": st.booleans(), "private": st.booleans(), "writable": st.booleans()}
                )
            )
            found.append(file(path, draw(contents), **flags))
    return sorted(found, key=lambda entry: entry.path.encode("utf-8"))


@st.composite
def manifests(draw, contents=None):
    """Draw a manifest of up to three components that do not collide, of the texts *contents*."""
    texts = CONTENTS if contents is None else st.sampled_from(contents)
    names = sorted(draw(st.sets(st.sampled_from(["api", "db", "web"]))))
    components = [
        component(*draw(entries(texts)), name=name, path="opt/" + name)._replace(
            about=draw(abouts(_manifest.ABOUT_COMPONENT))
        )
        for name in names
    ]
    return manifest(
        *components,
        version=draw(st.sampled_from(["1", "1.2.3~rc+1"])),
        serial=draw(st.integers(0, 2**53 - 1)),
    )._replace(about=draw(abouts(_manifest.ABOUT_RELEASE)))


def abouts(keys):
    """Draw what may be declared with *keys* beside the files."""
    declared = st.dictionaries(st.sampled_from(sorted(keys)), DECLARATIONS, max_size=2)
    return declared.map(lambda about: tuple(sorted(about.items())))
