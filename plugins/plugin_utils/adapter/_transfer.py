# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transfer of a pack, or the rest of one, into the upload directory on a host."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleConnectionFailure

from ...module_utils.deployment._answer import HOST_LOST
from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical, _codec

if TYPE_CHECKING:
    from ansible.plugins.action import ActionBase

PART_BYTES = 8 * 1024**2  # what is held in memory of a pack that goes through standard input
BLOCK_BYTES = 1024**2  # dd counts in these where to go on
# Connections whose pipelining was put back: the origin of the default is "Direct" from then on.
_PUT_BACK: weakref.WeakSet[Any] = weakref.WeakSet()


class TransferError(ReleaseError):
    """A pack could not be sent, and what arrived of it was removed; the text is one line."""

    code = "transfer_failed"


@contextlib.contextmanager
def modules_through_input(action: ActionBase) -> Iterator[None]:
    """Let the modules of *action* go through standard input where they should be no files.

    That is where nobody has decided on pipelining, since a file with a module's options, secrets
    among them, stays on the host when the run is killed; and where the task becomes an unprivileged
    user, who could read files only by access lists, or if everybody could. The connection's own
    setting is put back: it is used by others too.
    """
    connection = action._connection
    become = connection.become
    try:
        before, origin = connection.get_option_and_origin("pipelining")
    except KeyError:
        before, origin = True, None  # such a connection has no choice
    undecided = origin == "default" or (origin == "Direct" and connection in _PUT_BACK)
    wanted = undecided or action._is_become_unprivileged()
    if before or not wanted or (become and not become.pipelining):  # su cannot: it needs a terminal
        yield
        return
    connection.set_option("pipelining", True)
    try:
        yield
    finally:
        connection.set_option("pipelining", before)
        if undecided:
            _PUT_BACK.add(connection)


def send(action: ActionBase, path: str, upload_dir: str, start: int) -> int:
    """Bring the pack at *path* to *upload_dir* on the host, which has its first *start* bytes.

    Return how many bytes travelled. Raises TransferError, with the code ``host_lost`` where the
    connection broke: then what arrived stays for the next run; after any other failure it is
    removed.
    """
    pipes = action._is_become_unprivileged()
    if pipes:  # each part begins at a whole block, so that sending one twice does no harm
        start -= start % BLOCK_BYTES
    try:
        (_pipe if pipes else _put)(action, path, upload_dir, start)
    except AnsibleConnectionFailure as error:
        raise TransferError(_canonical.one_line(error), code=HOST_LOST) from error
    except Exception as error:  # each connection plugin has errors of its own
        # What arrived of it must not keep a disk full.
        remove = action._connection._shell.remove(upload_dir, recurse=True)
        try:
            action._low_level_execute_command(remove)
        except AnsibleConnectionFailure as lost:
            raise TransferError(_canonical.one_line(lost), code=HOST_LOST) from error
        reason = " ".join(str(error).split())
        raise TransferError(f"the pack could not be sent: {reason}") from error
    return os.path.getsize(path) - start


@contextlib.contextmanager
def rest(path: str, start: int) -> Iterator[str]:
    """Give the path of a temporary file beside *path* that holds what follows its *start*."""
    folder, name = os.path.split(path)
    # PackCache takes what begins with a dot for a leftover when a day has passed.
    with tempfile.NamedTemporaryFile(prefix=f".{name[:8]}-rest-", dir=folder) as scratch:
        with open(path, "rb") as stream:
            stream.seek(start)
            shutil.copyfileobj(stream, scratch, _codec.CHUNK_BYTES)
        scratch.flush()
        yield scratch.name


def _put(action: ActionBase, path: str, upload_dir: str, start: int) -> None:
    """Send with the connection's own way for files."""
    if not start:
        _put_file(action, path, f"{upload_dir}/pack")
    elif start < os.path.getsize(path):
        with rest(path, start) as scratch:
            _put_file(action, scratch, f"{upload_dir}/kept.{start}")


def _put_file(action: ActionBase, path: str, there: str) -> None:
    try:
        action._connection.put_file(path, there)
    except FileNotFoundError:
        # Podman's connection sees a container's own files, but not the volumes in it.
        near = action._make_tmp_path() + "pack"
        action._connection.put_file(path, near)
        quote = action._connection._shell.quote
        _execute(action, f"mv {quote(near)} {quote(there)}", sudoable=False)


def _pipe(action: ActionBase, path: str, upload_dir: str, start: int) -> None:
    """Send as the user that the task becomes, in parts that fit into memory."""
    there = action._connection._shell.quote(f"{upload_dir}/{'kept' if start else 'pack'}")
    with open(path, "rb") as stream:
        stream.seek(start)
        for part in iter(lambda: stream.read(PART_BYTES), b""):
            command = f"dd of={there} bs={BLOCK_BYTES} seek={start // BLOCK_BYTES} conv=notrunc"
            _execute(action, command, in_data=part)
            start += len(part)


def _execute(action: ActionBase, command: str, **options: Any) -> None:
    done = action._low_level_execute_command(command, **options)
    if done["rc"]:
        said = (done["stderr"] or done["stdout"]).strip().splitlines()
        raise OSError(said[0] if said else f"{command} failed")
