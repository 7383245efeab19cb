# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# KTAP of several guests into one report: each guest is a subtest, indented, and
# a test of its own at the top, which passes if all in the guest did. Counted is
# what the guests say, and each guest that does not keep to its own plan.

# report_start BOOTS
report_start() {
	report_nr=0
	report_passed=0
	report_failed=0
	echo "KTAP version 1"
	echo "1..$1"
}

# report_begin NAME
report_begin() {
	report_name=$1
	report_nr=$((report_nr + 1))
	report_began=$SECONDS
	report_counts=$(mktemp)
}

# A guest's output on standard input, whatever it is, into a subtest; line by
# line, so that one sees how it gets on (mawk would collect its input first).
report_lines() {
	local line plan=0 passed=0 failed=0
	while IFS= read -r line || [ -n "$line" ]; do
		case $line in
		'KTAP version 1' | '#'*) ;;
		'1..'*) plan=${line#1..} ;;
		'ok '[0-9]*) passed=$((passed + 1)) ;;
		'not ok '[0-9]*) failed=$((failed + 1)) ;;
		*) line="# $line" ;;
		esac
		printf '  %s\n' "$line"
	done
	echo "$plan $passed $failed" >"$report_counts"
}

# report_end WHY: WHY is empty where the guest came to its end.
report_end() {
	local plan=0 passed=0 failed=0 why=$1
	read -r plan passed failed <"$report_counts" || true
	rm -f "$report_counts"
	if [ -z "$why" ] && [ "$plan" -ne $((passed + failed)) ]; then
		why="$((passed + failed)) tests of $plan came to their end"
	fi
	if [ -z "$why" ] && [ "$plan" -eq 0 ]; then
		why="not one test"
	fi
	report_passed=$((report_passed + passed))
	report_failed=$((report_failed + failed))
	if [ -n "$why" ]; then
		report_failed=$((report_failed + 1))
		echo "# $why"
	fi
	echo "# $((SECONDS - report_began)) s"
	if [ -z "$why" ] && [ "$failed" -eq 0 ]; then
		echo "ok $report_nr $report_name"
	else
		echo "not ok $report_nr $report_name"
	fi
}

report_total() {
	echo "$report_passed passed, $report_failed failed"
	[ "$report_failed" -eq 0 ]
}
