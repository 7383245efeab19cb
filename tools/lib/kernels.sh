# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Kernels by name. Each has a folder $CACHE/kernels/NAME with
#   build/     a prepared kernel build folder, for M= builds
#   bzImage    (or "linux" for uml)
#   modules/   the few modules that the guest may want, uncompressed
#   base.cpio  the guest's base file system
#   release    the release string; source: the source tree's path
# and a .stamp that is written last: without it the folder is started afresh.

kernel_names() { echo stock stock-7.2 debug kcsan uml; }

kernel_known() {
	case " $(kernel_names) " in
	*" ${1:-?} "*) ;;
	*) die "no kernel named '${1:-}'; there are: $(kernel_names)" 64 ;;
	esac
}

# kernel_var NAME: the folder, for reading.
kernel_dir() { printf '%s\n' "$CACHE/kernels/$1"; }

# What a kernel depends on: its pinned release and the functions that make it.
kernel_key() { # kernel_key NAME
	{
		cat "$CACHE/kernels/$1.pin"
		case $1 in
		stock*) declare -f fetch_binaries prepare_stock make_stock ;;
		*)
			fragments "$1"
			compiled_args "$1"
			declare -f compile_kernel make_compiled trim_build ;;
		esac
	} | digest
}

kernel_ready() {
	[ -f "$CACHE/kernels/$1.pin" ] && stamped "$CACHE/kernels/$1" "$(kernel_key "$1")"
}

# The guest's base file system is remade by itself, since that takes no time.
base_key() { cat "$CACHE/kernels/$1/.stamp" "$LIB/initramfs.sh" "$LIB/init" | digest; }
base_ready() { [ "$(cat "$CACHE/kernels/$1/base.key" 2>/dev/null)" = "$(base_key "$1")" ]; }

build_base() { # build_base NAME
	base_ready "$1" && return 0
	env_run -- bash "$LIB/initramfs.sh" "$CACHE/kernels/$1"
	base_key "$1" >"$CACHE/kernels/$1/base.key"
}

build_kernel() { # build_kernel NAME
	local dir=$CACHE/kernels/$1
	mkdir -p "$CACHE/kernels"
	if [ ! -f "$dir.pin" ]; then pin_kernel "$1"; fi
	if kernel_ready "$1"; then return 0; fi
	say "preparing kernel $1"
	need_space 4
	rm -rf "$dir"
	mkdir -p "$dir"
	case $1 in
	stock*) make_stock "$1" "$dir" ;;
	*) make_compiled "$1" "$dir" ;;
	esac
	stamp "$dir" "$(kernel_key "$1")"
}

kernel_prepare() {
	kernel_known "$1"
	rootfs_prepare
	kernel_ready "$1" || with_lock "kernel-$1" build_kernel "$1"
	base_ready "$1" || with_lock "kernel-$1" build_base "$1"
}
