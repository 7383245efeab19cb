# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Building an external module for a kernel of ours. Objects of each kernel and
# folder have an output folder of their own in the cache (kbuild's MO=), so that
# kernels never mix; the results are copied to DIR/ and DIR/build/KERNEL/.

# OUT_KIND keeps the objects of "make lint" apart from those that are loaded.
out_dir() { # out_dir KERNEL DIR
	printf '%s/out/%s/%s-%s\n' "$CACHE" "$1${OUT_KIND:-}" "${2##*/}" "$(printf '%s' "$2" | digest)"
}

# module_dirs: every folder of this checkout that kmake can build.
module_dirs() {
	find "$TOP" \( -name .git -o -name build \) -prune -o -name Kbuild -printf '%h\n' | sort
}

# Objects built inside the folder by a plain kbuild would be found there
# by make's VPATH and taken for our own.
refuse_in_tree() { # refuse_in_tree DIR
	local found
	found=$(find "$1" -maxdepth 2 -name '.*.o.cmd' -not -path '*/build/*' -print -quit)
	[ -z "$found" ] ||
		die "$1 holds objects of a build by another way ($found): run that build's 'clean' first"
}

run_kbuild() { # run_kbuild KERNEL DIR ARGUMENTS...
	local kernel=$1 dir=$2 out kdir args arg cflags rustflags symbols=
	shift 2
	kdir=$(kernel_dir "$kernel")
	out=$(out_dir "$kernel" "$dir")
	mapfile -t args < <(sed "s|@LIB@|$LIB|" "$kdir/make.args")
	cflags="-I$TOP/include" rustflags=
	if [ -f "$kdir/krustflags" ]; then rustflags=$(cat "$kdir/krustflags"); fi
	if [ "$dir" != "$TOP" ]; then symbols=$(out_dir "$kernel" "$TOP")/Module.symvers; fi
	for arg; do
		case $arg in
		KCFLAGS=*) cflags+=" ${arg#*=}" ;;
		KRUSTFLAGS=*) rustflags+=" ${arg#*=}" ;;
		KBUILD_EXTRA_SYMBOLS=*) symbols+=" ${arg#*=}" ;;
		*) args+=("$arg") ;;
		esac
	done
	mkdir -p "$out"
	env_run --bind "$dir" -- make -C "$kdir/build" M="$dir" MO="$out" --no-print-directory \
		-j "$JOBS" KCFLAGS="$cflags" KRUSTFLAGS="$rustflags" \
		KBUILD_EXTRA_SYMBOLS="$symbols" "${args[@]}"
}

# Whoever reads DIR meanwhile gets the old file or the new one, never half of it;
# a file that has not changed is left alone.
put() { # put FILE FOLDER
	cmp -s "$1" "$2/${1##*/}" && return 0
	cp "$1" "$2/.${1##*/}.$$"
	mv "$2/.${1##*/}.$$" "$2/${1##*/}"
}

collect() { # collect KERNEL DIR
	local out file
	out=$(out_dir "$1" "$2")
	mkdir -p "$2/build/$1"
	for file in "$out"/*.ko "$out/Module.symvers"; do
		[ -f "$file" ] || continue
		put "$file" "$2/build/$1"
		case $file in
		*.ko) put "$file" "$2" ;;
		esac
	done
}

remove_built() { # remove_built KERNEL DIR
	local out file
	out=$(out_dir "$1" "$2")
	for file in "$out"/*.ko "$2/build/$1"/*.ko; do
		if [ -f "$file" ]; then rm -f "$2/${file##*/}"; fi
	done
	rm -rf "$out" "$2/build/$1"
	rmdir "$2/build" 2>/dev/null || true
}

build_dir() { # build_dir KERNEL DIR ARGUMENTS...
	local kernel=$1 dir=$2
	shift 2
	refuse_in_tree "$dir"
	if [ "${*: -1}" = clean ]; then
		remove_built "$kernel" "$dir"
		return
	fi
	run_kbuild "$kernel" "$dir" "$@" || return
	collect "$kernel" "$dir"
}

# own_newer: something that rsbac_mem.ko is made of and that is newer than a file.
own_newer() { # own_newer FILE
	find "$TOP" \( -path "$TOP/.git" -o -path "$TOP/build" -o -path "$TOP/tests" \
		-o -path "$TOP/samples" -o -path "$TOP/benches" -o -path "$TOP/tools" -o -path "$TOP/Documentation" \) -prune \
		-o \( -name '*.rs' -o -name '*.[ch]' -o -name Kbuild -o -type d \) -newer "$1" -print -quit
}

own_fresh() { # own_fresh KERNEL
	local mark
	mark=$(out_dir "$1" "$TOP")/.built
	[ -f "$mark" ] && [ -f "$TOP/build/$1/rsbac_mem.ko" ] &&
		[ "$mark" -nt "$(kernel_dir "$1")/.stamp" ] && [ -z "$(own_newer "$mark")" ]
}

build_own_now() { # build_own_now KERNEL
	local out now
	own_fresh "$1" && return 0
	out=$(out_dir "$1" "$TOP")
	mkdir -p "$out"
	now=$out/.building
	touch "$now"
	build_dir "$1" "$TOP" modules >&2
	mv "$now" "$out/.built"
}

# Builds rsbac_mem.ko for a kernel unless it is up to date.
build_own() { # build_own KERNEL
	own_fresh "$1" || with_lock "out-$1-$(printf '%s' "$TOP" | digest)" build_own_now "$1"
}
