# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A transport whose host is the collection's own host half, in this process."""

from __future__ import annotations

import json
import os
import shutil

from ansible_collections.itops.release.plugins.module_utils.deployment import (
    _answer,
    _host_call,
    _look,
    _request,
)
from ansible_collections.itops.release.plugins.module_utils.formats import _message
from ansible_collections.itops.release.plugins.plugin_utils.adapter._transfer import TransferError


class HereTransport:
    """Implements ``deployment._conversation.Transport``; what travels goes through JSON.

    ``lost_after``: the calls that the host answers, then it is lost; ``broken``: how sending fails;
    ``damage``: whether a pack arrives altered; ``over``: runs that have ended for certain.
    """

    def __init__(self, now):
        self.now = now
        self.requests = []
        self.sent = []
        self.lost_after = None
        self.broken = None
        self.damage = False
        self.over = set()

    def ask(self, request):
        self.requests.append(request)
        if self.lost_after is not None and len(self.requests) > self.lost_after:
            return _answer.Answer(_answer.HOST_LOST, "no route to host")
        options = self._wire(_message.pack(*request.to_plain()))
        answer = _host_call.answer(_request.Request.from_plain(_message.unpack(options)), self.now)
        return _answer.Answer.from_plain(self._wire(answer.to_plain()))

    def look(self, look):
        options = self._wire(_message.pack(look.to_plain()))
        return self._wire(_look.answer(_look.Look.from_plain(_message.unpack(options))))

    def send(self, pack, upload_dir, start):
        if self.broken:
            raise TransferError("the pack could not be sent", code=self.broken)
        name = f"kept.{start}" if start else "pack"
        there = os.path.join(upload_dir, name)
        with open(pack, "rb") as source, open(there, "wb") as target:
            source.seek(start)
            shutil.copyfileobj(source, target)
        if self.damage:
            with open(there, "r+b") as target:
                target.seek(-1, os.SEEK_END)
                target.write(b"?")
            self.damage = False
        self.sent.append(os.path.getsize(pack) - start)
        return self.sent[-1]

    def is_over(self, run):
        return run in self.over

    @staticmethod
    def _wire(plain):
        return json.loads(json.dumps(plain))
