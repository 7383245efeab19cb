#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The suite net on the debug kernel, in the guest: each mistake is called by its
# name. tools/vm sees to it that nothing else is.
set -u
. ./ktap.sh

make_mistake() {
	echo "$1" >/sys/module/net_test/parameters/make
}

noticed() { # noticed WORDS
	new_log >/tmp/log
	check "the log says so" grep -qF "$1" /tmp/log
}

# First, since lockdep gives up after any other report.
test_lock_inversion() {
	make_mistake lock_inversion
	noticed 'possible circular locking dependency detected'
}

test_leak() {
	make_mistake leak
	check "the scan finds it" eval '! kmemleak_is_silent >/tmp/leak'
	check "and where it was allocated" grep -q 'leak+0x' /tmp/leak
	echo clear >/sys/kernel/debug/kmemleak
}

test_use_after_free() {
	make_mistake use_after_free
	noticed 'KASAN: slab-use-after-free in use_after_free'
}

test_write_behind_the_end_of_vmalloc_memory() {
	make_mistake vmalloc_out_of_bounds
	noticed 'KASAN: vmalloc-out-of-bounds in vmalloc_out_of_bounds'
}

insmod ./net_test.ko
ktap_main
