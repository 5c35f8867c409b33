# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On disk a name is the UTF-8 of what was sealed, whatever the locale of a host."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.itops.release.tests.fakes.estate import Host

FILES = {"größe/ß*": "ß", "größe/日本": "x", "lokal/é": "e", "länk@": "größe/ß"}
CODE = """
import os, pathlib, sys
from ansible_collections.itops.release.plugins.plugin_utils.library import _store
from ansible_collections.itops.release.tests.fakes.estate import Estate, Host

root = pathlib.Path(sys.argv[1], "srv", "B\\xfccher")
host = Host(Estate(pathlib.Path(sys.argv[1])), root, {"linked_paths": ["schl\\xfcssel/"]})
label = host.estate.library.find("shop:1.0")
changed = [host.deploy(label)["changed"], host.deploy(label)["changed"]]
tree = host.tree_of(label)
before = host.drift(tree)
place = str(root).encode()
os.mkdir(place + b"/current/lokal/fr\\xc3\\xbch")
os.unlink(place + b"/current/gr\\xc3\\xb6\\xc3\\x9fe/" + "\\u65e5\\u672c".encode())
print(ascii((changed, before, host.drift(tree), sys.getfilesystemencoding())))
"""


@pytest.mark.parametrize("utf8", ["1", "0"])
def test_a_release_is_laid_out_and_verified_alike_in_any_locale(estate, utf8):
    estate.seal("1.0", FILES)
    environment = {
        **os.environ,
        "LC_ALL": "C",
        "PYTHONUTF8": utf8,
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }

    run = subprocess.run(
        [sys.executable, "-c", CODE, str(estate.folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    drift = [("größe/日本", "missing"), ("lokal/früh/", "extra")]
    encoding = "utf-8" if utf8 == "1" else "ascii"
    assert run.stdout.strip() == ascii(([True, False], [], drift, encoding))
    host = Host(estate, estate.folder / "srv/Bücher", {})
    assert os.readlink(host.root / "current/länk") == "größe/ß"
    assert host.read("länk") == "ß"
    assert sorted(os.listdir(host.root / "shared")) == ["schlüssel"]
