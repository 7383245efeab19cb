#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The suite vmm under deny_wx=1, in the guest.
set -u
. ./ktap.sh

insmod ./vmm_test.ko deny=1 || exit 1

test_program_is_refused_wx() {
	./vmm_user deny >/tmp/user.out || fail "$(cat /tmp/user.out)"
}

ktap_main vmm_test
