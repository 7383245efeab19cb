// SPDX-License-Identifier: GPL-2.0
/* MDL buffers in the kernel: views, rights, clones, lent pages. */
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "vmm_test.h"

static void two_views(void)
{
	size_t size = 70 * PAGE_SIZE, got = 0;
	void *writer, *reader;
	Handle h = 0;
	int n;

	KT_EQ(KnPmmMdlCreate(size, RW, &h), rcOk);
	KT_NEED(h);
	KT_EQ(KnPmmMdlGetSize(h, &got), rcOk);
	KT_EQ(got, size);
	KT_EQ(KnPmmMdlMap(h, 0, size, RTL_NULL, RW, &writer), rcOk);
	KT_EQ(KnPmmMdlMap(h, 2 * PAGE_SIZE, size - 2 * PAGE_SIZE, RTL_NULL, R,
			  &reader), rcOk);
	KT_EQ(KnHandleClose(h), rcOk);
	KT_TRUE(!memchr_inv(writer, 0, size));
	for (n = 0; n < 70; n++)
		memset(writer + n * PAGE_SIZE, n, PAGE_SIZE);
	for (n = 2; n < 70; n++)
		KT_TRUE(!memchr_inv(reader + (n - 2) * PAGE_SIZE, n, PAGE_SIZE));
	KT_TRUE(can_write(writer));
	KT_TRUE(!can_write(reader));
	KT_TRUE(vmalloc_to_page(writer + 2 * PAGE_SIZE) ==
		vmalloc_to_page(reader));
	KT_EQ(KnVmUnmap(writer, size), rcOk);
	KT_TRUE(!memchr_inv(reader, 2, PAGE_SIZE));
	KT_EQ(KnVmUnmap(reader, size - 2 * PAGE_SIZE), rcOk);
}

static void from_buf(void)
{
	static const size_t sizes[] = { 1, 100, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE };
	char *data = vmalloc(3 * PAGE_SIZE);
	int n;

	KT_NEED(data);
	for (n = 0; n < 3 * PAGE_SIZE; n++)
		data[n] = n * 13;
	for (n = 0; n < ARRAY_SIZE(sizes); n++) {
		size_t size;
		void *view;
		Handle h;

		KT_EQ(KnPmmMdlCreateFromBuf(data, sizes[n], R, &h), rcOk);
		KT_EQ(KnPmmMdlGetSize(h, &size), rcOk);
		KT_EQ(size, PAGE_ALIGN(sizes[n]));
		KT_EQ(KnPmmMdlMap(h, 0, size, RTL_NULL, R, &view), rcOk);
		KT_TRUE(!memcmp(view, data, sizes[n]));
		KT_TRUE(!memchr_inv(view + sizes[n], 0, size - sizes[n]));
		KT_TRUE(!can_write(view));
		KT_EQ(KnVmUnmap(view, size), rcOk);
		KT_EQ(KnHandleClose(h), rcOk);
	}
	vfree(data);
}

static void from_vm(void)
{
	size_t size = 6 * PAGE_SIZE;
	char *base = KnVmAllocate(RTL_NULL, size, LOCKED | RW);
	u64 committed = figure("committed_bytes");
	char *view;
	Handle h;

	kt_log("KnVmDecommit: .*: rcBusy .*from_vm");
	kt_log("KnVmProtect: .*: rcBusy .*from_vm");
	kt_log("KnVmUnmap: .*: rcBusy .*from_vm");
	kt_log("KnPmmMdlCreateFromVm: .*: rcBusy .*from_vm");
	KT_NEED(base);
	base[2 * PAGE_SIZE] = 9;
	KT_EQ(KnPmmMdlCreateFromVm(base + 2 * PAGE_SIZE, 2 * PAGE_SIZE, RW, &h), rcOk);
	KT_EQ(KnPmmMdlMap(h, 0, 2 * PAGE_SIZE, RTL_NULL, RW, (void **)&view), rcOk);
	KT_EQ(view[0], 9);
	view[1] = 8;
	KT_EQ(base[2 * PAGE_SIZE + 1], 8);
	KT_EQ(figure("committed_bytes"), committed);
	/* What is lent stays as it is ... */
	KT_EQ(KnVmDecommit(base, size), rcBusy);
	KT_EQ(KnVmProtect(base + 3 * PAGE_SIZE, 2 * PAGE_SIZE, R), rcBusy);
	KT_EQ(KnVmUnmap(base, size), rcBusy);
	{
		Handle again = 5;

		KT_EQ(KnPmmMdlCreateFromVm(base, size, R, &again), rcBusy);
		KT_EQ(again, 5);
	}
	/* ... and what is not, is the region's. */
	KT_EQ(KnVmProtect(base, 2 * PAGE_SIZE, R), rcOk);
	KT_EQ(KnVmDecommit(base + 4 * PAGE_SIZE, PAGE_SIZE), rcOk);
	expect_pages(base + 2 * PAGE_SIZE, 2, RW);
	KT_EQ(KnHandleClose(h), rcOk);
	view[2] = 7;
	KT_EQ(KnVmUnmap(view, 2 * PAGE_SIZE), rcOk);
	/* With the last view, the pages are back. */
	KT_EQ(KnVmProtect(base + 2 * PAGE_SIZE, PAGE_SIZE, R), rcOk);
	KT_EQ(base[2 * PAGE_SIZE + 2], 7);
	KT_EQ(KnVmUnmap(base, size), rcOk);
}

static void rights(void)
{
	size_t size = PAGE_SIZE;
	Handle rw, r, rx, other = 77;
	void *view = &size;

	kt_log("KnPmmMdlMap: .*: rcNoRights .*rights");
	kt_log("KnPmmMdlClone: .*: rcNoRights .*rights");
	kt_log("KnVmProtect: .*flags 0x700: rcNoRights .*rights");
	kt_log("KnVmProtect: .*flags 0x300: rcNoRights .*rights");
	KT_EQ(KnPmmMdlCreate(size, RW, &rw), rcOk);
	KT_EQ(KnPmmMdlClone(rw, R, &r), rcOk);
	KT_TRUE(r != rw);
	KT_EQ(KnPmmMdlCreate(size, RX, &rx), rcOk);
	{
		const struct {
			Handle h;
			int flags;
		} wrong[] = {
			{ r, RW }, { r, RX }, { r, RWX }, { rw, RX },
			{ rw, RWX }, { rx, RW }, { rx, RWX },
		};
		int n;

		for (n = 0; n < ARRAY_SIZE(wrong); n++) {
			KT_EQ(KnPmmMdlMap(wrong[n].h, 0, size, RTL_NULL,
					  wrong[n].flags, &view), rcNoRights);
			KT_EQ(KnPmmMdlClone(wrong[n].h, wrong[n].flags, &other),
			      rcNoRights);
		}
	}
	KT_TRUE(view == &size);
	KT_EQ(other, 77);
	/* A view may become what its handle allows, no more. */
	KT_EQ(KnPmmMdlMap(rw, 0, size, RTL_NULL, R, &view), rcOk);
	KT_EQ(KnVmProtect(view, size, RW), rcOk);
	KT_EQ(seen(view), RW);
	KT_EQ(KnVmProtect(view, size, RWX), rcNoRights);
	KT_EQ(seen(view), RW);
	KT_EQ(KnVmUnmap(view, size), rcOk);
	KT_EQ(KnPmmMdlMap(r, 0, size, RTL_NULL, R, &view), rcOk);
	KT_EQ(KnVmProtect(view, size, RW), rcNoRights);
	KT_EQ(seen(view), R);
	KT_EQ(KnVmUnmap(view, size), rcOk);
	KT_EQ(KnPmmMdlMap(rx, 0, size, RTL_NULL, RX, &view), rcOk);
	KT_EQ(seen(view), RX);
	KT_EQ(KnVmUnmap(view, size), rcOk);
	KT_EQ(KnHandleClose(rw), rcOk);
	KT_EQ(KnHandleClose(r), rcOk);
	KT_EQ(KnHandleClose(rx), rcOk);
}

static void wrong_mdl_calls(void)
{
	char *base = KnVmAllocate(RTL_NULL, 4 * PAGE_SIZE, RESERVE | R);
	u64 buffers = figure("mdl_buffers");
	void *view = &base;
	size_t size = 3;
	Handle h, none = 5;

	kt_log("KnPmmMdlMap: .*: rcInvalidSize .*wrong_mdl_calls");
	kt_log("KnPmmMdlMap: .*: rcUnaligned .*wrong_mdl_calls");
	kt_log("KnPmmMdlMap: .*: rcInvalidFlags .*wrong_mdl_calls");
	kt_log("KnHandleClose: .*: rcInvalidHandle .*wrong_mdl_calls");
	kt_log("KnPmmMdlMap: .*: rcInvalidHandle .*wrong_mdl_calls");
	kt_log("KnPmmMdlGetSize: .*: rcInvalidHandle .*wrong_mdl_calls");
	kt_log("KnPmmMdlClone: .*: rcInvalidHandle .*wrong_mdl_calls");
	kt_log("KnPmmMdlCreate: 0 bytes.*: rcInvalidSize .*wrong_mdl_calls");
	kt_log("KnPmmMdlCreate: 5 bytes.*: rcUnaligned .*wrong_mdl_calls");
	kt_log("KnPmmMdlCreateFromBuf: 1 bytes.*: rcInvalidFlags");
	kt_log("KnPmmMdlCreateFromBuf: 0 bytes.*: rcInvalidSize");
	kt_log("KnPmmMdlCreateFromVm: .*: rcNotCommitted");
	kt_log("KnPmmMdlCreateFromVm: .*: rcNoRights");
	kt_log("KnVmDecommit: .*: rcBusy .*wrong_mdl_calls");
	KT_NEED(base);
	KT_EQ(KnPmmMdlCreate(2 * PAGE_SIZE, R, &h), rcOk);
	{
		static const struct {
			size_t offset, length;
			int flags;
			Retcode rc;
		} wrong[] = {
			{ 0, 0, R, rcInvalidSize },
			{ 0, 3 * PAGE_SIZE, R, rcInvalidSize },
			{ 2 * PAGE_SIZE, PAGE_SIZE, R, rcInvalidSize },
			{ PAGE_SIZE, SIZE_MAX & PAGE_MASK, R, rcInvalidSize },
			{ 1, PAGE_SIZE, R, rcUnaligned },
			{ 0, 1, R, rcUnaligned },
			{ 0, PAGE_SIZE, R | VMM_FLAG_RESERVE, rcInvalidFlags },
			{ 0, PAGE_SIZE, R | VMM_FLAG_WRITE_COMBINE, rcInvalidFlags },
		};
		int n;

		for (n = 0; n < ARRAY_SIZE(wrong); n++)
			KT_EQ(KnPmmMdlMap(h, wrong[n].offset, wrong[n].length,
					  RTL_NULL, wrong[n].flags, &view),
			      wrong[n].rc);
	}
	KT_TRUE(view == &base);
	KT_EQ(KnPmmMdlMap(h, 0, PAGE_SIZE, RTL_NULL, R, &view), rcOk);
	KT_EQ(KnVmDecommit(view, PAGE_SIZE), rcBusy);
	KT_EQ(KnVmUnmap(view, PAGE_SIZE), rcOk);
	KT_EQ(KnHandleClose(h), rcOk);
	KT_EQ(KnHandleClose(h), rcInvalidHandle);
	KT_EQ(KnPmmMdlMap(h, 0, PAGE_SIZE, RTL_NULL, R, &view), rcInvalidHandle);
	KT_EQ(KnPmmMdlGetSize(h, &size), rcInvalidHandle);
	KT_EQ(size, 3);
	KT_EQ(KnPmmMdlClone(h, R, &none), rcInvalidHandle);
	KT_EQ(KnPmmMdlCreate(0, R, &none), rcInvalidSize);
	KT_EQ(KnPmmMdlCreate(5, R, &none), rcUnaligned);
	KT_EQ(KnPmmMdlCreateFromBuf(NULL, 1, R, &none), rcInvalidFlags);
	KT_EQ(KnPmmMdlCreateFromBuf(&h, 0, R, &none), rcInvalidSize);
	KT_EQ(KnPmmMdlCreateFromVm(base, PAGE_SIZE, R, &none), rcNotCommitted);
	KT_EQ(KnVmCommit(base, PAGE_SIZE, 0), rcOk);
	KT_EQ(KnPmmMdlCreateFromVm(base, PAGE_SIZE, RW, &none), rcNoRights);
	KT_EQ(none, 5);
	KT_EQ(KnVmUnmap(base, 4 * PAGE_SIZE), rcOk);
	KT_EQ(figure("mdl_buffers"), buffers);
}

const struct kt_test mdl_tests[] = {
	KT_TEST(two_views),
	KT_TEST(from_buf),
	KT_TEST(from_vm),
	KT_TEST(rights),
	KT_TEST(wrong_mdl_calls),
	{}
};
