// SPDX-License-Identifier: GPL-2.0
/*
 * The calls in a process: prints KTAP. With an argument:
 *	fuzz N SEED	N random ioctls; succeeds if it survives
 *	deny		what deny_wx=1 refuses
 *	limit		what a group's limit refuses
 *	hold		takes regions of all kinds, says "ready", and waits
 */
#define _GNU_SOURCE
#define KN_VMM_IMPLEMENTATION
#include <kn_vmm_user.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define PAGE 4096UL
#define R	VMM_FLAG_READ
#define RW	(VMM_FLAG_READ | VMM_FLAG_WRITE)
#define RX	(VMM_FLAG_READ | VMM_FLAG_EXECUTE)
#define RWX	VMM_FLAG_RWX_MASK
#define RESERVE	VMM_FLAG_RESERVE
#define COMMIT	(VMM_FLAG_RESERVE | VMM_FLAG_COMMIT)
#define LOCKED	(VMM_FLAG_RESERVE | VMM_FLAG_COMMIT | VMM_FLAG_LOCKED)

static bool failed;

#define EQ(left, right)							\
do {									\
	long long _l = (long long)(left), _r = (long long)(right);	\
									\
	if (_l != _r) {							\
		printf("# %s:%d: %s is %lld, but %s is %lld\n",		\
		       __FILE__, __LINE__, #left, _l, #right, _r);	\
		failed = true;						\
	}								\
} while (0)

#define TRUE(cond) EQ(!!(cond), 1)

/* Leaves the test, which makes no sense any further. */
#define NEED(cond)							\
do {									\
	TRUE(cond);							\
	if (failed)							\
		return;							\
} while (0)

static sigjmp_buf back;
static volatile bool expected;

static void on_fault(int sig)
{
	if (!expected) {
		printf("# a signal that nobody expected: %d\n", sig);
		_exit(99);
	}
	siglongjmp(back, sig);
}

/* The signal that a read gets; 0 for none. */
static int reads(volatile char *p)
{
	int sig = sigsetjmp(back, 1);

	expected = true;
	if (!sig)
		(void)*p;
	expected = false;
	return sig;
}

static int writes(volatile char *p)
{
	int sig = sigsetjmp(back, 1);

	expected = true;
	if (!sig)
		*p = 1;
	expected = false;
	return sig;
}

static long long figure(const char *name)
{
	char path[100];
	long long value = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/rsbac_mem/vmm/%s", name);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%lld", &value) != 1)
		value = -1;
	if (file)
		fclose(file);
	return value;
}

static void lazy(void)
{
	size_t size = 1UL << 30;
	long long committed = figure("committed_bytes");
	long long reserved = figure("reserved_bytes");
	char *p = KnVmAllocate(RTL_NULL, size, COMMIT | RW);

	NEED(p);
	EQ(figure("reserved_bytes"), reserved + (long long)size);
	EQ(figure("committed_bytes"), committed);
	EQ(reads(p + 5 * PAGE), 0);
	EQ(p[5 * PAGE], 0);
	EQ(writes(p + size - 1), 0);
	EQ(figure("committed_bytes"), committed + 2 * (long long)PAGE);
	EQ(p[size - 1], 1);
	EQ(KnVmUnmap(p, size), rcOk);
	EQ(figure("committed_bytes"), committed);
	EQ(figure("reserved_bytes"), reserved);
}

static void locked(void)
{
	long long committed = figure("committed_bytes");
	long long was_locked = figure("locked_bytes");
	size_t size = 300 * PAGE;
	char *p = KnVmAllocate(RTL_NULL, size, LOCKED | RW);
	size_t n;

	NEED(p);
	EQ(figure("committed_bytes"), committed + (long long)size);
	EQ(figure("locked_bytes"), was_locked + (long long)size);
	for (n = 0; n < size; n++)
		NEED(p[n] == 0);
	memset(p, 3, size);
	EQ(KnVmUnmap(p, size), rcOk);
	EQ(figure("committed_bytes"), committed);
	EQ(figure("locked_bytes"), was_locked);
}

static void reserved(void)
{
	char *p = KnVmAllocate(RTL_NULL, 8 * PAGE, RESERVE | RW);
	struct VmmInfo info;

	NEED(p);
	EQ(reads(p), SIGSEGV);
	EQ(KnVmCommit(p + 2 * PAGE, 3 * PAGE, 0), rcOk);
	EQ(reads(p + PAGE), SIGSEGV);
	EQ(writes(p + 2 * PAGE), 0);
	EQ(writes(p + 4 * PAGE), 0);
	EQ(reads(p + 5 * PAGE), SIGSEGV);
	EQ(KnVmQuery(p + 3 * PAGE, &info), rcOk);
	TRUE(info.base == p && info.size == 8 * PAGE);
	EQ(info.state, VMM_PAGE_COMMITTED);
	EQ(info.protection, RW);
	TRUE(info.runBase == p + 2 * PAGE && info.runSize == 3 * PAGE);
	EQ(KnVmCommit(p, 3 * PAGE, 0), rcCommitted);
	EQ(KnVmDecommit(p + 3 * PAGE, 2 * PAGE), rcOk);
	EQ(reads(p + 4 * PAGE), SIGSEGV);
	EQ(p[2 * PAGE], 1);
	EQ(KnVmDecommit(p + 2 * PAGE, 2 * PAGE), rcNotCommitted);
	/* Fresh memory is zero, whatever was there. */
	EQ(KnVmCommit(p + 4 * PAGE, PAGE, VMM_FLAG_LOCKED), rcOk);
	EQ(p[4 * PAGE], 0);
	EQ(KnVmUnmap(p, 8 * PAGE), rcOk);
	EQ(reads(p), SIGSEGV);
	EQ(KnVmQuery(p, &info), rcNoRegion);
}

static void guards(void)
{
	struct VmmInfo info;
	char *p = KnVmAllocate(RTL_NULL, 2 * PAGE, LOCKED | RW |
			       VMM_FLAG_LOW_GUARD | VMM_FLAG_HIGH_GUARD);

	NEED(p);
	EQ(writes(p), 0);
	EQ(writes(p + 2 * PAGE - 1), 0);
	EQ(reads(p - 1), SIGSEGV);
	EQ(writes(p + 2 * PAGE), SIGSEGV);
	EQ(KnVmQuery(p - 1, &info), rcOk);
	EQ(info.state, VMM_PAGE_GUARD);
	TRUE(info.base == p);
	EQ(KnVmQuery(p + 2 * PAGE, &info), rcOk);
	EQ(info.state, VMM_PAGE_GUARD);
	EQ(KnVmProtect(p - PAGE, PAGE, RW), rcNoRegion);
	EQ(KnVmCommit(p + 2 * PAGE, PAGE, 0), rcNoRegion);
	EQ(KnVmUnmap(p, 2 * PAGE), rcOk);
}

static void grow_down(void)
{
	char *p = KnVmAllocate(RTL_NULL, 16 * PAGE, COMMIT | RW |
			       VMM_FLAG_GROW_DOWN | VMM_FLAG_LOW_GUARD);
	struct VmmInfo info;

	NEED(p);
	EQ(KnVmQuery(p, &info), rcOk);
	EQ(info.state, VMM_PAGE_RESERVED);
	EQ(writes(p + 16 * PAGE - 1), 0);
	/* A touch further down takes in all between. */
	EQ(writes(p + 9 * PAGE), 0);
	EQ(KnVmQuery(p + 12 * PAGE, &info), rcOk);
	EQ(info.state, VMM_PAGE_COMMITTED);
	TRUE(info.runBase == p + 9 * PAGE);
	EQ(writes(p), 0);
	EQ(writes(p - 1), SIGSEGV);
	EQ(KnVmDecommit(p + PAGE, PAGE), rcGrowDown);
	EQ(KnVmDecommit(p, 2 * PAGE), rcOk);
	EQ(KnVmUnmap(p, 16 * PAGE), rcOk);
}

static void protections(void)
{
	/* endbr64; mov $42, %eax; ret */
	static const char code[] = "\xf3\x0f\x1e\xfa\xb8\x2a\x00\x00\x00\xc3";
	char *p = KnVmAllocate(RTL_NULL, 4 * PAGE, COMMIT | RW);
	struct VmmInfo info;
	int (*call)(void);

	NEED(p);
	memcpy(p + PAGE, code, sizeof(code));
	EQ(KnVmProtect(p, 2 * PAGE, R), rcOk);
	EQ(reads(p), 0);
	EQ(writes(p), SIGSEGV);
	EQ(writes(p + 2 * PAGE), 0);
	EQ(KnVmProtect(p + PAGE, PAGE, RX), rcOk);
	call = (int (*)(void))(p + PAGE);
	EQ(call(), 42);
	EQ(KnVmQuery(p + PAGE, &info), rcOk);
	EQ(info.protection, RX);
	EQ(writes(p + PAGE), SIGSEGV);
	EQ(KnVmProtect(p, 4 * PAGE, RWX), rcOk);
	EQ(writes(p), 0);
	EQ(call(), 42);
	EQ(KnVmProtect(p, PAGE, VMM_FLAG_WRITE), rcInvalidProtection);
	EQ(KnVmProtect(p, PAGE, VMM_FLAG_EXECUTE), rcInvalidProtection);
	EQ(KnVmProtect(p, PAGE, 0), rcInvalidProtection);
	EQ(KnVmProtect(p, PAGE, R | VMM_FLAG_COMMIT), rcInvalidFlags);
	/* Neither by the back door. */
	EQ(mprotect(p, PAGE, PROT_NONE), -1);
	EQ(mprotect(p, PAGE, PROT_WRITE), -1);
	EQ(KnVmUnmap(p, 4 * PAGE), rcOk);
}

static void refused(void)
{
	static const struct {
		unsigned long addr;
		size_t size;
		int flags;
		Retcode rc;
	} wrong[] = {
		{ 0, PAGE, RW, rcInvalidFlags },
		{ 0, PAGE, RW | RESERVE | VMM_FLAG_LOCKED, rcInvalidFlags },
		{ 0, PAGE, RW | RESERVE | 0x8, rcInvalidFlags },
		{ 0, PAGE, RESERVE, rcInvalidProtection },
		{ 0, PAGE, RESERVE | VMM_FLAG_WRITE, rcInvalidProtection },
		{ 0, PAGE, RESERVE | VMM_FLAG_EXECUTE, rcInvalidProtection },
		{ 0, PAGE, RESERVE | R | VMM_FLAG_CACHE_MASK, rcInvalidFlags },
		{ 0, 0, RESERVE | R, rcInvalidSize },
		{ 0, 1, RESERVE | R, rcUnaligned },
		{ 0, ~(PAGE - 1), RESERVE | R, rcInvalidSize },
		{ 1, PAGE, RESERVE | R, rcUnaligned },
		{ 0, 1UL << 46, RESERVE | R, rcInvalidSize },
	};
	long long regions = figure("regions");
	char *p = KnVmAllocate(RTL_NULL, 2 * PAGE, RESERVE | RW), *again = NULL;
	size_t n;

	NEED(p);
	for (n = 0; n < sizeof(wrong) / sizeof(*wrong); n++) {
		void *base = &base;

		if (KnVmTryAllocate((void *)wrong[n].addr, wrong[n].size,
				    wrong[n].flags, &base) != wrong[n].rc) {
			printf("# case %zu gives %d\n", n, KnVmLastError());
			failed = true;
		}
		TRUE(base == &base);
		EQ(KnVmLastError(), wrong[n].rc);
	}
	EQ(KnVmTryAllocate(p, PAGE, RESERVE | R, (void **)&again), rcBusy);
	EQ(KnVmCommit(p, 3 * PAGE, 0), rcNoRegion);
	EQ(KnVmCommit(p + 1, PAGE, 0), rcUnaligned);
	EQ(KnVmCommit(p, 0, 0), rcInvalidSize);
	EQ(KnVmCommit(p, -PAGE, 0), rcInvalidSize);
	EQ(KnVmDecommit(p, PAGE), rcNotCommitted);
	EQ(KnVmUnmap(p, PAGE), rcNoRegion);
	EQ(KnVmProtect(&n, PAGE, R), rcUnaligned);
	EQ(KnVmCommit((void *)0x10000, PAGE, 0), rcNoRegion);
	TRUE(mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	EQ(KnVmUnmap(p, 2 * PAGE), rcOk);
	EQ(figure("regions"), regions);
	/* At the address that just became free. */
	EQ(KnVmTryAllocate(p, 2 * PAGE, COMMIT | RW, (void **)&again), rcOk);
	TRUE(again == p);
	EQ(KnVmUnmap(p, 2 * PAGE), rcOk);
}

static void caching(void)
{
	static const int modes[] = {
		VMM_FLAG_WRITE_BACK, VMM_FLAG_WRITE_THROUGH,
		VMM_FLAG_WRITE_COMBINE, VMM_FLAG_CACHE_DISABLE,
	};
	size_t n;

	for (n = 0; n < 4; n++) {
		char *p = KnVmAllocate(RTL_NULL, 3 * PAGE, COMMIT | RW | modes[n]);
		struct VmmInfo info;

		NEED(p);
		memset(p, 5, 2 * PAGE);
		EQ(p[PAGE + 1], 5);
		EQ(KnVmQuery(p, &info), rcOk);
		EQ(info.flags, modes[n]);
		EQ(KnVmProtect(p, 3 * PAGE, R), rcOk);
		EQ(p[2 * PAGE], 0);
		EQ(KnVmUnmap(p, 3 * PAGE), rcOk);
	}
}

static void mdl(void)
{
	char *writer = NULL, *reader = NULL, *own;
	Handle h = 0, r = 0, from_fd = 0;
	size_t size = 0;
	int fd = -1;

	EQ(KnPmmMdlCreate(4 * PAGE, RW, &h), rcOk);
	EQ(KnPmmMdlGetSize(h, &size), rcOk);
	EQ(size, 4 * PAGE);
	EQ(KnPmmMdlClone(h, R, &r), rcOk);
	EQ(KnPmmMdlClone(r, RW, &from_fd), rcNoRights);
	EQ(KnPmmMdlMap(h, 0, 4 * PAGE, RTL_NULL, RW, (void **)&writer), rcOk);
	EQ(KnPmmMdlMap(r, PAGE, PAGE, RTL_NULL, RW, (void **)&reader), rcNoRights);
	EQ(KnPmmMdlMap(r, PAGE, PAGE, RTL_NULL, R | VMM_FLAG_LOW_GUARD,
		       (void **)&reader), rcOk);
	NEED(!failed);
	strcpy(writer + PAGE, "shared");
	EQ(strcmp(reader, "shared"), 0);
	EQ(writes(reader), SIGSEGV);
	EQ(reads(reader - 1), SIGSEGV);
	EQ(KnVmProtect(reader, PAGE, RW), rcNoRights);
	EQ(KnVmDecommit(reader, PAGE), rcBusy);
	/* Through a file, as another process would get it. */
	EQ(KnPmmMdlToFd(h, R, &fd), rcOk);
	EQ(KnPmmMdlFromFd(fd, &from_fd), rcOk);
	EQ(KnPmmMdlFromFd(0, &from_fd), rcInvalidHandle);
	EQ(KnPmmMdlFromFd(-1, &from_fd), rcInvalidHandle);
	close(fd);
	EQ(KnHandleClose(h), rcOk);
	EQ(KnHandleClose(h), rcInvalidHandle);
	EQ(KnHandleClose(r), rcOk);
	EQ(KnVmUnmap(writer, 4 * PAGE), rcOk);
	EQ(KnPmmMdlMap(from_fd, 0, 4 * PAGE, RTL_NULL, RW, (void **)&writer), rcNoRights);
	EQ(KnPmmMdlMap(from_fd, 0, 4 * PAGE, RTL_NULL, R, (void **)&writer), rcOk);
	EQ(strcmp(writer + PAGE, "shared"), 0);
	EQ(KnVmUnmap(writer, 4 * PAGE), rcOk);
	EQ(KnHandleClose(from_fd), rcOk);
	EQ(KnVmUnmap(reader, PAGE), rcOk);

	EQ(KnPmmMdlCreateFromBuf("some data", 10, R, &h), rcOk);
	EQ(KnPmmMdlMap(h, 0, PAGE, RTL_NULL, R, (void **)&reader), rcOk);
	EQ(strcmp(reader, "some data"), 0);
	EQ(KnHandleClose(h), rcOk);
	EQ(KnVmUnmap(reader, PAGE), rcOk);
	EQ(KnPmmMdlCreateFromBuf((void *)8, 10, R, &h), rcInvalidFlags);

	own = KnVmAllocate(RTL_NULL, 2 * PAGE, COMMIT | RW);
	NEED(own);
	own[0] = 7;
	EQ(KnPmmMdlCreateFromVm(own, 2 * PAGE, RW, &h), rcOk);
	EQ(KnPmmMdlMap(h, 0, 2 * PAGE, RTL_NULL, RW, (void **)&writer), rcOk);
	EQ(writer[0], 7);
	writer[PAGE] = 8;
	EQ(own[PAGE], 8);
	/* The buffer keeps what the region lets go. */
	EQ(KnVmUnmap(own, 2 * PAGE), rcOk);
	EQ(writer[PAGE], 8);
	EQ(KnHandleClose(h), rcOk);
	EQ(KnVmUnmap(writer, 2 * PAGE), rcOk);
	EQ(figure("mdl_buffers"), 0);
	EQ(figure("mdl_bytes"), 0);
}

/* The child has neither our regions nor our file's calls. */
static void forked(void)
{
	char *p = KnVmAllocate(RTL_NULL, PAGE, LOCKED | RW);
	struct kn_vmm_call call = { .size = PAGE, .flags = RESERVE | R };
	int status;
	pid_t pid;

	NEED(p);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (reads(p) != SIGSEGV)
			_exit(1);
		if (ioctl(kn_vmm_fd, KN_VMM_ALLOCATE, &call) != -rcNoDevice)
			_exit(2);
		/* One of its own, opened by its first call. */
		if (!KnVmAllocate(RTL_NULL, PAGE, LOCKED | RW))
			_exit(3);
		_exit(0);
	}
	EQ(waitpid(pid, &status, 0), pid);
	EQ(status, 0);
	EQ(writes(p), 0);
	EQ(KnVmUnmap(p, PAGE), rcOk);
}

/* munmap() of a part, then of the rest: nothing stays. */
static void torn(void)
{
	long long regions = figure("regions");
	char *p = KnVmAllocate(RTL_NULL, 8 * PAGE, LOCKED | RW);

	NEED(p);
	EQ(munmap(p + 2 * PAGE, PAGE), 0);
	EQ(reads(p + 2 * PAGE), SIGSEGV);
	EQ(writes(p + 7 * PAGE), 0);
	EQ(mprotect(p + 5 * PAGE, PAGE, PROT_READ), 0);
	EQ(KnVmDecommit(p + 4 * PAGE, 2 * PAGE), rcOk);
	EQ(figure("regions"), regions + 1);
	EQ(munmap(p, 8 * PAGE), 0);
	EQ(figure("regions"), regions);
}

static void no_memory(void)
{
	long long committed = figure("committed_bytes");
	char *p = KnVmAllocate(RTL_NULL, 1UL << 31, RESERVE | RW);

	NEED(p);
	EQ(KnVmCommit(p, 1UL << 31, VMM_FLAG_LOCKED), rcNoMemory);
	EQ(figure("committed_bytes"), committed);
	EQ(reads(p), SIGSEGV);
	EQ(KnVmUnmap(p, 1UL << 31), rcOk);
}

/* Not in the list: needs the module loaded with deny_wx=1. */
static void deny(void)
{
	char *p = KnVmAllocate(RTL_NULL, PAGE, LOCKED | RW), *q = RTL_NULL;
	Handle h = 0;

	NEED(p);
	EQ(KnVmTryAllocate(RTL_NULL, PAGE, LOCKED | RWX, (void **)&q), rcDenied);
	TRUE(!q);
	/* Write, then execute, without losing write. */
	EQ(KnVmProtect(p, PAGE, RWX), rcDenied);
	EQ(mprotect(p, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), -1);
	EQ(writes(p), 0);
	EQ(KnVmProtect(p, PAGE, RX), rcOk);
	EQ(writes(p), SIGSEGV);
	EQ(KnVmProtect(p, PAGE, RWX), rcDenied);
	EQ(KnVmProtect(p, PAGE, RW), rcOk);
	/* Nor with two views of the same memory. */
	EQ(KnPmmMdlCreate(PAGE, RWX, &h), rcDenied);
	EQ(KnPmmMdlCreateFromVm(p, PAGE, RX, &h), rcDenied);
	EQ(h, 0);
	EQ(KnVmUnmap(p, PAGE), rcOk);
}

/* vmm_test.ko makes a buffer for us, and looks into one that we made. */
static void module_mdl(void)
{
	FILE *file = fopen("/sys/kernel/debug/vmm_test_mdl", "r+");
	char *view = NULL, line[40] = "";
	Handle h = 0;
	int fd = -1;

	NEED(file);
	TRUE(fgets(line, sizeof(line), file) && sscanf(line, "%d", &fd) == 1);
	fclose(file);
	EQ(KnPmmMdlFromFd(fd, &h), rcOk);
	close(fd);
	EQ(KnPmmMdlMap(h, 0, PAGE, RTL_NULL, RW, (void **)&view), rcNoRights);
	EQ(KnPmmMdlMap(h, 0, PAGE, RTL_NULL, R, (void **)&view), rcOk);
	NEED(!failed);
	EQ(strcmp(view, "from the module"), 0);
	EQ(KnHandleClose(h), rcOk);
	EQ(KnVmUnmap(view, PAGE), rcOk);

	EQ(KnPmmMdlCreateFromBuf("from the program", 17, RW, &h), rcOk);
	EQ(KnPmmMdlMap(h, 0, PAGE, RTL_NULL, RW, (void **)&view), rcOk);
	EQ(KnPmmMdlToFd(h, RW, &fd), rcOk);
	NEED(!failed);
	file = fopen("/sys/kernel/debug/vmm_test_mdl", "r+");
	NEED(file);
	setvbuf(file, NULL, _IONBF, 0);
	snprintf(line, sizeof(line), "%d", fd);
	TRUE(fputs(line, file) >= 0);
	fclose(file);
	EQ(strcmp(view, "seen by the module"), 0);
	close(fd);
	EQ(KnHandleClose(h), rcOk);
	EQ(KnVmUnmap(view, PAGE), rcOk);
}

static int fuzz(unsigned long rounds, unsigned int seed)
{
	int fd = open("/dev/kn_vmm", O_RDWR);
	unsigned char *maps[8] = { 0 };
	size_t lengths[8] = { 0 };
	unsigned long n;

	if (fd < 0)
		return 1;
	srandom(seed);
	for (n = 0; n < rounds; n++) {
		unsigned long words[7];
		unsigned int cmd = _IOWR(KN_VMM_MAGIC, random() % 17, struct kn_vmm_call);
		int k, slot = random() % 8;

		if (cmd == _IOWR(KN_VMM_MAGIC, 4, struct kn_vmm_call))
			cmd = KN_VMM_QUERY;
		if (random() % 64 == 0)
			cmd = random() ^ random() << 16;
		for (k = 0; k < 7; k++) {
			unsigned long word = random() | (unsigned long)random() << 31;

			switch (random() % 6) {
			case 0:
				break;
			case 1:
				word = (word % 32) * PAGE;
				break;
			case 2:
				word = word % 64;
				break;
			case 3:
				word = ~(word % 0x10000);
				break;
			default:
				word = (unsigned long)maps[slot] + word % 16 * PAGE;
			}
			words[k] = word;
		}
		/* Often enough something that works. */
		if (random() % 2)
			words[3] = (RESERVE | R | (random() & 0xf377)) |
				   (unsigned long)(random() % 32) << 32;
		if (random() % 2)
			words[1] = (1 + random() % 16) * PAGE;
		k = ioctl(fd, cmd, random() % 100 ? words : (void *)words[0]);
		if (k == 0 && (cmd == KN_VMM_ALLOCATE || cmd == KN_VMM_MDL_MAP)) {
			void *got;

			if (maps[slot])
				munmap(maps[slot], lengths[slot]);
			maps[slot] = NULL;
			got = mmap(NULL, words[1], random() % 8, MAP_SHARED, fd, words[2]);
			if (got == MAP_FAILED) {
				if (random() % 2)
					ioctl(fd, KN_VMM_CANCEL, words);
				continue;
			}
			maps[slot] = got;
			lengths[slot] = words[1];
		}
		/* Files come as numbers; keep the table from filling up. */
		if (k == 0 && cmd == KN_VMM_MDL_TO_FD)
			close(words[3] >> 32);
		if (maps[slot] && random() % 4 == 0)
			writes((char *)maps[slot] + random() % lengths[slot]);
		if (maps[slot] && random() % 16 == 0)
			mprotect(maps[slot], PAGE * (1 + random() % 4), random() % 8);
		if (n % 20000 == 19999) {
			close(fd);
			for (k = 0; k < 8; k++) {
				if (maps[k])
					munmap(maps[k], lengths[k]);
				maps[k] = NULL;
			}
			fd = open("/dev/kn_vmm", O_RDWR);
			if (fd < 0)
				return 1;
		}
	}
	return 0;
}

/*
 * In a group that may have less than 2000 pages: what is refused is refused as
 * a limit, a touch that goes over it is a SIGBUS.
 */
static int limit(void)
{
	char *p = KnVmAllocate(RTL_NULL, 4000 * PAGE, COMMIT | RW), *q = NULL;
	size_t n;

	if (!p || KnVmTryAllocate(RTL_NULL, 4000 * PAGE, LOCKED | RW,
				  (void **)&q) != rcLimit)
		return 1;
	for (n = 0; n < 4000 && !writes(p + n * PAGE); n++)
		;
	if (n >= 2000 || writes(p + n * PAGE) != SIGBUS)
		return 2;
	/* What was given back may be had again. */
	if (KnVmDecommit(p, 4 * PAGE) || writes(p + n * PAGE))
		return 3;
	return 0;
}

static int hold(void)
{
	Handle h = 0;
	char *p = KnVmAllocate(RTL_NULL, 1UL << 30, COMMIT | RW);
	char *q = KnVmAllocate(RTL_NULL, 100 * PAGE, LOCKED | RW | VMM_FLAG_WRITE_COMBINE);
	void *view = NULL;

	if (!p || !q || KnPmmMdlCreate(9 * PAGE, RW, &h) ||
	    KnPmmMdlMap(h, 0, 9 * PAGE, RTL_NULL, RW, &view))
		return 1;
	memset(p, 1, 500 * PAGE);
	printf("ready\n");
	fflush(stdout);
	for (;;)
		p[random() % (1UL << 30)] = 1;
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "user_lazy", lazy }, { "user_locked", locked },
	{ "user_reserved", reserved }, { "user_guards", guards },
	{ "user_grow_down", grow_down }, { "user_protections", protections },
	{ "user_refused", refused }, { "user_caching", caching },
	{ "user_mdl", mdl }, { "user_forked", forked }, { "user_torn", torn },
	{ "user_no_memory", no_memory }, { "user_module_mdl", module_mdl },
};

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_fault };
	size_t n;
	bool any = false;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	if (argc == 4 && !strcmp(argv[1], "fuzz"))
		return fuzz(strtoul(argv[2], NULL, 0), atoi(argv[3]));
	if (argc == 2 && !strcmp(argv[1], "hold"))
		return hold();
	if (argc == 2 && !strcmp(argv[1], "limit"))
		return limit();
	if (argc == 2 && !strcmp(argv[1], "deny")) {
		deny();
		return failed;
	}
	for (n = 0; n < sizeof(tests) / sizeof(*tests); n++) {
		if (argc == 2 && strcmp(argv[1], tests[n].name))
			continue;
		failed = false;
		tests[n].run();
		printf("%s %zu %s\n", failed ? "not ok" : "ok", n + 1,
		       tests[n].name);
		any |= failed;
	}
	return any;
}
