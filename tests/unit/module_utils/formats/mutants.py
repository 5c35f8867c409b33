# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/module_utils/formats/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check

CANONICAL = "module_utils/formats/_canonical.py"
CODEC = "module_utils/formats/_codec.py"
FORMATS_TESTS = "behaviour/test_formats.py"
CANONICAL_TESTS = "unit/module_utils/formats/test_canonical.py"
CODEC_TESTS = "unit/module_utils/formats/test_codec.py"

MUTANTS = (
    check(
        "refusing repeated keys",
        CANONICAL,
        "len(value) != len(pairs)",
        f"{CANONICAL_TESTS} two_readers",
    ),
    Mutant(
        "refusing NaN and floats",
        CANONICAL,
        'raise CanonicalError("number %s is not an integer" % text)',
        "return float(text)",
        f"{CANONICAL_TESTS} two_readers",
    ),
    check(
        "refusing large integers",
        CANONICAL,
        "len(text) > 17 or abs(int(text)) > LARGEST_INTEGER",
        f"{CANONICAL_TESTS} two_readers and not 9999",
    ),
    check(
        "comparing the sum of what is remembered",
        CANONICAL,
        '"sum" in plain and plain != summed(rest)',
        f"{FORMATS_TESTS} any_byte",
    ),
    check(
        "refusing half a character",
        CANONICAL,
        r'b"\\ud" in data or b"\\uD" in data',
        f"{CANONICAL_TESTS} half_a_character",
    ),
    Mutant(
        "telling only what is printable of a file",
        CANONICAL,
        "char.isprintable()",
        "char",
        f"{CANONICAL_TESTS} one_printable_line",
    ),
    check(
        "the end of a compressed stream",
        CODEC,
        "self._decompressor.unused_data or self._stream.read(1)",
        f"{CODEC_TESTS} behind",
    ),
    Mutant(
        "noticing a stream that is cut",
        CODEC,
        'raise CodecError("the compressed stream is cut short")',
        'return b""',
        f"{CODEC_TESTS} cut",
    ),
    Mutant(
        "flat memory with gzip",
        CODEC,
        "self._inner.decompress(self._inner.unconsumed_tail + data, max_length)",
        "self._inner.decompress(self._inner.unconsumed_tail + data)",
        f"{CODEC_TESTS} bomb",
    ),
    Mutant(
        "flat memory with zstd",
        CODEC,
        "PIECE_BYTES = 512",
        "PIECE_BYTES = 65536",
        f"{CODEC_TESTS} bomb",
    ),
)
