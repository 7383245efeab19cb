// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks: where an object of a marked cache comes and goes.
 *
 * The kernel's functions are entered through ftrace's direct calls, the cheapest
 * way in that a module has: the call at the start of kmem_cache_alloc() goes to
 * a trampoline (trampoline.S), which returns after a few instructions unless the
 * cache may be marked. If it may, an allocation is charged, the rest of the
 * function called, and the owner noted; a free is noted, and goes on. Most of
 * that the trampolines do themselves, by the CPU's quick words (quick.c); what they
 * cannot do so is done in paths.c.
 *
 * Ways in: kmem_cache_alloc(), _lru, _node, _bulk, and from a prefilled sheaf.
 * Ways out: kmem_cache_free(), kfree(), bulk, and kfree_rcu(), which is noted
 * when it is asked for: from there on the object is nobody's. Objects that an
 * allocation gives up by itself were never seen. kfree_nolock() takes objects
 * of kmalloc_nolock() only, and those are in kmalloc caches.
 */
#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>

#include "engine.h"
#include "trampoline.h"

#ifdef KMC_HOOKS

struct kmc_hook {
	const char *symbol;
	void *tramp;
	void (*set_rest)(unsigned long addr);
	bool optional;
	bool on;
	unsigned long addr;
	struct ftrace_ops ops;
};

/* Frees come first, so that nothing is noted whose end would be missed. */
static struct kmc_hook kmc_hooks[] = {
	{ "kmem_cache_free", kmc_tramp_free },
	{ "kfree", kmc_tramp_kfree },
	{ "kmem_cache_free_bulk", kmc_tramp_free_bulk },
	{ "kvfree_call_rcu", kmc_tramp_kfree_rcu },
	{ "kfree_call_rcu_nolock", kmc_tramp_kfree_rcu, .optional = true },
	{ "kmem_cache_destroy", kmc_tramp_destroy, kmc_set_destroy },
	{ "kmem_cache_alloc_noprof", kmc_tramp_alloc, kmc_set_alloc },
	{ "kmem_cache_alloc_lru_noprof", kmc_tramp_alloc_lru, kmc_set_lru },
	{ "kmem_cache_alloc_node_noprof", kmc_tramp_alloc_node, kmc_set_node },
	{ "kmem_cache_alloc_bulk_noprof", kmc_tramp_alloc_bulk, kmc_set_bulk },
	{ "kmem_cache_alloc_from_sheaf_noprof", kmc_tramp_alloc_sheaf, kmc_set_sheaf,
	  .optional = true },
};

static struct kmc_hook kmc_create_hook = {
	"__kmem_cache_create_args", kmc_tramp_create, kmc_set_create
};

static bool kmc_hooked;

/* Finds the place of ftrace's call in a function, by way of a dead kprobe. */
static int kmc_hook_find(struct kmc_hook *hook)
{
	struct kprobe kp = {
		.symbol_name = hook->symbol,
		.flags = KPROBE_FLAG_DISABLED,
	};
	int ret;

	if (hook->addr)
		return 0;
	ret = register_kprobe(&kp);
	if (ret)
		return ret;
	if (kp.flags & KPROBE_FLAG_FTRACE)
		hook->addr = (unsigned long)kp.addr;
	else
		ret = -EOPNOTSUPP;
	unregister_kprobe(&kp);
	if (!ret && hook->set_rest)
		hook->set_rest(hook->addr + MCOUNT_INSN_SIZE);
	return ret;
}

static int kmc_hook_on(struct kmc_hook *hook)
{
	int ret = kmc_hook_find(hook);

	if (ret)
		return ret;
	hook->ops.flags |= FTRACE_OPS_FL_PERMANENT;
	ret = ftrace_set_filter_ip(&hook->ops, hook->addr, 0, 1);
	if (!ret) {
		ret = register_ftrace_direct(&hook->ops, (unsigned long)hook->tramp);
		if (ret)
			ftrace_free_filter(&hook->ops);
	}
	hook->on = !ret;
	return ret;
}

static void kmc_hook_off(struct kmc_hook *hook)
{
	if (hook->on)
		unregister_ftrace_direct(&hook->ops, (unsigned long)hook->tramp, true);
	hook->on = false;
}

static int __kmc_hooks_on(void)
{
	int i, ret;

	for (i = 0; i < ARRAY_SIZE(kmc_hooks); i++) {
		struct kmc_hook *hook = &kmc_hooks[i];

		ret = kmc_hook_on(hook);
		if (ret && !(hook->optional && ret != -EBUSY)) {
			pr_warn("rsbac_mem: kmem_cgroup: cannot hook %s: %d\n",
				hook->symbol, ret);
			return ret;
		}
	}
	return 0;
}

/* Puts the hooks in. Callers hold kmc_lock. May sleep. */
int kmc_hooks_on(void)
{
	int ret;

	if (kmc_hooked)
		return 0;
	kmc_hooked = true;
	ret = __kmc_hooks_on();
	if (ret)
		kmc_hooks_off();
	return ret == -ENOENT || ret == -ENODEV ? -EOPNOTSUPP : ret;
}

/* Takes them out, and waits until nobody is in a trampoline. Hold kmc_lock. */
void kmc_hooks_off(void)
{
	int i;

	if (!kmc_hooked)
		return;
	for (i = ARRAY_SIZE(kmc_hooks) - 1; i >= 0; i--)
		kmc_hook_off(&kmc_hooks[i]);
	kmc_hooked = false;
}

/* Notices new caches; that is a cold path, hooked as long as we are loaded. */
int kmc_watch_on(void)
{
	return kmc_hook_on(&kmc_create_hook);
}

void kmc_watch_off(void)
{
	kmc_hook_off(&kmc_create_hook);
}

/* With all hooks off: waits until no task is in our code on behalf of one. */
void kmc_hooks_wait(void)
{
	while (kmc_paths_inside())
		msleep(20);
	/* The last one out may have been preempted before its return. */
	synchronize_rcu_tasks();
}

/* Whether this kernel has what the hooks need; says in @why what is missing. */
bool kmc_hooks_possible(const char **why)
{
	int i, ret;

	for (i = 0; i < ARRAY_SIZE(kmc_hooks); i++) {
		if (kmc_hooks[i].optional)
			continue;
		ret = kmc_hook_find(&kmc_hooks[i]);
		if (ret) {
			*why = ret == -EOPNOTSUPP ?
			       "an allocation function of this kernel has no ftrace call" :
			       "kprobes do not find the kernel's allocation functions";
			return false;
		}
	}
	return true;
}

#else /* !KMC_HOOKS */

int kmc_hooks_on(void) { return -EOPNOTSUPP; }
void kmc_hooks_off(void) { }
int kmc_watch_on(void) { return -EOPNOTSUPP; }
void kmc_watch_off(void) { }
void kmc_hooks_wait(void) { }

bool kmc_hooks_possible(const char **why)
{
	*why = "needs x86-64 with KPROBES and DYNAMIC_FTRACE_WITH_DIRECT_CALLS";
	return false;
}

#endif /* KMC_HOOKS */
