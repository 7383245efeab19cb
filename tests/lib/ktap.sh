# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Tests in the guest, reported as KTAP. A suite's script sources this file,
# defines functions test_..., each a test of one behaviour, and ends with
#	ktap_main [TEST-MODULE...]
# which runs the tests of these loaded modules (see ktest.h) and then the
# functions, in the order in which the script has them.
#
# In a test function:
#	check WHAT COMMAND...   the test fails where the command fails
#	same WHAT GOT WANTED    ... where the two texts differ
#	expect_log REGEX [N]    exactly N ("any" number of) new lines of the kernel's log, one if not
#	                        said, must match
#	diag TEXT               says something
#	skip WHY                this kernel cannot do it
# Lines "rsbac_mem: ..." in the log that no test has asked for fail the test
# that they come up in.

: "${RSBAC_MEM_TEST_SCALE:=1}"
ktap_debugfs=/sys/kernel/debug
ktap_count=0
ktap_failures=0

diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

fail() {
	ktap_failed=1
	diag "$@"
}

check() {
	ktap_what=$1
	shift
	"$@" || fail "$ktap_what: $*"
}

same() {
	[ "$2" = "$3" ] || fail "$1: got '$2', wanted '$3'"
}

skip() {
	ktap_skipped=$*
}

expect_log() {
	printf '%s %s\n' "${2-1}" "$1" >>/tmp/ktap.expected
}

# A loop of that many rounds, where there is no hurry.
loops() {
	ktap_n=$(($1 / RSBAC_MEM_TEST_SCALE))
	[ "$ktap_n" -gt 0 ] || ktap_n=1
	echo "$ktap_n"
}

# The lines of the log since the running test began.
new_log() {
	dmesg | sed 's/^\(<[0-9]*>\)\{0,1\}\[[ 0-9.]*\]\(\[ *[TC][0-9]*\]\)\{0,1\} *//' |
		awk -v mark="ktap: test $ktap_count" '
			seen { print }
			$0 == mark { seen = 1 }'
}

ktap_begin() {
	ktap_count=$((ktap_count + 1))
	ktap_failed=0
	ktap_skipped=
	: >/tmp/ktap.expected
	echo "ktap: test $ktap_count" >/dev/kmsg
}

ktap_check_log() {
	new_log >/tmp/ktap.log
	: >/tmp/ktap.regexes
	while read -r ktap_n ktap_regex; do
		ktap_found=$(grep -cE -e "$ktap_regex" /tmp/ktap.log)
		[ "$ktap_n" = any ] || [ "$ktap_found" -eq "$ktap_n" ] ||
			fail "$ktap_found lines of the log, not $ktap_n, match: $ktap_regex"
		printf '%s\n' "$ktap_regex" >>/tmp/ktap.regexes
	done </tmp/ktap.expected
	# The empty regex would match everything: only where there are any.
	grep '^rsbac_mem: ' /tmp/ktap.log >/tmp/ktap.odd
	if [ -s /tmp/ktap.regexes ]; then
		cp /tmp/ktap.odd /tmp/ktap.ours
		grep -vE -f /tmp/ktap.regexes /tmp/ktap.ours >/tmp/ktap.odd
	fi
	[ ! -s /tmp/ktap.odd ] ||
		fail "not expected in the log: $(cat /tmp/ktap.odd)"
}

ktap_end() {
	ktap_check_log
	if [ "$ktap_failed" -ne 0 ]; then
		ktap_failures=$((ktap_failures + 1))
		echo "not ok $ktap_count $1"
	elif [ -n "$ktap_skipped" ]; then
		echo "ok $ktap_count $1 # SKIP $ktap_skipped"
	else
		echo "ok $ktap_count $1"
	fi
}

# Each name that a test module lists.
ktap_kernel_test() {
	ktap_begin
	echo "$2" >"$ktap_debugfs/$1/run" 2>/tmp/ktap.error || ktap_failed=1
	sed -n 's/^# //p' "$ktap_debugfs/$1/result" >/tmp/ktap.notes
	if [ -s /tmp/ktap.notes ]; then
		diag "$(cat /tmp/ktap.notes)"
	elif [ "$ktap_failed" -ne 0 ]; then
		diag "$(cat /tmp/ktap.error)"
	fi
	sed -n 's/^log: /1 /p' "$ktap_debugfs/$1/result" >>/tmp/ktap.expected
	ktap_skipped=$(sed -n 's/^skip: //p' "$ktap_debugfs/$1/result")
	ktap_end "$2"
}

# What kmemleak has found. It looks twice, as objects younger than five seconds
# and such that were just on their way between two lists are not leaks.
kmemleak_is_silent() {
	sleep 6
	echo scan >"$ktap_debugfs/kmemleak"
	sleep 6
	echo scan >"$ktap_debugfs/kmemleak"
	cat "$ktap_debugfs/kmemleak" >/tmp/kmemleak
	[ ! -s /tmp/kmemleak ] || { cat /tmp/kmemleak && false; }
}

ktap_kmemleak() { # ktap_kmemleak NAME
	kmemleak_is_silent >/tmp/ktap.notes 2>&1 || fail "$(cat /tmp/ktap.notes)"
	ktap_end "$1"
}

# All modules that can go: what only their own data led to shows as a leak then.
ktap_unload() {
	while :; do
		ktap_gone=
		while read -r ktap_name _; do
			rmmod "$ktap_name" 2>/dev/null && ktap_gone=1
		done </proc/modules
		[ -n "$ktap_gone" ] || break
	done
}

ktap_leaks() {
	ktap_begin
	ktap_kmemleak no_leaks
	ktap_begin
	ktap_unload
	# What tests have left behind on purpose is told then.
	expect_log '^rsbac_mem: .*: leaked ' any
	expect_log '^rsbac_mem: slab .* from ' any
	ktap_kmemleak no_leaks_after_unload
}

ktap_main() {
	grep -q " $ktap_debugfs " /proc/mounts ||
		mount -t debugfs none "$ktap_debugfs"
	ktap_functions=$(sed -n 's/^\(test_[a-z0-9_]*\)() {.*/\1/p' "$0")
	# shellcheck disable=SC2086
	set -- "$@" -- $ktap_functions
	ktap_plan=0
	for ktap_module; do
		[ "$ktap_module" != -- ] || break
		ktap_plan=$((ktap_plan + $(wc -l <"$ktap_debugfs/$ktap_module/list")))
	done
	for ktap_function in $ktap_functions; do
		ktap_plan=$((ktap_plan + 1))
	done
	[ ! -e "$ktap_debugfs/kmemleak" ] || ktap_plan=$((ktap_plan + 2))

	echo "KTAP version 1"
	echo "1..$ktap_plan"
	while [ "$1" != -- ]; do
		# shellcheck disable=SC2013 # names are words
		for ktap_test in $(cat "$ktap_debugfs/$1/list"); do
			ktap_kernel_test "$1" "$ktap_test"
		done
		shift
	done
	shift
	for ktap_function; do
		ktap_begin
		"$ktap_function"
		ktap_end "${ktap_function#test_}"
	done
	[ ! -e "$ktap_debugfs/kmemleak" ] || ktap_leaks
	[ "$ktap_failures" -eq 0 ]
}
