#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The suite fault, in the guest.
set -u
. ./ktap.sh

sys=/sys/kernel/rsbac_mem
kmem=/sys/kernel/config/kmem
act=/sys/module/fault_test/parameters/act

# failing ARGUMENTS...: failnth with them, and what it says
failing() {
	./failnth "$@" >/tmp/failnth || fail "out of memory in: $*"
	diag "$(sed 's/^# //' /tmp/failnth)"
}

# The action of that name in fault_test.ko.
survives() {
	failing --state "$sys/slabs/*/objects" --state "$sys/pmalloc/pools" \
		--state "$sys/vmm/regions" --state "$sys/vmm/[!p]*_bytes" \
		--state "$sys/vmm/mdl_buffers" write "$act" "$1"
}

test_rkmem() {
	for name in kmalloc_64 kmalloc_1m vkmalloc_64k vkmalloc_5m smalloc; do
		survives $name
	done
}

test_rkmem_slabs() {
	survives slab_create
	survives slab_create_rcu
	# A refused slab says why, which is as it should be.
	expect_log '^rsbac_mem: .*no slab "fault_test' any
	expect_log '^rsbac_mem: .*: no cache_account: ' any
}

test_rkmem_figures() {
	for file in version features/rkmem slabs/rsbac-64/peak_bytes; do
		failing read "$sys/$file"
	done
}

test_pmalloc() {
	for name in pool_create pool_ro pool_auto_ro pool_start_wr pool_books; do
		survives $name
		grep -q '^0$' "$sys/pmalloc/pools" || fail "a pool is left after $name"
	done
	expect_log '^rsbac_mem: pmalloc' any
	failing read "$sys/pmalloc/audit"
}

test_vmm() {
	for name in reserve commit_locked uncached commit_protect mdl mdl_of_buffer kos_alloc; do
		survives $name
	done
	failing open /dev/kn_vmm
}

test_kmem_groups() {
	failing --state "$kmem/*" --undo "rmdir $kmem/box" mkdir "$kmem/box"
	mkdir "$kmem/box"
	failing --state "$kmem/box/max" --undo "echo max >$kmem/box/max" \
		write "$kmem/box/max" 1M
	failing --state "$kmem/box/pids" --undo "echo $$ >$kmem/pids" \
		write "$kmem/box/pids" $$
	rmdir "$kmem/box"
	failing read /proc/rsbac_mem/kmem
}

test_kmem_marks() {
	mark=/sys/kernel/slab/fault_marked/cache_account
	failing --state "$mark" --undo "echo 0 >$mark" write "$mark" 1
	echo 1 >"$mark"
	survives objects
	survives charge
	same "all given back" "$(awk '$1 == "fault_marked" { n += $3 } END { print n + 0 }' /proc/rsbac_mem/kmem)" 0
	echo 0 >"$mark"
	survives cache_create
	expect_log '^rsbac_mem: .*: no cache_account: ' any
}

# Loading has hundreds of points, and takes seconds on this kernel: a sample.
test_loading() {
	rmmod fault_test
	rmmod rsbac_mem
	failing --state '/sys/kernel/slab/rsbac*' --state "$sys*" \
		--sample 6 --undo 'rmmod rsbac_mem' insmod ./rsbac_mem.ko
	expect_log '^rsbac_mem: ' any
	check "and all is well at last" insmod ./rsbac_mem.ko
}

# The first mark puts the hooks in, which stay until the module goes.
test_first_mark() {
	mark=/sys/kernel/slab/filp/cache_account
	failing --state "$mark" --sample 6 --undo 'rmmod rsbac_mem && insmod ./rsbac_mem.ko' \
		write "$mark" 1
	expect_log '^rsbac_mem: kmem_cgroup: cannot hook ' any
}

[ -d "$kmem" ] || mount -t configfs none /sys/kernel/config
insmod ./fault_test.ko || exit 1
ktap_main
