// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/rsbac_mem/kmem: which group has how much of which cache.
 *
 * One line for each pair that was ever charged: cache, group, objects, bytes,
 * parted by one blank each; blanks in names are written as \040. It is a file of
 * /proc and not of /sys since it may have any length. Everyone may read it.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "engine.h"

static struct proc_dir_entry *kmc_proc;

/* Pairs that stand for themselves; those of removed groups show in their heirs. */
static bool kmc_shown(const struct kmc_pair *pair)
{
	return pair->used && pair->cache && pair->group->ids[pair->cache->idx] == pair->id;
}

static void *kmc_table_at(loff_t *pos)
{
	for (; *pos < READ_ONCE(kmc_pairs); ++*pos) {
		if (!*pos)
			return SEQ_START_TOKEN;
		if (kmc_shown(kmc_pair(*pos)))
			return kmc_pair(*pos);
	}
	return NULL;
}

static void *kmc_table_begin(struct seq_file *m, loff_t *pos)
{
	mutex_lock(&kmc_lock);
	return kmc_table_at(pos);
}

static void *kmc_table_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return kmc_table_at(pos);
}

static void kmc_table_end(struct seq_file *m, void *v)
{
	mutex_unlock(&kmc_lock);
}

static int kmc_table_show(struct seq_file *m, void *v)
{
	const struct kmc_pair *pair = v;
	long live, objects;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "# cache group objects bytes\n");
		return 0;
	}
	live = kmc_pair_total(pair);
	objects = pair->cache->s ? live : atomic_long_read(&pair->count);
	seq_escape(m, pair->cache->name, " \t\n\\");
	seq_putc(m, ' ');
	seq_escape(m, pair->group->path, " \t\n\\");
	seq_printf(m, " %ld %ld\n", objects, live * pair->size);
	return 0;
}

static const struct seq_operations kmc_table_ops = {
	.start = kmc_table_begin,
	.next = kmc_table_next,
	.stop = kmc_table_end,
	.show = kmc_table_show,
};

int kmc_table_start(void)
{
	kmc_proc = proc_mkdir("rsbac_mem", NULL);
	if (!kmc_proc)
		return -ENOMEM;
	if (!proc_create_seq("kmem", 0444, kmc_proc, &kmc_table_ops)) {
		proc_remove(kmc_proc);
		return -ENOMEM;
	}
	return 0;
}

void kmc_table_stop(void)
{
	proc_remove(kmc_proc);
}
