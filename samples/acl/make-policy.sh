#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# make-policy.sh [RULES]: a policy of that many rules (10000 if not said) on
# standard output, made from the files of the machine that it runs on. Needs a
# POSIX shell, find, sort and awk; a busybox will do.
set -eu

rules=${1:-10000}

# -xdev: each of these file systems, but not what is mounted on it. A path with
# a newline in it cannot be said in a policy and shows here as two lines, one
# of them not absolute.
for top in / /dev /proc/sys /sys; do
	find "$top" -xdev -type d 2>/dev/null | sed 's/^/d /'
	find "$top" -xdev ! -type d 2>/dev/null | sed 's/^/f /'
done | sort -u -k 2 | awk -v max="$rules" '
	BEGIN { print "policy v1" }

	substr($0, 3, 1) != "/" || /[[:cntrl:]]/ { next }

	function rule(text) {
		if (n < max) {
			print text
			n++
		}
	}

	{
		path = substr($0, 3)
		if ($1 == "d") {
			rule("allow * rx " path)
		} else {
			rule("allow 0 rw " path)
			rule("deny * w " path)
		}
	}

	END { print "end " n }
'
