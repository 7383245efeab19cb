#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# bench-guest.sh ROUNDS PAIRS CPUS...: measure, and print each measurement as
# "sample KIND CONTESTANT SIZE CPUS PICOSECONDS".
set -u

rounds=$1
pairs=$2
shift 2
debugfs=/sys/kernel/debug
grep -q " $debugfs " /proc/mounts || mount -t debugfs none "$debugfs"
insmod ./rsbac_bench.ko || exit 1

measure() { # measure KIND SIZE CPUS PAIRS
	echo "$1 $2 $3 $rounds $4" >"$debugfs/rsbac_bench/run" || exit 1
	sed "s/\(.*\) \(.*\)/sample $1 \1 $2 $3 \2/" "$debugfs/rsbac_bench/result"
}

for cpus; do
	for size in 8 16 32 64 96 128 192 256 512 1024 2048 4096 8192; do
		measure pairs $size "$cpus" "$pairs"
	done
done
for size in 4096 16384 65536 262144 1048576 4194304 8388608 16777216; do
	# The larger, the fewer: each byte is zeroed.
	n=$((pairs * 4096 / size))
	measure large $size 1 $((n > 4 ? n : 4))
done
