# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Every part, in the order in which they lean on each other.
umask 022
_lib=$(dirname -- "${BASH_SOURCE[0]}")
# shellcheck source=tools/lib/common.sh
. "$_lib/common.sh"
# shellcheck source=tools/lib/mirror.sh
. "$_lib/mirror.sh"
# shellcheck source=tools/lib/rootfs.sh
. "$_lib/rootfs.sh"
# shellcheck source=tools/lib/kernels.sh
. "$_lib/kernels.sh"
# shellcheck source=tools/lib/stock.sh
. "$_lib/stock.sh"
# shellcheck source=tools/lib/judge.sh
. "$_lib/judge.sh"
# shellcheck source=tools/lib/compiled.sh
. "$_lib/compiled.sh"
# shellcheck source=tools/lib/module.sh
. "$_lib/module.sh"
