#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The suite vmm, in the guest: vmm_test.ko's tests, and then programs.
set -u
. ./ktap.sh

sys=/sys/kernel/rsbac_mem/vmm

# Where a test takes all the memory there is, what is missing in the end may be a
# page for a page table, for which the kernel kills: these, then, and not us.
for _ in 1 2 3; do
	sh -c 'echo 1000 >/proc/self/oom_score_adj
		text=$(head -c 4000000 /dev/zero | tr "\0" x) && sleep 100000; :' &
done
prey=$(jobs -p)

insmod ./vmm_test.ko "scale=$RSBAC_MEM_TEST_SCALE" || exit 1

# A figure, once it has come back to what it was: files are closed with a delay.
settled() { # settled FIGURE VALUE
	n=0
	while [ "$(cat "$sys/$1")" != "$2" ] && [ "$n" -lt 50 ]; do
		n=$((n + 1))
		sleep 0.1
	done
	same "$1" "$(cat "$sys/$1")" "$2"
}

user() {
	./vmm_user "$1" >/tmp/user.out || fail "$(cat /tmp/user.out)"
}

test_user_lazy() { user user_lazy; }
test_user_locked() { user user_locked; }
test_user_reserved() { user user_reserved; }
test_user_guards() { user user_guards; }
test_user_grow_down() { user user_grow_down; }
test_user_protections() { user user_protections; }
test_user_refused() { user user_refused; }
test_user_caching() { user user_caching; }
test_user_mdl() { user user_mdl; }
test_user_forked() { user user_forked; }
test_user_torn() { user user_torn; }

# In a memory cgroup, where it hits nobody else.
test_user_no_memory() {
	mkdir -p /tmp/cgroup
	mount -t cgroup2 none /tmp/cgroup
	echo +memory >/tmp/cgroup/cgroup.subtree_control
	mkdir /tmp/cgroup/box
	echo 64M >/tmp/cgroup/box/memory.max
	sh -c 'echo 0 >/tmp/cgroup/box/cgroup.procs && exec ./vmm_user user_no_memory' \
		>/tmp/user.out || fail "$(cat /tmp/user.out)"
	check "it was the cgroup" grep -q '^max [1-9]' /tmp/cgroup/box/memory.events
	rmdir /tmp/cgroup/box
	umount /tmp/cgroup
}

# Between a module and a process, both ways.
test_user_module_mdl() { user user_module_mdl; }

# The module does not load if the types for Rust break a promise.
test_rust() {
	check "load" insmod ./vmm_rust_test.ko
	check "unload" rmmod vmm_rust_test
	settled regions 0
	settled committed_bytes 0
}

test_crate() {
	check "its own tests" sh -c './kn_vmm_units >/tmp/units || { cat /tmp/units; false; }'
	same "its example" "$(./kn_vmm_tour 2>&1)" ok
	settled regions 0
	settled mdl_buffers 0
}

# Killed in the middle of using regions of all kinds: all of it goes.
test_killed() {
	for round in 1 2 3; do
		: >/tmp/hold.out
		./vmm_user hold >/tmp/hold.out &
		pid=$!
		n=0
		while ! grep -q ready /tmp/hold.out && [ "$n" -lt 100 ]; do
			n=$((n + 1))
			sleep 0.1
		done
		check "regions in round $round" [ "$(cat "$sys/regions")" -ge 3 ]
		kill -9 "$pid"
		wait "$pid" 2>/dev/null
		settled regions 0
		settled committed_bytes 0
		settled mdl_buffers 0
	done
}

# The list of regions is for root, the figures are for everyone.
test_sysfs() {
	for file in regions reserved_bytes committed_bytes locked_bytes peak_bytes \
		mdl_buffers mdl_bytes wx_given wx_denied wrong_calls; do
		check "$file" grep -qE '^[0-9]+$' "$sys/$file"
		same "mode of $file" "$(stat -c %a "$sys/$file")" 444
	done
	check "peak" [ "$(cat "$sys/peak_bytes")" -gt 0 ]
	./vmm_user hold >/tmp/hold.out &
	pid=$!
	sleep 2
	same "mode of debugfs" "$(stat -c %a /sys/kernel/debug)" 700
	same "no program in the kernel's list" \
		"$(cat /sys/kernel/debug/rsbac_mem_vmm/regions)" ""
	kill -9 "$pid"
	wait "$pid" 2>/dev/null
	settled regions 0
}

test_device_is_for_root() {
	same "mode" "$(stat -c %a /dev/kn_vmm)" 600
}

# Charged to the group of the process, and limited with it.
test_group() {
	mkdir -p /sys/kernel/config
	mountpoint=$(grep -c ' /sys/kernel/config ' /proc/mounts)
	[ "$mountpoint" -gt 0 ] || mount -t configfs none /sys/kernel/config
	group=/sys/kernel/config/kmem/vmm_test
	check "group" mkdir "$group"
	./vmm_user hold >/tmp/hold.out &
	pid=$!
	echo "$pid" >"$group/pids"
	sleep 2
	[ "$(cat "$group/current")" -gt 4096 ] ||
		fail "charged: $(cat "$group/current")"
	kill -9 "$pid"
	wait "$pid" 2>/dev/null
	settled regions 0
	same "left over" "$(cat "$group/current")" 0
	echo $((1000 * 4096)) >"$group/max"
	sh -c 'echo $$ >'"$group"'/pids && exec ./vmm_user limit'
	same "limit" "$?" 0
	settled regions 0
	same "left over" "$(cat "$group/current")" 0
	check "group" rmdir "$group"
}

# None gets more than an error, and nothing is left.
test_fuzz() {
	rounds=$(loops 1000000)
	check "first half" ./vmm_user fuzz $((rounds / 2 + 1)) 1
	check "second half" ./vmm_user fuzz $((rounds / 2 + 1)) 2
	settled regions 0
	settled reserved_bytes 0
	settled committed_bytes 0
	settled locked_bytes 0
	settled mdl_buffers 0
	settled mdl_bytes 0
}

test_unload_is_refused_while_open() {
	./vmm_user hold >/tmp/hold.out &
	pid=$!
	sleep 1
	rmmod vmm_test
	rmmod rsbac_mem 2>/dev/null && fail "unloaded while a program has regions"
	kill -9 "$pid"
	wait "$pid" 2>/dev/null
	settled regions 0
	check "unload" rmmod rsbac_mem
	check "gone" [ ! -e /dev/kn_vmm ]
	check "gone" [ ! -e /sys/kernel/debug/rsbac_mem_vmm ]
	check "load" insmod ./rsbac_mem.ko
	user user_lazy
}

ktap_main vmm_test
status=$?
# shellcheck disable=SC2086
kill -9 $prey 2>/dev/null
exit $status
