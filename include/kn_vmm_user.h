/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The KasperskyOS vmm calls for programs, upon /dev/kn_vmm.
 *
 * The prototypes are those of <coresrv/vmm/vmm_api.h>, the same as in the
 * kernel, save that COMMIT without LOCKED is lazy here. One source file of the
 * program defines KN_VMM_IMPLEMENTATION before it includes this header. Calls
 * may be made from several threads. After fork() the child opens the device
 * anew with its first call.
 */
#ifndef _KN_VMM_USER_H
#define _KN_VMM_USER_H

#include <coresrv/vmm/vmm_api.h>

#ifndef __KERNEL__
/* The reason why the last call of this thread failed; rcOk if it did not. */
Retcode KnVmLastError(void);
#endif

#ifdef KN_VMM_IMPLEMENTATION

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <uapi/kn_vmm.h>

static int kn_vmm_fd = -1;
static pid_t kn_vmm_pid;
static pthread_mutex_t kn_vmm_lock = PTHREAD_MUTEX_INITIALIZER;
static __thread Retcode kn_vmm_last;

static Retcode kn_vmm_result(Retcode rc)
{
	kn_vmm_last = rc;
	return rc;
}

/* The file of this process; -1 without the device. */
static int kn_vmm_open(void)
{
	int fd;

	pthread_mutex_lock(&kn_vmm_lock);
	if (kn_vmm_fd >= 0 && kn_vmm_pid != getpid()) {
		close(kn_vmm_fd);
		kn_vmm_fd = -1;
	}
	if (kn_vmm_fd < 0) {
		kn_vmm_fd = open("/dev/kn_vmm", O_RDWR | O_CLOEXEC);
		kn_vmm_pid = getpid();
	}
	fd = kn_vmm_fd;
	pthread_mutex_unlock(&kn_vmm_lock);
	return fd;
}

static Retcode kn_vmm_ioctl(unsigned long cmd, void *arg)
{
	int fd = kn_vmm_open();
	int rc = fd < 0 ? -1 : ioctl(fd, cmd, arg);

	return rc < 0 ? rcNoDevice : -rc;
}

static int kn_vmm_prot(int flags)
{
	return (flags & VMM_FLAG_READ ? PROT_READ : 0) |
	       (flags & VMM_FLAG_WRITE ? PROT_WRITE : 0) |
	       (flags & VMM_FLAG_EXECUTE ? PROT_EXEC : 0);
}

/* The second step: maps what KN_VMM_ALLOCATE or KN_VMM_MDL_MAP has made. */
static Retcode kn_vmm_map(void *addr, int flags, struct kn_vmm_call *made, void **base)
{
	char *at = (char *)addr, *got;
	int how = MAP_SHARED;

	if (addr) {
		at -= made->addr;
		how |= MAP_FIXED_NOREPLACE;
	}
	got = mmap(at, made->size, kn_vmm_prot(flags), how, kn_vmm_open(),
		   made->offset);
	if (got == MAP_FAILED || (addr && got != at)) {
		if (got != MAP_FAILED)
			munmap(got, made->size);
		else
			kn_vmm_ioctl(KN_VMM_CANCEL, made);
		return rcBusy;
	}
	*base = got + made->addr;
	return rcOk;
}

Retcode KnVmLastError(void)
{
	return kn_vmm_last;
}

Retcode KnVmTryAllocate(void *addr, rtl_size_t size, int flags, void **base)
{
	struct kn_vmm_call call = { .size = size, .flags = flags };
	Retcode rc;

	if ((uintptr_t)addr % sysconf(_SC_PAGESIZE))
		return kn_vmm_result(rcUnaligned);
	rc = kn_vmm_ioctl(KN_VMM_ALLOCATE, &call);
	if (rc == rcOk)
		rc = kn_vmm_map(addr, flags, &call, base);
	return kn_vmm_result(rc);
}

void *KnVmAllocate(void *addr, rtl_size_t size, int flags)
{
	void *base = RTL_NULL;

	KnVmTryAllocate(addr, size, flags, &base);
	return base;
}

Retcode KnVmQuery(const void *addr, struct VmmInfo *info)
{
	struct kn_vmm_info found = { .addr = (uintptr_t)addr };
	Retcode rc = kn_vmm_ioctl(KN_VMM_QUERY, &found);

	if (rc == rcOk) {
		info->base = (void *)(uintptr_t)found.base;
		info->size = found.size;
		info->flags = found.flags;
		info->state = found.state;
		info->protection = found.protection;
		info->locked = found.locked;
		info->runBase = (void *)(uintptr_t)found.run_base;
		info->runSize = found.run_size;
	}
	return kn_vmm_result(rc);
}

/* Whether the range is inside one region; the call to follow needs that. */
static Retcode kn_vmm_check(void *addr, rtl_size_t size, struct VmmInfo *info)
{
	uintptr_t first = (uintptr_t)addr;
	Retcode rc;

	if ((first | size) % sysconf(_SC_PAGESIZE))
		return rcUnaligned;
	if (!size || first + size < first)
		return rcInvalidSize;
	rc = KnVmQuery(addr, info);
	if (rc == rcOk && (info->state == VMM_PAGE_GUARD ||
			   size > info->size - (first - (uintptr_t)info->base)))
		rc = rcNoRegion;
	return rc;
}

Retcode KnVmProtect(void *addr, rtl_size_t size, int newFlags)
{
	struct VmmInfo info;
	Retcode rc;

	if (newFlags & ~VMM_FLAG_RWX_MASK)
		return kn_vmm_result(rcInvalidFlags);
	if (!(newFlags & VMM_FLAG_READ))
		return kn_vmm_result(rcInvalidProtection);
	rc = kn_vmm_check(addr, size, &info);
	if (rc == rcOk && mprotect(addr, size, kn_vmm_prot(newFlags)))
		rc = newFlags == VMM_FLAG_RWX_MASK ? rcDenied : rcNoRights;
	return kn_vmm_result(rc);
}

Retcode KnVmCommit(void *addr, rtl_size_t size, int flags)
{
	struct kn_vmm_call call = {
		.addr = (uintptr_t)addr,
		.size = size,
		.flags = flags & ~VMM_FLAG_RWX_MASK,
	};
	Retcode rc;

	if (flags & VMM_FLAG_RWX_MASK && !(flags & VMM_FLAG_READ))
		return kn_vmm_result(rcInvalidProtection);
	rc = kn_vmm_ioctl(KN_VMM_COMMIT, &call);
	if (rc == rcOk && flags & VMM_FLAG_RWX_MASK) {
		rc = KnVmProtect(addr, size, flags & VMM_FLAG_RWX_MASK);
		if (rc != rcOk)
			kn_vmm_ioctl(KN_VMM_DECOMMIT, &call);
	}
	return kn_vmm_result(rc);
}

Retcode KnVmDecommit(void *addr, rtl_size_t size)
{
	struct kn_vmm_call call = { .addr = (uintptr_t)addr, .size = size };

	return kn_vmm_result(kn_vmm_ioctl(KN_VMM_DECOMMIT, &call));
}

Retcode KnVmUnmap(void *addr, rtl_size_t size)
{
	rtl_size_t page = sysconf(_SC_PAGESIZE);
	struct VmmInfo info;
	Retcode rc = kn_vmm_check(addr, size, &info);
	char *first = (char *)addr;

	if (rc == rcOk && (info.base != addr || info.size != size))
		rc = rcNoRegion;
	if (rc == rcOk) {
		if (info.flags & VMM_FLAG_LOW_GUARD) {
			first -= page;
			size += page;
		}
		if (info.flags & VMM_FLAG_HIGH_GUARD)
			size += page;
		if (munmap(first, size))
			rc = rcNoMemory;
	}
	return kn_vmm_result(rc);
}

static Retcode kn_vmm_handle(unsigned long cmd, struct kn_vmm_call *call, Handle *handle)
{
	Retcode rc = kn_vmm_ioctl(cmd, call);

	if (rc == rcOk)
		*handle = call->handle;
	return kn_vmm_result(rc);
}

Retcode KnPmmMdlCreate(rtl_size_t size, int flags, Handle *handle)
{
	struct kn_vmm_call call = { .size = size, .flags = flags };

	return kn_vmm_handle(KN_VMM_MDL_CREATE, &call, handle);
}

Retcode KnPmmMdlCreateFromBuf(const void *buf, rtl_size_t size, int flags, Handle *handle)
{
	struct kn_vmm_call call = {
		.addr = (uintptr_t)buf, .size = size, .flags = flags
	};

	return kn_vmm_handle(KN_VMM_MDL_FROM_BUF, &call, handle);
}

Retcode KnPmmMdlCreateFromVm(void *addr, rtl_size_t size, int flags, Handle *handle)
{
	struct kn_vmm_call call = {
		.addr = (uintptr_t)addr, .size = size, .flags = flags
	};

	return kn_vmm_handle(KN_VMM_MDL_FROM_VM, &call, handle);
}

Retcode KnPmmMdlMap(Handle handle, rtl_size_t offset, rtl_size_t length, void *hint,
		    int flags, void **addr)
{
	struct kn_vmm_call call = {
		.offset = offset, .size = length, .flags = flags, .handle = handle
	};
	Retcode rc;

	if ((uintptr_t)hint % sysconf(_SC_PAGESIZE))
		return kn_vmm_result(rcUnaligned);
	rc = kn_vmm_ioctl(KN_VMM_MDL_MAP, &call);
	if (rc == rcOk)
		rc = kn_vmm_map(hint, flags, &call, addr);
	return kn_vmm_result(rc);
}

Retcode KnPmmMdlClone(Handle handle, int flags, Handle *clone)
{
	struct kn_vmm_call call = { .flags = flags, .handle = handle };

	return kn_vmm_handle(KN_VMM_MDL_CLONE, &call, clone);
}

Retcode KnPmmMdlGetSize(Handle handle, rtl_size_t *size)
{
	struct kn_vmm_call call = { .handle = handle };
	Retcode rc = kn_vmm_ioctl(KN_VMM_MDL_SIZE, &call);

	if (rc == rcOk)
		*size = call.size;
	return kn_vmm_result(rc);
}

Retcode KnPmmMdlToFd(Handle handle, int flags, int *fd)
{
	struct kn_vmm_call call = { .flags = flags, .handle = handle };
	Handle number = 0;
	Retcode rc = kn_vmm_handle(KN_VMM_MDL_TO_FD, &call, &number);

	if (rc == rcOk)
		*fd = number;
	return rc;
}

Retcode KnPmmMdlFromFd(int fd, Handle *handle)
{
	struct kn_vmm_call call = { .handle = fd };

	return kn_vmm_handle(KN_VMM_MDL_FROM_FD, &call, handle);
}

Retcode KnHandleClose(Handle handle)
{
	struct kn_vmm_call call = { .handle = handle };

	return kn_vmm_result(kn_vmm_ioctl(KN_VMM_CLOSE, &call));
}

#endif /* KN_VMM_IMPLEMENTATION */
#endif /* _KN_VMM_USER_H */
