/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Calls that are made while memory fails, by the names that tests give.
 */
#ifndef _FAULT_TEST_H
#define _FAULT_TEST_H

#include <linux/types.h>

/*
 * An action makes calls, undoes what succeeded, and returns -ENOMEM where one
 * said that it has no memory; any other error is a mistake of ours.
 */
struct action {
	const char *name;
	int (*act)(void);
};

/* One file for each discipline, each list ends with an empty one. */
extern const struct action rkmem_actions[];
extern const struct action pmalloc_actions[];
extern const struct action vmm_actions[];
extern const struct action kmem_actions[];

/* What the actions above work with: set up and given up with the module. */
int rkmem_begin(void);
void rkmem_end(void);
int kmem_begin(void);
void kmem_end(void);

#endif /* _FAULT_TEST_H */
