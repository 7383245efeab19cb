# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What every tool shares: where things live, how to talk, how to lock, how to
# run a long step so that its reader sees it move.
# shellcheck disable=SC2034 # the paths are for those who source this

TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
LIB=$TOP/tools/lib
if [ -n "${RSBAC_MEM_CACHE:-}" ]; then
	CACHE=$RSBAC_MEM_CACHE
else
	CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/rsbac_mem
fi
mkdir -p -- "$CACHE/lock" "$CACHE/logs"
CACHE=$(cd -- "$CACHE" && pwd -P)
JOBS=${JOBS:-$(nproc)}

say() { printf '%s\n' "$*" >&2; }
warn() { printf 'warning: %s\n' "$*" >&2; }

# die MESSAGE [STATUS]: one sentence, with the cure in it.
die() {
	printf '%s: %s\n' "${0##*/}" "$1" >&2
	exit "${2:-1}"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -- "$@"
	else
		die "root is needed to enter the build environment: run this as root, or install sudo"
	fi
}

# A lock lives as long as the subshell that took it and whatever that started: a
# compiler that outlives its script still keeps the next one away. A waiter is
# told once.
# with_lock NAME COMMAND...
with_lock() {
	local file=$CACHE/lock/$1
	shift
	(
		exec 8>>"$file"
		if ! flock --nonblock 8; then
			say "waiting for another run that is preparing ${file##*/}"
			flock 8
		fi
		"$@"
	)
}

need_space() { # need_space GIB
	local free
	free=$(df --output=avail -k -- "$CACHE" | tail -n 1)
	[ "$free" -ge $(($1 * 1024 * 1024)) ] ||
		die "only $((free / 1024 / 1024)) GiB free in $CACHE, about $1 GiB needed: free some, or point RSBAC_MEM_CACHE elsewhere"
}

# The commonest causes of a failed step, in words.
explain() { # explain LOG
	if grep -q 'No space left on device' "$1"; then
		say "the disk is full: free some space, or point RSBAC_MEM_CACHE at another disk"
	elif grep -Eq 'Could not resolve|Temporary failure|Connection (failed|refused|timed out)|Could not connect|Unable to connect|Network is unreachable' "$1"; then
		say "the Debian mirror could not be reached: check the network, the proxy and the host's apt sources"
	elif grep -Eq 'NO_PUBKEY|not signed|not available:.*key' "$1"; then
		say "the host does not trust the archive's key: apt-get install --only-upgrade debian-archive-keyring"
	elif grep -Eq '404 +Not Found|Hash Sum mismatch' "$1"; then
		say "the mirror has moved on: run tools/env update"
	fi
}

# Between "step" and its end: a counter on a terminal, a line each half minute
# elsewhere, so that nobody wonders whether it hangs.
watch_step() { # watch_step TEXT LOG
	local start=$SECONDS last next=30
	# A background job does not hear Ctrl-C; it ends when its script has.
	while sleep 1 && kill -0 $$ 2>/dev/null; do
		if [ -t 2 ]; then
			last=$(tail -c 400 -- "$2" | tr '\r' '\n' | grep -v '^$' | tail -n 1 | tr -cd '[:print:]' || true)
			printf '\r\033[K%s ... %d s  %.50s' "$1" $((SECONDS - start)) "$last" >&2
		elif [ $((SECONDS - start)) -ge "$next" ]; then
			say "$1 ... $((SECONDS - start)) s"
			next=$((SECONDS - start + 30))
		fi
	done
}

# step TEXT COMMAND...: output to a log of its own, which is shown on failure.
step() {
	local text=$1 log start=$SECONDS rc watcher
	shift
	log=$CACHE/logs/$(printf '%s' "$text" | tr -c 'A-Za-z0-9._+\n' '-').log
	: >"$log"
	if [ ! -t 2 ]; then say "$text ..."; fi
	watch_step "$text" "$log" 8>&- &
	watcher=$!
	# Not "|| rc=$?": that would switch errexit off inside the command.
	set +e
	(
		set -e
		"$@"
	) >"$log" 2>&1 </dev/null
	rc=$?
	set -e
	kill "$watcher" 2>/dev/null || true
	wait "$watcher" 2>/dev/null || true
	if [ -t 2 ]; then printf '\r\033[K' >&2; fi
	if [ "$rc" != 0 ]; then
		tail -n 20 -- "$log" >&2
		explain "$log"
		die "step failed: $text (whole log: $log)"
	fi
	say "$text: done, $((SECONDS - start)) s"
}

digest() { sha256sum | cut -c 1-16; }
