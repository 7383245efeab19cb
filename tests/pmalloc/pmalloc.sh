#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The suite pmalloc, in the guest: pmalloc_test.ko's tests, and then what is
# seen from user space.
set -u
. ./ktap.sh

sys=/sys/kernel/rsbac_mem
pools=$sys/pmalloc

splits() {
	awk '/^direct_map_level[23]_splits/ { sum += $2 } END { print sum }' /proc/vmstat
}

kernel_test() {
	echo "$1" >/sys/kernel/debug/pmalloc_test/run
}

test_features() {
	same "pools" "$(cat "$sys/features/pmalloc")" yes
	check "direct map" grep -qE '^(yes$|no: .)' "$sys/features/pmalloc_direct_map"
}

test_large_areas_split_nothing() {
	before=$(splits)
	check "large areas" kernel_test large_areas
	same "splits" "$(splits)" "$before"
}

test_many_small_pools_split_nothing() {
	before=$(splits)
	i=0
	while [ $i -lt 20 ]; do
		check "small pools" kernel_test sizes_up_to_three_pages
		i=$((i + 1))
	done
	same "splits" "$(splits)" "$before"
}

test_figures_readable_by_everyone() {
	for file in "$pools"/*; do
		[ -d "$file" ] || same "mode of $file" "$(stat -c %a "$file")" 444
	done
}

test_unload_refused_while_in_use() {
	check "rmmod fails" eval '! rmmod rsbac_mem 2>/dev/null'
}

test_unload_takes_all_away() {
	rmmod pmalloc_test
	check "rmmod" rmmod rsbac_mem
	check "no sysfs" [ ! -e "$sys" ]
	check "nothing mapped" eval '! grep -q rsbac_mem /proc/vmallocinfo'
	check "load" insmod ./rsbac_mem.ko
}

test_full_protection_can_be_required() {
	rmmod rsbac_mem
	insmod ./rsbac_mem.ko require_full_protection=1 area_only=1
	expect_log 'no pmalloc_direct_map: '
	expect_log 'pmalloc_create_pool: .* cannot be protected fully on this kernel'
	insmod ./pmalloc_leak.ko
	check "no pool" [ ! -e "$pools/left_behind" ]
	rmmod pmalloc_leak
	rmmod rsbac_mem
	check "load" insmod ./rsbac_mem.ko
}

test_types_for_rust() {
	check "its own checks" insmod ./pmalloc_rust_test.ko
	same "mode" "$(cat "$pools/rust_test/mode")" "wr verified"
	same "state" "$(cat "$pools/rust_test/state")" sealed
	check "rmmod" rmmod pmalloc_rust_test
	check "no pool is left" [ ! -e "$pools/rust_test" ]
}

test_load_and_unload_again_and_again() {
	rounds=$(loops 8)
	i=0
	while [ $i -lt "$rounds" ]; do
		insmod ./pmalloc_test.ko
		kernel_test sizes_up_to_three_pages || fail "a test in round $i"
		rmmod pmalloc_test
		rmmod rsbac_mem || fail "rmmod in round $i"
		check "nothing mapped" eval '! grep -q rsbac_mem /proc/vmallocinfo'
		insmod ./rsbac_mem.ko
		i=$((i + 1))
	done
}

# The last: there is no way to unload it after this.
test_unload_refused_while_pools_live() {
	insmod ./pmalloc_leak.ko
	rmmod pmalloc_leak
	check "the pool is there" [ -d "$pools/left_behind" ]
	same "its state" "$(cat "$pools/left_behind/state")" sealed
	same "its ledger" "$(stat -c %a "$pools/left_behind/ledger")" 400
	check "rmmod fails" eval '! rmmod rsbac_mem 2>/dev/null'
}

insmod ./pmalloc_test.ko scale="$RSBAC_MEM_TEST_SCALE"
ktap_main pmalloc_test
