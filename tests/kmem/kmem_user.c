// SPDX-License-Identifier: GPL-2.0
/*
 * What a task does to the kernel's caches, and how it ends.
 *
 *	files N | sockets N | forks N | create N DIR | mounts N DIR
 *		does that N times, or until it fails; says how many and the
 *		error's name, or 0; waits for the end of its input; ends
 *		(mounts are in a namespace of its own)
 *	poll FILE MS	waits for a change of a sysfs file: woken, timeout
 *	write FILE TEXT	writes, and says the error's name, or 0
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *dir;

static int once(const char *what, int i)
{
	char path[256];
	pid_t pid;
	int fd;

	if (!strcmp(what, "files"))
		return open("/dev/null", O_RDONLY);
	if (!strcmp(what, "sockets"))
		return socket(AF_UNIX, SOCK_DGRAM, 0);
	if (!strcmp(what, "create")) {
		snprintf(path, sizeof(path), "%s/%d", dir, i);
		fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
		if (fd >= 0)
			close(fd);
		return fd;
	}
	if (!strcmp(what, "mounts"))
		return mount(dir, dir, NULL, MS_BIND, NULL);
	pid = fork();
	if (!pid) {
		for (;;)
			pause();
	}
	return pid;
}

static int repeat(const char *what, int n)
{
	struct rlimit most = { 200000, 200000 };
	int i, err = 0;
	char c;

	setrlimit(RLIMIT_NOFILE, &most);
	if (!strcmp(what, "mounts") &&
	    (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))) {
		printf("0 %s\n", strerrorname_np(errno));
		return 1;
	}
	for (i = 0; i < n && !err; i++)
		if (once(what, i) < 0)
			err = errno;
	printf("%d %s\n", err ? i - 1 : i, err ? strerrorname_np(err) : "0");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	if (!strcmp(what, "forks")) {
		/* Our process group is our children and us. */
		signal(SIGUSR1, SIG_IGN);
		kill(0, SIGUSR1);
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
	return 0;
}

static int wait_for(const char *path, int ms)
{
	struct pollfd fd = { .fd = open(path, O_RDONLY), .events = POLLPRI };
	char text[256];

	if (fd.fd < 0 || read(fd.fd, text, sizeof(text)) < 0)
		return 1;
	puts(poll(&fd, 1, ms) > 0 ? "woken" : "timeout");
	return 0;
}

static int write_to(const char *path, const char *text)
{
	char line[4096];
	int fd = open(path, O_WRONLY);
	int len = snprintf(line, sizeof(line), "%s\n", text);

	if (fd < 0 || write(fd, line, len) < 0)
		puts(strerrorname_np(errno));
	else
		puts("0");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 64;
	if (!strcmp(argv[1], "poll"))
		return wait_for(argv[2], atoi(argv[3]));
	if (!strcmp(argv[1], "write"))
		return write_to(argv[2], argv[3]);
	dir = argv[3];
	setpgid(0, 0);
	return repeat(argv[1], atoi(argv[2]));
}
