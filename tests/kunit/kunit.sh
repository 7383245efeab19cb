#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The suite kunit, in the guest. The suites ran when the module was loaded; the
# kernel keeps their reports.
set -u

grep -q " /sys/kernel/debug " /proc/mounts || mount -t debugfs none /sys/kernel/debug
# Of the suites' own lines, those of single tests, under the suite's name.
for results in /sys/kernel/debug/kunit/rsbac_mem_*/results; do
	suite=${results%/results}
	sed -n "s/^    \(not \)\{0,1\}ok [0-9]* \(.*\)/\1ok ${suite##*/}.\2/p" "$results"
done >/tmp/results

echo "KTAP version 1"
echo "1..$(wc -l </tmp/results)"
awk '{ sub(/ok /, "ok " NR " "); print }' /tmp/results
! grep -q '^not ok' /tmp/results
