#!/usr/bin/env bash
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs all Molecule scenarios, or Molecule's command that is given: run.sh converge -s deploy
# With `check` it only prints the name of the hosts' image, ready to run.
# Exits with status 77 and one line that says why, where podman cannot make the hosts.
set -euo pipefail
cd "$(dirname "$0")"
checkout=$(cd ../.. && pwd)
export PATH="$checkout/.venv/bin:$PATH"
export CONTAINERS_CONF="$PWD/containers.conf"
export MOLECULE_EPHEMERAL_DIRECTORY="$checkout/.cache/molecule"

cannot() {
    echo "Molecule's hosts cannot be made here: $1"
    exit 77
}

declare -A package=([podman]=podman [runc]=runc [mmdebstrap]=mmdebstrap [iptables]=iptables
    [ssh]=openssh-client [flock]=util-linux)
packages=()
for command in "${!package[@]}"; do
    [ -n "$(type -P "$command")" ] || packages+=("${package[$command]}")
done
[ -x /usr/lib/cni/bridge ] || packages+=(containernetworking-plugins)

[ "$(id -u)" = 0 ] || cannot "they need root"
if [ ${#packages[@]} != 0 ]; then
    [ -n "$(type -P apt-get)" ] || cannot "they need the Debian packages ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update && apt-get install --yes --no-install-recommends "${packages[@]}"; } \
        >/dev/null 2>&1 || cannot "the Debian packages ${packages[*]} could not be installed"
fi

MOLECULE_IMAGE=$(./build_image.sh) || cannot "their image could not be built"
export MOLECULE_IMAGE
said=$(podman run --rm --network=none "$MOLECULE_IMAGE" true 2>&1) \
    || cannot "podman cannot start a container (${said##*$'\n'})"
if [ "${1-}" = check ]; then
    echo "$MOLECULE_IMAGE"
    exit
fi

# One run at a time on a machine: the hosts' names and addresses are fixed.
exec 9>/run/lock/itops-release-molecule
flock 9

cd "$checkout"
if [ $# != 0 ]; then
    molecule "$@"
    exit
fi
rm -rf "$MOLECULE_EPHEMERAL_DIRECTORY" # what an interrupted run remembers may not be true
status=0
molecule test --all || status=$?
if [ $status != 0 ]; then
    molecule destroy >/dev/null 2>&1 # Molecule itself leaves the hosts when making them fails
fi
exit $status
