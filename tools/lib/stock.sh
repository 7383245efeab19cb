# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The distribution's own kernels. Their packages carry no Rust metadata; the
# same source, configuration and compilers give it back without compiling a
# kernel. Old releases leave the mirror, so none is named here.

# list_releases REGEX: "release version source image" of each release for which
# kernel, headers and source of one version are there, newest first.
list_releases() {
	host_apt apt-cache pkgnames linux- |
		grep -E '^linux-((binary-unsigned|image|headers)-7[.].*-cloud-amd64|source-7[.][0-9]+)$' |
		host_apt xargs -r apt-cache madison |
		tr -d ' ' | awk -F '|' -v want="$1" '
		$1 ~ /-dbg$/ { next }
		{ have[$1, $2] = 1 }
		$1 ~ /^linux-headers-.*-cloud-amd64$/ { release[$1 SUBSEP $2] = 1 }
		END {
			for (key in release) {
				split(key, part, SUBSEP)
				name = substr(part[1], length("linux-headers-") + 1)
				version = part[2]
				split(name, number, ".")
				source = "linux-source-" number[1] "." number[2]
				if (name !~ want || !((source, version) in have))
					continue
				if (("linux-binary-unsigned-" name, version) in have)
					print name, version, source, "linux-binary-unsigned-" name
				else if (("linux-image-" name, version) in have)
					print name, version, source, "linux-image-" name
			}
		}' | sort -rV
}

# A pin says which release a name stands for; it stays until "tools/env update".
pin_kernel() { # pin_kernel NAME
	local want='^7[.]' found
	case $1 in
	stock-*) want="^${1#stock-}[.]" ;;
	esac
	# What is compiled here comes from the source of "stock".
	case $1 in
	stock*) ;;
	*)
		if [ ! -f "$CACHE/kernels/stock.pin" ]; then pin_kernel stock; fi
		cp "$CACHE/kernels/stock.pin" "$CACHE/kernels/$1.pin"
		return ;;
	esac
	apt_fresh
	found=$(list_releases "$want" | head -n 1)
	[ -n "$found" ] ||
		die "$SUITE-backports has no release for '$1' with kernel, headers and source of one version: try tools/env update later"
	printf '%s\n' "$found" >"$CACHE/kernels/$1.pin"
}

# Sources are shared by all kernels of one package version.
fetch_source() { # fetch_source PACKAGE VERSION
	local dir=$CACHE/source/$2
	[ -f "$dir/.stamp" ] && return 0
	rm -rf "$dir"
	mkdir -p "$dir"
	step "kernel source $2" fetch_package "$1" "$2" "$dir"
	touch "$dir/.stamp"
}

fetch_binaries() { # fetch_binaries RELEASE VERSION IMAGE FOLDER
	local tmp=$4/packages
	fetch_package "$3" "$2" "$tmp"
	fetch_package "linux-headers-$1" "$2" "$tmp"
	case $3 in
	linux-binary-*) fetch_package "linux-modules-$1" "$2" "$tmp" ;;
	esac
	mkdir -p "$4/build" "$4/modules"
	cp "$(find "$tmp" -name 'vmlinuz*' -type f | head -n 1)" "$4/bzImage"
	cp "$tmp/usr/src/linux-headers-$1/.config" "$4/build/"
	cp "$tmp/usr/src/linux-headers-$1/Module.symvers" "$4/Module.symvers"
	find "$tmp" -name 'configfs.ko*' -exec cp {} "$4/modules/" \;
	rm -rf "$tmp"
	if compgen -G "$4/modules/*.xz" >/dev/null; then env_run -- xz -dq "$4"/modules/*.xz; fi
}

prepare_stock() { # prepare_stock SOURCE FOLDER RELEASE
	env_run -- make -C "$1" O="$2/build" ARCH=x86 KERNELRELEASE="$3" \
		CC=x86_64-linux-gnu-gcc-14 HOSTCC=gcc-14 -j "$JOBS" olddefconfig modules_prepare
	grep -q '^CONFIG_RUST=y' "$2/build/.config"
	[ -f "$2/build/rust/libkernel.rmeta" ]
	cp "$2/Module.symvers" "$2/build/"
}

make_stock() { # make_stock NAME FOLDER
	local release version source image
	read -r release version source image <"$CACHE/kernels/$1.pin"
	with_lock source fetch_source "$source" "$version"
	step "$1: packages of $release" fetch_binaries "$release" "$version" "$image" "$2"
	step "$1: Rust metadata of $release" prepare_stock "$CACHE/source/$version" "$2" "$release"
	printf '%s\n' "$CACHE/source/$version" >"$2/source"
	printf '%s\n' "$release" >"$2/release"
	printf '%s\n' ARCH=x86 "KERNELRELEASE=$release" CC=x86_64-linux-gnu-gcc-14 HOSTCC=gcc-14 \
		CONFIG_DEBUG_INFO_BTF_MODULES= >"$2/make.args"
}
