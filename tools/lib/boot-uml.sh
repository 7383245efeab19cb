# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The end of boot.sh for user-mode Linux: the kernel is a program, its serial
# lines are file descriptors of ours. Sourced, with boot.sh's variables.
# shellcheck disable=SC2154

# Its memory is a file, below TMPDIR; on disk that would be slow.
export TMPDIR=/dev/shm
# shellcheck disable=SC2054 # the commas are its own
args=(
	"mem=${memory}M" "ncpus=$cpus" seccomp=on "initrd=$run/initrd"
	con=null con0=null,fd:1 ssl=null ssl0=null,fd:4 ssl1=null,fd:5
	console=tty0 loglevel=8 panic=-1
	vm.out=/dev/ttyS0 vm.status=/dev/ttyS1
)
read -r -a more <"$run/append" || true
rc=0
timeout --foreground --kill-after=5 "$timeout" "$kernel/linux" "${args[@]}" "${more[@]}" \
	</dev/null 4> >(cat) 5>"$run/status" >"$run/log" 2>"$run/uml.err" || rc=$?
wait
# It says on standard error what went wrong before its console was there.
if [ ! -s "$run/status" ]; then cat "$run/uml.err" >>"$run/log"; fi
# The program's status is not the command's; only a stop by timeout counts.
case $rc in
124 | 137) exit "$rc" ;;
esac
exit 0
