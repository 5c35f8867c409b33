# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``sign`` of the modules that sign."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  sign:
    description:
      - Signs a release in the role O(sign.role), or what is attached to it, by one key. What is
        attached is an in-toto statement, and the same one by the same key is attached once.
      - One of O(sign.private_key) and O(sign.public_key) says which key signs. No passphrase is
        ever an option, since options end in logs.
      - In check mode the key is looked for and nothing is signed.
    type: dict
    suboptions:
      role:
        description: The role that the key signs in, as C(trust.yml) has it.
        type: str
        choices: [build, release]
        required: true
      private_key:
        description: A file on the controller with an Ed25519 private key in OpenSSH form, as
          C(ssh-keygen -t ed25519) makes it.
        type: path
      public_key:
        description:
          - A file on the controller with the Ed25519 public key, such as C(id_ed25519.pub), when
            its private key is not in a file.
          - The ssh-agent that C(SSH_AUTH_SOCK) names signs then, or O(sign.command).
        type: path
      command:
        description:
          - A command, as a list of arguments, that signs with the private key of
            O(sign.public_key), in a hardware module or a key service perhaps.
          - It reads what is to be signed from its standard input, and writes the Ed25519
            signature, 64 bytes raw or as base64, to its standard output. Its standard error is
            dropped.
        type: list
        elements: str
      timeout:
        description: How many seconds O(sign.command) may take.
        type: int
        default: 60
      passphrase_env:
        description: The name of the environment variable, where Ansible runs, that holds the
          passphrase of O(sign.private_key).
        type: str
      passphrase_fd:
        description: The number of the file descriptor, opened before Ansible started, that the
          passphrase of O(sign.private_key) is read from. A pipe can be read by one task only.
        type: int
"""
