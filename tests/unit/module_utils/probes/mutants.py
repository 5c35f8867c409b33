# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/module_utils/probes/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

BOUNDED = "module_utils/probes/_bounded.py"
HTTP = "module_utils/probes/_kind_http.py"
PROBES = "module_utils/probes/_probes.py"
TCP = "module_utils/probes/_kind_tcp.py"
HTTP_TESTS = "unit/module_utils/probes/test_kind_http.py"
PROBES_TESTS = "unit/module_utils/probes/test_probes.py"
SERVICE_TESTS = "unit/module_utils/deployment/test_service.py"
TCP_TESTS = "unit/module_utils/probes/test_kind_tcp.py"

MUTANTS = (
    Mutant(
        "counting successes in a row",
        PROBES,
        "in_a_row + 1 if is_good else 0",
        "in_a_row + 1 if is_good else in_a_row",
        f"{PROBES_TESTS} three_results",
    ),
    check(
        "calling a probe bad once more failed than may",
        PROBES,
        "failed > rounds.failures",
        f"{PROBES_TESTS} three_results",
    ),
    Mutant(
        "allowing as many failures as are allowed",
        PROBES,
        "failed > rounds.failures",
        "failed >= rounds.failures",
        f"{PROBES_TESTS} three_results",
    ),
    Mutant(
        "ending without a verdict as inconclusive",
        PROBES,
        'return INCONCLUSIVE if number >= rounds.most else ""',
        'return GOOD if number >= rounds.most else ""',
        f"{PROBES_TESTS} three_results",
    ),
    check(
        "refusing a probe that waits too long",
        PROBES,
        "not longest <= MOST_SECONDS",
        f"{PROBES_TESTS} never_ends",
    ),
    check(
        "refusing a probe that could never be good",
        PROBES,
        "rounds.most < rounds.successes",
        f"{PROBES_TESTS} never_ends",
    ),
    Mutant(
        "bounding a baseline",
        PROBES,
        "min(rounds.most, rounds.successes + BASELINE_MORE)",
        "rounds.most",
        f"{PROBES_TESTS} baseline",
    ),
    Mutant(
        "bounding an answer whose headers have no end",
        BOUNDED,
        "thread.join(seconds)",
        "thread.join()",
        f"{HTTP_TESTS} headers_that_have_no_end",
    ),
    Mutant(
        "bounding a look-up that hangs",
        TCP,
        '_bounded.call(connect, probe["timeout"])',
        "_bounded.call(connect, 20)",
        f"{TCP_TESTS} hangs",
    ),
    check(
        "ending what took too long",
        HTTP,
        "time.monotonic() > deadline",
        f"{HTTP_TESTS} ends_by_itself",
    ),
    omit(
        "ending a command that took too long with its children",
        BOUNDED,
        "os.killpg(process.pid, signal.SIGKILL)",
        f"{SERVICE_TESTS} ended_with_its_children",
    ),
    Mutant(
        "counting a broken answer as a bad one",
        HTTP,
        """
        seen.status = answer.code
        seen.body = _read_body(answer, deadline)
        """,
        """
        seen.body = _read_body(answer, deadline)
        seen.status = answer.code
        """,
        f"{HTTP_TESTS} breaks_off",
    ),
    Mutant(
        "counting a good answer that breaks off as not good",
        HTTP,
        "status is None or (status in _wanted(probe) and body is None)",
        "status is None",
        f"{HTTP_TESTS} body_that_has_no_end",
    ),
    Mutant(
        "keeping password and query of a URL out of messages",
        HTTP,
        'told, seen = without_secrets(probe["url"]), _Seen()',
        'told, seen = probe["url"], _Seen()',
        f"{HTTP_TESTS} no_user_password_or_query",
    ),
    Mutant(
        "refusing a URL of which a library would repeat a part",
        HTTP,
        'is_clear = "@" not in "".join(parts[2:]) and not UNSENDABLE.search(url)',
        "is_clear = True",
        f"{HTTP_TESTS} cannot_be_asked",
    ),
    Mutant(
        "refusing a header whose value a library would repeat",
        HTTP,
        "not isinstance(value, (str, int, float)) or not HEADER_VALUE.fullmatch(str(value))",
        "False",
        f"{HTTP_TESTS} option_that_cannot_be",
    ),
    check(
        "keeping a URL that a service made up out of messages",
        HTTP,
        "isinstance(error, http.client.InvalidURL)",
        f"{HTTP_TESTS} leads_nowhere",
    ),
    Mutant(
        "keeping secrets from where a redirection leads",
        HTTP,
        "request.add_unredirected_header",
        "request.add_header",
        f"{HTTP_TESTS} redirection",
    ),
    Mutant(
        "following redirects to HTTP only",
        HTTP,
        'code in self._wanted or not url.startswith(("http://", "https://"))',
        "code in self._wanted",
        f"{HTTP_TESTS} redirect_to_what_no_probe",
    ),
    Mutant(
        "telling true from 1",
        HTTP,
        "value == equals and isinstance(value, bool) == isinstance(equals, bool)",
        "value == equals",
        f"{HTTP_TESTS} says_so",
    ),
    Mutant(
        "verifying certificates by the host that is named",
        HTTP,
        'context.names[host] = urlsplit("//" + named).hostname or host',
        "context.check_hostname = False",
        f"{HTTP_TESTS} compared_with_the_host",
    ),
    Mutant(
        "telling the program alone of a command",
        BOUNDED,
        'program + "…" if more else program',
        "argv[0]",
        f"{SERVICE_TESTS} one_text",
    ),
    Mutant(
        "keeping a command out of what the system says of it",
        BOUNDED,
        "error.strerror or type(error).__name__",
        "str(error)",
        f"{SERVICE_TESTS} one_text",
    ),
)
