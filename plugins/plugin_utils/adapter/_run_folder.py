# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a run on the controller, which Ansible makes and removes with the run."""

from __future__ import annotations

from ansible import constants as C  # noqa: N812 (Ansible's own name for it)


def path() -> str:
    """Return the folder; it is the same in all workers of the run."""
    folder: str = C.DEFAULT_LOCAL_TMP
    return folder
