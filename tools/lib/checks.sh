# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The checks of tools/lint. Each prints what it finds and fails if it found any.

# shellcheck disable=SC2034 # for tools/lint
CHECKS=(spdx rustfmt compile clippy sparse checkpatch kernel_doc shellcheck prototypes rustdoc selftest)

# files [PATTERN...]: files of the checkout, less what is built or fetched.
files() {
	local names=() pattern
	for pattern; do names+=(-o -path "$TOP/$pattern"); done
	[ $# -gt 0 ] || names=(-o -true)
	find "$TOP" \( -name .git -o -name build \) -prune -o -type f \( "${names[@]:1}" \) \
		-not -name '*.ko' -not -name '.checkpatch-*' -print | sort
}

scripts() {
	files | while IFS= read -r file; do
		case $file in
		*.sh) printf '%s\n' "$file" ;;
		*) if head -c 40 -- "$file" | head -n 1 | grep -Eq '^#!.*/(ba)?sh( |$)'; then printf '%s\n' "$file"; fi ;;
		esac
	done
}

check_spdx() {
	local file bad=0
	while IFS= read -r file; do
		case $file in
		*/LICENSE | *.md | *.txt | *.json | */Documentation/ABI/* | */.rustfmt.toml) continue ;;
		esac
		if ! head -n 3 -- "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0'; then
			echo "$file: no SPDX line in its first three"
			bad=1
		fi
	done < <(files)
	return "$bad"
}

check_rustfmt() {
	local list
	mapfile -t list < <(files '*.rs')
	env_run -- rustfmt --check --color never --config-path "$TOP/.rustfmt.toml" "${list[@]}"
}

# lint_build ARGUMENTS...: all our modules, in output folders of their own. Goes
# on after a failure, so that one run shows everything.
lint_build() {
	local dir bad=0
	export OUT_KIND=-lint
	while IFS= read -r dir; do
		# Errexit would end it at the first; run_kbuild's status is make's.
		run_kbuild stock "$dir" "$@" modules || bad=1
	done < <(printf '%s\n' "$TOP"; module_dirs | grep -vxF "$TOP")
	return "$bad"
}

check_compile() { lint_build W=1 KRUSTFLAGS=-Dwarnings KCFLAGS=-Werror; }

# The kernel's own set of lints; it includes private items, and asks for a SAFETY
# comment at each unsafe block and impl. Asked for besides: "# Safety" in the
# documentation of each unsafe function.
check_clippy() {
	lint_build CLIPPY=1 KRUSTFLAGS='-Dwarnings -Wclippy::missing_safety_doc -Wclippy::undocumented_unsafe_blocks'
}

# sparse sees the kernel's headers as well; only what it says of our own files
# counts. Debian's does not know __typeof_unqual__, and cannot evaluate an
# assertion inside MODULE_*(), of which it says "bad constant expression".
# Errors of the compiler have a check of their own.
check_sparse() {
	local log bad=0
	log=$(lint_build C=2 'CHECK=sparse -D__typeof_unqual__=__typeof__' 2>&1) || true
	if grep -q 'is not available or not up to date' <<<"$log"; then
		echo "the kernel's build does not accept this sparse"
		bad=1
	fi
	grep -F "$TOP/" <<<"$log" | grep -E '^[^ ]+:[0-9]+:[0-9]+: (warning|error):' |
		grep -v 'error: bad constant expression$' && bad=1
	return "$bad"
}

# Types that are not looked at, each for a reason:
CHECKPATCH_IGNORE=(
	FILE_PATH_CHANGES       # asks for a MAINTAINERS entry, which only the kernel has
	SPDX_LICENSE_TAG        # knows the kernel's tree only
	LINUX_VERSION_CODE      # a module outside the tree serves several versions
	EMBEDDED_FILENAME       # comments name other files on purpose
	EMBEDDED_FUNCTION_NAME  # takes an ordinary word for the function of that name
	EXPORT_SYMBOL           # the functions are Rust; C can only export them
	NEW_TYPEDEFS            # the interfaces that we are compatible with have them
	COMPLEX_MACRO           # tables are written once, as lists of X(...)
	MACRO_ARG_REUSE         # likewise
	MACRO_ARG_UNUSED        # likewise
	CAMELCASE               # the KasperskyOS interface has such names
	LONG_LINE_STRING        # regular expressions of log lines, which cannot be broken
	SPACING                 # takes a pointer to a type that it does not know for a product
	OPEN_ENDED_LINE         # names of the kernel's that fill a line
	VOLATILE                # tests look at what others write
	MACRO_WITH_FLOW_CONTROL # a failed assertion leaves its test
)

check_checkpatch() {
	local list
	# What runs in user space keeps to user space's habits.
	mapfile -t list < <(files '*.c' '*.h' | grep -v -e '_user\.[ch]$' -e /failnth.c)
	env_run -- perl "$KSRC/scripts/checkpatch.pl" --no-tree --strict --no-summary --terse --show-types \
		--max-line-length=100 --ignore "$(IFS=,; printf '%s' "${CHECKPATCH_IGNORE[*]}")" -f "${list[@]}"
}

check_kernel_doc() {
	local list
	mapfile -t list < <(files 'include/*.h')
	env_run -- "$KSRC/scripts/kernel-doc" -none -Werror -Wreturn "${list[@]}"
}

# SC2317 takes traps and functions called by name for dead code; SC1091 wants to
# follow files that are there in the guest only.
check_shellcheck() {
	local list
	mapfile -t list < <(scripts)
	env_run -- shellcheck --exclude=SC2317,SC1091 --external-sources --source-path="$TOP" "${list[@]}"
}

check_prototypes() { "$TOP/tools/check-prototypes"; }
check_rustdoc() { "$TOP/tools/doc"; }
check_selftest() { "$TOP/tools/selftest"; }
