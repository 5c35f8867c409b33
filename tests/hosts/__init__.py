# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small hosts on one Linux machine, a real sshd each, for tests and benchmarks.

    from ansible_collections.itops.release.tests.hosts import Fleet

    with Fleet("demo") as fleet:
        hosts = fleet.up(20)
        fleet.cut(hosts[:1])

``python -m tests.hosts --help`` does the same from a shell in the checkout.
"""

from .commands import HostsError
from .fleet import Counters, Fleet, Host
from .requirements import why_not

__all__ = ["Counters", "Fleet", "Host", "HostsError", "why_not"]
