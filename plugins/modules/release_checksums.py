#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_checksums``: trees that are not ours; what documents it stays behind, beside."""

from __future__ import annotations

import contextlib
import hashlib
import re
from typing import Any, Iterable, Mapping

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.checksums import _file, _lines


def options() -> dict[str, Any]:
    """Return the options of ``release_checksums``."""
    return {
        "path": {"type": "path", "required": True},
        "checksum_file": {"type": "path"},
        "state": {"type": "str", "choices": ["verified", "written"], "default": "verified"},
        "algorithm": {"type": "str", "choices": ["sha256", "sha512"], "default": "sha256"},
        "exclude": {"type": "list", "elements": "str", "default": []},
        "allow_added": {"type": "bool", "default": False},
        "allow_links": {"type": "bool", "default": True},
        "checksum_file_sha256": {"type": "str"},
    }


def main() -> None:
    module = AnsibleModule(argument_spec={**options()}, supports_check_mode=True)
    try:
        result = run(module.params, module.check_mode)
    except (_lines.ChecksumError, OSError) as error:
        module.fail_json(msg=_lines.spell(str(error)))
    if not module._diff:
        result.pop("diff", None)
    if result.pop("is_whole"):
        module.exit_json(**result)
    module.fail_json(**result)


def run(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the result; with ``is_whole``, whether the tree is as it must be."""
    name = params["checksum_file"] or params["algorithm"].upper() + "SUMS"
    work = verify if params["state"] == "verified" else write
    with contextlib.closing(_file.ChecksumFile(params["path"], name)) as checksum_file:
        return {"checksum_file": _lines.spell(name), **work(checksum_file, params, check_mode)}


def verify(
    checksum_file: _file.ChecksumFile, params: Mapping[str, Any], check_mode: bool
) -> dict[str, Any]:
    del check_mode
    pin = params["checksum_file_sha256"]
    if pin is not None and not re.match(r"[0-9A-Fa-f]{64}\Z", pin):
        raise _lines.ChecksumError("checksum_file_sha256 is not 64 hex digits: %.80r" % pin)
    outcome, digest, is_crlf = checksum_file.verify(params["exclude"], pin and pin.lower())
    failure = outcome.failure(params["allow_added"], params["allow_links"])
    summary = "%d files are as listed" % outcome.checked
    if is_crlf:
        summary += ", in lines that end in CR LF"
    return {
        "changed": False,
        "is_whole": not failure,
        "msg": "%s: %s" % (_lines.spell(checksum_file.path), failure) if failure else summary,
        "checked": outcome.checked,
        "checksum_file_sha256": digest,
        "crlf": is_crlf,
        **{
            key: [_lines.spell(path) for path in getattr(outcome, key)]
            for key in ("added", "removed", "modified", "links")
        },
    }


def write(
    checksum_file: _file.ChecksumFile, params: Mapping[str, Any], check_mode: bool
) -> dict[str, Any]:
    if params["checksum_file_sha256"] is not None:
        raise _lines.ChecksumError("checksum_file_sha256 goes with state: verified only")
    data, before, count, links = checksum_file.make(
        params["algorithm"], params["exclude"], params["allow_links"]
    )
    changed = data != before
    if changed and not check_mode:
        checksum_file.write(data)
    return {
        "changed": changed,
        "is_whole": True,
        "msg": "%d files are listed" % count,
        "checked": count,
        "checksum_file_sha256": hashlib.sha256(data).hexdigest(),
        "links": [_lines.spell(path) for path in links],
        "diff": _diff(_lines.spell(checksum_file.path), before or b"", data),
    }


def _diff(path: str, before: bytes, after: bytes) -> dict[str, str]:
    """Return the lines that come and go: of a large tree few do."""
    old, new = before.split(b"\n"), after.split(b"\n")
    gone, come = set(old) - set(new), set(new) - set(old)
    return {
        "before_header": path,
        "after_header": path,
        "before": _text(line for line in old if line in gone),
        "after": _text(line for line in new if line in come),
    }


def _text(lines: Iterable[bytes]) -> str:
    return "".join(line.decode("utf-8", "backslashreplace") + "\n" for line in lines)


if __name__ == "__main__":
    main()
