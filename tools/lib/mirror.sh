# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The Debian mirror is whatever the host uses: its own apt sources, with the
# suite replaced. The host's apt does the fetching, so that its proxies,
# credentials and certificates apply.

SUITE=trixie
APT=$CACHE/apt

host_suite() (
	# shellcheck disable=SC1091
	. /etc/os-release
	printf '%s\n' "${VERSION_CODENAME:-}"
)

# Prints "URI<tab>OPTIONS" for each entry that carries the host suite's main
# archive (not its updates or security parts, which have other suites).
host_entries() {
	local suite parts main files=()
	suite=$(host_suite)
	eval "$(apt-config shell main Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
	# shellcheck disable=SC2154
	for file in "${main:-/etc/apt/sources.list}" "${parts:-/etc/apt/sources.list.d}"/*.list \
		"${parts:-/etc/apt/sources.list.d}"/*.sources; do
		if [ -f "$file" ]; then files+=("$file"); fi
	done
	[ ${#files[@]} -gt 0 ] || return 0
	awk -v suite="$suite" -f "$LIB/sources.awk" "${files[@]}"
}

# Such lines into lines of a sources.list.
deb_lines() {
	local uri options
	while IFS=$'\t' read -r uri options; do
		printf 'deb %s%s %s main\n' "${options:+[$options] }" "$uri" "$SUITE"
		printf 'deb %s%s %s main\n' "${options:+[$options] }" "$uri" "$SUITE-backports"
	done
}

write_sources() { # write_sources FILE
	local entries
	entries=$(host_entries | sort -u)
	[ -n "$entries" ] ||
		die "no Debian archive found in the host's apt sources: this needs a Debian 12 or 13 host with a 'deb ... $(host_suite) main' entry"
	deb_lines <<<"$entries" >"$1"
}

# apt with package lists of our own; touches nothing of the host's.
host_apt() { # host_apt TOOL ARGUMENTS...
	APT_CONFIG=$APT/apt.conf "$@"
}

write_apt_conf() {
	cat <<END
Dir::Etc::sourcelist "$APT/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$APT/state";
Dir::State::status "$APT/status";
Dir::Cache "$APT/cache";
Dir::Log "/dev/null";
APT::Sandbox::User "root";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
Acquire::Retries "3";
Acquire::Languages "none";
END
}

apt_update() {
	mkdir -p "$APT/state/lists/partial" "$APT/cache/archives/partial"
	: >"$APT/status"
	write_sources "$APT/sources.list"
	write_apt_conf >"$APT/apt.conf"
	step "package lists of $SUITE and $SUITE-backports" host_apt apt-get update --error-on=any
	touch "$APT/updated"
}

# Lists older than a day are renewed before something is chosen from them.
apt_fresh() {
	if [ ! -f "$APT/updated" ] || [ -n "$(find "$APT/updated" -mmin +1440)" ]; then
		with_lock apt apt_update
	fi
}

# fetch_package PACKAGE VERSION FOLDER: unpacks a package's files, installs
# nothing. The environment has the tools to unpack; a bare host may not.
fetch_package() {
	local deb
	mkdir -p "$3/.deb"
	(cd "$3/.deb" && host_apt apt-get download "$1=$2")
	deb=$(find "$3/.deb" -name "$1_*.deb")
	case $1 in
	linux-source-*)
		# shellcheck disable=SC2016 # expanded in there
		env_run -- bash -c 'set -eo pipefail
			dpkg-deb --fsys-tarfile "$1" | tar -x -O "./usr/src/$2.tar.xz" |
			tar -x -J -C "$3" --strip-components=1' bash "$deb" "$1" "$3" ;;
	*)
		env_run -- dpkg-deb -x "$deb" "$3" ;;
	esac
	rm -rf "$3/.deb"
}
