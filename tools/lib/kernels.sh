# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Kernels by name. Each has a folder $CACHE/kernels/NAME-KEY with
#   build/     a prepared kernel build folder, for M= builds
#   bzImage    (or "linux" for uml)
#   modules/   the few modules that the guest may want, uncompressed
#   base-*     the guest's base file system
#   release    the release string; source: the source tree's path
# and a .stamp that is written last: without it the folder is started afresh.

kernel_names() { echo stock stock-7.2 debug kcsan uml; }

kernel_known() {
	case " $(kernel_names) " in
	*" ${1:-?} "*) ;;
	*) die "no kernel named '${1:-}'; there are: $(kernel_names)" 64 ;;
	esac
}

# The key is what a kernel depends on: its pinned release, the compilers, and
# the functions and configurations that make it.
kernel_key() { # kernel_key NAME
	{
		cat "$CACHE/kernels/$1.pin" "$ROOTFS.stamp"
		case $1 in
		stock*) declare -f fetch_package fetch_binaries prepare_stock make_stock ;;
		*)
			fragments "$1"
			compiled_args "$1"
			declare -f compile_kernel make_compiled trim_build ;;
		esac
	} | digest
}

kernel_dir() { printf '%s/kernels/%s-%s\n' "$CACHE" "$1" "$(kernel_key "$1")"; }

kernel_ready() {
	[ -f "$ROOTFS.stamp" ] && [ -f "$CACHE/kernels/$1.pin" ] && [ -f "$(kernel_dir "$1")/.stamp" ]
}

# The guest's base file system is remade by itself, since that takes no time.
base_name() { printf 'base-%s.cpio\n' "$(cat "$LIB/initramfs.sh" "$LIB/init" | digest)"; }
base_ready() { [ -f "$(kernel_dir "$1")/$(base_name)" ]; }

build_base() { # build_base NAME
	base_ready "$1" || env_run -- bash "$LIB/initramfs.sh" "$(kernel_dir "$1")" "$(base_name)"
}

# Folders of a kernel that nobody has used for two weeks.
prune_kernel() { # prune_kernel NAME
	local used
	while IFS= read -r used; do
		rm -rf "${used%/.used}"
	done < <(find "$CACHE/kernels" -maxdepth 2 -path "*/$1-????????????????/.used" -mtime +14)
}

build_kernel() { # build_kernel NAME
	local dir
	mkdir -p "$CACHE/kernels"
	if [ ! -f "$CACHE/kernels/$1.pin" ]; then pin_kernel "$1"; fi
	if kernel_ready "$1"; then return 0; fi
	dir=$(kernel_dir "$1")
	say "preparing kernel $1"
	need_space 4
	prune_kernel "$1"
	rm -rf "$dir"
	mkdir -p "$dir"
	case $1 in
	stock*) make_stock "$1" "$dir" ;;
	*) make_compiled "$1" "$dir" ;;
	esac
	cp "$CACHE/kernels/$1.pin" "$dir/.stamp"
}

kernel_prepare() {
	kernel_known "$1"
	rootfs_prepare
	kernel_ready "$1" || with_lock "kernel-$1" build_kernel "$1"
	base_ready "$1" || with_lock "kernel-$1" build_base "$1"
	touch "$(kernel_dir "$1")/.used"
}
