// SPDX-License-Identifier: GPL-2.0
/*
 * Which group a task charges: by its process, by its cgroup, or the root.
 *
 * A cgroup is known by its 64-bit id, which is never used twice, so that no
 * reference to it is kept. Answers are kept with quick words, which know cgroups
 * by address; they hear of each cgroup's end. A process is known by its
 * signal_struct; holding a task of it keeps the address from being used again.
 *
 * Writers hold kmc_lock and have what is kept forgotten. Readers run with
 * preemption off. What a CPU keeps for a process it forgets when that ceases to run
 * there.
 */
#include <linux/cgroup.h>
#include <linux/hashtable.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>

#include "engine.h"

struct kmc_member {
	struct hlist_node node;
	struct kmc_group *group;
	u64 key;			/* cgroup id, or address of the signal_struct */
	struct task_struct *task;	/* processes only: a reference */
	struct rcu_head rcu;
};

static bool kmc_any_pids __read_mostly;

static DEFINE_HASHTABLE(kmc_by_cgroup, 10);
static DEFINE_HASHTABLE(kmc_by_process, 8);
/* Guards kmc_by_process against forks, which join the parent's group. */
static DEFINE_RAW_SPINLOCK(kmc_process_lock);
static unsigned int kmc_processes;

static struct kmc_member *kmc_find_cgroup(u64 id)
{
	struct kmc_member *m;

	hash_for_each_possible_rcu_notrace(kmc_by_cgroup, m, node, id)
		if (m->key == id)
			return m;
	return NULL;
}

static struct kmc_member *kmc_find_process(const struct signal_struct *sig)
{
	struct kmc_member *m;

	hash_for_each_possible_rcu_notrace(kmc_by_process, m, node, (unsigned long)sig)
		if (m->key == (unsigned long)sig)
			return m;
	return NULL;
}

/**
 * kmc_who - the group that the current task charges
 * @cgrp: is set to the task's cgroup, which the answer may be kept for; to NULL
 *	in interrupts, where it may not be kept
 *
 * Context: Any; preemption is off. In interrupts it is the root.
 * Return: a group, kept by RCU.
 */
struct kmc_group *kmc_who(struct cgroup **cgrp)
{
	struct kmc_member *m;
	struct cgroup *c;

	*cgrp = NULL;
	if (!in_task())
		return &kmc_root;
	c = *cgrp = task_dfl_cgroup(current);
	if (READ_ONCE(kmc_any_pids)) {
		m = kmc_find_process(current->signal);
		if (m) {
			/* Kept until the next task runs here: kmc_switched(). */
			__this_cpu_write(kmc_quick.own, true);
			return m->group;
		}
	}
	for (; c; c = cgroup_parent(c)) {
		m = kmc_find_cgroup(cgroup_id(c));
		if (m)
			return m->group;
	}
	return &kmc_root;
}

/* Answers that were kept do not hold any more. May sleep. */
void kmc_who_forget(void)
{
	/* Who found one before this may be about to keep it. */
	synchronize_rcu_expedited();
	kmc_quick_forget(NULL);
}

static void kmc_detach_cgroup(struct kmc_group *group)
{
	struct kmc_member *m = group->cgroup ? kmc_find_cgroup(group->cgroup) : NULL;

	if (m) {
		hash_del_rcu(&m->node);
		kfree_rcu(m, rcu);
	}
	group->cgroup = 0;
}

/**
 * kmc_group_attach - charge the tasks of a cgroup, and of those below it, here
 * @group: the group
 * @path: of a cgroup v2, as in /proc/PID/cgroup; empty to attach none
 *
 * Context: Process context; may sleep.
 * Return: 0; -EBUSY where another group has that cgroup; -ENOENT; -ENOMEM.
 */
int kmc_group_attach(struct kmc_group *group, const char *path)
{
	struct kmc_member *m, *old;
	struct cgroup *cgrp;

	guard(mutex)(&kmc_lock);
	if (!*path) {
		kmc_detach_cgroup(group);
		kmc_who_forget();
		return 0;
	}
	m = kzalloc_obj(*m);
	if (!m)
		return -ENOMEM;
	cgrp = cgroup_get_from_path(path);
	if (IS_ERR(cgrp)) {
		kfree(m);
		return PTR_ERR(cgrp);
	}
	m->key = cgroup_id(cgrp);
	m->group = group;
	cgroup_put(cgrp);
	old = kmc_find_cgroup(m->key);
	if (old) {
		int ret = old->group == group ? 0 : -EBUSY;

		kfree(m);
		return ret;
	}
	kmc_detach_cgroup(group);
	group->cgroup = m->key;
	hash_add_rcu(kmc_by_cgroup, &m->node, m->key);
	kmc_who_forget();
	return 0;
}

/* The path of the attached cgroup; nothing where there is none. */
ssize_t kmc_group_attached(struct kmc_group *group, char *buf, size_t len)
{
	struct cgroup *cgrp;
	ssize_t ret;

	guard(mutex)(&kmc_lock);
	if (!group->cgroup)
		return 0;
	cgrp = cgroup_get_from_id(group->cgroup);
	if (IS_ERR(cgrp))
		return scnprintf(buf, len, "(removed)\n");
	ret = cgroup_path_ns(cgrp, buf, len - 1, current->nsproxy->cgroup_ns);
	cgroup_put(cgrp);
	if (ret < 0)
		return ret;
	ret = strlen(buf);
	buf[ret++] = '\n';
	return ret;
}

static void kmc_process_free(struct rcu_head *rcu)
{
	struct kmc_member *m = container_of(rcu, struct kmc_member, rcu);

	put_task_struct(m->task);
	kfree(m);
}

/* Takes @m out, unless somebody was quicker. RCU keeps it for the caller. */
static void kmc_process_del(struct kmc_member *m)
{
	unsigned long flags;
	bool gone;

	raw_spin_lock_irqsave(&kmc_process_lock, flags);
	gone = hlist_unhashed(&m->node);
	if (!gone) {
		hlist_del_init_rcu(&m->node);
		WRITE_ONCE(kmc_any_pids, --kmc_processes);
	}
	raw_spin_unlock_irqrestore(&kmc_process_lock, flags);
	if (!gone)
		call_rcu(&m->rcu, kmc_process_free);
}

static void kmc_process_add(struct kmc_member *m, struct task_struct *task,
			    struct kmc_group *group)
{
	unsigned long flags;

	m->task = get_task_struct(task);
	m->key = (unsigned long)task->signal;
	m->group = group;
	raw_spin_lock_irqsave(&kmc_process_lock, flags);
	hash_add_rcu(kmc_by_process, &m->node, m->key);
	kmc_processes++;
	WRITE_ONCE(kmc_any_pids, true);
	raw_spin_unlock_irqrestore(&kmc_process_lock, flags);
}

static struct task_struct *kmc_task_get(pid_t pid)
{
	struct task_struct *task;
	struct pid *ref;

	if (!pid)
		return get_task_struct(current);
	ref = find_get_pid(pid);
	task = get_pid_task(ref, PIDTYPE_PID);
	put_pid(ref);
	return task;
}

/* One process id a line. What does not fit @len is left out. */
ssize_t kmc_pid_list(struct kmc_group *group, char *buf, size_t len)
{
	struct kmc_member *m;
	ssize_t at = 0;
	int i;

	guard(mutex)(&kmc_lock);
	guard(rcu)();
	hash_for_each_rcu(kmc_by_process, i, m, node)
		if (m->group == group && atomic_read(&m->task->signal->live))
			at += scnprintf(buf + at, len - at, "%d\n", task_tgid_vnr(m->task));
	return at;
}

/* @group is being removed: nobody is found to be its member from now on. */
void kmc_group_forget(struct kmc_group *group)
{
	struct kmc_member *m;
	int i;

	lockdep_assert_held(&kmc_lock);
	kmc_detach_cgroup(group);
	guard(rcu)();
	hash_for_each_rcu(kmc_by_process, i, m, node)
		if (m->group == group)
			kmc_process_del(m);
}

/* A process that was put into a group has its children there, too. */
static void kmc_forked(void *data, struct task_struct *parent, struct task_struct *child)
{
	struct kmc_member *m, *new;

	if (likely(!READ_ONCE(kmc_any_pids)) || parent->signal == child->signal)
		return;
	guard(preempt)();
	m = kmc_find_process(parent->signal);
	if (!m)
		return;
	new = kzalloc_obj(*new, GFP_NOWAIT | __GFP_NOWARN);
	if (new)
		kmc_process_add(new, child, m->group);
	else
		atomic_long_inc(&kmc_stats[KMC_MISPLACED]);
}

/* Its last task is freed: nobody can be charged for it any more. */
static void kmc_process_freed(void *data, struct task_struct *task)
{
	struct kmc_member *m;

	if (likely(!READ_ONCE(kmc_any_pids)) || atomic_read(&task->signal->live))
		return;
	guard(preempt)();
	m = kmc_find_process(task->signal);
	if (m)
		kmc_process_del(m);
}

/* Its address may be that of another one soon. */
static void kmc_cgroup_released(void *data, struct cgroup *cgrp, const char *path)
{
	kmc_quick_forget(cgrp);
}

/* What is kept by cgroup holds neither for a process of its own nor after one. */
static void kmc_switched(void *data, bool preempt, struct task_struct *prev,
			 struct task_struct *next, unsigned int prev_state)
{
	if (__this_cpu_read(kmc_quick.own) ||
	    (READ_ONCE(kmc_any_pids) && kmc_find_process(next->signal)))
		kmc_quick_switch();
}

/*
 * Forks and exits are cold next to what is counted; their probes stay while we are
 * loaded. That of switches comes with the first process that is put into a group.
 */
static struct kmc_point {
	const char *name;
	void *probe;
	struct tracepoint *tp;
	bool on;
} kmc_points[] = {
	{ "sched_process_fork", kmc_forked },
	{ "sched_process_free", kmc_process_freed },
	{ "cgroup_release", kmc_cgroup_released },
	{ "sched_switch", kmc_switched },
};

#define KMC_SWITCH (ARRAY_SIZE(kmc_points) - 1)

static int kmc_point_on(struct kmc_point *point)
{
	int ret = -ENOENT;

	/* Kernels without have no direct calls either: no cache can be marked. */
	if (!IS_ENABLED(CONFIG_TRACEPOINTS) || point->on)
		return 0;
	if (point->tp)
		ret = tracepoint_probe_register(point->tp, point->probe, NULL);
	point->on = !ret;
	return ret;
}

/**
 * kmc_pid_attach - charge a process here, and the children that it will have
 * @group: the group; the root to let its cgroup decide again
 * @pid: of any of its threads, as the caller sees it; 0 for the caller
 *
 * Context: Process context; may sleep.
 * Return: 0; -ESRCH; -ENOMEM; -ENOENT where the kernel lacks what tells of switches.
 */
int kmc_pid_attach(struct kmc_group *group, pid_t pid)
{
	struct kmc_member *old, *m;
	struct task_struct *task;
	int ret;

	m = kzalloc_obj(*m);
	if (!m)
		return -ENOMEM;
	guard(mutex)(&kmc_lock);
	ret = kmc_point_on(&kmc_points[KMC_SWITCH]);
	if (ret) {
		kfree(m);
		return ret;
	}
	ret = -ESRCH;
	task = kmc_task_get(pid);
	rcu_read_lock();
	/* As long as it lives here, kmc_process_freed() comes after us. */
	if (task && atomic_read(&task->signal->live)) {
		old = kmc_find_process(task->signal);
		if (old)
			kmc_process_del(old);
		if (group != &kmc_root) {
			kmc_process_add(m, task, group);
			m = NULL;
		}
		ret = 0;
	}
	rcu_read_unlock();
	kmc_who_forget();
	if (task)
		put_task_struct(task);
	kfree(m);
	return ret;
}

static void kmc_find_points(struct tracepoint *tp, void *data)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(kmc_points); i++)
		if (!strcmp(tp->name, kmc_points[i].name))
			kmc_points[i].tp = tp;
}

void kmc_who_stop(void)
{
	struct kmc_member *m;
	int i;

	for (i = 0; i < ARRAY_SIZE(kmc_points); i++)
		if (IS_ENABLED(CONFIG_TRACEPOINTS) && kmc_points[i].on)
			tracepoint_probe_unregister(kmc_points[i].tp, kmc_points[i].probe, NULL);
	tracepoint_synchronize_unregister();
	rcu_read_lock();
	hash_for_each_rcu(kmc_by_process, i, m, node)
		kmc_process_del(m);
	rcu_read_unlock();
	rcu_barrier();
}

int kmc_who_start(void)
{
	int i, ret;

	if (IS_ENABLED(CONFIG_TRACEPOINTS))
		for_each_kernel_tracepoint(kmc_find_points, NULL);
	for (i = 0; i < KMC_SWITCH; i++) {
		ret = kmc_point_on(&kmc_points[i]);
		if (ret) {
			kmc_who_stop();
			return ret;
		}
	}
	return 0;
}
