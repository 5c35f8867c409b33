# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/module_utils/release/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

DELTA = "module_utils/release/_delta.py"
LAYER = "module_utils/release/_layer.py"
MANIFEST = "module_utils/release/_manifest.py"
PACK = "module_utils/release/_pack.py"
SCAN = "module_utils/release/_scan.py"
MEMORY_TESTS = "behaviour/test_memory.py"
DELTA_TESTS = "unit/module_utils/release/test_delta.py"
LAYER_TESTS = "unit/module_utils/release/test_layer.py"
MANIFEST_TESTS = "unit/module_utils/release/test_manifest.py"
PACK_TESTS = "unit/module_utils/release/test_pack.py"
SCAN_TESTS = "unit/module_utils/release/test_scan.py"
ARCHIVE_HOSTILE_TESTS = "unit/module_utils/sources/test_archive_hostile.py"

MUTANTS = (
    check(
        "bounds of a difference",
        DELTA,
        "not 0 <= first < first + count <= len(held)",
        f"{DELTA_TESTS} no_sense",
    ),
    check(
        "refusing fields that no digest covers",
        DELTA,
        "_manifest.entry_to_plain(entry) != item",
        f"{DELTA_TESTS} no_sense",
    ),
    check(
        "noticing a file that changes while it is sealed", LAYER, "left", f"{LAYER_TESTS} changes"
    ),
    check(
        "the digests in a layer",
        LAYER,
        "digest.hexdigest() != entry.sha256",
        f"{LAYER_TESTS} altered",
    ),
    check("a layer's end", LAYER, "read_bytes(1)", f"{LAYER_TESTS} goes_on"),
    check(
        "the manifest's digest",
        MANIFEST,
        "digest_of(data) != digest",
        f"{MANIFEST_TESTS} other_bytes",
    ),
    check(
        "the canonical form", MANIFEST, "render(manifest) != data", f"{MANIFEST_TESTS} malformed"
    ),
    check(
        "refusing newer formats",
        MANIFEST,
        'plain["format"] != FORMAT',
        f"{MANIFEST_TESTS} malformed",
    ),
    check(
        "refusing control characters", MANIFEST, "CONTROL.search(path)", f"{MANIFEST_TESTS} path"
    ),
    Mutant(
        "refusing ..",
        MANIFEST,
        'name in (b"", b".", b"..")',
        'name in (b"", b".")',
        f"{MANIFEST_TESTS} path",
    ),
    check("refusing absolute paths", MANIFEST, 'path.startswith("/")', f"{MANIFEST_TESTS} path"),
    check(
        "sorted entries",
        MANIFEST,
        "any(a >= b for a, b in zip(paths, paths[1:]))",
        f"{MANIFEST_TESTS} sorted",
    ),
    Mutant(
        "keeping links inside",
        MANIFEST,
        'raise ManifestError("link %r leaves its component: %r" % (path, target))',
        "continue",
        f"{MANIFEST_TESTS} link",
    ),
    check(
        "links through no link",
        MANIFEST,
        'there and there.type == "symlink" and any(names[number + 1 :])',
        f"{MANIFEST_TESTS} link",
    ),
    omit(
        "looking at links across components",
        MANIFEST,
        "check_links(entries.values())",
        f"{MANIFEST_TESTS} another_components_link",
    ),
    Mutant(
        "refusing links in a circle",
        MANIFEST,
        'raise ManifestError("link %r leads back to itself" % entry.path)',
        "break",
        f"{MANIFEST_TESTS} link",
    ),
    omit(
        "refusing components that collide",
        MANIFEST,
        'raise ManifestError("two components bring %r" % entry.path)',
        f"{MANIFEST_TESTS} same_place",
    ),
    omit(
        "the digest of a manifest that was put together",
        MANIFEST,
        "_check_digest(data, digest)",
        f"{MANIFEST_TESTS} put_together",
        within="verified",
    ),
    omit(
        "checking a manifest that was put together",
        MANIFEST,
        "_check(manifest)",
        f"{MANIFEST_TESTS} put_together",
        within="verified",
    ),
    Mutant(
        "refusing a manifest in which a key stands twice",
        MANIFEST,
        "render(manifest) != data",
        "len(render(manifest)) > len(data)",
        f"{MANIFEST_TESTS} twice",
    ),
    check(
        "refusing chains of links that no kernel follows",
        MANIFEST,
        "len(seen) == MOST_LINKS",
        f"{ARCHIVE_HOSTILE_TESTS} hostile_tar",
    ),
    check("the digests in a pack", PACK, "digest.hexdigest() != sha256", f"{PACK_TESTS} altered"),
    check("a pack's end", PACK, "read_bytes(1)", f"{PACK_TESTS} goes_on"),
    Mutant(
        "the digest that was asked for",
        PACK,
        "_manifest.parse(data, digest)",
        "_manifest.parse(data, _manifest.digest_of(data))",
        f"{PACK_TESTS} altered or another_release",
    ),
    Mutant(
        "the digest that was asked for, of a difference",
        PACK,
        "_manifest.verified(manifest, digest)",
        "_manifest.render(manifest)",
        f"{PACK_TESTS} altered or another_release",
    ),
    Mutant(
        "checking a pack's header",
        PACK,
        "good",
        "True",
        f"{PACK_TESTS} header",
        within="read_header",
    ),
    Mutant(
        "reading contents in bounded pieces",
        PACK,
        "read_bytes(min(count, _codec.CHUNK_BYTES))",
        "read_bytes(count)",
        f"{MEMORY_TESTS} noise",
    ),
    check(
        "a second pack that brings what was asked for again",
        PACK,
        "header.again != digest_of_again(again)",
        f"{PACK_TESTS} again",
    ),
    check("refusing special files", SCAN, "not stat.S_ISREG(mode)", f"{SCAN_TESTS} refused"),
    check(
        "refusing what others cannot read",
        SCAN,
        "not private and not mode & stat.S_IROTH",
        f"{SCAN_TESTS} refused",
    ),
)
