#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The suite rkmem, in the guest: rkmem_test.ko's tests, and then what is seen
# from user space.
set -u
. ./ktap.sh

sys=/sys/kernel/rsbac_mem
cycles=$(loops 100)

reload() { # reload [PARAMETER...]
	rmmod rsbac_mem 2>/dev/null
	insmod ./rsbac_mem.ko "$@"
}

our_slabs() {
	awk '/^(rsbac-|rkmem_test)/ { print $1 }' /proc/slabinfo | sort
}

test_version_and_features() {
	check "a version" grep -qE '^[0-9]+\.[0-9]+\.[0-9]+$' "$sys/version"
	for feature in "$sys"/features/*; do
		check "$feature" grep -qE '^(yes|no: .*)$' "$feature"
	done
}

test_classes_in_slabinfo_under_their_names() {
	for size in 8 16 32 64 96 128 192 256 512 1k 2k 4k 8k 16k 32k 64k 128k \
		256k 512k 1M 2M 4M; do
		check "slabinfo has it" grep -q "^rsbac-$size " /proc/slabinfo
		check "sysfs has it" [ -d "$sys/slabs/rsbac-$size" ]
		check "it is no alias of another" [ ! -L "/sys/kernel/slab/rsbac-$size" ]
		check "nor has it any" grep -qx 0 "/sys/kernel/slab/rsbac-$size/aliases"
	done
}

test_figures_are_one_number_each() {
	grep -c '' "$sys"/slabs/*/* "$sys"/errors/* | grep -v ':1$' >/tmp/odd
	same "files that have not one line" "$(cat /tmp/odd)" ""
	grep -vE '^[0-9]+$' "$sys"/slabs/*/* "$sys"/errors/* >/tmp/odd
	same "lines that are not a number" "$(cat /tmp/odd)" ""
}

test_figures_are_consistent() {
	for slab in "$sys"/slabs/*; do
		(cd "$slab" && grep . ./*) | tr : ' ' | awk -v slab="${slab##*/}" '
			{ value[substr($1, 3)] = $2 }
			END {
				if (value["objects"] != value["allocs"] - value["frees"])
					print slab ": objects"
				if (slab != "vmalloc" && value["bytes"] != \
				    value["objects"] * value["object_size"])
					print slab ": bytes"
				if (value["peak_bytes"] < value["bytes"])
					print slab ": peak_bytes"
			}'
	done >/tmp/odd
	same "figures that contradict each other" "$(cat /tmp/odd)" ""
}

test_files_readable_by_everyone() {
	echo 'nobody:x:65534:65534::/:/bin/sh' >/etc/passwd
	chmod 755 / /tmp
	su nobody -s /bin/sh -c "id -u && cat $sys/version $sys/features/* \
		$sys/errors/* $sys/slabs/*/*" >/tmp/as-nobody 2>&1 ||
		fail "$(tail -1 /tmp/as-nobody)"
	same "whoever read it" "$(head -1 /tmp/as-nobody)" 65534
	check "all was read" [ "$(wc -l </tmp/as-nobody)" -gt 160 ]
}

test_files_writable_by_nobody() {
	for file in "$sys"/version "$sys"/features/* "$sys"/errors/* \
		"$sys"/slabs/rsbac-64/*; do
		same "mode of $file" "$(stat -c %a "$file")" 444
	done
}

test_unload_refused_while_in_use() {
	check "rmmod fails" eval '! rmmod rsbac_mem 2>/dev/null'
	check "it is still there" [ -d "$sys" ]
	same "its users" "$(awk '$1 == "rsbac_mem" { print $4 }' /proc/modules)" \
		rkmem_test,
}

test_unload_takes_all_away() {
	check "rmmod rkmem_test" rmmod rkmem_test
	check "rmmod rsbac_mem" rmmod rsbac_mem
	same "slabs in slabinfo" "$(our_slabs)" ""
	check "no sysfs" [ ! -e "$sys" ]
	same "in /sys/kernel/slab" "$(cd /sys/kernel/slab && ls -d rsbac-* 2>/dev/null)" ""
	check "load" insmod ./rsbac_mem.ko
}

figure_of() {
	awk -v name="$1:" '$1 == name { print $2 }' /proc/meminfo
}

# Free pages, those that CPUs keep at hand included.
free_pages() {
	[ ! -e /proc/sys/vm/drop_caches ] || echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	awk '$1 == "nr_free_pages" || $1 == "count:" { n += $2 } END { print n }' \
		/proc/zoneinfo
}

load_and_unload() { # load_and_unload TIMES
	i=0
	while [ $i -lt "$1" ]; do
		insmod ./rsbac_mem.ko || fail "insmod fails in cycle $i"
		rmmod rsbac_mem || fail "rmmod fails in cycle $i"
		i=$((i + 1))
	done
}

# The kernel keeps things for the next time, less and less from cycle to cycle;
# what is lost for good is lost in each half alike.
test_load_and_unload_again_and_again() {
	half=$((cycles / 2))
	rmmod rsbac_mem
	load_and_unload $((half / 2))
	slabs=$(awk 'NR > 2 { print $1 }' /proc/slabinfo | sort)
	percpu=$(figure_of Percpu)
	before=$(free_pages)
	load_and_unload "$half"
	between=$(free_pages)
	load_and_unload "$half"
	after=$(free_pages)
	diag "$half cycles: $((before - between)) free pages less;" \
		"$half more: $((between - after)) less"
	same "slabs" "$(awk 'NR > 2 { print $1 }' /proc/slabinfo | sort)" "$slabs"
	same "Percpu" "$(figure_of Percpu)" "$percpu"
	if [ "$half" -ge 50 ] && [ $((before - between)) -ge "$half" ] &&
		[ $((between - after)) -ge "$half" ]; then
		fail "a page or more is lost in each cycle"
	fi
	check "load" insmod ./rsbac_mem.ko
}

test_leak_of_a_gone_caller_is_reported() {
	reload
	insmod ./rkmem_leak.ko
	rmmod rkmem_leak
	check "the slab is still there" [ -d "$sys/slabs/rkmem_test_leak" ]
	check "under its own name, although kmalloc has such a size" \
		grep -q '^rkmem_test_leak ' /proc/slabinfo
	same "its objects" "$(cat "$sys/slabs/rkmem_test_leak/objects")" 5
	check "unload" rmmod rsbac_mem
	expect_log 'rsbac_mem: slab rsbac-64: leaked 3 objects, 192 bytes'
	expect_log 'rsbac_mem: slab rkmem_test_leak: leaked 5 objects, 1000 bytes'
	expect_log 'rsbac_mem: vmalloc: leaked 1 allocations, 8388608 bytes'
}

test_reload_after_a_leak() {
	check "load" insmod ./rsbac_mem.ko
	for slab in "$sys"/slabs/*; do
		same "objects of $slab" "$(cat "$slab/objects")" 0
	done
	check "callers" insmod ./rkmem_test.ko
	echo figures_follow_each_call >/sys/kernel/debug/rkmem_test/run ||
		fail "a test after the reload"
	check "callers go" rmmod rkmem_test
	check "unload" rmmod rsbac_mem
	check "load" insmod ./rsbac_mem.ko
}

test_track_names_the_sites() {
	reload track=1
	insmod ./rkmem_leak.ko name=rkmem_test_sites try_destroy=1
	check "the caller is gone" rmmod rkmem_leak
	check "unload" rmmod rsbac_mem
	expect_log 'rsbac_mem: rsbac_slab_destroy: slab rkmem_test_sites: not destroyed, 5 objects'
	expect_log 'rsbac_mem: slab rkmem_test_sites: 5 from leak_five\+0x[0-9a-f]+/0x[0-9a-f]+ \[rkmem_leak\]'
	# At unload the caller is gone, and its functions have no names any more.
	expect_log 'rsbac_mem: slab rkmem_test_sites: 5 from (0x[0-9a-f]+|leak_five.*)' 2
	expect_log 'rsbac_mem: slab rsbac-64[~0-9]*: 3 from (0x[0-9a-f]+|leak_three.*)'
	expect_log 'rsbac_mem: slab rsbac-64[~0-9]*: leaked 3 objects'
	expect_log 'rsbac_mem: slab rkmem_test_sites: leaked 5 objects'
	expect_log 'rsbac_mem: vmalloc: leaked 1 '
	check "load" insmod ./rsbac_mem.ko
}

insmod ./rkmem_test.ko scale="$RSBAC_MEM_TEST_SCALE" || exit 1
ktap_main rkmem_test
