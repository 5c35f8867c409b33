# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does one operation in a process of its own, which a sweep breaks: ``driver.py JOB``.

JOB is a JSON file: ``act`` and, on a host, ``params`` and ``call``; on the controller, ``folder``.
What the operation answers is printed as JSON; the exit status is 1 where that is a failure.
"""

from __future__ import annotations

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.dev"))


def main():
    with open(sys.argv[1], encoding="utf-8") as stream:
        job = json.load(stream)
    answer = _on_controller(job) if "folder" in job else _on_host(job)
    sys.stdout.write(json.dumps(answer))
    return 1 if answer.get("failed") else 0


def _on_host(job):
    """Do what the module does on a host."""
    from ansible_collections.itops.release.plugins.module_utils import _host_call

    act = getattr(_host_call, job["act"])
    try:
        return act(job["params"], job["call"], time.ctime, False)
    except (OSError, ValueError) as error:
        from ansible_collections.itops.release.plugins.module_utils import _transaction

        return {"failed": True, **_transaction.refusal(error, job["call"], job["params"]["root"])}


def _on_controller(job):
    """Do what ``release_package`` does, and pack making."""
    from ansible_collections.itops.release.plugins.plugin_utils import _layout
    from ansible_collections.itops.release.tests.faults import controller

    try:
        return {"changed": controller.ACTS[job["act"]](job["folder"])}
    except OSError as error:
        named = str(error) if error.filename else f"{job['folder']}/library: {error}"
        return {"failed": True, "msg": named}
    except _layout.LibraryError as error:
        return {"failed": True, "msg": str(error)}


if __name__ == "__main__":
    sys.exit(main())
