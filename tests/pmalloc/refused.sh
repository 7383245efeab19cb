#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the types of include/pmalloc.rs must not let through: each file in
# refused/ must fail to compile, with the error that its first line names, and
# do so because of that alone: without the line marked "refused" it compiles.
set -euo pipefail

here=$(cd -- "$(dirname -- "$0")" && pwd)
kernel=${1:-stock}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cases=("$here"/refused/*.rs.in)

compiles() { # compiles FILE: with what it has to say in $work/log
	mkdir -p "$work/refused_case"
	echo 'obj-m := refused_case.o' >"$work/refused_case/Kbuild"
	sed "s|@INCLUDE@|$here/../../include|" "$1" >"$work/refused_case/refused_case.rs"
	"$here/../../tools/kmake" --kernel "$kernel" "$work/refused_case" >"$work/log" 2>&1
}

echo "KTAP version 1"
echo "1..${#cases[@]}"
n=0 failed=0
for case in "${cases[@]}"; do
	n=$((n + 1))
	name=$(basename -- "$case" .rs.in)
	error=$(sed -n '1s|^// refused: ||p' "$case")
	grep -v '// refused$' "$case" >"$work/right.rs"
	why=
	if compiles "$case"; then
		why="it compiles"
	elif ! grep -qF "$error" "$work/log"; then
		why="the error is another: $(grep -m 1 '^error' "$work/log" || true)"
	elif ! compiles "$work/right.rs"; then
		why="it does not compile without that line: $(grep -m 1 '^error' "$work/log" || true)"
	fi
	if [ -z "$why" ]; then
		echo "ok $n $name"
	else
		echo "# $why"
		echo "not ok $n $name"
		failed=1
	fi
done
exit "$failed"
