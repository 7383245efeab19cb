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
must "a slab of its own, acl_rule, is there" [ -d "$sys/slabs/acl_rule" ]

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

step "A policy of 10,000 rules, made from the files of this machine"
./make-policy.sh 10000 >/tmp/big.txt
show wc -l /tmp/big.txt
show ./load.sh /tmp/big.txt
show cat "$acl/status"
must "10,000 rules are in force" grep -q '^rules: 10000$' "$acl/status"
must "40 rules from all over it are answered by their lines" \
	ask_many /tmp/big.txt

step "What that costs, to the object"
slabinfo '^(acl_rule|rsbac-)'
figures acl_rule
must "there are 10,000 rules in the slab" is "$(slab acl_rule objects)" 10000
must "their bytes are objects times object size" is "$(slab acl_rule bytes)" \
	"$((10000 * $(slab acl_rule object_size)))"
must "allocations less frees is what is there" is \
	"$(($(slab acl_rule allocs) - $(slab acl_rule frees)))" 10000

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
must "and nothing of the others is left" is "$(slab acl_rule objects)" 10000

step "The same from Rust: rust_sample, whose memory frees itself"
show insmod ./rust_sample.ko visitors=600000
dmesg | grep 'rust_sample:' | sed 's/.*rust_sample:/    rust_sample:/'
figures rust_visitor
must "600,000 visitors are in its slab" is "$(slab rust_visitor objects)" 600000
must "its table of pointers is over 4 MiB, so from vmalloc" [ \
	"$(slab vmalloc objects)" -ge 1 ]

step "While they are in use, the memory stays"
must "rsbac_mem cannot be unloaded" fails rmmod rsbac_mem
show rmmod rust_sample
must "the slab of the Rust sample is gone" [ ! -e "$sys/slabs/rust_visitor" ]
show rmmod acl_sample
must "the slab of the policy is gone" [ ! -e "$sys/slabs/acl_rule" ]
left=$(cat "$sys"/slabs/*/objects | awk '{ n += $1 } END { print n + 0 }')
must "of all that was allocated nothing is left" is "$left" 0
show rmmod rsbac_mem
must "rsbac_mem is gone from /sys" [ ! -e "$sys" ]
must "and from /proc/slabinfo" fails grep -qE '^(rsbac-|acl_rule|rust_visitor)' \
	/proc/slabinfo
must "and nobody had anything to complain about" fails sh -c \
	'dmesg | grep -E "rsbac_mem: .*(not memory|still allocated|wrong|double)"'

echo
if [ "$failures" -ne 0 ]; then
	echo "$failures steps were NOT as expected."
	exit 1
fi
echo "All of it was as expected."
