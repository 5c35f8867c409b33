#!/bin/sh
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Turns a fresh Debian root ($1) into a test host's: users, their keys (from $2), sshd's settings.
set -eu
root=$1
keys=$2

for user in deploy app; do
    chroot "$root" useradd --create-home --shell /bin/bash "$user"
done
echo 'deploy ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/deploy"
chmod 0440 "$root/etc/sudoers.d/deploy"

for user in root deploy; do
    home=$(chroot "$root" sh -c "echo ~$user")
    install -d -m 0700 "$root$home/.ssh"
    install -m 0600 "$keys/id_ed25519.pub" "$root$home/.ssh/authorized_keys"
    chroot "$root" chown -R "$user:" "$home/.ssh"
done

rm -f "$root"/etc/ssh/ssh_host_*
install -m 0600 "$keys/host_ed25519" "$root/etc/ssh/ssh_host_ed25519_key"
# LogLevel VERBOSE names every login and session, which the counters count. The limits let
# one controller open connections to all hosts at once.
cat >"$root/etc/ssh/sshd_config" <<'CONFIG'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM yes
UseDNS no
PrintMotd no
LogLevel VERBOSE
MaxStartups 200:30:400
MaxSessions 200
PidFile none
Subsystem sftp /usr/lib/openssh/sftp-server
CONFIG
rm -f "$root/etc/resolv.conf"
: >"$root/etc/resolv.conf"
