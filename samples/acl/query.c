// SPDX-License-Identifier: GPL-2.0
/* Query text, a line "UID RIGHT PATH" each, into lines of answers. */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "acl.h"

static int answer_one(const struct acl_policy *policy, char *query,
		      char *answer, size_t size)
{
	char *rest = query;
	char *uid_word = acl_next_word(&rest);
	char *right = acl_next_word(&rest);
	struct acl_verdict verdict;
	u32 uid;

	if (!right || !isdigit(*uid_word) || kstrtou32(uid_word, 10, &uid) ||
	    right[1] || !acl_right(*right))
		return -EINVAL;
	rest += strspn(rest, " \t");
	if (!acl_path_ok(rest))
		return -EINVAL;
	verdict = acl_policy_ask(policy, uid, acl_right(*right), rest);
	if (!verdict.line)
		return scnprintf(answer, size, "deny: no rule\n");
	return scnprintf(answer, size, "%s: line %u\n",
			 verdict.allow ? "allow" : "deny", verdict.line);
}

/**
 * acl_answer - answer lines of queries
 * @policy: the policy to ask
 * @queries: NUL-terminated text; is written to
 * @answers: where the answers go, a line each
 * @size: bytes of @answers
 *
 * Context: Any; @policy must be kept alive by the caller.
 * Return: bytes of answers; -EINVAL for text that is no query, -E2BIG for
 * more answers than @size holds.
 */
ssize_t acl_answer(const struct acl_policy *policy, char *queries,
		   char *answers, size_t size)
{
	size_t used = 0;
	char *query;

	while ((query = strsep(&queries, "\n"))) {
		char one[32];
		int len;

		if (!*query)
			continue;
		len = answer_one(policy, query, one, sizeof(one));
		if (len < 0)
			return len;
		if (len > size - used)
			return -E2BIG;
		memcpy(answers + used, one, len);
		used += len;
	}
	return used;
}
