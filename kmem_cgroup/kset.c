// SPDX-License-Identifier: GPL-2.0
/* The kernel's caches as sysfs has them: kobjects of one set, and links to them. */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernfs.h>
#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "engine.h"

static struct kset *kmc_slabs;

/* Finds /sys/kernel/slab. It is made at boot and never goes. */
int kmc_kset_find(void)
{
	struct kernfs_node *kn = kernfs_find_and_get(kernel_kobj->sd, "slab");

	if (!kn)
		return -ENOENT;
	kmc_slabs = to_kset((struct kobject *)kn->priv);
	kernfs_put(kn);
	return 0;
}

/* The kobject of the cache @name, with a reference, or NULL. */
struct kobject *kmc_kset_get(const char *name)
{
	return kset_find_obj(kmc_slabs, name);
}

/*
 * The kobject after @prev, whose reference is given up, with a reference; the
 * first one after NULL, NULL after the last one. A cache that goes meanwhile
 * ends the walk early where it was @prev.
 */
struct kobject *kmc_kset_next(struct kobject *prev)
{
	struct kobject *kobj, *next = NULL;
	bool found = !prev;

	spin_lock(&kmc_slabs->list_lock);
	list_for_each_entry(kobj, &kmc_slabs->list, entry) {
		if (found && kobject_get_unless_zero(kobj)) {
			next = kobj;
			break;
		}
		found |= kobj == prev;
	}
	spin_unlock(&kmc_slabs->list_lock);
	kobject_put(prev);
	return next;
}

/* Whether the directory of @kobj has a file @name. */
bool kmc_kset_has_file(struct kobject *kobj, const char *name)
{
	struct kernfs_node *kn = kobj->sd ? kernfs_find_and_get(kobj->sd, name) : NULL;

	kernfs_put(kn);
	return kn;
}

struct kmc_aliases {
	struct dir_context ctx;
	const struct kernfs_node *target;
	char *buf;
	size_t len, at;
	int count;
};

static bool kmc_alias(struct dir_context *ctx, const char *name, int len,
		      loff_t off, u64 ino, unsigned int type)
{
	struct kmc_aliases *a = container_of(ctx, struct kmc_aliases, ctx);
	struct kernfs_node *kn;
	char text[KMC_NAME];

	if (type != DT_LNK || len >= sizeof(text))
		return true;
	memcpy(text, name, len);
	text[len] = 0;
	kn = kernfs_find_and_get(kmc_slabs->kobj.sd, text);
	if (!kn)
		return true;
	if (kernfs_type(kn) == KERNFS_LINK && kn->symlink.target_kn == a->target) {
		a->at += scnprintf(a->buf + a->at, a->len - a->at, "%s%s",
				   a->count ? " " : "", text);
		a->count++;
	}
	kernfs_put(kn);
	return true;
}

/*
 * The names of the caches that share the one of @kobj, parted by blanks, and
 * how many they are. The kernel knows them as links in sysfs only: where that is
 * not mounted on /sys they are not found. A cache with a name of its own has none.
 */
int kmc_kset_aliases(struct kobject *kobj, char *buf, size_t len)
{
	struct kmc_aliases a = {
		.ctx.actor = kmc_alias,
		.target = kobj->sd,
		.buf = buf,
		.len = len,
	};
	struct file *dir;
	int ret;

	*buf = 0;
	if (*kobject_name(kobj) != ':')
		return 0;
	dir = filp_open("/sys/kernel/slab", O_RDONLY | O_DIRECTORY, 0);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	ret = iterate_dir(dir, &a.ctx);
	fput(dir);
	return ret ?: a.count;
}
