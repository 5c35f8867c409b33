# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of systemd, asked by ``systemctl``: the machine's own where it works, and a double."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.itops.release.plugins.module_utils.probes import _kind_unit

DOUBLE = """#!/bin/sh
test "$1 $2 $#" = "is-active -- 3" || exit 64
case "$3" in
  shop.service) echo active; exit 0;;
  slow.service) sleep 20;;
  *) echo inactive; exit 3;;
esac
"""


def measure(unit, timeout=20):
    return _kind_unit.measure({"unit": unit, "timeout": timeout})


@pytest.fixture
def systemctl(tmp_path, monkeypatch):
    """Have a double of ``systemctl`` in PATH, which knows one unit that is active."""
    double = tmp_path / "systemctl"
    double.write_text(DOUBLE)
    double.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


@pytest.mark.usefixtures("systemctl")
def test_a_unit_must_be_active():
    assert measure("shop.service") == (True, "shop.service: active")
    assert measure("web.service") == (False, "web.service: inactive")
    assert measure("slow.service", 0.2) == (
        False,
        "slow.service: systemctl took too long: no output",
    )


def test_a_host_without_systemd_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    is_good, told = measure("shop.service")

    assert not is_good
    assert told == "shop.service: systemctl ended with 127: No such file or directory"


def runs_systemd():
    done = subprocess.run(["systemctl", "is-system-running"], capture_output=True, check=False)
    return done.stdout.strip() in (b"running", b"degraded")


def test_a_unit_of_systemd_itself_is_asked():
    try:
        if not runs_systemd():
            pytest.skip("systemd does not run here")
    except FileNotFoundError:
        pytest.skip("there is no systemctl here")

    assert measure("-.mount") == (True, "-.mount: active")
    assert measure("itops-release-no-such.service")[0] is False


@pytest.mark.parametrize(
    "unit", ["shop.service", "shop@1.service", "shop", r"a\x2db.mount", "-.mount"]
)
def test_the_name_of_a_unit_can_be_asked(unit):
    assert _kind_unit.wrong_with({"unit": unit}) is None


@pytest.mark.parametrize("unit", ["", "shop*", "a b", "a/b", "shop\n"])
def test_what_names_no_unit_is_refused(unit):
    assert "is not the name of a systemd unit" in _kind_unit.wrong_with({"unit": unit})
