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

from ansible_collections.itops.release.plugins.module_utils.errors._release_error import (
    ReleaseError,
)

PIECE = 4096
LONGEST_S = 0.02  # between two changes
REFUSALS = (OSError, ReleaseError)


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
