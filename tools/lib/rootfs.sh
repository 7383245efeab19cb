# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The environment: a root folder of the suite that the kernels were built in,
# with its compilers, bindgen, QEMU and busybox. The same on every host.

# Raise this number when the way the folder is made changes.
ROOTFS_RECIPE=1
ROOTFS_PACKAGES=(
	rustc rust-src rustfmt rust-clippy bindgen libclang-19-dev
	gcc-14 clang-19 lld-19 llvm-19 sparse pahole
	make flex bison bc kmod cpio rsync xz-utils zstd git patch file
	python3 perl libelf-dev libssl-dev libdw-dev zlib1g-dev libc6-dev
	busybox-static qemu-system-x86 shellcheck ca-certificates
)

# The folder carries the digest of what it is made from, so that checkouts with
# different tools do not undo each other's work; the same goes for kernels.
ROOTFS=$CACHE/env-$(printf '%s\n' "$ROOTFS_RECIPE" "$SUITE" "${ROOTFS_PACKAGES[@]}" | digest)
ROOTFS_LOCK=$CACHE/lock/running

# The stamp lists the versions that a kernel's metadata depends on.
rootfs_ready() { [ -f "$ROOTFS.stamp" ]; }
rootfs_versions() {
	dpkg-query --admindir="$ROOTFS/var/lib/dpkg" -W -f '${Package} ${Version}\n' \
		rustc bindgen libclang-19-dev gcc-14 clang-19 pahole
}

# Anything mounted below a folder would be emptied with it.
refuse_mounted() { # refuse_mounted FOLDER
	local where
	where=$(awk -v dir="$1" 'index($5, dir "/") == 1 || $5 == dir { print $5; exit }' /proc/self/mountinfo)
	[ -z "$where" ] || die "not deleting $1: $where is mounted below it; umount it first"
}

remove_rootfs() { # remove_rootfs FOLDER
	[ -e "$1" ] || return 0
	refuse_mounted "$1"
	(
		exec 9>>"$ROOTFS_LOCK"
		if ! flock --exclusive --nonblock 9; then
			say "waiting for commands in the environment to end"
			flock --exclusive 9
		fi
		as_root rm -rf --one-file-system -- "$1"
	)
}

install_mmdebstrap() {
	command -v mmdebstrap >/dev/null && return 0
	as_root apt-get update
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends mmdebstrap
}

make_rootfs() { # make_rootfs FOLDER
	local include conf=$CACHE/apt/host.conf
	include=$(IFS=,; printf '%s' "${ROOTFS_PACKAGES[*]}")
	# mmdebstrap runs the host's apt with the new folder's configuration.
	# Proxies and the like must therefore be handed over.
	apt-config dump | grep -E '^Acquire::(https?|ftp|[^:]*[Pp]roxy[^:]*)::' >"$conf" || true
	as_root mmdebstrap --mode=root --variant=apt --architectures=amd64 --include="$include" \
		--aptopt="$conf" --aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		"$SUITE" "$1" - <"$APT/sources.list"
}

build_rootfs() {
	rootfs_ready && return 0
	say "preparing the build environment in $ROOTFS (once; about 2 minutes)"
	need_space 8
	step "mmdebstrap on the host" install_mmdebstrap
	apt_update
	rm -f "$ROOTFS.stamp"
	remove_rootfs "$ROOTFS.new"
	remove_rootfs "$ROOTFS"
	step "$SUITE with compilers, bindgen and QEMU" make_rootfs "$ROOTFS.new"
	mv "$ROOTFS.new" "$ROOTFS"
	rootfs_versions >"$ROOTFS.versions"
	mv "$ROOTFS.versions" "$ROOTFS.stamp"
}

check_host() {
	[ "$(uname -m)" = x86_64 ] || die "an x86-64 host is needed; this one is $(uname -m)"
	command -v apt-get >/dev/null ||
		die "a Debian 12 or 13 host is needed for the environment; elsewhere use 'make KDIR=/lib/modules/\$(uname -r)/build'"
	command -v unshare >/dev/null || die "unshare is missing: apt-get install util-linux"
	# Now, so that sudo asks before the progress lines begin.
	as_root true
}

rootfs_prepare() {
	rootfs_ready && return 0
	check_host
	with_lock env build_rootfs
}

# env_run [--bind FOLDER]... [--env NAME=VALUE]... -- COMMAND...
# Runs a command in the environment, as the present user, in the present
# folder; the checkout, the cache and each FOLDER are there at the same path.
env_run() {
	local binds=("$TOP" "$CACHE") vars=()
	while [ "$1" != -- ]; do
		case $1 in
		--bind) binds+=("$2") ;;
		--env) vars+=("$2") ;;
		esac
		shift 2
	done
	shift
	as_root unshare --mount --propagation private -- bash "$LIB/enter.sh" \
		"$ROOTFS" "$ROOTFS_LOCK" "$(id -u):$(id -g)" "$(id -G | tr ' ' ,)" "$PWD" \
		"${#binds[@]}" "${binds[@]}" "HOME=$HOME" "TERM=${TERM:-dumb}" "${vars[@]}" -- "$@"
}
