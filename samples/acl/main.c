// SPDX-License-Identifier: GPL-2.0
/*
 * acl_sample: an access-control module, small but whole, on rsbac_mem.
 *
 * Three files in securityfs, where security modules have theirs:
 *   rsbac_acl/load    write a policy; it is in force once the file is closed
 *   rsbac_acl/query   write "UID RIGHT PATH", read the answer
 *   rsbac_acl/status  the policy in force, and how the last load went
 *
 * load_lock is the only lock; the policy in force is read under RCU. Which one
 * that is, is written with wr_rcu_assign_pointer() alone, and where that is kept
 * cannot be changed at all: a forged policy cannot be put in the place of ours.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "acl.h"

static DEFINE_MUTEX(load_lock);
static struct acl_policy __rcu **in_force __ro_after_init;
static struct pmalloc_pool *in_force_pool __ro_after_init;
static char last_load[ACL_MAX_WHY + 32] = "none";	/* under load_lock */
static struct dentry *acl_dir;

static int load_open(struct inode *inode, struct file *file)
{
	struct acl_load *load = rsbac_kmalloc_unlocked(sizeof(*load));
	int err;

	if (!load)
		return -ENOMEM;
	err = acl_load_begin(load);
	if (err) {
		rsbac_kfree(load);
		return err;
	}
	file->private_data = load;
	return stream_open(inode, file);
}

static ssize_t load_write(struct file *file, const char __user *from,
			  size_t count, loff_t *pos)
{
	size_t len = min_t(size_t, count, PAGE_SIZE);
	char *text = rsbac_kmalloc_unlocked(PAGE_SIZE);
	int err = -EFAULT;

	if (!text)
		return -ENOMEM;
	if (!copy_from_user(text, from, len))
		err = acl_load_text(file->private_data, text, len);
	rsbac_kfree(text);
	return err ? err : len;
}

static int load_release(struct inode *inode, struct file *file)
{
	struct acl_load *load = file->private_data;
	struct acl_policy *policy = acl_load_finish(load);

	mutex_lock(&load_lock);
	if (policy) {
		struct acl_policy *new = policy;

		policy = rcu_dereference_protected(*in_force, lockdep_is_held(&load_lock));
		wr_rcu_assign_pointer(*in_force, new);
		strscpy(last_load, "ok");
	} else {
		scnprintf(last_load, sizeof(last_load), "refused: line %u: %s",
			  load->line_nr, load->why);
		pr_warn("acl_sample: policy %s\n", last_load);
	}
	mutex_unlock(&load_lock);

	/* What was in force until now; readers may still be looking at it. */
	if (policy) {
		synchronize_rcu();
		acl_policy_free(policy);
	}
	rsbac_kfree(load);
	return 0;
}

static const struct file_operations load_fops = {
	.owner = THIS_MODULE,
	.open = load_open,
	.write = load_write,
	.release = load_release,
};

/* Answers that wait to be read. */
struct session {
	struct mutex lock;	/* of all the rest: one task at a time */
	size_t len;
	size_t read;
	char answers[PAGE_SIZE];
};

static int query_open(struct inode *inode, struct file *file)
{
	struct session *session = rsbac_kmalloc_clear_unlocked(sizeof(*session));

	if (!session)
		return -ENOMEM;
	mutex_init(&session->lock);
	file->private_data = session;
	return stream_open(inode, file);
}

/* A write is some whole lines; its answers replace those not read yet. */
static ssize_t query_write(struct file *file, const char __user *from,
			   size_t count, loff_t *pos)
{
	struct session *session = file->private_data;
	ssize_t len;
	char *text;

	if (count >= 2 * PAGE_SIZE)
		return -E2BIG;
	text = rsbac_kmalloc_unlocked(count + 1);
	if (!text)
		return -ENOMEM;
	if (copy_from_user(text, from, count)) {
		len = -EFAULT;
		goto out;
	}
	text[count] = '\0';

	mutex_lock(&session->lock);
	rcu_read_lock();
	len = acl_answer(rcu_dereference(*in_force), text, session->answers,
			 sizeof(session->answers));
	rcu_read_unlock();
	session->len = max(len, 0);
	session->read = 0;
	mutex_unlock(&session->lock);
out:
	rsbac_kfree(text);
	return len < 0 ? len : count;
}

static ssize_t query_read(struct file *file, char __user *to, size_t count,
			  loff_t *pos)
{
	struct session *session = file->private_data;
	ssize_t len;

	mutex_lock(&session->lock);
	len = min(count, session->len - session->read);
	if (copy_to_user(to, session->answers + session->read, len))
		len = -EFAULT;
	else
		session->read += len;
	mutex_unlock(&session->lock);
	return len;
}

static int query_release(struct inode *inode, struct file *file)
{
	rsbac_kfree(file->private_data);
	return 0;
}

static const struct file_operations query_fops = {
	.owner = THIS_MODULE,
	.open = query_open,
	.write = query_write,
	.read = query_read,
	.release = query_release,
};

static ssize_t status_read(struct file *file, char __user *to, size_t count,
			   loff_t *pos)
{
	const struct acl_policy *policy;
	char text[512];
	int len;

	mutex_lock(&load_lock);
	policy = rcu_dereference_protected(*in_force,
					   lockdep_is_held(&load_lock));
	len = acl_policy_describe(policy, text, sizeof(text));
	len += scnprintf(text + len, sizeof(text) - len, "last load: %s\n",
			 last_load);
	mutex_unlock(&load_lock);
	return simple_read_from_buffer(to, count, pos, text, len);
}

static const struct file_operations status_fops = {
	.owner = THIS_MODULE,
	.read = status_read,
	.llseek = default_llseek,
};

static int make_files(void)
{
	struct dentry *file;

	acl_dir = securityfs_create_dir("rsbac_acl", NULL);
	if (IS_ERR(acl_dir))
		return PTR_ERR(acl_dir);
	file = securityfs_create_file("load", 0200, acl_dir, NULL, &load_fops);
	if (!IS_ERR(file))
		file = securityfs_create_file("query", 0666, acl_dir, NULL,
					      &query_fops);
	if (!IS_ERR(file))
		file = securityfs_create_file("status", 0444, acl_dir, NULL,
					      &status_fops);
	if (IS_ERR(file)) {
		securityfs_remove(acl_dir);
		return PTR_ERR(file);
	}
	return 0;
}

bool *acl_target(u32 line)
{
	return acl_policy_target(rcu_dereference_protected(*in_force, true), line);
}
EXPORT_SYMBOL_GPL(acl_target);

/* A policy that denies everything, until there is another. */
static int __init start_with_none(void)
{
	struct acl_policy *empty = acl_policy_new();

	in_force_pool = pmalloc_create_pool(PMALLOC_MODE_START_WR);
	in_force = in_force_pool ? pmalloc(in_force_pool, sizeof(*in_force)) : NULL;
	if (!empty || !in_force || acl_policy_seal(empty)) {
		pmalloc_destroy_pool(in_force_pool);
		acl_policy_free(empty);
		return -ENOMEM;
	}
	wr_rcu_assign_pointer(*in_force, empty);
	return 0;
}

static void stop_all(void)
{
	acl_policy_free(rcu_dereference_protected(*in_force, true));
	pmalloc_destroy_pool(in_force_pool);
	acl_policy_exit();
}

static int __init acl_init(void)
{
	int err = acl_policy_init();

	if (err)
		return err;
	err = start_with_none();
	if (err) {
		acl_policy_exit();
		return err;
	}
	err = make_files();
	if (err)
		stop_all();
	return err;
}

/* No file is open any more: each holds a reference to this module. */
static void __exit acl_exit(void)
{
	securityfs_remove(acl_dir);
	stop_all();
}

module_init(acl_init);
module_exit(acl_exit);
MODULE_DESCRIPTION("rsbac_mem sample: an access-control policy in a sealed pool");
MODULE_LICENSE("GPL");
