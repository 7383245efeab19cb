# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs as root in a mount namespace of its own: mounts what a command needs
# below the environment, drops to the user and becomes the command. All mounts
# vanish with the namespace.
#
# enter.sh ROOT LOCK UID:GID GROUPS CWD NBINDS FOLDER... NAME=VALUE... -- COMMAND...
set -euo pipefail

root=$1 lock=$2 user=$3 groups=$4 cwd=$5 nbinds=$6
shift 6
binds=("${@:1:nbinds}")
shift "$nbinds"
vars=()
while [ "$1" != -- ]; do
	vars+=("$1")
	shift
done
shift

fail() { printf 'entering the environment: %s\n' "$*" >&2; exit 1; }

# Held until the command ends, so that nobody deletes the folder meanwhile.
exec 7>>"$lock"
flock --shared 7

mount -t proc proc "$root/proc" ||
	fail "may not mount: this needs real root (a container must be given CAP_SYS_ADMIN)"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"

# Single nodes, never the host's /dev itself: nothing done below this folder
# can then reach it.
mount -t tmpfs -o mode=755 dev "$root/dev"
for node in null zero full random urandom tty kvm; do
	if [ -e "/dev/$node" ]; then
		: >"$root/dev/$node"
		mount --bind "/dev/$node" "$root/dev/$node"
	fi
done
mkdir "$root/dev/shm"
chmod 1777 "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"

# Parents before children; sort by length does that.
while IFS= read -r dir; do
	case $dir in
	/ | /usr | /bin | /lib | /etc | /proc | /sys | /dev)
		fail "$dir cannot be shared with the environment: use a folder of its own" ;;
	esac
	mkdir -p "$root$dir"
	mount --bind "$dir" "$root$dir"
done < <(printf '%s\n' "${binds[@]}" | awk '!seen[$0]++ { print length, $0 }' | sort -n | cut -d ' ' -f 2-)

if ! [ -d "$root$cwd" ]; then cwd=/; fi
exec chroot --userspec="$user" --groups="$groups" "$root" /usr/bin/env -i -C "$cwd" \
	PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 LC_ALL=C.UTF-8 "${vars[@]}" "$@"
