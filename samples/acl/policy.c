// SPDX-License-Identifier: GPL-2.0
/*
 * A policy: rules, the text of their paths, and a hash index, in a pool of its
 * own that is sealed before others can see it: from then on nobody in the
 * kernel can write to it, by mistake or on purpose. Readers need no lock beyond
 * the RCU section that keeps it alive.
 *
 * While it is built by one task, text and index are tables that start small and
 * double, from contiguous memory to vmalloc as they need it; a pool would not
 * take the small ones back. What changes while a policy is in force, how often
 * a rule decided, is no part of it: each rule points to its acl_usage, an
 * object of the RSBAC slab of that name.
 */
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/stringhash.h>
#include <linux/string.h>

#include "acl.h"

#define FIRST_BUCKETS	256
#define FIRST_NAMES	4096

/* Bytes of an area of a pool: fewer, larger areas are sealed faster. */
#define AREA		(64 << 10)

struct acl_usage {
	atomic_long_t decided;
};

struct acl_rule {
	struct acl_rule *next;	/* in its bucket */
	struct acl_usage *usage;
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

/* Memory of rsbac_vkmalloc(); once it is whole, of the pool. */
struct acl_table {
	void *mem;
	size_t size;
	boolean vmalloc_used;
	bool in_pool;
};

struct acl_policy {
	struct pmalloc_pool *pool;	/* where it is itself, too */
	struct acl_table names;
	u32 names_used;
	struct acl_table index;
	u32 buckets;		/* a power of two */
	u32 rules;
};

#define for_each_rule(policy, rule)					\
	for (u32 _i = 0; _i < (policy)->buckets; _i++)			\
		for ((rule) = ((struct acl_rule **)(policy)->index.mem)[_i];	\
		     (rule); (rule) = (rule)->next)

static struct kmem_cache *usage_slab;

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
	if (!table->in_pool)
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
	struct acl_usage *usage;
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
	rule = pmalloc(policy->pool, sizeof(*rule));
	usage = rule ? rsbac_smalloc_clear_unlocked(usage_slab) : NULL;
	if (!usage) {
		err = -ENOMEM;
		goto no_room;
	}
	bucket = bucket_of(policy, hash);
	*rule = (struct acl_rule) {
		.next = *bucket,
		.usage = usage,
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
	if (rule)
		atomic_long_inc(&rule->usage->decided);
	return (struct acl_verdict) {
		.allow = rule && !rule->deny,
		.line = rule ? rule->line : 0,
	};
}

/* Moves the @used bytes of a table to the pool. */
static int table_move(struct acl_policy *policy, struct acl_table *table, size_t used)
{
	void *mem = pmalloc(policy->pool, max(used, 1));

	if (!mem)
		return -ENOMEM;
	memcpy(mem, table->mem, used);
	table_free(table);
	*table = (struct acl_table) { .mem = mem, .size = used, .in_pool = true };
	return 0;
}

/**
 * acl_policy_seal - nobody can write to a policy from now on
 * @policy: a policy that nobody else sees yet
 *
 * Context: Process context; may sleep.
 * Return: 0; or -ENOMEM, and @policy can only be freed.
 */
int acl_policy_seal(struct acl_policy *policy)
{
	if (table_move(policy, &policy->names, policy->names_used) ||
	    table_move(policy, &policy->index, policy->index.size))
		return -ENOMEM;
	pmalloc_protect_pool(policy->pool);
	return 0;
}

/**
 * acl_policy_describe - a policy in a few lines of text
 * @policy: the policy
 * @text: where to put them
 * @size: bytes of @text
 *
 * Context: Any; @policy must be kept alive by the caller.
 * Return: bytes of text, without the closing NUL.
 */
int acl_policy_describe(const struct acl_policy *policy, char *text,
			size_t size)
{
	const struct acl_rule *rule;
	unsigned long decisions = 0;
	u32 unused = 0;

	for_each_rule(policy, rule) {
		long decided = atomic_long_read(&rule->usage->decided);

		decisions += decided;
		unused += !decided;
	}
	return scnprintf(text, size,
			 "rules: %u\nnames: %zu bytes\nindex: %zu bytes\ndecisions: %lu\nrules never used: %u\n",
			 policy->rules, policy->names.size, policy->index.size,
			 decisions, unused);
}

/* Where the rule of a line of the policy says whether it denies; NULL for none. */
bool *acl_policy_target(const struct acl_policy *policy, u32 line)
{
	struct acl_rule *rule;

	for_each_rule(policy, rule)
		if (rule->line == line)
			return &rule->deny;
	return NULL;
}

/**
 * acl_policy_new - make an empty policy, which denies everything
 *
 * Context: Process context; may sleep.
 * Return: the policy, to be given to acl_policy_free(), or NULL.
 */
struct acl_policy *acl_policy_new(void)
{
	struct pmalloc_pool *pool = pmalloc_create_custom_pool(AREA, PMALLOC_ALIGN_DEFAULT,
							       PMALLOC_MODE_RO);
	struct acl_policy *policy = pool ? pzalloc(pool, sizeof(*policy)) : NULL;

	if (!policy)
		goto free_pool;
	policy->pool = pool;
	policy->buckets = FIRST_BUCKETS;
	if (index_alloc(&policy->index, FIRST_BUCKETS))
		goto free_pool;
	if (table_alloc(&policy->names, FIRST_NAMES))
		goto free_index;
	return policy;

free_index:
	table_free(&policy->index);
free_pool:
	pmalloc_destroy_pool(pool);
	return NULL;
}

/* NULL is allowed. Nobody may be reading the policy any more. */
void acl_policy_free(struct acl_policy *policy)
{
	const struct acl_rule *rule;

	if (!policy)
		return;
	for_each_rule(policy, rule)
		rsbac_sfree(usage_slab, rule->usage);
	table_free(&policy->names);
	table_free(&policy->index);
	pmalloc_destroy_pool(policy->pool);
}

int acl_policy_init(void)
{
	usage_slab = rsbac_slab_create("acl_usage", sizeof(struct acl_usage));
	return usage_slab ? 0 : -ENOMEM;
}

void acl_policy_exit(void)
{
	rsbac_slab_destroy(usage_slab);
}
