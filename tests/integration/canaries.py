# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canaries: secrets planted wherever users may put one, and every sink where none may turn up.

A new place for a secret is a row in CANARIES, a new sink one in SINKS. What nobody can avoid is a
row in KNOWN, with its reason; docs/secrets.md tells users the same.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import lzma
import secrets
import stat
import threading
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, NamedTuple

from ansible_collections.itops.release.plugins.module_utils.formats import _codec
from ansible_collections.itops.release.plugins.module_utils.release import _pack

CONTROL = "aviary"  # the application's name, which is no secret: it has to be found in every sink
LOOK_S = 0.05

CANARIES = (  # where a user puts it
    "the password in a probe's URL",
    "the query of a probe's URL",
    "a URL that cannot be asked",
    "a header of a probe",
    "an option beside a wrong one",
    "an argument of a probe command",
    "an argument of a restart",
    "a restart that is one text",
    "what a failing restart prints",
    "an argument of a signing command",
    "the passphrase in the environment",
    "the passphrase behind a descriptor",
    "the private key",
    "a private file",
    "a private file in shared",
    "a variable of a hook",
    "a token that a step of a build needs",
    "a task that says no_log",
    "a deployment that says no_log",
    "the vault's password",
    "the password to become another user",
)


class Sink(NamedTuple):
    """Where a secret could turn up; ``texts(scene)`` yields (where exactly, bytes)."""

    name: str
    texts: Callable


@dataclass
class Scene:
    """Where the canaries were planted, and what is left to look at.

    *home* is the controller's, with logs and records; *temporary* are the folders, of controller
    and hosts, where something may stay behind; *hosts* are Targets.
    """

    library: Path
    packs: Path
    home: Path
    temporary: list
    hosts: list
    syslog: Path | None = None
    runs: list = field(default_factory=list)
    arguments: set = field(default_factory=set)
    environments: set = field(default_factory=set)
    seen: dict = field(default_factory=dict)  # {(canary, sink): [where, …]}
    secret: dict = field(default_factory=lambda: {name: _value() for name in CANARIES})


def _value():
    return f"canary{secrets.token_hex(12)}"


def _output(scene):
    for number, run in enumerate(scene.runs):
        yield f"run {number}", run.output.encode()


def _results(scene):
    for run in scene.runs:
        for outcome in run.outcomes:
            yield outcome.task, json.dumps(outcome.result).encode()


def _arguments(scene):
    for line in tuple(scene.arguments):  # which may be growing
        yield "a process", line


def _environments(scene):
    for variables in tuple(scene.environments):
        yield "a process", variables


def _syslog(scene):
    yield from _files([scene.syslog] if scene.syslog else [])


def _records(scene):
    yield from _files(scene.home.glob("*.record"))


def _logs(scene):
    yield from _files(scene.home.glob("*.log"))


def _memory(scene):
    """Yield what hosts remember: state, history, lock."""
    for host in scene.hosts:
        ours = host.seen / CONTROL / ".release"
        yield from _files(path for path in ours.glob("*") if path.is_file())


def _manifests(scene):
    for host in scene.hosts:
        yield from _files((host.seen / CONTROL / ".release/manifests").glob("*"))


def _library(scene):
    yield from _files(path for path in scene.library.rglob("*") if path.is_file())


def _packs(scene):
    yield from _files(scene.packs.rglob("*"))


def _temporary(scene):
    for folder in scene.temporary:
        yield from _files(folder.rglob("*"))


def _readable(scene):
    """Yield what users other than the owner may read, of all that was written anywhere."""
    folders = [scene.library, scene.packs, *scene.temporary]
    folders += [host.seen for host in scene.hosts]
    yield from _files(path for path in scene.home.glob("*.record") if _is_open(path, scene.home))
    for folder in folders:
        yield from _files(path for path in folder.rglob("*") if _is_open(path, folder))


def _is_open(path, top):
    """Tell whether anybody may read the file at *path*, whoever may come to *top*."""
    if path.is_symlink() or not path.is_file() or not path.stat().st_mode & stat.S_IROTH:
        return False
    between = itertools.takewhile(lambda folder: folder != top.parent, path.parents)
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in between)


SINKS = (
    Sink("arguments of processes", _arguments),
    Sink("environment of processes", _environments),
    Sink("output at -vvv", _output),
    Sink("Ansible's log", _logs),
    Sink("results of tasks", _results),
    Sink("record of the callback", _records),
    Sink("syslog of a host", _syslog),
    Sink("state and history of a host", _memory),
    Sink("manifests", _manifests),
    Sink("media library", _library),
    Sink("pack cache", _packs),
    Sink("temporary files", _temporary),
    Sink("what other users can read", _readable),
)

VISIBLE = "whoever is on a machine sees the arguments of its processes: a file hides what is in it"
HANDED = "a variable is how it is given; only the user and root can read it"
SHOWN = "what a command that fails says is the user's own text, and tells what is wrong"
CORES = "ansible-core tells the error of a task that failed, whatever its no_log says"
CONTENT = "this is where the contents of releases are; only their owner, or group, can read them"
KNOWN = {  # (canary, sink): why it is found there
    ("an argument of a restart", "arguments of processes"): VISIBLE,
    ("an argument of a probe command", "arguments of processes"): VISIBLE,
    ("an argument of a signing command", "arguments of processes"): VISIBLE,
    ("the passphrase in the environment", "environment of processes"): HANDED,
    ("what a failing restart prints", "output at -vvv"): SHOWN,
    ("what a failing restart prints", "Ansible's log"): SHOWN,
    ("what a failing restart prints", "results of tasks"): SHOWN,
    ("what a failing restart prints", "record of the callback"): SHOWN,
    ("a task that says no_log", "output at -vvv"): CORES,
    ("a task that says no_log", "Ansible's log"): CORES,
    ("a private file", "media library"): CONTENT,
    ("a private file", "pack cache"): CONTENT,
    ("a private file in shared", "media library"): CONTENT,
    ("a private file in shared", "pack cache"): CONTENT,
}


def look(scene):
    """Note in ``scene.seen`` all canaries, and the CONTROL, that can be seen now."""
    wanted = {name: _forms(value) for name, value in scene.secret.items()}
    wanted[CONTROL] = (CONTROL.encode(),)
    for sink in SINKS:
        for where, text in sink.texts(scene):
            for name, forms in wanted.items():
                if any(form in text for form in forms):
                    scene.seen.setdefault((name, sink.name), []).append(where)


def leaks(scene, without=()):
    """Return a line for each canary that was seen in a sink and is not KNOWN to be there.

    Every sink must have had the CONTROL, so that it is sure that it was looked into; *without* are
    those that the scene has not.
    """
    unseen = [sink.name for sink in SINKS if (CONTROL, sink.name) not in scene.seen]
    assert unseen == list(without), unseen
    return [
        f"{canary} is in {sink}: {', '.join(where)}"
        for (canary, sink), where in sorted(scene.seen.items())
        if canary != CONTROL and (canary, sink) not in KNOWN
    ]


def _forms(value):
    """Return how *value* may be spelled: as it is, and within something in base64."""
    plain = value.encode()
    forms = [plain]
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + plain)
        forms.append(encoded[4 if shift else 0 : -4])
    return tuple(forms)


def _files(paths):
    """Yield (path, content) of the files among *paths*; with that what they hold compressed."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            if not (path.is_symlink() or path.is_socket()):
                yield str(path), _plain(path)


def _plain(path):
    """Return the bytes of a file, and behind them those that it holds compressed."""
    data = path.read_bytes()
    for codec in _codec.readable():
        with contextlib.suppress(_codec.CodecError, OSError, EOFError, zlib.error, lzma.LZMAError):
            with open(path, "rb") as stream, _codec.reader(codec, stream) as read_bytes:
                return data + _all(read_bytes)
    with contextlib.suppress(_pack.PackError), open(path, "rb") as stream:
        header = _pack.read_header(stream)
        with _codec.reader(header.codec, stream) as read_bytes:
            return data + _all(read_bytes)
    return data


def _all(read_bytes):
    return b"".join(iter(lambda: read_bytes(_codec.CHUNK_BYTES), b""))


@contextlib.contextmanager
def watched_processes(scene):
    """Note the arguments and the environment of all processes, also of those of test hosts."""
    over = threading.Event()
    kinds = {"cmdline": scene.arguments, "environ": scene.environments}

    def watch():
        while not over.is_set():
            for entry in Path("/proc").iterdir():
                for name, seen in kinds.items() if entry.name.isdigit() else ():
                    with contextlib.suppress(OSError):
                        seen.add((entry / name).read_bytes())
            time.sleep(LOOK_S)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
