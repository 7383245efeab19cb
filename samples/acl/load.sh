#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# load.sh POLICY: load a policy file into acl_sample, and say how it went.
# Succeeds only if it is in force. "-" reads the policy from standard input.
set -u

acl=/sys/kernel/security/rsbac_acl

if [ ! -d "$acl" ]; then
	echo "load.sh: no $acl: is acl_sample loaded and securityfs mounted?" >&2
	exit 2
fi
cat -- "${1:?which policy file?}" 2>/dev/null >"$acl/load"
result=$(sed -n 's/^last load: //p' "$acl/status")
echo "$result"
[ "$result" = ok ]
