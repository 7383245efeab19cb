// SPDX-License-Identifier: GPL-2.0
/*
 * Policy text into a policy, line by line as it arrives, so that a file of any
 * length costs no more memory than its rules. The format is in README.md.
 */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "acl.h"

/* The next word of *@rest, NUL-terminated in place; NULL at the end. */
char *acl_next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t");
	size_t len = strcspn(word, " \t");

	if (!len)
		return NULL;
	*rest = word + len;
	if (**rest)
		*(*rest)++ = '\0';
	return word;
}

u8 acl_right(char letter)
{
	static const char letters[] = "rwxcd";
	const char *found = letter ? strchr(letters, letter) : NULL;

	return found ? BIT(found - letters) : 0;
}

/*
 * Absolute, and written in one way only: no empty, "." or ".." component, and
 * no slash at the end but that of "/" itself.
 */
bool acl_path_ok(const char *path)
{
	const char *part = path;

	if (*part++ != '/' || strlen(path) >= PATH_MAX)
		return false;
	if (!*part)
		return true;
	for (;;) {
		size_t len = strcspn(part, "/");

		if (!len || (len == 1 && part[0] == '.') ||
		    (len == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		part += len;
		if (!*part)
			return true;
		part++;
	}
}

static int refuse(struct acl_load *load, const char *what)
{
	strscpy(load->why, what, sizeof(load->why));
	return -EINVAL;
}

static int refuse_word(struct acl_load *load, const char *what,
		       const char *word)
{
	scnprintf(load->why, sizeof(load->why), "%s: \"%.32s\"", what, word);
	return -EINVAL;
}

static int parse_rights(struct acl_load *load, const char *word, u8 *rights)
{
	const char *letter;

	*rights = 0;
	for (letter = word; *letter; letter++) {
		u8 right = acl_right(*letter);

		if (!right || *rights & right)
			return refuse_word(load, "not a set of rights", word);
		*rights |= right;
	}
	return 0;
}

/* allow|deny UID|* RIGHTS PATH */
static int parse_rule(struct acl_load *load, bool deny, char *rest)
{
	struct acl_entry entry = { .deny = deny, .line = load->line_nr };
	char *subject = acl_next_word(&rest);
	char *rights = acl_next_word(&rest);
	char *path;
	int err;

	if (!rights)
		return refuse(load, "a rule is: allow|deny UID|* RIGHTS PATH");
	if (!strcmp(subject, "*"))
		entry.any_uid = true;
	else if (!isdigit(*subject) || kstrtou32(subject, 10, &entry.uid))
		return refuse_word(load, "neither a uid nor *", subject);
	err = parse_rights(load, rights, &entry.rights);
	if (err)
		return err;

	/* The path is all the rest, so that it may have blanks in it. */
	path = rest + strspn(rest, " \t");
	entry.path = path;
	entry.path_len = strlen(path);
	if (entry.path_len >= 2 && !strcmp(path + entry.path_len - 2, "/*")) {
		entry.subtree = true;
		entry.path_len -= 2;
		path[entry.path_len] = '\0';
	}
	if (!(entry.subtree && !entry.path_len) && !acl_path_ok(path))
		return refuse_word(load, "not an absolute, plain path", path);
	return acl_policy_add(load->policy, &entry, load->why);
}

static int parse_end(struct acl_load *load, char *rest)
{
	char *word = acl_next_word(&rest);
	u32 rules = acl_policy_rules(load->policy);
	u32 promised;

	if (!word || !isdigit(*word) || kstrtou32(word, 10, &promised) ||
	    acl_next_word(&rest))
		return refuse(load, "the last line is: end NUMBER-OF-RULES");
	if (promised != rules) {
		scnprintf(load->why, sizeof(load->why),
			  "end says %u rules, but there are %u", promised,
			  rules);
		return -EINVAL;
	}
	load->ended = true;
	return 0;
}

static int check_text(struct acl_load *load, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		u8 c = text[i];

		if ((c < ' ' && c != '\t') || c == 0x7f) {
			scnprintf(load->why, sizeof(load->why),
				  "not text: byte 0x%02x", c);
			return -EINVAL;
		}
	}
	return 0;
}

static int parse_line(struct acl_load *load)
{
	char *rest = load->line;
	char *word;

	load->line[load->len] = '\0';
	if (load->line[strspn(load->line, " \t")] == '#')
		return 0;
	word = acl_next_word(&rest);
	if (!word)
		return 0;
	if (load->ended)
		return refuse(load, "text after the end line");
	if (!load->started) {
		char *version = acl_next_word(&rest);

		if (strcmp(word, "policy") || !version ||
		    strcmp(version, "v1") || acl_next_word(&rest))
			return refuse(load, "the first line is: policy v1");
		load->started = true;
		return 0;
	}
	if (!strcmp(word, "allow"))
		return parse_rule(load, false, rest);
	if (!strcmp(word, "deny"))
		return parse_rule(load, true, rest);
	if (!strcmp(word, "end"))
		return parse_end(load, rest);
	return refuse_word(load, "unknown word", word);
}

/**
 * acl_load_text - take in the next bytes of a policy
 * @load: from acl_load_begin()
 * @text: the bytes; need not end where a line ends
 * @len: how many
 *
 * Context: Process context; may sleep.
 * Return: 0, or a negative error number, and so for all that follows.
 */
int acl_load_text(struct acl_load *load, const char *text, size_t len)
{
	while (!load->err && len) {
		const char *newline = memchr(text, '\n', len);
		size_t part = newline ? newline - text : len;

		load->err = check_text(load, text, part);
		if (load->err)
			break;
		if (part > ACL_MAX_LINE - load->len) {
			scnprintf(load->why, sizeof(load->why),
				  "longer than %u bytes",
				  (unsigned int)ACL_MAX_LINE);
			load->err = -EINVAL;
			break;
		}
		memcpy(load->line + load->len, text, part);
		load->len += part;
		if (!newline)
			break;
		load->err = parse_line(load);
		if (load->err)
			break;
		load->len = 0;
		load->line_nr++;
		text += part + 1;
		len -= part + 1;
	}
	return load->err;
}

/* 0 or -ENOMEM; after 0, acl_load_finish() must follow. */
int acl_load_begin(struct acl_load *load)
{
	*load = (struct acl_load) { .line_nr = 1 };
	load->line = rsbac_kmalloc_unlocked(ACL_MAX_LINE + 1);
	if (!load->line)
		return -ENOMEM;
	load->policy = acl_policy_new();
	if (!load->policy) {
		rsbac_kfree(load->line);
		return -ENOMEM;
	}
	return 0;
}

/*
 * The policy, if it was whole and right; it is the caller's from then on.
 * Otherwise NULL: nothing is left of it, and @load tells the error and line.
 */
struct acl_policy *acl_load_finish(struct acl_load *load)
{
	struct acl_policy *policy = load->policy;

	/* A last line without its newline is a line. */
	if (!load->err && load->len)
		load->err = parse_line(load);
	if (!load->err && !load->ended)
		load->err = refuse(load, "the policy stops before its end line");
	rsbac_kfree(load->line);
	load->line = NULL;
	load->policy = NULL;
	if (!load->err && acl_policy_seal(policy))
		load->err = refuse(load, "no memory to seal it in");
	if (!load->err)
		return policy;
	acl_policy_free(policy);
	return NULL;
}
