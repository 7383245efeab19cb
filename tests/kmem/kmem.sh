#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kmem.sh pids|cgroup: the suite kmem, in the guest: kmem_test.ko's tests, and then
# the kernel's own caches as user space makes them fill. The argument says by
# what processes belong to groups.
set -u
. ./ktap.sh

by=$1
boxes=/tmp/boxes
slab=/sys/kernel/slab
kmem=/sys/kernel/config/kmem
figures=/sys/kernel/rsbac_mem/kmem_cgroup
table=/proc/rsbac_mem/kmem

mark() { # mark CACHE...
	for cache; do
		echo 1 >"$slab/$cache/cache_account" || fail "$cache cannot be marked"
	done
}

unmark_all() {
	for file in "$slab"/*/cache_account; do
		read -r ktap_mark <"$file"
		[ "$ktap_mark" = 0 ] || echo 0 >"$file"
	done
}

objects() { # objects CACHE GROUP: as the table has it
	awk -v c="$1" -v g="$2" '$1 == c && $2 == g { n = $3 } END { print n + 0 }' "$table"
}

current() { # current GROUP
	cat "$figures/groups/$1/current"
}

# Waits until the command says the word, for what RCU still has to free.
until_says() { # until_says WORD COMMAND...
	ktap_word=$1
	shift
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ "$("$@")" != "$ktap_word" ] || return 0
		usleep 200000
	done
	same "$*" "$("$@")" "$ktap_word"
}

# The file that takes a process into the group: into its cgroup of the same name,
# which is made and attached first.
door() { # door GROUP
	if [ "$by" = pids ]; then
		echo "$kmem/$1/pids"
		return
	fi
	mkdir -p "$boxes/$1"
	[ "$(cat "$kmem/$1/cgroup")" = "/$1" ] || echo "/$1" >"$kmem/$1/cgroup"
	echo "$boxes/$1/cgroup.procs"
}

# A task in the group that does things with kmem_user until it is told to end.
# It says how many it has done on its first line, and why it stopped.
hold() { # hold GROUP KMEM_USER-ARGUMENTS...
	ktap_group=$1
	shift
	rm -f /tmp/hold.in /tmp/hold.out
	mkfifo /tmp/hold.in
	sh -c "echo 0 >$(door "$ktap_group") && exec ./kmem_user $*" \
		</tmp/hold.in >/tmp/hold.out 2>&1 &
	hold_pid=$!
	exec 9>/tmp/hold.in
	until [ -s /tmp/hold.out ]; do usleep 50000; done
}

let_go() {
	exec 9>&-
	wait "$hold_pid"
}

errno_of() { # errno_of WANTED FILE TEXT: what a write of TEXT ends with
	same "write of '$3' to $2" "$(./kmem_user write "$2" "$3")" "$1"
}

test_a_process_can_leave() {
	mark filp
	door=$(door t)
	check "we are in it" grep -qx $$ "$door"
	exec 7</dev/null
	check "charged there" [ "$(objects filp /t)" -ge 1 ]
	exec 7<&-
	if [ "$by" = pids ]; then echo $$ >"$kmem/pids"; else echo $$ >$boxes/cgroup.procs; fi
	same "nobody is" "$(cat "$door")" ""
	until_says 0 objects filp /t
	exec 7</dev/null
	same "charged no more" "$(objects filp /t)" 0
	exec 7<&-
	unmark_all
}

test_every_cache_has_the_file() {
	for dir in "$slab"/*; do
		[ -L "$dir" ] || check "$dir" [ -f "$dir/cache_account" ]
	done
	check "one that was made later" [ -f "$slab/kmem_late/cache_account" ]
}

test_kmalloc_caches_are_refused() {
	for dir in "$slab"/kmalloc-*; do
		errno_of EINVAL "$dir/cache_account" 1
	done
	for cache in memdup_user-64 msg_msg-64; do
		[ ! -d "$slab/$cache" ] || errno_of EINVAL "$slab/$cache/cache_account" 1
	done
}

test_cache_account_takes_three_words() {
	file=$slab/filp/cache_account
	for text in 2 -1 yes 1x 11111111111111111111 memcgx '1 0'; do
		errno_of EINVAL "$file" "$text"
	done
	same "unmarked" "$(cat "$file")" 0
	errno_of 0 "$file" 1
	same "marked" "$(cat "$file")" 1
	errno_of 0 "$file" memcg
	same "for the kernel's cgroups" "$(cat "$file")" memcg
	errno_of 0 "$file" '0'
	same "unmarked again" "$(cat "$file")" 0
}

test_merged_caches_are_named() {
	cache=
	for link in "$slab"/*; do
		[ -L "$link" ] || continue
		target=$(readlink "$link")
		[ "$(cat "$slab/$target/aliases")" -lt 1 ] || cache=$target
	done
	[ -n "$cache" ] || { skip "no caches share here" && return; }
	expect_log "^rsbac_mem: $cache is counted as a whole; it serves .+ .+"
	mark "$cache"
	check "in the root's list" grep -q "^$cache " "$kmem/caches"
	unmark_all
}

test_open_files_are_counted() {
	mark filp
	mkdir "$kmem/a"
	before=$(objects filp /)
	hold a files 100
	same "opened" "$(cat /tmp/hold.out)" "100 0"
	# The program itself: three standard files, and its executable's.
	same "counted" "$(objects filp /a)" $((100 + 1))
	let_go
	until_says 0 objects filp /a
	same "of the root" "$(objects filp /)" "$before"
	rmdir "$kmem/a"
	unmark_all
}

test_sockets_are_counted() {
	[ -d "$slab/sock_inode_cache" ] || { skip "no sockets in this kernel" && return; }
	mark sock_inode_cache
	mkdir "$kmem/a"
	hold a sockets 50
	same "opened" "$(cat /tmp/hold.out)" "50 0"
	same "counted" "$(objects sock_inode_cache /a)" 50
	let_go
	until_says 0 objects sock_inode_cache /a
	rmdir "$kmem/a"
	unmark_all
}

test_processes_are_counted() {
	mark sighand_cache task_struct
	mkdir "$kmem/a"
	hold a forks 20
	same "forked" "$(cat /tmp/hold.out)" "20 0"
	same "sighand_cache" "$(objects sighand_cache /a)" 20
	same "task_struct" "$(objects task_struct /a)" 20
	same "processes" "$(wc -l <"$(door a)")" 21
	let_go
	until_says 0 objects sighand_cache /a
	until_says 0 objects task_struct /a
	same "no processes" "$(wc -l <"$(door a)")" 0
	rmdir "$kmem/a"
	unmark_all
}

test_inodes_and_dentries_are_counted() {
	mark shmem_inode_cache dentry
	mkdir "$kmem/a" /tmp/inodes
	hold a create 100 /tmp/inodes
	same "created" "$(cat /tmp/hold.out)" "100 0"
	same "inodes" "$(objects shmem_inode_cache /a)" 100
	check "dentries" [ "$(objects dentry /a)" -ge 100 ]
	let_go
	# They live on, and belong to whom made them, until they are removed.
	same "inodes afterwards" "$(objects shmem_inode_cache /a)" 100
	rm -r /tmp/inodes
	until_says 0 objects shmem_inode_cache /a
	rmdir "$kmem/a"
	unmark_all
}

test_two_groups_at_once() {
	mark filp
	mkdir "$kmem/a" "$kmem/b"
	sh -c "echo 0 >$(door b) && exec sleep 3" 3</dev/null &
	hold a files 30
	other=$(objects filp /b)
	same "a" "$(objects filp /a)" 31
	check "b has little" [ "$other" -lt 5 ]
	let_go
	until_says 0 objects filp /a
	wait
	until_says 0 objects filp /b
	rmdir "$kmem/a" "$kmem/b"
	unmark_all
}

test_nested_limits_and_events() {
	mark filp
	size=$(cat "$slab/filp/object_size")
	mkdir "$kmem/a" "$kmem/a/b"
	echo $((20 * size)) >"$kmem/a/max"
	hold a/b files 100
	read -r got errno </tmp/hold.out
	same "why it ended" "$errno" ENOMEM
	check "about twenty" [ "$got" -ge 10 ] && check "no more" [ "$got" -le 20 ]
	check "within the limit" [ "$(current a)" -le $((20 * size)) ]
	check "failcnt of whose limit it is" [ "$(cat "$kmem/a/failcnt")" -ge 1 ]
	same "failcnt of the one below" "$(cat "$kmem/a/b/failcnt")" 0
	check "events of the one below" grep -q '^failed [1-9]' "$kmem/a/b/events"
	check "everybody else" sh -c 'exec 3</dev/null 4</dev/null'
	let_go
	until_says 0 current a
	rmdir "$kmem/a/b" "$kmem/a"
	unmark_all
}

test_fork_bomb() {
	mark task_struct
	size=$(cat "$slab/task_struct/object_size")
	mkdir "$kmem/a"
	echo $((30 * size)) >"$kmem/a/max"
	hold a forks 100000
	read -r got errno </tmp/hold.out
	same "why it ended" "$errno" ENOMEM
	same "how many" "$got" 30
	check "others fork" sh -c '(true) && (true)'
	let_go
	until_says 0 current a
	rmdir "$kmem/a"
	unmark_all
}

# What the seed was written against: a task that takes without end, one thing
# after the other. It is told so, and everybody else can go on.
without_end() { # without_end CACHE ERROR KMEM_USER-ARGUMENTS...
	cache=$1 wanted=$2
	shift 2
	mark "$cache"
	echo $((100 * $(cat "$slab/$cache/object_size"))) >"$kmem/a/max"
	hold a "$1" 100000 "$2"
	read -r got errno </tmp/hold.out
	same "why $1 ended" "$errno" "$wanted"
	check "$1: about a hundred" [ "$got" -ge 80 ] && check "$1: no more" [ "$got" -le 100 ]
	same "$1 by others" "$(./kmem_user "$1" 200 "$3" </dev/null)" "200 0"
	let_go
	rm -rf "$2"
	until_says 0 objects "$cache" /a
	unmark_all
}

test_without_end() {
	mkdir "$kmem/a" /tmp/theirs /tmp/ours
	without_end filp ENOMEM files /tmp/theirs /tmp/ours
	[ ! -d "$slab/sock_inode_cache" ] ||
		without_end sock_inode_cache ENFILE sockets /tmp/theirs /tmp/ours
	mkdir /tmp/theirs
	without_end shmem_inode_cache ENOSPC create /tmp/theirs /tmp/ours
	mkdir /tmp/theirs
	# Where it is merged with another, we are told.
	expect_log '^rsbac_mem: .* is counted as a whole; ' any
	without_end mnt_cache ENOMEM mounts /tmp/theirs /tmp/ours
	without_end task_struct ENOMEM forks /tmp/theirs /tmp/ours
	rm -r /tmp/ours
	check "events" grep -q '^failed [4-9]' "$kmem/a/events"
	rmdir "$kmem/a"
}

test_pollers_of_events_wake_up() {
	mark filp
	mkdir "$kmem/a"
	echo 2000 >"$kmem/a/max"
	./kmem_user poll "$figures/groups/a/events" 300 >/tmp/poll1
	same "nothing has happened" "$(cat /tmp/poll1)" timeout
	./kmem_user poll "$figures/groups/a/events" 10000 >/tmp/poll2 &
	poller=$!
	sleep 1
	hold a files 100
	wait "$poller"
	same "poll" "$(cat /tmp/poll2)" woken
	let_go
	rmdir "$kmem/a"
	unmark_all
}

test_cgroups_and_their_children() {
	mark filp
	mkdir -p /tmp/cg
	mount -t cgroup2 none /tmp/cg 2>/dev/null || { skip "no cgroup2" && return; }
	mkdir -p /tmp/cg/box/inner "$kmem/a"
	errno_of ENOENT "$kmem/a/cgroup" /nosuch
	errno_of EINVAL "$kmem/a/cgroup" box
	errno_of 0 "$kmem/a/cgroup" /box
	same "it says which" "$(cat "$kmem/a/cgroup")" /box
	mkdir "$kmem/b"
	errno_of EBUSY "$kmem/b/cgroup" /box
	mkfifo /tmp/cg.in
	sh -c 'echo 0 >/tmp/cg/box/inner/cgroup.procs && exec ./kmem_user files 40' \
		</tmp/cg.in >/tmp/cg.out &
	exec 8>/tmp/cg.in
	until [ -s /tmp/cg.out ]; do usleep 50000; done
	same "counted" "$(objects filp /a)" 41
	# Its old charges stay where they are.
	echo $! >/tmp/cg/cgroup.procs
	same "after it has moved" "$(objects filp /a)" 41
	exec 8>&-
	wait
	until_says 0 objects filp /a
	rmdir /tmp/cg/box/inner /tmp/cg/box
	same "a cgroup that is gone" "$(cat "$kmem/a/cgroup")" "(removed)"
	errno_of 0 "$kmem/a/cgroup" ''
	rmdir "$kmem/a" "$kmem/b"
	umount /tmp/cg
	rm -f /tmp/cg.in
	unmark_all
}

# A cgroup that was made where another one's memory lay is not that one.
test_cgroups_after_one_another() {
	mkdir -p /tmp/cg
	mount -t cgroup2 none /tmp/cg 2>/dev/null || { skip "no cgroup2" && return; }
	mark kmem_late
	mkdir "$kmem/a"
	for i in $(seq "$(loops 10)"); do
		mkdir /tmp/cg/old
		errno_of 0 "$kmem/a/cgroup" /old
		sh -c 'echo 0 >/tmp/cg/old/cgroup.procs; echo 1 >/sys/module/kmem_late/parameters/objects'
		same "the old one's, round $i" "$(objects kmem_late /a)" 1
		rmdir /tmp/cg/old
		# Its memory is free a little later.
		usleep 200000
		for n in 2 3 4 5 6 7 8 9; do
			mkdir /tmp/cg/new$n
			sh -c "echo 0 >/tmp/cg/new$n/cgroup.procs
				echo $n >/sys/module/kmem_late/parameters/objects"
		done
		same "none of the new ones', round $i" "$(objects kmem_late /a)" 1
		echo 0 >/sys/module/kmem_late/parameters/objects
		rmdir /tmp/cg/new*
	done
	errno_of 0 "$kmem/a/cgroup" ''
	rmdir "$kmem/a"
	umount /tmp/cg
	unmark_all
}

# A task that goes to and fro is charged where it is.
test_cgroups_side_by_side() {
	mkdir -p /tmp/cg
	mount -t cgroup2 none /tmp/cg 2>/dev/null || { skip "no cgroup2" && return; }
	mark kmem_late
	for name in left right; do
		mkdir -p /tmp/cg/$name "$kmem/$name"
		errno_of 0 "$kmem/$name/cgroup" /$name
	done
	for i in $(seq "$(loops 20)"); do
		sh -c "
			echo 0 >/tmp/cg/left/cgroup.procs; echo $i >/sys/module/kmem_late/parameters/objects
			echo 0 >/tmp/cg/right/cgroup.procs; echo $((3 * i)) >/sys/module/kmem_late/parameters/objects
		"
		same "left, round $i" "$(objects kmem_late /left)" "$i"
		same "right, round $i" "$(objects kmem_late /right)" $((2 * i))
		echo 0 >/sys/module/kmem_late/parameters/objects
	done
	same "left, in the end" "$(objects kmem_late /left)" 0
	same "right, in the end" "$(objects kmem_late /right)" 0
	rmdir "$kmem/left" "$kmem/right" /tmp/cg/left /tmp/cg/right
	umount /tmp/cg
	unmark_all
}

# Processes of one cgroup, of which one is in a group and the other is not.
test_processes_side_by_side() {
	mark kmem_late
	mkdir "$kmem/left"
	for i in $(seq "$(loops 20)"); do
		sh -c "echo 0 >$kmem/left/pids
			for n in 1 2 3 4 5; do
				usleep 1000
				echo \$((n * $i)) >/sys/module/kmem_late/parameters/objects
			done"
		echo $((8 * i)) >/sys/module/kmem_late/parameters/objects
		same "in the group, round $i" "$(objects kmem_late /left)" $((5 * i))
		same "beside it, round $i" "$(objects kmem_late /)" $((3 * i))
		echo 0 >/sys/module/kmem_late/parameters/objects
	done
	same "in the group, in the end" "$(objects kmem_late /left)" 0
	same "beside it, in the end" "$(objects kmem_late /)" 0
	rmdir "$kmem/left"
	unmark_all
}

test_memcg_charges_the_kernels_own() {
	mkdir -p /tmp/cg
	mount -t cgroup2 none /tmp/cg 2>/dev/null || { skip "no cgroup2" && return; }
	if ! echo +memory >/tmp/cg/cgroup.subtree_control 2>/dev/null; then
		umount /tmp/cg
		skip "no memory controller"
		return
	fi
	mkdir /tmp/cg/box
	echo memcg >"$slab/kmem_late/cache_account"
	sh -c 'echo 0 >/tmp/cg/box/cgroup.procs && echo 5000 >/sys/module/kmem_late/parameters/objects'
	# The shell's own memory is gone with it; objects stay charged.
	check "memory.current has them" [ "$(cat /tmp/cg/box/memory.current)" -ge $((5000 * 200)) ]
	same "no group has" "$(objects kmem_late /)" 0
	echo 0 >/sys/module/kmem_late/parameters/objects
	rmdir /tmp/cg/box
	umount /tmp/cg
	unmark_all
}

test_the_slabs_own_figures_agree() {
	mark kmem_late
	echo 1234 >/sys/module/kmem_late/parameters/objects
	echo 1 >"$slab/kmem_late/shrink"
	same "objects" "$(objects kmem_late /)" 1234
	same "the slab's own figure" "$(sed 's/ .*//' "$slab/kmem_late/objects")" 1234
	echo 0 >/sys/module/kmem_late/parameters/objects
	same "all gone" "$(objects kmem_late /)" 0
	unmark_all
}

test_rmdir_moves_charges_to_the_parent() {
	mark filp
	mkdir "$kmem/a" "$kmem/a/b"
	hold a/b files 50
	sum=$(current a)
	rmdir "$kmem/a/b"
	same "the parent's sum" "$(current a)" "$sum"
	same "the parent's objects" "$(objects filp /a)" 51
	check "b is gone" [ ! -e "$figures/groups/a/b" ]
	rmdir "$kmem/a"
	let_go
	same "names of removed groups" "$(grep -c ' /a' "$table")" 0
	unmark_all
}

test_malformed_writes() {
	mkdir "$kmem/a"
	for text in -1 abc 1x '1 2' 0x '10%' "$(printf '\001\002')" '--' 'max max'; do
		errno_of EINVAL "$kmem/a/max" "$text"
	done
	same "unchanged" "$(cat "$kmem/a/max")" max
	errno_of 0 "$kmem/a/max" 4k
	same "4k" "$(cat "$kmem/a/max")" 4096
	errno_of 0 "$kmem/a/max" 99999999999999999999999999
	same "overflow saturates" "$(cat "$kmem/a/max")" max
	errno_of 0 "$kmem/a/limit_in_bytes" 8192
	same "the other name" "$(cat "$kmem/a/max")" 8192
	errno_of 0 "$kmem/a/limit_in_bytes" -1
	same "no limit" "$(cat "$kmem/a/max")" max
	for text in -5 x 1.5 '' 99999999999; do
		errno_of EINVAL "$kmem/a/pids" "$text"
	done
	errno_of ESRCH "$kmem/a/pids" 4194304
	errno_of EINVAL "$kmem/a/cgroup" "$(printf '\377\376')"
	rmdir "$kmem/a"
}

test_everyone_may_read_the_table() {
	same "its first line" "$(head -n 1 "$table")" "# cache group objects bytes"
	mark filp
	# shellcheck disable=SC2016 # awk's own
	check "lines" awk 'NR > 1 && (NF != 4 || $3 !~ /^[0-9]+$/ || $4 !~ /^[0-9]+$/) { exit 1 }' "$table"
	grep -q '^nobody:' /etc/passwd 2>/dev/null ||
		echo 'nobody:x:65534:65534::/:/bin/sh' >>/etc/passwd
	chmod 755 / /tmp
	check "nobody" su nobody -s /bin/sh -c "cat $table $figures/groups/current >/dev/null"
	unmark_all
}

test_many_groups() {
	count=$(loops 100)
	mark filp
	i=0
	while [ "$i" -lt "$count" ]; do
		mkdir "$kmem/g$i" || break
		sh -c "echo 0 >$(door "g$i"); exec 3</dev/null"
		i=$((i + 1))
	done
	same "made" "$i" "$count"
	same "in the table" "$(grep -c '^filp /g' "$table")" "$count"
	while [ "$i" -gt 0 ]; do
		i=$((i - 1))
		rmdir "$kmem/g$i"
	done
	same "all gone" "$(grep -c '^filp /g' "$table")" 0
	unmark_all
}

load() {
	while [ ! -e /tmp/stop ]; do
		ls -R "$slab/filp" >/dev/null
		(true)
	done
}

test_groups_come_and_go_under_load() {
	mark filp dentry task_struct anon_vma vm_area_struct
	rm -f /tmp/stop
	load & load &
	for i in $(seq "$(loops 20)"); do
		mkdir "$kmem/a" "$kmem/a/b"
		sh -c "echo 0 >$(door a/b); exec ls -R $slab/filp" >/dev/null
		rmdir "$kmem/a/b" "$kmem/a"
	done
	touch /tmp/stop
	wait
	unmark_all
	same "all given back" "$(cat "$figures/groups/current")" 0
	same "accuracy" "$(cat "$figures/accuracy")" exact
	same "reconciled" "$(cat "$figures/reconciled")" 0
}

test_unload_is_refused_with_groups() {
	mkdir "$kmem/a"
	rmmod kmem_test kmem_late
	check "busy" sh -c '! rmmod rsbac_mem 2>/dev/null'
	rmdir "$kmem/a" "$kmem/t"
}

test_unload_under_load() {
	rm -f /tmp/stop
	load & load &
	for i in $(seq "$(loops 5)"); do
		mark filp dentry task_struct anon_vma vm_area_struct
		usleep 300000
		check "rmmod" rmmod rsbac_mem
		check "no files left" sh -c "! ls $slab/*/cache_account >/dev/null 2>&1"
		check "insmod" insmod ./rsbac_mem.ko
	done
	touch /tmp/stop
	wait
}

[ -d "$kmem" ] || mount -t configfs none /sys/kernel/config
insmod ./kmem_late.ko
insmod ./kmem_test.ko scale="$RSBAC_MEM_TEST_SCALE"
mkdir "$kmem/t"
mkdir -p $boxes
[ "$by" = pids ] || mount -t cgroup2 none $boxes
echo $$ >"$(door t)"
ktap_main kmem_test
