# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that changes a file all the time, in place, between what is good and what is not."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
import traceback

from ansible_collections.itops.release.plugins.module_utils.checksums import _lines
from ansible_collections.itops.release.plugins.module_utils.deployment import _transaction
from ansible_collections.itops.release.plugins.module_utils.formats import _codec
from ansible_collections.itops.release.plugins.module_utils.release import (
    _layer,
    _manifest,
    _pack,
    _scan,
)
from ansible_collections.itops.release.plugins.plugin_utils.building import _sealing
from ansible_collections.itops.release.plugins.plugin_utils.oci import _layout

PIECE = 4096
LONGEST_S = 0.02  # between two changes
REFUSALS = (
    OSError,
    _lines.ChecksumError,
    _codec.CodecError,
    _layer.LayerError,
    _layout.LibraryError,
    _manifest.ManifestError,
    _pack.PackError,
    _scan.ScanError,
    _sealing.SealingError,
    *_transaction.OURS,
)


@contextlib.contextmanager
def flipped(path, *contents):
    """Let a process write one of *contents*, which are equally long, after the other to *path*.

    The first one is there in the end.
    """
    with open(path, "r+b", buffering=0) as stream:
        child = os.fork()
        if not child:
            try:
                while True:
                    for content in (*contents[1:], contents[0]):
                        os.pwrite(stream.fileno(), content, 0)
                        time.sleep(random.uniform(0, LONGEST_S))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        try:
            yield
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.pwrite(stream.fileno(), contents[0], 0)


def altered(data, seed):
    """Return *data* with some bytes of it changed, none of the first PIECE."""
    chance = random.Random(seed)
    changed = bytearray(data)
    for _time in range(3):
        changed[chance.randrange(min(PIECE, len(data) // 2), len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)
