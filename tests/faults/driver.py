# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does an operation in a process that a sweep breaks: ``driver.py host|controller|ledger [JOB]``.

JOB is a JSON file: on a host ``request``; on the controller ``act`` and ``folder``; for a ledger
what ``ledger.append`` takes.
What the operation answers is printed as JSON; the exit status is 1 where that is a failure.
Without JOB, lines on standard input give one each, and its environment. A child does it as soon as
one more byte comes: its pid is printed before, the answer after, and at last its status.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.dev"))

PR_SET_PTRACER = 0x59616D61
ANYBODY = ctypes.c_ulong(-1)


def main():
    where, *job = sys.argv[1:]
    act = {"host": _on_host, "controller": _on_controller, "ledger": _in_ledger}[where]()
    return _do(act, *job) if job else _serve(act)


def _serve(act):
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            os.environ.update(order["environment"])
            # Else some kernels let only our ancestors trace us.
            ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANYBODY, 0, 0, 0)
            print(os.getpid(), flush=True)
            os.read(sys.stdin.fileno(), 1)
            return _do(act, order["job"])
        _pid, status = os.waitpid(pid, 0)
        print(f"\n{os.WTERMSIG(status) * -1 or os.WEXITSTATUS(status)}", flush=True)
    return 0


def _do(act, path):
    with open(path, encoding="utf-8") as stream:
        answer = act(json.load(stream))
    sys.stdout.write(json.dumps(answer))
    return 1 if answer.get("failed") else 0


def _on_host():
    """Return a function that does what the module does on a host."""
    from ansible_collections.itops.release.plugins.module_utils.deployment import (
        _host_call,
        _request,
    )

    def act(job):
        answer = _host_call.answer(_request.Request.from_plain(job["request"]), time.ctime)
        return {**answer.to_plain(), "failed": answer.failed}

    return act


def _on_controller():
    """Return a function that does what ``release_package`` does, and pack making."""
    from ansible_collections.itops.release.plugins.plugin_utils.oci import _layout
    from ansible_collections.itops.release.tests.faults import controller

    def act(job):
        try:
            return {"changed": controller.ACTS[job["act"]](job["folder"])}
        except OSError as error:
            named = str(error) if error.filename else f"{job['folder']}/library: {error}"
            return {"failed": True, "msg": named}
        except _layout.LibraryError as error:
            return {"failed": True, "msg": str(error)}

    return act


def _in_ledger():
    """Return a function that records runs."""
    import sqlalchemy.dialects.sqlite  # noqa: F401 (loaded before the job is broken)

    from ansible_collections.itops.release.tests.faults import ledger

    def act(job):
        return ledger.append(job["place"], job["acknowledged"], job["numbers"])

    return act


if __name__ == "__main__":
    sys.exit(main())
