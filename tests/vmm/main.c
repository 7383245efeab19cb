// SPDX-License-Identifier: GPL-2.0
/* vmm_test: every promise of <coresrv/vmm/vmm_api.h>, kept or not. */
#define KTEST_MAIN
#include "vmm_test.h"

static const struct kt_test *const groups[] = {
	seed_tests,
	region_tests,
	refused_tests,
	protect_tests,
	caching_tests,
	kos_tests,
	mdl_tests,
	limit_tests,
	random_tests,
	NULL
};

static const struct kt_test *const groups_of_deny[] = {
	deny_tests,
	NULL
};

static bool deny;
module_param(deny, bool, 0444);
MODULE_PARM_DESC(deny, "only what differs under deny_wx=1");

/*
 * For the test of buffers between a module and a process: a read gives the
 * number of a file with a buffer of ours, a write of such a number makes us
 * look into the buffer and leave word there.
 */
static struct dentry *mdl_file;

static ssize_t mdl_read(struct file *file, char __user *to, size_t count,
			loff_t *pos)
{
	static const char text[] = "from the module";
	char line[16];
	Handle h;
	int fd;

	if (*pos)
		return 0;
	if (KnPmmMdlCreateFromBuf(text, sizeof(text), R, &h) != rcOk)
		return -ENOMEM;
	if (KnPmmMdlToFd(h, R, &fd) != rcOk)
		fd = -1;
	KnHandleClose(h);
	snprintf(line, sizeof(line), "%d\n", fd);
	return simple_read_from_buffer(to, count, pos, line, strlen(line));
}

static ssize_t mdl_write(struct file *file, const char __user *from,
			 size_t count, loff_t *pos)
{
	Handle h;
	char *view;
	int fd, err;

	err = kstrtoint_from_user(from, count, 10, &fd);
	if (err)
		return err;
	if (KnPmmMdlFromFd(fd, &h) != rcOk)
		return -EBADF;
	if (KnPmmMdlMap(h, 0, PAGE_SIZE, RTL_NULL, RW, (void **)&view) == rcOk) {
		if (!strcmp(view, "from the program"))
			strscpy(view, "seen by the module", PAGE_SIZE);
		KnVmUnmap(view, PAGE_SIZE);
	}
	KnHandleClose(h);
	return count;
}

static const struct file_operations mdl_fops = {
	.owner = THIS_MODULE,
	.read = mdl_read,
	.write = mdl_write,
};

static int __init vmm_test_init(void)
{
	int err = kt_start(deny ? groups_of_deny : groups);

	if (!err)
		mdl_file = debugfs_create_file("vmm_test_mdl", 0600, NULL, NULL,
					       &mdl_fops);
	return err;
}
module_init(vmm_test_init);

static void __exit vmm_test_exit(void)
{
	debugfs_remove(mdl_file);
	kt_stop();
}
module_exit(vmm_test_exit);

MODULE_DESCRIPTION("rsbac_mem tests: regions");
MODULE_LICENSE("GPL");
