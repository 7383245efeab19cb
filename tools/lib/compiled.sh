# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Kernels that are compiled here, from the source that "stock" comes from and a
# small configuration in tools/kernels/.

fragments() { # fragments NAME
	local dir=$TOP/tools/kernels
	case $1 in
	uml) cat "$dir/guest.config" "$dir/uml.config" ;;
	*) cat "$dir/guest.config" "$dir/pc.config" "$dir/$1.config" ;;
	esac
}

# One make argument a line. KASAN with Rust needs clang; user-mode Linux is
# built as its users build it.
compiled_args() { # compiled_args NAME
	case $1 in
	uml) printf '%s\n' ARCH=um SUBARCH=x86 CC=gcc-14 HOSTCC=gcc-14 ;;
	*) printf '%s\n' ARCH=x86_64 LLVM=-19 ;;
	esac
	printf '%s\n' "LOCALVERSION=-rsbac-$1" KBUILD_BUILD_USER=rsbac_mem KBUILD_BUILD_HOST=local
}

# kconfig drops in silence what it cannot give: ask for each line again.
check_config() { # check_config FRAGMENTS CONFIG
	local line missing=0
	while IFS= read -r line; do
		case $line in
		CONFIG_*) grep -qxF -- "$line" "$2" || { echo "not to be had: $line"; missing=1; } ;;
		'# CONFIG_'*) ! grep -q "^${line:2:-11}=" "$2" || { echo "not to be had: $line"; missing=1; } ;;
		esac
	done <"$1"
	return "$missing"
}

configure_compiled() { # configure_compiled SOURCE FOLDER
	env_run -- make -C "$1" O="$2/build" "${@:3}" KCONFIG_ALLCONFIG="$2/fragments" allnoconfig
	check_config "$2/fragments" "$2/build/.config"
}

# KCSAN in modules only: the kernel's own races would fail runs that they have
# nothing to do with, and the watchpoints are better spent on our code.
compile_kernel() { # compile_kernel SOURCE FOLDER ARGUMENTS...
	local src=$1 dir=$2
	shift 2
	if grep -q '^CONFIG_KCSAN=y' "$dir/build/.config"; then set -- "$@" KCSAN_SANITIZE=n; fi
	env_run -- make -C "$src" O="$dir/build" "$@" -j "$JOBS"
}

# An external build needs the metadata, headers and tools, not the objects.
trim_build() { # trim_build FOLDER
	find "$1/build" -name '*.o' -not -path '*/scripts/*' -not -path '*/tools/*' -not -path '*/rust/*' \
		-not -name 'module.o' -delete
	find "$1/build" \( -name '*.a' -o -name 'vmlinux.unstripped' \) -not -path '*/scripts/*' \
		-not -path '*/tools/*' -delete
}

make_compiled() { # make_compiled NAME FOLDER
	local version source args
	read -r _ version source _ <"$CACHE/kernels/$1.pin"
	with_lock source fetch_source "$source" "$version"
	mkdir -p "$2/build"
	fragments "$1" >"$2/fragments"
	mapfile -t args < <(compiled_args "$1")
	step "$1: configuration" configure_compiled "$CACHE/source/$version" "$2" "${args[@]}"
	step "$1: compiling (minutes)" compile_kernel "$CACHE/source/$version" "$2" "${args[@]}"
	case $1 in
	uml)
		cp "$2/build/linux" "$2/linux"
		echo '-Crelocation-model=static -Ccode-model=large' >"$2/krustflags" ;;
	*)
		cp "$2/build/arch/x86/boot/bzImage" "$2/bzImage"
		echo 2048 >"$2/memory" ;;
	esac
	trim_build "$2"
	printf '%s\n' "$CACHE/source/$version" >"$2/source"
	cp "$2/build/include/config/kernel.release" "$2/release"
	# The wrapper instruments Rust as well; its path is the checkout's.
	if [ "$1" = kcsan ]; then args+=(RUSTC=@LIB@/rustc-tsan); fi
	printf '%s\n' "${args[@]}" >"$2/make.args"
}
