/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests that run in the kernel, one at a time, as user space asks for them.
 *
 * A test module has one file that defines KTEST_MAIN before it includes this
 * header and then says KTEST_MODULE(groups); its other files only include it.
 * A group is an array of tests that ends with an empty one:
 *
 *	static void zero_size(void)
 *	{
 *		KT_NULL(rsbac_kmalloc(0));
 *	}
 *
 *	const struct kt_test contract_tests[] = {
 *		KT_TEST(zero_size),
 *		{}
 *	};
 *
 * The module then has a folder of its own name in debugfs:
 *	list    the names of the tests, a line each
 *	run     write a name to run that test; fails with EIO where it fails
 *	result  what the last test has to say: "# text", "log: REGEX" for each line
 *	        that must be in the kernel's log once (see kt_log()), "skip: why"
 *
 * The module parameter "scale" divides the length of long loops: kt_loops().
 */
#ifndef _KTEST_H
#define _KTEST_H

#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/unroll.h>

struct kt_test {
	const char *name;
	void (*run)(void);
};

#define KT_TEST(_function) { .name = #_function, .run = _function }

extern unsigned int kt_scale;

/* Adds a line to the result. From any context. */
__printf(1, 2) void kt_note(const char *fmt, ...);

/* Marks the running test as failed, and says why. From any context. */
__printf(1, 2) void kt_fail(const char *fmt, ...);

/* Whether the running test has failed so far. */
bool kt_failed(void);

/* Length of a loop that is @full rounds long where there is no hurry. */
static inline u32 kt_loops(u32 full)
{
	return max(full / kt_scale, 1U);
}

/*
 * A loop that is not unrolled, as the log tells once of each place that calls: gcc
 * must not know the length, and clang, which knows that of the array, is asked.
 */
#define for_in_one_place(i, n)						\
	unrolled_none							\
	for ((i) = 0; (i) < ({ typeof(i) _n = (n); OPTIMIZER_HIDE_VAR(_n); _n; }); (i)++)

/*
 * The test makes the kernel log exactly one line that matches this extended
 * regular expression, a format; lines "rsbac_mem: ..." that no test asked for are errors.
 */
#define kt_log(_regex, ...) kt_note("log: " _regex, ##__VA_ARGS__)

/* The test makes no sense here. */
#define kt_skip(_why) kt_note("skip: " _why)

#define KT_TRUE(_cond)							\
({									\
	bool _ok = (_cond);						\
									\
	if (!_ok)							\
		kt_fail("%s:%d: not so: %s", kbasename(__FILE__),	\
			__LINE__, #_cond);				\
	_ok;								\
})

#define KT_EQ(_left, _right)						\
({									\
	u64 _l = (u64)(_left), _r = (u64)(_right);			\
									\
	if (_l != _r)							\
		kt_fail("%s:%d: %s is %llu, but %s is %llu",		\
			kbasename(__FILE__), __LINE__, #_left, _l,	\
			#_right, _r);					\
	_l == _r;							\
})

#define KT_NULL(_p) KT_TRUE(!(_p))
#define KT_NOT_NULL(_p) KT_TRUE((_p))

/* Leaves a test that makes no sense any further. */
#define KT_NEED(_cond)							\
do {									\
	if (!KT_TRUE(_cond))						\
		return;							\
} while (0)

/* The number in a file, as of sysfs; U64_MAX and a failed test without one. */
u64 kt_number_in(const char *path);

/* Whether there is such a file or folder. */
bool kt_exists(const char *path);

#ifdef KTEST_MAIN
#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

unsigned int kt_scale = 1;
module_param_named(scale, kt_scale, uint, 0444);
MODULE_PARM_DESC(scale, "long loops are this many times shorter");

static DEFINE_MUTEX(kt_run_lock);
static DEFINE_RAW_SPINLOCK(kt_note_lock);	/* taken inside kt_run_lock */
static char kt_notes[8192];
static size_t kt_notes_len;
static bool kt_has_failed;
static struct dentry *kt_dir;

__printf(2, 0)
static void kt_vnote(const char *prefix, const char *fmt, va_list args)
{
	unsigned long flags;
	size_t *len = &kt_notes_len;

	raw_spin_lock_irqsave(&kt_note_lock, flags);
	*len += scnprintf(kt_notes + *len, sizeof(kt_notes) - *len, "%s",
			  prefix);
	*len += vscnprintf(kt_notes + *len, sizeof(kt_notes) - *len, fmt, args);
	*len += scnprintf(kt_notes + *len, sizeof(kt_notes) - *len, "\n");
	raw_spin_unlock_irqrestore(&kt_note_lock, flags);
}

void kt_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	kt_vnote("", fmt, args);
	va_end(args);
}

void kt_fail(const char *fmt, ...)
{
	va_list args;

	WRITE_ONCE(kt_has_failed, true);
	va_start(args, fmt);
	kt_vnote("# ", fmt, args);
	va_end(args);
}

bool kt_failed(void)
{
	return READ_ONCE(kt_has_failed);
}

bool kt_exists(const char *path)
{
	struct file *file = filp_open(path, O_PATH, 0);

	if (IS_ERR(file))
		return false;
	fput(file);
	return true;
}

u64 kt_number_in(const char *path)
{
	struct file *file = filp_open(path, O_RDONLY, 0);
	char text[32] = "";
	loff_t pos = 0;
	u64 number;

	if (!IS_ERR(file)) {
		kernel_read(file, text, sizeof(text) - 1, &pos);
		fput(file);
	}
	if (kstrtou64(strim(text), 10, &number)) {
		kt_fail("no number in %s", path);
		return U64_MAX;
	}
	return number;
}

static const struct kt_test *const *kt_groups;

static int kt_run_one(const struct kt_test *test)
{
	int err;

	mutex_lock(&kt_run_lock);
	kt_notes_len = 0;
	kt_notes[0] = '\0';
	WRITE_ONCE(kt_has_failed, false);
	test->run();
	err = kt_failed() ? -EIO : 0;
	mutex_unlock(&kt_run_lock);
	return err;
}

static ssize_t kt_run_write(struct file *file, const char __user *from,
			    size_t count, loff_t *pos)
{
	const struct kt_test *const *group;
	const struct kt_test *test;
	char text[128];
	char *name;
	int err;

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, count))
		return -EFAULT;
	text[count] = '\0';
	name = strim(text);
	for (group = kt_groups; *group; group++) {
		for (test = *group; test->name; test++) {
			if (strcmp(test->name, name))
				continue;
			err = kt_run_one(test);
			return err ? err : count;
		}
	}
	return -ENOENT;
}

static const struct file_operations kt_run_fops = {
	.owner = THIS_MODULE,
	.write = kt_run_write,
};

static int kt_list_show(struct seq_file *seq, void *unused)
{
	const struct kt_test *const *group;
	const struct kt_test *test;

	for (group = kt_groups; *group; group++)
		for (test = *group; test->name; test++)
			seq_printf(seq, "%s\n", test->name);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kt_list);

static int kt_result_show(struct seq_file *seq, void *unused)
{
	/* Not kt_run_lock: tests read files, of seq_file's own lock, under it. */
	raw_spin_lock_irq(&kt_note_lock);
	seq_puts(seq, kt_notes);
	raw_spin_unlock_irq(&kt_note_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kt_result);

static int kt_start(const struct kt_test *const *groups)
{
	kt_groups = groups;
	if (!kt_scale)
		return -EINVAL;
	kt_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	if (IS_ERR(kt_dir))
		return PTR_ERR(kt_dir);
	debugfs_create_file("list", 0444, kt_dir, NULL, &kt_list_fops);
	debugfs_create_file("run", 0200, kt_dir, NULL, &kt_run_fops);
	debugfs_create_file("result", 0444, kt_dir, NULL, &kt_result_fops);
	return 0;
}

static void kt_stop(void)
{
	debugfs_remove(kt_dir);
}

/* For modules that have nothing else to do at load and unload. */
#define KTEST_MODULE(_groups)						\
static int __init kt_init(void)						\
{									\
	return kt_start(_groups);					\
}									\
module_init(kt_init);							\
									\
static void __exit kt_exit(void)					\
{									\
	kt_stop();							\
}									\
module_exit(kt_exit);							\
MODULE_DESCRIPTION("rsbac_mem tests");					\
MODULE_LICENSE("GPL")

#endif /* KTEST_MAIN */
#endif /* _KTEST_H */
