// SPDX-License-Identifier: GPL-2.0
/*
 * A policy: rules, each an object of the RSBAC slab "acl_rule"; the text of
 * their paths, one table; and a hash index, another. The tables start small
 * and double, from contiguous memory to vmalloc as they need it.
 *
 * A policy is built by one task and never changed once others can see it, so
 * that readers need no lock beyond the RCU section that keeps it alive.
 */
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/stringhash.h>
#include <linux/string.h>

#include "acl.h"

#define FIRST_BUCKETS	256
#define FIRST_NAMES	4096

struct acl_rule {
	struct acl_rule *next;	/* in its bucket */
	u32 hash;
	u32 name;		/* where its path starts in the table of names */
	u32 name_len;
	u32 uid;
	u32 line;
	u8 rights;
	bool any_uid;
	bool subtree;
	bool deny;
};

/* Memory of rsbac_vkmalloc() and what rsbac_vkfree() wants to know of it. */
struct acl_table {
	void *mem;
	size_t size;
	boolean vmalloc_used;
};

struct acl_policy {
	struct acl_table names;
	u32 names_used;
	struct acl_table index;
	u32 buckets;		/* a power of two */
	u32 rules;
};

static struct kmem_cache *rule_slab;

static int table_alloc(struct acl_table *table, size_t size)
{
	table->mem = rsbac_vkmalloc(size, &table->vmalloc_used);
	if (!table->mem)
		return -ENOMEM;
	table->size = size;
	return 0;
}

static void table_free(struct acl_table *table)
{
	rsbac_vkfree(table->mem, table->vmalloc_used);
}

static u32 hash_path(const char *path, size_t len, bool subtree)
{
	return full_name_hash(NULL, path, len) + subtree;
}

static struct acl_rule **bucket_of(const struct acl_policy *policy, u32 hash)
{
	struct acl_rule **buckets = policy->index.mem;

	return &buckets[hash & (policy->buckets - 1)];
}

static int index_alloc(struct acl_table *index, u32 buckets)
{
	int err = table_alloc(index, array_size(buckets, sizeof(void *)));

	if (!err)
		memset(index->mem, 0, index->size);
	return err;
}

/* Twice the buckets, once there are as many rules as buckets. */
static int index_grow(struct acl_policy *policy)
{
	struct acl_table old = policy->index;
	struct acl_rule **old_buckets = old.mem;
	u32 old_count = policy->buckets;
	int err = index_alloc(&policy->index, old_count * 2);

	if (err) {
		policy->index = old;
		return err;
	}
	policy->buckets = old_count * 2;
	for (u32 i = 0; i < old_count; i++) {
		struct acl_rule *rule = old_buckets[i];

		while (rule) {
			struct acl_rule *next = rule->next;
			struct acl_rule **bucket = bucket_of(policy, rule->hash);

			rule->next = *bucket;
			*bucket = rule;
			rule = next;
		}
	}
	table_free(&old);
	return 0;
}

/* Room for @len more bytes of names. */
static int names_reserve(struct acl_policy *policy, size_t len)
{
	size_t wanted = policy->names_used + len;
	size_t size = policy->names.size;
	struct acl_table bigger;
	int err;

	if (wanted <= size)
		return 0;
	if (wanted > ACL_MAX_NAMES)
		return -EFBIG;
	while (size < wanted)
		size *= 2;
	err = table_alloc(&bigger, size);
	if (err)
		return err;
	memcpy(bigger.mem, policy->names.mem, policy->names_used);
	table_free(&policy->names);
	policy->names = bigger;
	return 0;
}

static bool same_object(const struct acl_policy *policy,
			const struct acl_rule *rule, u32 hash,
			const char *path, size_t len, bool subtree)
{
	const char *names = policy->names.mem;

	return rule->hash == hash && rule->subtree == subtree &&
	       rule->name_len == len && !memcmp(names + rule->name, path, len);
}

/* The rule that already speaks of @entry's subject, object and a right. */
static const struct acl_rule *
find_duplicate(const struct acl_policy *policy, const struct acl_entry *entry,
	       u32 hash)
{
	const struct acl_rule *rule = *bucket_of(policy, hash);

	for (; rule; rule = rule->next)
		if (rule->any_uid == entry->any_uid &&
		    rule->uid == entry->uid && rule->rights & entry->rights &&
		    same_object(policy, rule, hash, entry->path,
				entry->path_len, entry->subtree))
			break;
	return rule;
}

/**
 * acl_policy_add - add a rule
 * @policy: a policy that nobody else sees yet
 * @entry: the rule; its path is copied
 * @why: ACL_MAX_WHY bytes, written where the rule is refused
 *
 * Context: Process context; may sleep.
 * Return: 0, or a negative error number, with @policy as it was.
 */
int acl_policy_add(struct acl_policy *policy, const struct acl_entry *entry,
		   char *why)
{
	u32 hash = hash_path(entry->path, entry->path_len, entry->subtree);
	const struct acl_rule *twin = find_duplicate(policy, entry, hash);
	struct acl_rule *rule, **bucket;
	int err;

	if (twin) {
		scnprintf(why, ACL_MAX_WHY, "repeats a right of line %u",
			  twin->line);
		return -EEXIST;
	}
	if (policy->rules == ACL_MAX_RULES) {
		scnprintf(why, ACL_MAX_WHY, "more than %u rules",
			  ACL_MAX_RULES);
		return -EFBIG;
	}
	err = names_reserve(policy, entry->path_len);
	if (!err && policy->rules == policy->buckets)
		err = index_grow(policy);
	if (err)
		goto no_room;
	rule = rsbac_smalloc_unlocked(rule_slab);
	if (!rule) {
		err = -ENOMEM;
		goto no_room;
	}
	bucket = bucket_of(policy, hash);
	*rule = (struct acl_rule) {
		.next = *bucket,
		.hash = hash,
		.name = policy->names_used,
		.name_len = entry->path_len,
		.uid = entry->uid,
		.line = entry->line,
		.rights = entry->rights,
		.any_uid = entry->any_uid,
		.subtree = entry->subtree,
		.deny = entry->deny,
	};
	memcpy(policy->names.mem + policy->names_used, entry->path,
	       entry->path_len);
	policy->names_used += entry->path_len;
	*bucket = rule;
	policy->rules++;
	return 0;

no_room:
	scnprintf(why, ACL_MAX_WHY, err == -EFBIG ? "too many names" :
		  "no memory for one more rule");
	return err;
}

u32 acl_policy_rules(const struct acl_policy *policy)
{
	return policy->rules;
}

/* A rule for this very uid goes before one for everybody. */
static const struct acl_rule *
find_rule(const struct acl_policy *policy, u32 uid, u8 right,
	  const char *path, size_t len, bool subtree)
{
	u32 hash = hash_path(path, len, subtree);
	const struct acl_rule *rule, *for_any = NULL;

	for (rule = *bucket_of(policy, hash); rule; rule = rule->next) {
		if (!(rule->rights & right) ||
		    !same_object(policy, rule, hash, path, len, subtree))
			continue;
		if (rule->any_uid)
			for_any = rule;
		else if (rule->uid == uid)
			return rule;
	}
	return for_any;
}

/**
 * acl_policy_ask - may a user do this?
 * @policy: the policy
 * @uid: the user
 * @right: one of ACL_READ ... ACL_DELETE
 * @path: an absolute path for which acl_path_ok() holds
 *
 * The rule of the path itself decides, then that of the nearest directory
 * above it with a subtree rule; what no rule speaks of is denied.
 *
 * Context: Any; @policy must be kept alive by the caller.
 */
struct acl_verdict acl_policy_ask(const struct acl_policy *policy, u32 uid,
				  u8 right, const char *path)
{
	size_t len = strlen(path);
	const struct acl_rule *rule = find_rule(policy, uid, right, path, len,
						false);

	while (!rule && len) {
		while (path[--len] != '/')
			;
		rule = find_rule(policy, uid, right, path, len, true);
	}
	return (struct acl_verdict) {
		.allow = rule && !rule->deny,
		.line = rule ? rule->line : 0,
	};
}

static const char *kind_of(const struct acl_table *table)
{
	return table->vmalloc_used ? "vmalloc" : "contiguous";
}

int acl_policy_describe(const struct acl_policy *policy, char *text,
			size_t size)
{
	return scnprintf(text, size,
			 "rules: %u\nnames: %u bytes in %zu (%s)\nindex: %zu bytes (%s)\n",
			 policy->rules, policy->names_used, policy->names.size,
			 kind_of(&policy->names), policy->index.size,
			 kind_of(&policy->index));
}

/**
 * acl_policy_new - make an empty policy, which denies everything
 *
 * Context: Process context; may sleep.
 * Return: the policy, to be given to acl_policy_free(), or NULL.
 */
struct acl_policy *acl_policy_new(void)
{
	struct acl_policy *policy = rsbac_kmalloc_clear_unlocked(sizeof(*policy));

	if (!policy)
		return NULL;
	policy->buckets = FIRST_BUCKETS;
	if (index_alloc(&policy->index, FIRST_BUCKETS))
		goto free_policy;
	if (table_alloc(&policy->names, FIRST_NAMES))
		goto free_index;
	return policy;

free_index:
	table_free(&policy->index);
free_policy:
	rsbac_kfree(policy);
	return NULL;
}

/* NULL is allowed. Nobody may be reading the policy any more. */
void acl_policy_free(struct acl_policy *policy)
{
	struct acl_rule **buckets;

	if (!policy)
		return;
	buckets = policy->index.mem;
	for (u32 i = 0; i < policy->buckets; i++) {
		struct acl_rule *rule = buckets[i];

		while (rule) {
			struct acl_rule *next = rule->next;

			rsbac_sfree(rule_slab, rule);
			rule = next;
		}
	}
	table_free(&policy->names);
	table_free(&policy->index);
	rsbac_kfree(policy);
}

int acl_policy_init(void)
{
	rule_slab = rsbac_slab_create("acl_rule", sizeof(struct acl_rule));
	return rule_slab ? 0 : -ENOMEM;
}

void acl_policy_exit(void)
{
	rsbac_slab_destroy(rule_slab);
}
