#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The guest's side of the suite: regions in the kernel.
. ./lib/ktap.sh

ktap_main vmm_test
