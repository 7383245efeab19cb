/* SPDX-License-Identifier: GPL-2.0 */
/*
 * acl_sample: who may do what with which path.
 *
 * main.c    the files in securityfs, and which policy is in force
 * parse.c   policy text, line by line, into a policy
 * policy.c  the policy itself: rules, names, index, in a sealed pool
 * query.c   query text into answers
 * attack.c  a module of its own, that tries to change a rule behind our back
 */
#ifndef _ACL_SAMPLE_H
#define _ACL_SAMPLE_H

#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/pmalloc.h>
#include <linux/types.h>

#include <rsbac/rkmem.h>

/* What a subject may do with an object, one letter each in the text. */
#define ACL_READ	BIT(0)
#define ACL_WRITE	BIT(1)
#define ACL_EXECUTE	BIT(2)
#define ACL_CREATE	BIT(3)
#define ACL_DELETE	BIT(4)

/* Bytes of a line, without its newline: a path and all that precedes it. */
#define ACL_MAX_LINE	(PATH_MAX + 64)
#define ACL_MAX_RULES	1048576U
#define ACL_MAX_NAMES	(64U << 20)

/* Bytes of a message about a refused policy, with the closing NUL. */
#define ACL_MAX_WHY	128

/* One rule, as it stands in a line of the policy; points into that line. */
struct acl_entry {
	const char *path;	/* of a subtree: without its closing slash */
	size_t path_len;
	u32 uid;
	u32 line;
	u8 rights;
	bool any_uid;
	bool subtree;
	bool deny;
};

/* What a policy says to one query; line is 0 where no rule applies. */
struct acl_verdict {
	bool allow;
	u32 line;
};

struct acl_policy;

int acl_policy_init(void);
void acl_policy_exit(void);
struct acl_policy *acl_policy_new(void);
void acl_policy_free(struct acl_policy *policy);
int acl_policy_add(struct acl_policy *policy, const struct acl_entry *entry,
		   char *why);
int acl_policy_seal(struct acl_policy *policy);
u32 acl_policy_rules(const struct acl_policy *policy);
int acl_policy_describe(const struct acl_policy *policy, char *text,
			size_t size);
struct acl_verdict acl_policy_ask(const struct acl_policy *policy, u32 uid,
				  u8 right, const char *path);

bool *acl_policy_target(const struct acl_policy *policy, u32 line);

/* Of the policy in force, for attack.c. The caller lets nobody replace it. */
bool *acl_target(u32 line);

/* A policy on its way in. */
struct acl_load {
	struct acl_policy *policy;
	char *line;		/* the part of a line that has arrived */
	size_t len;
	u32 line_nr;		/* of the line that is arriving, from 1 */
	bool started;		/* "policy v1" was seen */
	bool ended;		/* "end N" was seen, and N was right */
	int err;		/* why the policy was refused, or 0 */
	char why[ACL_MAX_WHY];
};

int acl_load_begin(struct acl_load *load);
int acl_load_text(struct acl_load *load, const char *text, size_t len);
struct acl_policy *acl_load_finish(struct acl_load *load);

bool acl_path_ok(const char *path);
u8 acl_right(char letter);
char *acl_next_word(char **rest);

ssize_t acl_answer(const struct acl_policy *policy, char *queries,
		   char *answers, size_t size);

#endif /* _ACL_SAMPLE_H */
