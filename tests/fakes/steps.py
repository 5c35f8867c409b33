# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recording the system calls on whose order durability depends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.itops.release.plugins.module_utils.files import _durable

Step = tuple[str, str]


@contextlib.contextmanager
def durable_steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Step]]:
    """Give a list that gets (call, name of the file) of each fsync, rename and unlink done here.

    A rename is listed by its new name. A barrier is ("barrier", "").
    """
    steps: list[Step] = []

    def listed(
        call: str, real: Callable[..., Any], names: Callable[..., str]
    ) -> Callable[..., Any]:
        def do(*args: Any, **kwargs: Any) -> Any:
            result = real(*args, **kwargs)
            steps.append((call, names(*args).rpartition("/")[2]))
            return result

        return do

    with monkeypatch.context() as patched:
        patched.setattr(
            os, "fsync", listed("fsync", os.fsync, lambda fd: os.readlink(f"/proc/self/fd/{fd}"))
        )
        patched.setattr(
            os, "rename", listed("rename", os.rename, lambda _old, new: os.fsdecode(new))
        )
        patched.setattr(os, "unlink", listed("unlink", os.unlink, os.fsdecode))
        patched.setattr(_durable, "barrier", listed("barrier", _durable.barrier, lambda _fd: ""))
        yield steps
