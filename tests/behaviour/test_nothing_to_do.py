# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call that has nothing to do: it loads little, since a host compiles all of it each time."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
CALL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.itops.release.plugins.module_utils.deployment import _host_call
result = _host_call.bring(*json.loads(sys.argv[2]), str, False)
loaded = [name.rpartition(".")[2] for name in sys.modules if ".module_utils." in name]
print(json.dumps({"changed": result["changed"], "is_live": result["is_live"], "loaded": loaded}))
"""
ONLY_FOR_WRITING = {"_codec", "_drop", "_objects", "_pack", "_removal", "_service", "_staging"}
ONLY_FOR_WRITING |= {"_prediction", "_shared", "_transaction", "_trial"}


def test_what_only_writing_needs_is_not_loaded(estate):
    label = estate.seal("1", {"app": "one"})
    host = estate.host()
    host.deploy(label)
    call = {"run": host.run, "release": label._asdict(), "links": None, "pack": None}

    argv = [sys.executable, "-c", CALL, CHECKOUT / ".dev", json.dumps([host.options(), call])]
    said = json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout)

    assert (said["changed"], said["is_live"]) == (False, True)
    assert "_host_call" in said["loaded"]
    assert ONLY_FOR_WRITING & set(said["loaded"]) == set()
