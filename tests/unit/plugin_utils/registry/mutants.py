# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/registry/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

ANSWERS = "plugin_utils/registry/_answers.py"
CLIENT = "plugin_utils/registry/_client.py"
CREDENTIALS = "plugin_utils/registry/_credentials.py"
PLACE = "plugin_utils/registry/_place.py"
REPOSITORY = "plugin_utils/registry/_repository.py"
SESSION = "plugin_utils/registry/_session.py"
UPLOAD = "plugin_utils/registry/_upload.py"
REPOSITORY_TESTS = "unit/plugin_utils/registry/test_repository.py"
REPOSITORY_ACCESS_TESTS = "unit/plugin_utils/registry/test_repository_access.py"

MUTANTS = (
    Mutant(
        "asking once for all workers",
        ANSWERS,
        "return known if valid else None",
        "return None",
        f"{REPOSITORY_TESTS} lately or pull_once",
    ),
    check(
        "verifying a blob that a registry sends",
        CLIENT,
        "_hash_of(path) != digest",
        f"{REPOSITORY_TESTS} wrong_bytes",
    ),
    check(
        "verifying a manifest that a registry sends",
        CLIENT,
        'wanted.startswith("sha256:") and wanted != _digest_of(data)',
        f"{REPOSITORY_TESTS} wrong",
    ),
    Mutant(
        "going on where a download broke off",
        CLIENT,
        'headers = {"Range": f"bytes={start}-"} if start else {}',
        "headers = {}",
        f"{REPOSITORY_TESTS} download_goes_on",
    ),
    Mutant(
        "sending no blob that is there",
        CLIENT,
        'if not self.has("blobs", digest):',
        "if True:",
        f"{REPOSITORY_TESTS} not_sent_again or lost",
    ),
    check(
        "ending a list of tags",
        CLIENT,
        "len(found) > most",
        f"{REPOSITORY_TESTS} list_of_tags_without_end",
    ),
    Mutant(
        "waiting no longer than is borne",
        CLIENT,
        "if self._clock() + wait > deadline:",
        "if self._clock() > deadline:",
        f"{REPOSITORY_TESTS} asks_to_wait",
    ),
    Mutant(
        "asking for no tag that is none",
        CLIENT,
        "TAG.match(tag)",
        "True",
        f"{REPOSITORY_TESTS} tags_that_are_none",
    ),
    Mutant(
        "taking credentials for the registry that they are for",
        CREDENTIALS,
        "environ.get(ONLY_FOR, place.host) == place.host",
        "True",
        f"{REPOSITORY_ACCESS_TESTS} environment_comes_first",
    ),
    Mutant(
        "keeping to TLS but on this machine",
        PLACE,
        "plain = host in self.plain_http or (_is_loopback(host) and not self.folders(host))",
        "plain = True",
        f"{REPOSITORY_ACCESS_TESTS} loopback or vouches",
    ),
    check(
        "repeating no credentials of an address",
        PLACE,
        '"@" in host',
        f"{REPOSITORY_ACCESS_TESTS} not_repeated",
    ),
    Mutant(
        "filling a cache anew that was altered",
        REPOSITORY,
        "if not self._is_here(digest):",
        "if not os.path.exists(self.blob(digest)):",
        f"{REPOSITORY_TESTS} altered",
    ),
    check(
        "comparing a tag just before it is written",
        REPOSITORY,
        'there and there["digest"] not in (had.get(tag), item["digest"])',
        f"{REPOSITORY_TESTS} meanwhile",
    ),
    omit(
        "asking anew before something is written",
        REPOSITORY,
        "self._answers.forget()",
        f"{REPOSITORY_TESTS} what_others_write",
        within="locked",
    ),
    Mutant(
        "writing the tag of the digest last",
        REPOSITORY,
        "_is_known_by(_index.tag_of(each))",
        "not _is_known_by(_index.tag_of(each))",
        f"{REPOSITORY_TESTS} comes_last",
    ),
    check(
        "pulling once for all workers",
        REPOSITORY,
        "self._is_here(digest)",
        f"{REPOSITORY_TESTS} pull_once",
    ),
    check(
        "reading no more than is expected", SESSION, "size > limit", f"{REPOSITORY_TESTS} longer"
    ),
    check(
        "ending a transfer that only trickles",
        SESSION,
        "seen < passed * LEAST_BYTES_PER_S",
        f"{REPOSITORY_TESTS} drip",
    ),
    Mutant(
        "telling credentials to the registry alone",
        SESSION,
        "extra = own if self._is_own(url) else {}",
        "extra = own",
        f"{REPOSITORY_ACCESS_TESTS} only_the_registry",
    ),
    omit(
        "following no redirect to where no TLS is",
        SESSION,
        "self._refuse_without_tls(url)",
        f"{REPOSITORY_ACCESS_TESTS} redirect_to_where",
    ),
    omit(
        "giving no password to a service without TLS",
        SESSION,
        "self._refuse_without_tls(realm)",
        f"{REPOSITORY_ACCESS_TESTS} no_password_goes",
    ),
    check(
        "sending uploads nowhere else",
        SESSION,
        "not location or not self._is_own(url)",
        f"{REPOSITORY_ACCESS_TESTS} uploads_do_not",
    ),
    Mutant(
        "leading no registry with TLS to loopback without",
        SESSION,
        'self._root.startswith("http:")',
        "True",
        f"{REPOSITORY_ACCESS_TESTS} loopback_without",
    ),
    Mutant(
        "using nothing of netrc",
        SESSION,
        "self._http.auth = _unchanged",
        "self._http.auth = None",
        f"{REPOSITORY_ACCESS_TESTS} netrc",
    ),
    Mutant(
        "logging no addresses",
        SESSION,
        'logging.getLogger("urllib3").setLevel(logging.WARNING)',
        'logging.getLogger("urllib3")',
        f"{REPOSITORY_ACCESS_TESTS} has_no_addresses",
    ),
    Mutant(
        "going on where an upload broke off",
        UPLOAD,
        "self._resumed()",
        "False",
        f"{REPOSITORY_TESTS} upload",
    ),
)
