# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The envelope of what controller and host tell each other: its format, and what is secret."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, Optional

from ..errors._release_error import ReleaseError

FORMAT = 1
# The module's own options. The host's syslog has the first; the second is marked no_log. It is a
# text, since Ansible takes each value of a no_log option out of whatever a module returns.
OPTIONS = {"_request": {"type": "dict"}, "_secret": {"type": "str", "no_log": True}}


class MessageError(ReleaseError):
    """A message cannot be read; the text is one line."""

    code = "invalid_message"


def pack(body: Mapping[str, Any], secret: Optional[Mapping[str, Any]] = None) -> Dict[str, Any]:
    """Return the module options that carry *body*, and *secret* where no log has it."""
    return {
        "_request": {"format": FORMAT, **body},
        "_secret": json.dumps(secret) if secret else "",
    }


def unpack(options: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the body and the secret in module *options* as one mapping.

    Raises MessageError for a format that is not known here, and where there is no message.
    """
    request = options["_request"]
    if not request:
        raise MessageError("this module works only through its action plugin")
    check_format(request)
    body = {key: value for key, value in request.items() if key != "format"}
    return {**body, **(json.loads(options["_secret"]) if options["_secret"] else {})}


def check_format(message: Mapping[str, Any]) -> None:
    """Raise MessageError unless the *message* has the format that is known here."""
    there = message.get("format")
    if there != FORMAT:
        raise MessageError(
            "a message has format %r, and this version of itops.release reads format %d: use the "
            "same version on both sides" % (there, FORMAT),
            code="unknown_format",
        )
