#!/bin/sh
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Becomes process 1 of a host: runs in fresh namespaces, mounts what a host has, starts sshd.
# $1 is the host's name, $2 the shared root, $3 the host's own directory.
set -eu
name=$1
shared=$2
cd "$3"

mount --make-rprivate /
mount -t overlay -o "lowerdir=$shared,upperdir=upper,workdir=work" overlay root
mount --bind srv root/srv
mount -t proc proc root/proc
mount -t sysfs -o ro sysfs root/sys
mount -t tmpfs -o mode=755 run root/run
mkdir -p root/run/sshd root/run/lock
mount -t tmpfs -o mode=755 dev root/dev
for node in null zero full random urandom tty; do
    touch "root/dev/$node"
    mount --bind "/dev/$node" "root/dev/$node"
done
mkdir root/dev/pts root/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts root/dev/pts
mount -t tmpfs -o mode=1777 shm root/dev/shm
ln -s pts/ptmx root/dev/ptmx
ln -s /proc/self/fd root/dev/fd
for stream in 0:stdin 1:stdout 2:stderr; do
    ln -s "/proc/self/fd/${stream%:*}" "root/dev/${stream#*:}"
done

hostname "$name"
printf '127.0.0.1 localhost %s\n' "$name" >root/etc/hosts
# Without IPv6 nothing but the tests' own traffic is counted.
echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
exec chroot root /usr/sbin/sshd -D -E /var/log/sshd.log
