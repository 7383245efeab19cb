#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: how many times the pairs of one CPU all of them get done, without
# and with the cache marked. Median, least and most of seven, in hundredths.
set -eu
p=/sys/module/kmem_bench/parameters

insmod ./kmem_bench.ko
echo "cpus.unmarked $(cat $p/cpus)"
echo 1 >/sys/kernel/slab/kmem_bench/cache_account
echo "cpus.marked $(cat $p/cpus)"
