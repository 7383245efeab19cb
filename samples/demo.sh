#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh [--kernel NAME]: build the samples, and run demo-guest.sh with them in
# a virtual machine. Succeeds only if all of it went as it should.
set -euo pipefail

usage() {
	sed -n '4,5s/^# //p' "$0"
}

kernel=stock
case ${1-} in
'') ;;
--kernel) kernel=${2:?--kernel wants a name} ;;
--help) usage && exit ;;
*) usage >&2 && exit 2 ;;
esac

here=$(cd -- "$(dirname -- "$0")" && pwd)
tools=$here/../tools

"$tools/kmake" --kernel "$kernel" "$here/acl"
"$tools/kmake" --kernel "$kernel" "$here/rust"

exec "$tools/vm" --kernel "$kernel" --timeout 240 \
	--with "$here/demo-guest.sh" \
	--with "$here/acl/acl_sample.ko" \
	--with "$here/acl/acl_attack.ko" \
	--with "$here/acl/policy.txt" \
	--with "$here/acl/make-policy.sh" \
	--with "$here/acl/load.sh" \
	--with "$here/rust/rust_sample.ko" \
	-- sh ./demo-guest.sh
