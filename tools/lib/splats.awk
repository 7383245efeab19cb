# SPDX-License-Identifier: GPL-2.0
#
# Finds the kernel's own reports in its log and prints "line: first line" of
# each. Words count only at the start of a message, so that boot messages such
# as "Spectre V2 : WARNING: ..." and modules' own lines do not.

{
	text = $0
	gsub(/\r/, "", text)
	# Time stamp, caller (T123, C0) and level, in any combination.
	sub(/^(<[0-9]+>)?\[ *[0-9]+\.[0-9]+\](\[ *[TC][0-9]+\])? ?/, "", text)
}

# WARN(condition, "text") prints its text between this mark and the WARNING.
text ~ /^-+\[ cut here \]-+/ { cut = NR; head = ""; next }

text ~ /^(WARNING|BUG|INFO: (possible|trying|suspicious|task|lockdep|rcu)|Oops|UBSAN|KASAN|KCSAN|KFENCE|Kernel panic|Internal error|Bad page|general protection fault|stack segment|divide error|invalid opcode|kernel BUG at|kernel tried to execute|CFI failure|Missing ENDBR|rust_kernel: panicked|DEBUG_LOCKS_WARN_ON|watchdog: BUG|NMI watchdog: BUG|rcu: INFO: .*stall|kmemleak: [1-9][0-9]* new suspected|kmemleak: Memory pool empty|kmemleak: Kernel memory leak detector disabled|BUG [^:]*\(.*\): |list_(add|del) corruption|refcount_t:|sysfs: cannot create duplicate|ODEBUG:|unchecked MSR)/ ||
text ~ /^slab_err|^Slab .* (is not|has) /  ||
text ~ /(kobject .*(tried to init an initialized|is not initialized)|scheduling while atomic|sleeping function called from invalid context|nobody cared)/ {
	if (cut && NR - cut <= 3 && head != "")
		text = text " " head
	print NR ": " text
	cut = 0
	next
}

cut && NR - cut <= 3 { head = head (head == "" ? "" : " ") text }
