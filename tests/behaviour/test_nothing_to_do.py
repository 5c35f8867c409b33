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
from ansible_collections.itops.release.plugins.module_utils.deployment import _host_call, _request
answer = _host_call.answer(_request.Request.from_plain(json.loads(sys.argv[2])), str)
loaded = [name.rpartition(".")[2] for name in sys.modules if ".module_utils." in name]
print(json.dumps([answer.code, answer.outcome["changed"], answer.outcome["is_live"], loaded]))
"""
ONLY_FOR_WRITING = {"_codec", "_objects", "_pack", "_removal", "_service", "_staging"}
ONLY_FOR_WRITING |= {"_prediction", "_reversal", "_shared", "_transaction", "_trial", "_upload"}


def answered(request):
    """Return (code, changed, is_live) of the answer to *request*, and what was loaded for it."""
    told, secret = request.to_plain()
    argv = [sys.executable, "-c", CALL, CHECKOUT / ".dev", json.dumps({**told, **secret})]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE)
    *how, loaded = json.loads(done.stdout)
    return how, set(loaded)


def test_what_only_writing_needs_is_not_loaded(estate):
    label = estate.seal("1", {"app": "one"})
    host = estate.host()
    host.deploy(label)

    how, loaded = answered(host.request(label))

    assert how == ["ok", False, True]
    assert "_host_call" in loaded
    assert ONLY_FOR_WRITING & loaded == set()


def test_only_the_kind_of_a_probe_is_loaded(estate):
    label = estate.seal("1", {"app": "one"})
    host = estate.host()
    host.deploy(label)

    how, loaded = answered(host.request(label, probe={"tcp": "127.0.0.1:9"}))

    assert how == ["ok", False, True]
    assert {name for name in loaded if name.startswith("_kind")} == {"_kind_tcp"}
    assert (ONLY_FOR_WRITING - {"_service"}) & loaded == set()
