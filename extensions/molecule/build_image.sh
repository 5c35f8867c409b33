#!/usr/bin/env bash
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds the image of the test hosts from Debian packages (no image registry is needed) and
# prints its name. The name has a hash of this file, so the image is built once per recipe.
set -euo pipefail

image=localhost/itops-release-host:$(sha256sum "${BASH_SOURCE[0]}" | cut -c 1-12)
if ! podman image exists "$image"; then
    root=$(mktemp --suffix=.tar)
    trap 'rm -f "$root"' EXIT
    # shellcheck disable=SC2016 # $1 is for the shells that run the hooks
    mmdebstrap --quiet --variant=minbase \
        --include=systemd,systemd-sysv,dbus,python3,openssh-server,iproute2,procps,sudo,acl,zstd \
        --customize-hook='chroot "$1" useradd --create-home --shell /bin/bash deploy' \
        --customize-hook='echo "deploy ALL=(ALL) NOPASSWD: ALL" >"$1/etc/sudoers.d/deploy"' \
        --customize-hook='install -d -m 0700 "$1/root/.ssh" "$1/home/deploy/.ssh"' \
        --customize-hook='chroot "$1" chown deploy: /home/deploy/.ssh' \
        --customize-hook='chroot "$1" systemctl mask apt-daily.timer apt-daily-upgrade.timer \
            e2scrub_all.timer fstrim.timer systemd-tmpfiles-clean.timer' \
        bookworm "$root" >&2
    podman import --quiet --change 'CMD ["/sbin/init"]' --change 'STOPSIGNAL SIGRTMIN+3' \
        --change 'ENV container=podman' "$root" "$image" >&2
fi
echo "$image"
