#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kmem_cgroup's figures, in the guest: "what" "hundredths of a cycle". The module is
# not loaded yet when this starts.
set -eu
p=/sys/module/kmem_bench/parameters
slab=/sys/kernel/slab
kmem=/sys/kernel/config/kmem
groups=${1:-10000}
live=${2:-1000000}

say() { # say NAME PARAMETER
	printf '%s %s\n' "$1" "$(cat "$p/$2")"
}

mkdir -p /tmp/cg
mount -t cgroup2 none /tmp/cg
mkdir /tmp/cg/box
echo +memory >/tmp/cg/cgroup.subtree_control

insmod ./kmem_bench.ko
say without.kmalloc kmalloc
say without.other other
say without.pair pair
say without.ring ring
sh -c "echo 0 >/tmp/cg/box/cgroup.procs; printf 'gfp_account.pair '; cat $p/account"

insmod ./configfs.ko 2>/dev/null || modprobe configfs 2>/dev/null || true
insmod ./rsbac_mem.ko
[ -d "$kmem" ] || mount -t configfs none /sys/kernel/config
say loaded.kmalloc kmalloc
say loaded.other other
say loaded.pair pair

echo 1 >$slab/filp/cache_account
say marked_filp.kmalloc kmalloc
say marked_filp.other other

echo 1 >$slab/kmem_bench/cache_account
say marked.kmalloc kmalloc
say marked.other other
say marked.pair pair
say marked.ring ring

neighbour=$(cat $p/neighbour)
echo 1 >"$slab/$neighbour/cache_account"
say hooks_alone.other other
echo 0 >"$slab/$neighbour/cache_account"

mkdir $kmem/a $kmem/a/b
echo 1g >$kmem/a/max
sh -c "echo 0 >$kmem/a/b/pids; printf 'in_pids_group.pair '; cat $p/pair"
echo /box >$kmem/a/b/cgroup
sh -c "echo 0 >/tmp/cg/box/cgroup.procs; printf 'in_cgroup_group.pair '; cat $p/pair"
sh -c "echo 0 >/tmp/cg/box/cgroup.procs; printf 'in_cgroup_group.ring '; cat $p/ring"

i=0
while [ "$i" -lt "$groups" ]; do
	mkdir "$kmem/g$i"
	i=$((i + 1))
done
sh -c "echo 0 >/tmp/cg/box/cgroup.procs; printf 'groups_$groups.pair '; cat $p/pair"
echo "$live" >$p/live
sh -c "echo 0 >/tmp/cg/box/cgroup.procs; printf 'live_$live.pair '; cat $p/pair"
sh -c "echo 0 >/tmp/cg/box/cgroup.procs; printf 'live_$live.ring '; cat $p/ring"
echo "bookkeeping_bytes $(cat /sys/kernel/rsbac_mem/kmem_cgroup/bookkeeping_bytes)00"
echo 0 >$p/live
