# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in the environment: packs the run's files, starts the machine, passes
# COMMAND's output through. The kernel's log goes to RUN/log, the guest's
# answer to RUN/status.
#
# boot.sh KERNEL_DIR BASE RUN TIMEOUT CPUS MEMORY ICOUNT
set -euo pipefail

kernel=$1 base=$2 run=$3 timeout=$4 cpus=$5 memory=$6 icount=$7
[ "$memory" != 0 ] || memory=$(cat "$kernel/memory" 2>/dev/null || echo 1024)

{
	cat "$kernel/$base"
	(cd "$run/root" && find . -print0 | sort -z | cpio --quiet -o -0 -H newc -R 0:0)
} >"$run/initrd"
: >"$run/log"
: >"$run/status"

if [ -f "$kernel/linux" ]; then
	# shellcheck source=tools/lib/boot-uml.sh
	. "${0%/*}/boot-uml.sh"
	exit
fi

# A node alone proves nothing: hosts without these flags may have one.
accel=tcg,thread=multi cpu=max
if grep -Eqw 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ]; then
	accel=kvm cpu=host
fi
if [ "$icount" = 1 ]; then
	accel=tcg cpu=max cpus=1
fi

# no5lvl: while the kernel identifies the first CPU, it forgets for a moment how
# many levels its page tables have. An interrupt just then makes KASAN report
# "wild-memory-access in rcu_is_watching" and fall silent.
words="console=ttyS0 loglevel=8 panic=-1 no5lvl vm.out=/dev/vport0p1 vm.status=/dev/vport0p2"

start() { # start ACCEL CPU
	# shellcheck disable=SC2054 # the commas are QEMU's
	local args=(
		-accel "$1" -cpu "$2" -smp "$cpus" -m "$memory" -nodefaults -no-user-config
		-display none -no-reboot -kernel "$kernel/bzImage" -initrd "$run/initrd"
		-serial "file:$run/log"
		-device virtio-serial-pci
		-chardev file,id=out,path=/dev/stdout -device virtserialport,chardev=out,nr=1
		-chardev "file,id=status,path=$run/status" -device virtserialport,chardev=status,nr=2
		-append "$words $(cat "$kernel/append" 2>/dev/null) $(cat "$run/append")"
	)
	if [ "$icount" = 1 ]; then args+=(-icount 'shift=0,sleep=off'); fi
	mapfile -t -O "${#args[@]}" args <"$run/qemu"
	# cat, so that what QEMU opens is a pipe of its own, never a file or
	# terminal that others write to as well.
	rc=0
	timeout --foreground --kill-after=5 "$timeout" qemu-system-x86_64 "${args[@]}" \
		</dev/null 2>"$run/qemu.err" | cat || rc=${PIPESTATUS[0]}
}

start "$accel" "$cpu"
if [ "$accel" = kvm ] && [ "$rc" != 0 ] && [ ! -s "$run/status" ] && [ ! -s "$run/log" ]; then
	echo "vm: KVM does not work here ($(tail -n 1 "$run/qemu.err")); going on without" >&2
	start tcg,thread=multi max
fi
if [ "$rc" != 0 ] && [ -s "$run/qemu.err" ]; then cat "$run/qemu.err" >&2; fi
exit "$rc"
