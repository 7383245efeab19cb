#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What rsbac_mem does, shown step by step. Runs in the guest, with rsbac_mem.ko
# loaded and the samples in the current folder. Each step says what it expects,
# and the script fails if one of them was not met.
set -u

sys=/sys/kernel/rsbac_mem
acl=/sys/kernel/security/rsbac_acl
failures=0

step() {
	echo
	echo "=== $*"
}

# show COMMAND...: what one would type, and what one would see
show() {
	echo "# $*"
	"$@" 2>&1 | sed 's/^/    /'
}

# must WHAT COMMAND...: fails the demo where the command fails
must() {
	what=$1
	shift
	if "$@"; then
		echo "  [as expected] $what"
	else
		echo "  [NOT AS EXPECTED] $what"
		failures=$((failures + 1))
	fi
}

is() {
	[ "$1" = "$2" ] || { echo "    wanted: $2, got: $1" && false; }
}

fails() {
	! "$@" 2>/dev/null
}

# ask QUERY: what the policy in force says
ask() {
	exec 3<>"$acl/query"
	echo "$1" >&3
	read -r answer <&3
	exec 3>&-
	echo "    $1  ->  $answer" >&2
	echo "$answer"
}

slab() {
	cat "$sys/slabs/$1/$2" 2>/dev/null
}

slabinfo() {
	echo "# head -2 /proc/slabinfo; grep -E '$1' /proc/slabinfo"
	sed -n 2p /proc/slabinfo | cut -c1-71 | sed 's/^/    /'
	grep -E "$1" /proc/slabinfo | cut -c1-71 | sed 's/^/    /'
}

figures() {
	echo "# grep . $sys/slabs/$1/*"
	(cd "$sys/slabs/$1" && grep -H . ./*) | sed 's|^\./|    |; s|:|: |'
}

# The rule of this uid, right and path stands in this line of the policy.
line_of() {
	awk -v rule="$2" '$0 == rule { print NR }' "$1"
}

# Ask for 40 rules from all over a policy; each must be answered by its line.
ask_many() {
	awk 'NR > 1 && $1 != "end"' "$1" | awk -v lines="$(wc -l <"$1")" '
		NR % int(lines / 40) == 0 {
			uid = $2 == "*" ? 77 : $2
			path = $0
			sub(/^[a-z]+ [^ ]+ [a-z]+ /, "", path)
			print uid, substr($3, 1, 1), path > "/tmp/queries"
			print $1 ": line " NR + 1 > "/tmp/wanted"
		}'
	exec 3<>"$acl/query"
	dd if=/tmp/queries bs=8k 2>/dev/null >&3
	cat <&3 >/tmp/answers
	exec 3>&-
	paste -d'|' /tmp/queries /tmp/answers | sed -n '1,40{s/|/  ->  /;s/^/    /;p}' |
		awk 'NR % 8 == 1'
	[ "$(wc -l </tmp/answers)" -ge 40 ] && cmp /tmp/answers /tmp/wanted
}

# The newest of the sample's pools; the first of them holds the pointer to it.
pool_in_force() {
	find "$sys/pmalloc" -name 'acl_sample-*' | sed 's/.*-//' | sort -n | sed -n '$s/^/acl_sample-/p'
}

# That many programs, one after the other.
runs() {
	for _ in $(seq "$1"); do
		/bin/true || return
	done
}

# waits_for VALUE FILE
waits_for() {
	for _ in $(seq 50); do
		[ "$(cat "$2")" != "$1" ] || return 0
		usleep 100000
	done
	is "$(cat "$2")" "$1"
}

# What acl_attack has to say.
said() {
	dmesg | grep -q "acl_attack: .*$1"
}

# refuse FILE LINE WORDS: a bad policy, and the message that it must get
refuse() {
	result=$(./load.sh "$1")
	echo "    $result"
	case $result in
	"refused: line $2: $3"*) ;;
	*) return 1 ;;
	esac
}

grep -q " /sys/kernel/security " /proc/mounts ||
	mount -t securityfs none /sys/kernel/security

step "rsbac_mem is in the kernel: its version, and what this kernel allows"
show uname -sr
show cat "$sys/version"
(cd "$sys/features" && grep -H . ./*) | sed 's|^\./|    |; s|:|: |'

step "A module that uses it: acl_sample, an access-control policy"
show insmod ./acl_sample.ko
show grep -E '^(rsbac_mem|acl_sample)' /proc/modules
must "a slab of its own, acl_usage, is there" [ -d "$sys/slabs/acl_usage" ]

step "A small policy, written by hand"
show head -5 policy.txt
show ./load.sh policy.txt
show cat "$acl/status"
must "anybody may read /etc/motd" is "$(ask '1000 r /etc/motd')" \
	"allow: line 6"
must "but not /etc/shadow" is "$(ask '1000 r /etc/shadow')" "deny: line 10"
must "root may" is "$(ask '0 r /etc/shadow')" "allow: line 11"
must "a path with a blank in it" \
	is "$(ask '33 w /var/log/web server.log')" "allow: line 16"
must "nobody said anything about /root" is "$(ask '1000 r /root')" \
	"deny: no rule"

step "That policy is sealed: somebody who can write to the kernel's memory"
show grep -H . "$sys/pmalloc/$(pool_in_force)/state" "$sys/pmalloc/$(pool_in_force)/protection"
show insmod ./acl_attack.ko line=10
dmesg | grep 'acl_attack:' | sed 's/.*acl_attack:/    acl_attack:/'
must "what is not sealed can be changed" said "ordinary copy went through"
must "the rule in line 10 cannot" said "address of the rule was stopped"
must "nor can it behind its back" said "direct map was stopped"
must "/etc/shadow is as secret as before" is "$(ask '1000 r /etc/shadow')" "deny: line 10"
show cat "$sys/pmalloc/audit"
show rmmod acl_attack

step "Who may change it brings a new one: another pool, put in force by write-rare"
old=$(pool_in_force)
writes=$(cat "$sys/pmalloc/writes")
sed '10s/^deny/allow/' policy.txt >/tmp/lax.txt
show ./load.sh /tmp/lax.txt
must "/etc/shadow is for everybody now" is "$(ask '1000 r /etc/shadow')" "allow: line 10"
must "the pool is another one" [ "$(pool_in_force)" != "$old" ]
must "the old one is gone" [ ! -e "$sys/pmalloc/$old" ]
must "one pointer was written" is "$(cat "$sys/pmalloc/writes")" "$((writes + 1))"

step "A policy of 10,000 rules, made from the files of this machine"
./make-policy.sh 10000 >/tmp/big.txt
show wc -l /tmp/big.txt
show ./load.sh /tmp/big.txt
show cat "$acl/status"
must "10,000 rules are in force" grep -q '^rules: 10000$' "$acl/status"
must "40 rules from all over it are answered by their lines" \
	ask_many /tmp/big.txt

step "What that costs, to the object"
slabinfo '^(acl_usage|rsbac-)'
figures acl_usage
must "there is one object for each rule" is "$(slab acl_usage objects)" 10000
must "their bytes are objects times object size" is "$(slab acl_usage bytes)" \
	"$((10000 * $(slab acl_usage object_size)))"
must "allocations less frees is what is there" is \
	"$(($(slab acl_usage allocs) - $(slab acl_usage frees)))" 10000
show grep -H . "$sys/pmalloc/$(pool_in_force)/bytes" "$sys/pmalloc/$(pool_in_force)/state"

step "Policies that are wrong are refused with the line, and change nothing"
head -5000 /tmp/big.txt >/tmp/bad-truncated
must "one that stops in the middle" \
	refuse /tmp/bad-truncated 5001 "the policy stops before its end line"
awk 'BEGIN { print "policy v1"; for (i = 0; i < 300000; i++) printf "0123456789" }' \
	>/tmp/bad-long
must "3 MB without a newline" refuse /tmp/bad-long 2 "longer than"
must "a program" refuse /bin/busybox 1 "not text: byte 0x"
{ head -9000 /tmp/big.txt && sed -n 4711p /tmp/big.txt; } >/tmp/bad-double
must "a rule said twice" refuse /tmp/bad-double 9001 \
	"repeats a right of line 4711"
sed '10s/deny/dney/' policy.txt >/tmp/bad-word
must "a slip of the pen" refuse /tmp/bad-word 10 'unknown word: "dney"'
sed 's/^end .*/end 10/' policy.txt >/tmp/bad-count
must "a rule too many" refuse /tmp/bad-count 25 "end says 10 rules"
must "the 10,000 rules are still in force" grep -q '^rules: 10000$' \
	"$acl/status"
must "and answer" ask_many /tmp/big.txt
must "and nothing of the others is left" is "$(slab acl_usage objects)" 10000

step "The same from Rust: rust_sample, whose memory frees itself"
show insmod ./rust_sample.ko visitors=600000
dmesg | grep 'rust_sample:' | sed 's/.*rust_sample:/    rust_sample:/'
figures rust_visitor
must "600,000 visitors are in its slab" is "$(slab rust_visitor objects)" 600000
must "its table of pointers is over 4 MiB, so from vmalloc" [ \
	"$(slab vmalloc objects)" -ge 1 ]

step "A container that takes too much, and neighbours who do not notice"
kmem=/sys/kernel/config/kmem
box=/tmp/cgroup/box
tasks=/sys/kernel/slab/task_struct
[ -d "$kmem" ] || mount -t configfs none /sys/kernel/config
mkdir -p /tmp/cgroup
mount -t cgroup2 none /tmp/cgroup
mkdir "$box" "$kmem/box"
echo "# echo 1 >$tasks/cache_account; echo /box >$kmem/box/cgroup"
echo 1 >"$tasks/cache_account"
echo /box >"$kmem/box/cgroup"
echo $((20 * $(cat "$tasks/object_size"))) >"$kmem/box/max"
show cat "$kmem/box/max"
echo "# in the box: while sleep 1000 & do :; done"
sh -c "echo 0 >$box/cgroup.procs && while sleep 1000 & do :; done" >/tmp/bomb 2>&1
sed 's/^/    /' /tmp/bomb
must "others start as many programs as they want" runs 50
show cat /proc/rsbac_mem/kmem
must "the box came to 20 tasks, and no further" is \
	"$(awk '$1 == "task_struct" && $2 == "/box" { print $3 }' /proc/rsbac_mem/kmem)" 20
show cat "$kmem/box/events"
must "which is what its events say" grep -q '^failed [1-9]' "$kmem/box/events"
echo 1 >"$box/cgroup.kill"
must "all is given back" waits_for 0 "$kmem/box/current"
rmdir "$box" "$kmem/box"
umount /tmp/cgroup
echo 0 >"$tasks/cache_account"

step "While they are in use, the memory stays"
must "rsbac_mem cannot be unloaded" fails rmmod rsbac_mem
show rmmod rust_sample
must "the slab of the Rust sample is gone" [ ! -e "$sys/slabs/rust_visitor" ]
show rmmod acl_sample
must "the slab of the policy is gone" [ ! -e "$sys/slabs/acl_usage" ]
left=$(cat "$sys"/slabs/*/objects | awk '{ n += $1 } END { print n + 0 }')
must "of all that was allocated nothing is left" is "$left" 0
show rmmod rsbac_mem
must "rsbac_mem is gone from /sys" [ ! -e "$sys" ]
must "and from /proc/slabinfo" fails grep -qE '^(rsbac-|acl_usage|rust_visitor)' \
	/proc/slabinfo
must "and nobody had anything to complain about" fails sh -c \
	'dmesg | grep -E "rsbac_mem: .*(not memory|still allocated|wrong|double)"'

echo
if [ "$failures" -ne 0 ]; then
	echo "$failures steps were NOT as expected."
	exit 1
fi
echo "All of it was as expected."
