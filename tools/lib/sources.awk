# SPDX-License-Identifier: GPL-2.0
#
# Reads apt sources in both formats (one-line and deb822) and prints
# "uri<tab>options" for each enabled binary entry of the given suite's main.

function has(list, word,    i, n, parts) {
	n = split(list, parts, /[ \t]+/)
	for (i = 1; i <= n; i++)
		if (parts[i] == word || parts[i] == word "/")
			return 1
	return 0
}

function emit(options, uris,    i, n, parts) {
	n = split(uris, parts, /[ \t]+/)
	for (i = 1; i <= n; i++)
		if (parts[i] ~ /^[a-z+]+:/)
			print parts[i] "\t" options
}

# A deb822 stanza ends at an empty line or at the end of its file.
function stanza(    options) {
	if (has(field["types"], "deb") && has(field["suites"], suite) &&
	    has(field["components"], "main") && field["enabled"] !~ /^(no|false|0)/) {
		# A keyring given by file can be handed on; an inline key cannot.
		if (field["signed-by"] ~ /^ *\//) {
			options = field["signed-by"]
			gsub(/^ +| +$/, "", options)
			options = "signed-by=" options
		}
		emit(options, field["uris"])
	}
	delete field
	last = ""
}

FNR == 1 { if (deb822) stanza(); deb822 = FILENAME ~ /\.sources$/ }
/^[ \t]*#/ { next }

deb822 && /^[ \t]*$/ { stanza(); next }
deb822 && /^[ \t]/ { field[last] = field[last] " " $0; next }
deb822 {
	last = tolower($0); sub(/[ \t]*:.*/, "", last)
	value = $0; sub(/^[^:]*:[ \t]*/, "", value)
	field[last] = value
	next
}

/^[ \t]*deb[ \t]/ {
	line = $0; options = ""
	sub(/#.*/, "", line)
	sub(/^[ \t]*deb[ \t]+/, "", line)
	if (match(line, /^\[[^]]*\]/)) {
		all = substr(line, 2, RLENGTH - 2)
		line = substr(line, RLENGTH + 1)
		if (match(all, /signed-by=[^ ]+/))
			options = substr(all, RSTART, RLENGTH)
	}
	n = split(line, word, /[ \t]+/)
	first = word[1] == "" ? 2 : 1
	if (word[first + 1] == suite && index(" " line " ", " main "))
		emit(options, word[first])
}

END { if (deb822) stanza() }
