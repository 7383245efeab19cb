// SPDX-License-Identifier: GPL-2.0
/*
 * One mistake of each kind, made with memory of ours, to show that the debug
 * kernels notice: write its name to the module's parameter "make".
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <rsbac/rkmem.h>

static void use_after_free(void)
{
	char *objp = rsbac_kmalloc(100);

	if (!objp)
		return;
	rsbac_kfree(objp);
	WRITE_ONCE(objp[50], 1);
}

static void vmalloc_out_of_bounds(void)
{
	size_t size = RSBAC_MAX_KMALLOC + 100;
	boolean vmalloc_used;
	char *objp = rsbac_vkmalloc(size, &vmalloc_used);

	if (!objp)
		return;
	WRITE_ONCE(objp[size], 1);
	rsbac_vkfree(objp, vmalloc_used);
}

static void *lost;

/*
 * Many, since the allocator's own arrays go on holding the address of the last
 * few objects that they handed out.
 */
static void leak(void)
{
	int i;

	for (i = 0; i < 200; i++)
		WRITE_ONCE(lost, rsbac_kmalloc(300));
	WRITE_ONCE(lost, NULL);
}

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static void lock_inversion(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static unsigned long *shared;

static int count_without_a_lock(void *unused)
{
	int i;

	for (i = 0; i < 1000000 && !kthread_should_stop(); i++) {
		(*shared)++;
		barrier();
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void race(void)
{
	struct task_struct *tasks[2];
	int i;

	shared = rsbac_kmalloc_clear(sizeof(*shared));
	if (!shared)
		return;
	for (i = 0; i < ARRAY_SIZE(tasks); i++)
		tasks[i] = kthread_run(count_without_a_lock, NULL, "net/%d", i);
	schedule_timeout_uninterruptible(HZ / 5);
	for (i = 0; i < ARRAY_SIZE(tasks); i++)
		if (!IS_ERR(tasks[i]))
			kthread_stop(tasks[i]);
	rsbac_kfree(shared);
}

static const struct {
	const char *name;
	void (*make)(void);
} mistakes[] = {
	{ "use_after_free", use_after_free },
	{ "vmalloc_out_of_bounds", vmalloc_out_of_bounds },
	{ "leak", leak },
	{ "lock_inversion", lock_inversion },
	{ "data_race", race },
};

static int make_set(const char *name, const struct kernel_param *param)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++) {
		if (sysfs_streq(name, mistakes[i].name)) {
			mistakes[i].make();
			return 0;
		}
	}
	return -EINVAL;
}

static const struct kernel_param_ops make_ops = { .set = make_set };
module_param_cb(make, &make_ops, NULL, 0200);
MODULE_PARM_DESC(make, "the name of a mistake to make now");

static int __init net_init(void)
{
	return 0;
}
module_init(net_init);

static void __exit net_exit(void)
{
}
module_exit(net_exit);

MODULE_DESCRIPTION("mistakes that the debug kernels must notice");
MODULE_LICENSE("GPL");
