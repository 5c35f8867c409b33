# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/first-release.md leads where it says: its files and commands are taken from it and run."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "first-release.md").read_text(encoding="utf-8")
HOSTS = ["web1.example.org", "web2.example.org", "web3.example.org"]


def file_on_page(name):
    """Return the YAML that the page shows as the file *name*."""
    return re.search(
        rf"^`{re.escape(name)}`[^\n]*\n(?:[^\n]+\n)*\n```yaml\n(.*?)^```", PAGE, re.M | re.S
    )[1]


def commands_on_page():
    return re.findall(r"^ansible-playbook .*$", PAGE, re.MULTILINE)


@pytest.fixture
def folder(tmp_path):
    """Return what the page's reader has after its second section."""
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello" / "index.html").write_text("<h1>Hello</h1>\n")
    (tmp_path / "hello" / "release.yml").write_text(file_on_page("release.yml"))
    (tmp_path / "hosts.yml").write_text(file_on_page("hosts.yml"))
    (tmp_path / "seal.yml").write_text(file_on_page("seal.yml"))
    return tmp_path


def run(command, folder):
    """Run a *command* of the page, with the three hosts on this machine; return its exit status."""
    here = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "ansible_become": False,
        "deploy_root": str(folder / "{{ inventory_hostname }}"),
    }
    words = shlex.split(command)
    assert words[0] == "ansible-playbook"
    return subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", *words[1:], "-e", json.dumps(here)],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "XDG_CACHE_HOME": str(folder / "cache"),
        },
        stdin=subprocess.DEVNULL,
        check=False,
    ).returncode


def live(folder):
    """Return what each host has live."""
    return [(folder / host / "current" / "index.html").read_text() for host in HOSTS]


def test_every_command_of_the_page_does_what_the_page_says(folder):
    seal, deploy, seal_again, deploy_next, verify, rollback, uninstall = commands_on_page()
    index = folder / "hello" / "index.html"

    assert [run(seal, folder), run(deploy, folder)] == [0, 0]
    assert live(folder) == ["<h1>Hello</h1>\n"] * 3
    assert not (folder / HOSTS[0] / "current" / "release.yml").exists()

    index.write_text("<h1>Hello again</h1>\n")
    release = folder / "hello" / "release.yml"
    release.write_text(
        release.read_text().replace("1.0.0", "1.1.0").replace("serial: 1", "serial: 2")
    )
    assert [run(seal_again, folder), run(deploy_next, folder)] == [0, 0]
    assert live(folder) == ["<h1>Hello again</h1>\n"] * 3

    assert run(verify, folder) == 0
    assert run(rollback, folder) == 0
    assert live(folder) == ["<h1>Hello</h1>\n"] * 3

    assert run(uninstall, folder) == 0
    assert [host for host in HOSTS if (folder / host / "current").exists()] == []
