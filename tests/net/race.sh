#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The suite net on the kcsan kernel, in the guest.
set -u
. ./ktap.sh

test_data_race() {
	echo data_race >/sys/module/net_test/parameters/make
	new_log >/tmp/log
	check "the log says so" \
		grep -qF 'KCSAN: data-race in count_without_a_lock' /tmp/log
}

insmod ./net_test.ko
ktap_main
