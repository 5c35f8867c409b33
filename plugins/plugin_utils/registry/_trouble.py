# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with a registry, in words of our own.

An exception of a library may hold an address, and that may hold a secret, as the signed ones of
object stores do.
"""

from __future__ import annotations

import contextlib
import re
import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urlsplit

from ._place import Place, RegistryError

try:
    import requests
    import urllib3
except ImportError:
    requests = None  # type: ignore[assignment]  # told of where a session begins

Kind = TypeVar("Kind", bound=BaseException)


class Broken(Exception):
    """An attempt failed in a way that may pass; *wait_s* is for how long it is asked to wait."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class TooLarge(RegistryError):
    """A registry sends more than is read."""

    code = "too_large"


@contextlib.contextmanager
def told(place: Place, timeout_s: float) -> Iterator[None]:
    """Turn what requests raises into Broken or RegistryError, about the registry of a Place."""
    try:
        yield
    except RegistryError:
        raise
    except requests.exceptions.SSLError as error:
        refused = _find(error, ssl.SSLCertVerificationError)
        if refused:
            raise RegistryError(f"{place}: TLS: {refused.verify_message}") from None
        raise Broken("TLS fails") from None
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
        raise Broken(f"it does not answer within {timeout_s:g} s") from None
    except requests.exceptions.ProxyError:
        raise Broken("the proxy does not reach it") from None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
        raise RegistryError(f"{place}: the registry names no address") from None
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        reason = _find(error, OSError)
        raise Broken(getattr(reason, "strerror", "") or "the connection broke") from None
    except ValueError:  # requests looks where a redirect leads although it is not to go there
        raise RegistryError(f"{place}: the registry names no address") from None


def host(url: str) -> str:
    """Return the host in *url*, for people to read, whatever else it holds."""
    return re.sub(r"[^A-Za-z0-9.:-]", "?", urlsplit(url).hostname or "nowhere")[:80]


def _find(error: BaseException, kind: type[Kind]) -> Kind | None:
    """Return the exception of *kind* that led to *error*, or None."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        item = waiting.pop(0)
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, kind) and not isinstance(item, requests.exceptions.RequestException):
            return item
        waiting += [*item.args, getattr(item, "reason", None), item.__cause__, item.__context__]
    return None


def wait_s(text: str) -> float:
    """Return the seconds of a ``Retry-After``, which may be a date (RFC 9110, 10.2.3)."""
    if text.strip().isdecimal():
        return number(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def number(text: str) -> float:
    """Return the number that a header says; 0.0 when it says none."""
    text = text.strip()
    return float(text) if text.isascii() and text.isdecimal() else 0.0
