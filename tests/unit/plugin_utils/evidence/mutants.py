# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/evidence/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check

ATTACHMENTS = "plugin_utils/evidence/_attachments.py"
ATTESTING = "plugin_utils/evidence/_attesting.py"
DSSE = "plugin_utils/evidence/_dsse.py"
FILE = "plugin_utils/evidence/_file.py"
PACKAGE_FILES = "plugin_utils/evidence/_package_files.py"
PACKAGES = "plugin_utils/evidence/_packages.py"
PROVENANCE = "plugin_utils/evidence/_provenance.py"
SBOM_FILE = "plugin_utils/evidence/_sbom_file.py"
SIGNATURES = "plugin_utils/evidence/_signatures.py"
SIGNERS = "plugin_utils/evidence/_signers.py"
STATEMENT = "plugin_utils/evidence/_statement.py"
TRUST = "plugin_utils/evidence/_trust.py"
ATTESTING_TESTS = "unit/action/test_attesting.py"
RELEASE_EVIDENCE_TESTS = "unit/action/test_release_evidence.py"
ATTACHMENTS_TESTS = "unit/plugin_utils/evidence/test_attachments.py"
PACKAGES_TESTS = "unit/plugin_utils/evidence/test_packages.py"
PROVENANCE_TESTS = "unit/plugin_utils/evidence/test_provenance.py"
SBOM_FILE_TESTS = "unit/plugin_utils/evidence/test_sbom_file.py"
SIGNATURES_TESTS = "unit/plugin_utils/evidence/test_signatures.py"
SIGNERS_TESTS = "unit/plugin_utils/evidence/test_signers.py"
TRUST_TESTS = "unit/plugin_utils/evidence/test_trust.py"
REFERRERS_TESTS = "unit/plugin_utils/oci/test_referrers.py"

MUTANTS = (
    check(
        "believing evidence only as far as a known key verified it",
        ATTACHMENTS,
        "known is not None and not keys",
        f"{ATTACHMENTS_TESTS} not_even_read",
    ),
    check(
        "comparing evidence with the release that it is attached to",
        ATTACHMENTS,
        'label.digest not in [subject["digest"].get("sha256") for subject in plain["subject"]]',
        f"{ATTACHMENTS_TESTS} no_evidence_of_the_release",
    ),
    Mutant(
        "letting only who may sign releases attest them",
        ATTACHMENTS,
        "[trust.roles[name] for name in _statement.ROLES if name in trust.roles]",
        "trust.roles.values()",
        f"{ATTACHMENTS_TESTS} who_may_attest",
    ),
    check(
        "attaching no more evidence than is read",
        ATTACHMENTS,
        "len(there) >= _referrers.MOST_ATTACHED",
        f"{ATTACHMENTS_TESTS} in_nobody_s_way",
    ),
    Mutant(
        "believing keys only while they are valid",
        ATTACHMENTS,
        "key.is_valid(now)",
        "key.name",
        f"{ATTACHMENTS_TESTS} who_may_attest",
    ),
    check(
        "refusing evidence that nobody could read",
        ATTACHMENTS,
        "len(payload) > LARGEST_STATEMENT",
        f"{ATTACHMENTS_TESTS} too_large",
    ),
    Mutant(
        "attaching evidence before a release is signed",
        ATTESTING,
        "told = _attest(library, vouching, sealed, keep)",
        """
        _signatures.sign(library, label.digest, vouching.role, vouching.signer, keep)
        told = _attest(library, vouching, sealed, keep)
        """,
        f"{ATTESTING_TESTS} is_not_signed",
    ),
    Mutant(
        "signing the type of a payload along with it",
        DSSE,
        'return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)',
        'return b"DSSEv1 %d %s" % (len(payload), payload)',
        f"{SIGNATURES_TESTS} payload_type",
    ),
    check(
        "refusing large envelopes", DSSE, "len(data) > limit", f"{SIGNATURES_TESTS} cannot_be_read"
    ),
    check(
        "asking which evidence is meant where it differs",
        FILE,
        "any(item.predicate != good[0].predicate for item in good)",
        f"{RELEASE_EVIDENCE_TESTS} by_its_digest",
    ),
    check(
        "opening no wheel whose directory fills the memory",
        PACKAGE_FILES,
        "data.count(ZIP_ENTRY) > MOST_ZIPPED",
        f"{PACKAGES_TESTS} more_files_than_fit",
    ),
    Mutant(
        "holding little of each file while packages are recognised",
        PACKAGES,
        "room = reader.limit - (entry.size - left[0])",
        "room = entry.size",
        f"{PACKAGES_TESTS} little_of_them_is_held",
    ),
    Mutant(
        "telling that a bill of materials was cut",
        PACKAGES,
        "return Found(tuple(sorted(named)), is_complete)",
        "return Found(tuple(sorted(named)))",
        f"{PACKAGES_TESTS} cut_and_that_is_told",
    ),
    Mutant(
        "naming the address of a repository at a path in provenance",
        PROVENANCE,
        'origin.get("address")',
        "False",
        f"{PROVENANCE_TESTS} told_by_its_address",
    ),
    check(
        "holding bills made elsewhere to their schema",
        SBOM_FILE,
        "found",
        f"{SBOM_FILE_TESTS} of_each_version",
    ),
    check(
        "refusing bills that are too large",
        SBOM_FILE,
        "len(data) > _attachments.LARGEST_STATEMENT",
        f"{SBOM_FILE_TESTS} too_large",
    ),
    Mutant(
        "counting different keys, not signatures",
        SIGNATURES,
        "counted[signer] = key.name",
        "counted[item.digest, len(counted)] = key.name",
        f"{SIGNATURES_TESTS} twice",
    ),
    Mutant(
        "counting each key of an envelope once",
        SIGNATURES,
        "verified[key] = None",
        "verified[_keys.PublicKey(key.raw + signature.keyid.encode())] = None",
        f"{SIGNATURES_TESTS} claims_to_be",
    ),
    check(
        "refusing keys that expired",
        SIGNATURES,
        "key.not_after and now > key.not_after",
        f"{SIGNATURES_TESTS} expired",
    ),
    check(
        "refusing keys before they are valid",
        SIGNATURES,
        "key.not_before and now < key.not_before",
        f"{SIGNATURES_TESTS} before_it_is_valid",
    ),
    check(
        "refusing keys of other roles",
        SIGNATURES,
        "key is None",
        f"{SIGNATURES_TESTS} another_role",
    ),
    Mutant(
        "asking in which role a release was signed",
        SIGNATURES,
        "item.statement.role != role.name",
        "False",
        f"{SIGNATURES_TESTS} another_role",
    ),
    check(
        "verifying a payload before it is read",
        SIGNATURES,
        "not signers",
        f"{SIGNATURES_TESTS} no_key_has_verified",
    ),
    Mutant(
        "verifying signatures at all",
        SIGNATURES,
        "if key.verifies(signature.value, signed):",
        "if key.fingerprint == signature.keyid:",
        f"{SIGNATURES_TESTS} altered or hint",
    ),
    check(
        "refusing payloads of another type",
        SIGNATURES,
        "found.payload_type != _statement.PAYLOAD_TYPE",
        f"{SIGNATURES_TESTS} another_type",
    ),
    check(
        "comparing what was signed with the release",
        SIGNATURES,
        "statement and not statement.is_about(label)",
        f"{SIGNATURES_TESTS} another_release",
    ),
    check(
        "verifying what a signer gave back",
        SIGNERS,
        "not self.public_key.verifies(signature, data)",
        f"{SIGNERS_TESTS} believed",
    ),
    check(
        "reading passphrases only from descriptors that were handed over",
        SIGNERS,
        "not os.get_inheritable(descriptor)",
        f"{SIGNERS_TESTS} from_a_descriptor",
    ),
    Mutant(
        "comparing names and serial with what was signed, too",
        STATEMENT,
        "return self[1:] == tuple(label)",
        "return self.digest == label.digest",
        f"{REFERRERS_TESTS} another_name",
    ),
    check(
        "refusing statements of a newer format",
        STATEMENT,
        'predicate["format"] != FORMAT',
        f"{SIGNATURES_TESTS} unknown_format",
    ),
    check(
        "refusing a key that stands twice in a role",
        TRUST,
        "key.public_key in keys",
        f"{TRUST_TESTS} wrong",
    ),
)
