#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The suite fault, in the guest.
set -u
. ./ktap.sh

state='/sys/kernel/rsbac_mem/slabs/*/objects'

# The call of that name in fault_test.ko, with each of its allocations failing.
survives() {
	./failnth --state "$state" write /sys/module/fault_test/parameters/act "$1" \
		>/tmp/failnth || fail "out of memory in $1"
	diag "$(sed 's/^# //' /tmp/failnth)"
	# A refused slab says why, which is as it should be.
	expect_log '^rsbac_mem: no slab "fault_test' any
	expect_log '^rsbac_mem: .*: no cache_account: ' any
}

test_kmalloc_64() { survives kmalloc_64; }
test_kmalloc_1m() { survives kmalloc_1m; }
test_vkmalloc_64k() { survives vkmalloc_64k; }
test_vkmalloc_5m() { survives vkmalloc_5m; }
test_slab_create() { survives slab_create; }
test_slab_create_rcu() { survives slab_create_rcu; }
test_smalloc() { survives smalloc; }

test_reading_figures() {
	for file in /sys/kernel/rsbac_mem/version \
		/sys/kernel/rsbac_mem/features/rkmem \
		/sys/kernel/rsbac_mem/slabs/rsbac-64/peak_bytes; do
		./failnth read "$file" >/tmp/failnth || fail "reading $file"
		diag "$(sed 's/^# //' /tmp/failnth)"
	done
}

# Loading has hundreds of points, and takes seconds on this kernel: a sample,
# another one each time.
test_loading() {
	rmmod fault_test
	rmmod rsbac_mem
	./failnth --state '/sys/kernel/slab/rsbac*' --state '/sys/kernel/rsbac_mem*' \
		--sample 12 --undo 'rmmod rsbac_mem' insmod ./rsbac_mem.ko \
		>/tmp/failnth || fail "out of memory at load"
	diag "$(sed 's/^# //' /tmp/failnth)"
	expect_log '^rsbac_mem: ' any
	check "and all is well at last" insmod ./rsbac_mem.ko
}

insmod ./fault_test.ko || exit 1
ktap_main
