# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's docker-registry on loopback, as a test wants it: with a password, or not to delete."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import bcrypt
import pytest

from ansible_collections.itops.release.tests.integration.ansible_run import until

NOWHERE = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}


class DockerRegistry:
    """A registry with its data below *folder*; *password* is that of the user ci, if any."""

    def __init__(self, folder, password=None, deletes=True):
        self.folder = folder
        self._settings = {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(folder / "data")},
                "delete": {"enabled": deletes},
            },
        }
        folder.mkdir(parents=True)
        if password:
            file = folder / "htpasswd"
            hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
            file.write_text(f"ci:{hashed.replace('$2b$', '$2y$')}\n")
            self._settings["auth"] = {"htpasswd": {"realm": "test", "path": str(file)}}

    def __enter__(self):
        if not shutil.which("docker-registry"):
            if os.environ.get("ITOPS_RELEASE_REQUIRE_HOSTS") == "1":
                pytest.fail("docker-registry is not installed")
            pytest.skip("docker-registry is not installed")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.host = "127.0.0.1:{}".format(free.getsockname()[1])
        self.start()
        return self

    def __exit__(self, *exception):
        self.stop()

    def start(self):
        """Start it, and wait until it answers."""
        settings = self.folder / "config.yml"
        http = {"addr": self.host, "secret": "the same after every start"}
        settings.write_text(json.dumps({**self._settings, "http": http}))  # JSON is YAML
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                ["docker-registry", "serve", str(settings)], **NOWHERE, stderr=log
            )
        until(self._answers, "the registry answers", 20)

    def stop(self):
        """End it at once."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def tags(self, name):
        """Return the tags of a repository, as the registry has them on its disk."""
        folder = self.folder / "data/docker/registry/v2/repositories" / name / "_manifests/tags"
        return sorted(each.name for each in folder.iterdir()) if folder.exists() else []

    def _answers(self):
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            try:
                urllib.request.urlopen(f"http://{self.host}/v2/", timeout=5).close()
            except urllib.error.HTTPError as error:
                error.close()  # it wants credentials
            return True
        return False
