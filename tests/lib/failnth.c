// SPDX-License-Identifier: GPL-2.0
/*
 * Does something in the kernel again and again, and lets the first, second,
 * third ... allocation inside it fail, until it gets through without one that
 * is left to fail. After each failure, the state must be as before.
 *
 * Where an action gets through although an allocation failed (there was another
 * way to go), it is undone before the next round.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char usage[] =
"usage: failnth [--state GLOB]... [--undo COMMAND] [--sample N] ACTION\n"
"\n"
"Actions:\n"
"  write FILE TEXT        one write() to a file that is open already\n"
"  read FILE              one read() of up to 64 KiB\n"
"  open FILE              one open()\n"
"  mkdir DIR              one mkdir()\n"
"  insmod FILE [ARGS]     one finit_module()\n"
"  rmmod NAME             one delete_module()\n"
"\n"
"--state    files whose contents must not change where the action fails\n"
"--undo     a shell command that undoes the action where it gets through\n"
"--sample   for slow actions: about that many points out of all\n"
"\n"
"Prints how many points it hit. Exit status: 0; 1 where the state changed, or the\n"
"action failed with anything but ENOMEM, or EFAULT where it copies from or to us,\n"
"as such copies fail, too, where the kernel has CONFIG_FAULT_INJECTION_USERCOPY.\n"
"Needs CONFIG_FAULT_INJECTION with failslab or fail_page_alloc.\n";

#define MOST_STATES 16

static const char *states[MOST_STATES];
static int states_len;

static void die(const char *what)
{
	fprintf(stderr, "failnth: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* All the state there is, as one text. The caller frees it. */
static char *state(void)
{
	size_t len = 0;
	char *all;
	FILE *out = open_memstream(&all, &len);
	int i;

	if (!out)
		die("memory");
	for (i = 0; i < states_len; i++) {
		glob_t found;
		size_t j;

		if (glob(states[i], 0, NULL, &found))
			continue;
		for (j = 0; j < found.gl_pathc; j++) {
			char text[65536];
			int fd = open(found.gl_pathv[j], O_RDONLY);
			ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text));

			fprintf(out, "%s: %.*s\n", found.gl_pathv[j],
				(int)(got < 0 ? 0 : got), text);
			if (fd >= 0)
				close(fd);
		}
		globfree(&found);
	}
	fclose(out);
	return all;
}

/* Says where two states differ. */
static void differ(const char *before, const char *after)
{
	while (*before && *after) {
		size_t b = strcspn(before, "\n"), a = strcspn(after, "\n");

		if (a != b || memcmp(before, after, a)) {
			printf("# before: %.*s\n# after:  %.*s\n", (int)b,
			       before, (int)a, after);
			return;
		}
		before += b + !!before[b];
		after += a + !!after[a];
	}
	printf("# before: %s\n# after:  %s\n", before, after);
}

static int prepare(char **argv)
{
	if (!strcmp(argv[0], "write"))
		return open(argv[1], O_WRONLY);
	if (!strcmp(argv[0], "read") || !strcmp(argv[0], "insmod"))
		return open(argv[1], O_RDONLY);
	return 0;
}

/* Returns 0 or an errno. */
static int act(char **argv, int fd)
{
	static char text[65536];
	long done = -1;

	errno = EINVAL;
	if (!strcmp(argv[0], "write"))
		done = write(fd, argv[2], strlen(argv[2]));
	else if (!strcmp(argv[0], "read"))
		done = read(fd, text, sizeof(text));
	else if (!strcmp(argv[0], "open"))
		done = open(argv[1], O_RDONLY);
	else if (!strcmp(argv[0], "mkdir"))
		done = mkdir(argv[1], 0755);
	else if (!strcmp(argv[0], "insmod"))
		done = syscall(SYS_finit_module, fd, argv[2] ? argv[2] : "", 0);
	else if (!strcmp(argv[0], "rmmod"))
		done = syscall(SYS_delete_module, argv[1], O_NONBLOCK);
	if (done < 0)
		return errno;
	if (!strcmp(argv[0], "open"))
		close(done);
	return 0;
}

/*
 * Tells the kernel which allocation of this task is to fail; 0 for none. If the
 * one before is still to come, it may well be in here: then once more.
 */
static void fail_nth(int fd, int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	if (pwrite(fd, text, len, 0) != len && pwrite(fd, text, len, 0) != len)
		die("/proc/self/fail-nth");
}

/* How many allocations are still to come before the one that is to fail. */
static int left(int fd)
{
	char text[16] = "";

	/* It was in here, so it was not in the action. */
	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		return 1;
	return atoi(text);
}

static void set(const char *file, const char *value)
{
	int fd = open(file, O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		die(file);
	close(fd);
}

/* By default, allocations that may wait never fail. */
static void let_all_fail(void)
{
	set("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	set("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N");
	set("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
	set("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	/* A stack for each failure that was asked for is only noise. */
	set("/sys/kernel/debug/failslab/verbose", "0");
	set("/sys/kernel/debug/fail_page_alloc/verbose", "0");
}

/* Does it once, and lets the allocation number n fail. Returns 0 or an errno. */
static int round_of(char **argv, int nth, int n, int *unused)
{
	int fd = prepare(argv), err;

	if (fd < 0)
		die(argv[1]);
	fail_nth(nth, n);
	err = act(argv, fd);
	*unused = left(nth);
	fail_nth(nth, 0);
	if (fd > 0)
		close(fd);
	return err;
}

static void undo_it(const char *undo)
{
	if (undo && system(undo)) {
		printf("# could not be undone: %s\n", undo);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	int sample = 0, step = 1, points = 0, total, n, nth, unused, err;
	const char *undo = NULL;
	char *before;

	(void)argc;
	for (argv++; *argv && argv[1] && !strncmp(*argv, "--", 2); argv += 2) {
		if (!strcmp(*argv, "--state") && states_len < MOST_STATES)
			states[states_len++] = argv[1];
		else if (!strcmp(*argv, "--undo"))
			undo = argv[1];
		else if (!strcmp(*argv, "--sample"))
			sample = atoi(argv[1]);
		else
			break;
	}
	if (!*argv || !argv[1] || !strncmp(*argv, "--", 2) ||
	    (!strcmp(*argv, "write") && !argv[2])) {
		fputs(usage, stderr);
		return 64;
	}
	let_all_fail();
	nth = open("/proc/self/fail-nth", O_RDWR);
	if (nth < 0)
		die("/proc/self/fail-nth");
	before = state();

	/* How many points there are shows where none of them fails. */
	err = round_of(argv, nth, INT_MAX, &unused);
	if (err) {
		printf("# %s %s: %s\n", argv[0], argv[1], strerror(err));
		return 1;
	}
	undo_it(undo);
	total = INT_MAX - unused;
	if (sample && total > sample)
		step = total / sample;

	/* Some of them may come and go: it ends where a round has none left. */
	for (n = 1; n <= 2 * total + 100; n += step) {
		char *after;

		err = round_of(argv, nth, n, &unused);
		if (err && (unused || (err != ENOMEM && err != EFAULT))) {
			printf("# %s %s: failure %d of %d: %s\n", argv[0], argv[1],
			       n, total, strerror(err));
			return 1;
		}
		if (!err)
			undo_it(undo);
		if (unused) {
			printf("# %s %s: %d of %d points hit\n", argv[0],
			       argv[1], points, total);
			return 0;
		}
		points++;
		after = state();
		if ((err || undo) && strcmp(before, after)) {
			printf("# failure %d of %d (%s) left something behind\n",
			       n, total, err ? strerror(err) : "it got through");
			differ(before, after);
			return 1;
		}
		free(after);
	}
	printf("# %s %s: still failing after %d rounds\n", argv[0], argv[1], n);
	return 1;
}
