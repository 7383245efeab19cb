# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What a run of tools/vm amounts to.

# A .ko that was built for several kernels: the one of this kernel.
module_for() { # module_for KERNEL FILE
	local dir=${2%/*} file=${2##*/}
	[ "$dir" != "$2" ] || dir=.
	if [[ $file == *.ko ]] && [ -f "$dir/build/$1/$file" ]; then
		printf '%s\n' "$dir/build/$1/$file"
	else
		printf '%s\n' "$2"
	fi
}

show_log() { # show_log RUN [LINE]
	say "--- kernel log ---"
	if [ -n "${2:-}" ]; then
		sed -n "$((${2} > 5 ? ${2} - 5 : 1)),$((${2} + 60))p" "$1/log" >&2
	else
		tail -n 40 "$1/log" >&2
	fi
	say "------------------"
}

# judge RUN QEMU_STATUS TIMEOUT ALLOW [WORDS]...: exits with the run's status.
judge() {
	local run=$1 rc=$2 timeout=$3 allow=$4 answer='' words bad=0 first
	shift 4
	tr -d '\r' <"$run/log" >"$run/log.txt" && mv "$run/log.txt" "$run/log"
	if [ -f "$run/status" ]; then answer=$(tail -n 1 "$run/status" | tr -d '\r'); fi
	awk -f "$LIB/splats.awk" "$run/log" >"$run/splats"
	cp "$run/splats" "$run/unexpected"
	for words; do
		if ! grep -qF -- "$words" "$run/splats"; then
			say "vm: the expected report did not occur: $words"
			bad=1
		fi
		grep -vF -- "$words" "$run/unexpected" >"$run/rest" || true
		mv "$run/rest" "$run/unexpected"
	done
	if [ "$allow" = 0 ] && [ -s "$run/unexpected" ]; then
		bad=1
		first=$(head -n 1 "$run/unexpected")
		show_log "$run" "${first%%:*}"
		say "vm: the kernel reported (line in the log: words):"
		head -n 20 "$run/unexpected" >&2
	fi
	if [ "$bad" = 1 ]; then
		case $answer in
		"status "*) say "vm: COMMAND itself ended with ${answer#status }" ;;
		esac
		exit 70
	fi
	case $answer in
	"status "*) exit "${answer#status }" ;;
	"load "*)
		show_log "$run"
		say "vm: rsbac_mem.ko could not be loaded: ${answer#load }"
		exit 72 ;;
	esac
	show_log "$run"
	if [ "$rc" = 124 ] || [ "$rc" = 137 ]; then
		say "vm: stopped after $timeout s (--timeout): COMMAND had not ended"
		exit 124
	fi
	say "vm: the machine ended without an answer from COMMAND (emulator's status $rc)"
	exit 71
}
