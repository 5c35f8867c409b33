# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/pack/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

PACK, TAR = "plugin_utils/pack/_pack.py", "plugin_utils/pack/_tar.py"
CONTENTS, INDEX = "plugin_utils/pack/_contents.py", "plugin_utils/pack/_index.py"
TESTS = "unit/plugin_utils/pack/test_"

MUTANTS = (
    Mutant(
        "one order of the files in a pack",
        TAR,
        'sorted(files, key=lambda file: file.name.encode("ascii", "replace"))',
        "list(files)",
        f"{TESTS}tar.py any_order",
    ),
    check(
        "noticing a file that changes while a pack is written",
        TAR,
        "stream.tell() != begin + file.size",
        f"{TESTS}tar.py leaves_the_old_pack",
    ),
    Mutant(
        "the sum in an index",
        INDEX,
        '_canonical.dumps({**plain, "sum": sum_of(plain)})',
        "_canonical.dumps(plain)",
        f"{TESTS}index.py has_its_sum",
    ),
    Mutant(
        "reading an index only from its very bytes",
        INDEX,
        "return index if index.data == data else None",
        "return index",
        f"{TESTS}index.py any_other_byte",
    ),
    check(
        "refusing a ledger whose chain is broken",
        CONTENTS,
        "not is_next or hash_of(event) != event.hash",
        f"{TESTS}contents.py altered",
    ),
    check(
        "refusing a chain that does not end with the head",
        CONTENTS,
        "previous != head.hash",
        f"{TESTS}contents.py another_head",
    ),
    Mutant(
        "leaving out what no key of trust signed",
        CONTENTS,
        "_attachments.examine(found[digest], label, source.known)",
        "_attachments.examine(found[digest], label, None)",
        f"{TESTS}contents.py left_out",
    ),
    check(
        "keeping pages below their folder",
        CONTENTS,
        "not PAGE.match(path)",
        f"{TESTS}contents.py below_pages",
    ),
    check(
        "signing where the closer is said to sign",
        PACK,
        "(sign is not None) != (index.closer.strength == _index.SIGNED)",
        f"{TESTS}pack.py go_together",
    ),
    Mutant(
        "comparing what is in a pack with what is to be in it",
        PACK,
        "old is None or old.without_moment() != index.without_moment()",
        "old is None",
        f"{TESTS}pack.py stays_until",
    ),
    Mutant(
        "comparing a pack to the byte",
        PACK,
        "return filecmp.cmp(made, dest, shallow=False)",
        "return True",
        f"{TESTS}pack.py damaged",
    ),
    omit(
        "removing what a failed pack leaves",
        TAR,
        "os.unlink(temporary)",
        f"{TESTS}tar.py leaves_the_old_pack",
    ),
)
