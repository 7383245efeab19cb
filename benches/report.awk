# SPDX-License-Identifier: GPL-2.0
#
# Samples "sample KIND CONTESTANT SIZE CPUS PICOSECONDS" into a table and, in the
# file `json`, the same as JSON. `lane` and `unit` say what was measured.

function sort(list, n,    i, j, held) {
	for (i = 2; i <= n; i++) {
		held = list[i]
		for (j = i - 1; j > 0 && list[j] > held; j--)
			list[j + 1] = list[j]
		list[j + 1] = held
	}
}

# The middle one, and how far the outermost are apart in percent of it.
function digest(key,    i, list, n) {
	n = count[key]
	for (i = 1; i <= n; i++)
		list[i] = value[key, i] + 0
	sort(list, n)
	median[key] = list[int((n + 1) / 2)] / 1000
	spread[key] = median[key] ? (list[n] - list[1]) / 10 / median[key] : 0
}

$1 == "sample" {
	key = $2 " " $4 " " $5 " " $3
	if (!count[key]++)
		order[++keys] = key
	value[key, count[key]] = $6
}

END {
	print "lane " lane ": " unit " for an allocation and its free"
	for (i = 1; i <= keys; i++) {
		digest(order[i])
		split(order[i], field, " ")
		group = field[1] " " field[2] " " field[3]
		if (field[4] == "kmalloc" || field[4] == "kvmalloc")
			base[group] = median[order[i]]
	}
	for (i = 1; i <= keys; i++) {
		split(order[i], field, " ")
		group = field[1] " " field[2] " " field[3]
		if (group != last)
			printf "\n%8d bytes, %d CPU%-7s %12s %8s %8s  %s\n", field[2],
				field[3], field[3] == 1 ? "" : "s", "median", "spread",
				"ratio", "target"
		last = group
		ratio = base[group] ? median[order[i]] / base[group] : 0
		ours = field[4] ~ /^rsbac/
		target = ""
		if (ours)
			target = ratio <= 1.00 ? "<= 1.00 met" : "<= 1.00 MISSED"
		printf "  %-24s %12.1f %7.1f%% %8.2f  %s\n", field[4],
			median[order[i]], spread[order[i]], ratio, target
		printf "%s\n  {\"lane\": \"%s\", \"unit\": \"%s\", \"call\": \"%s\", \"size\": %d, \"cpus\": %d, \"median\": %.1f, \"spread_percent\": %.1f, \"ratio\": %.3f, \"samples\": %d}", \
			i == 1 ? "" : ",", lane, unit, field[4], field[2], field[3],
			median[order[i]], spread[order[i]], ratio,
			count[order[i]] >json
	}
	if (!keys) {
		print "no samples"
		exit 1
	}
}
