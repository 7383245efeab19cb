// SPDX-License-Identifier: GPL-2.0
/*
 * The exported symbols of capi.rs. They are exported from C, where the compiler
 * sees the public prototypes, so that CONFIG_MODVERSIONS gets true checksums.
 */
#include <linux/export.h>
#include <linux/module.h>
#include <coresrv/vmm/vmm_api.h>
#include <kos/alloc.h>
#include <linux/kmem_cgroup.h>
#include <linux/pmalloc.h>
#include <rsbac/rkmem.h>

MODULE_VERSION(RSBAC_MEM_VERSION);

EXPORT_SYMBOL_GPL(kmem_cgroup_charge);
EXPORT_SYMBOL_GPL(kmem_cgroup_charge_vmalloc);
EXPORT_SYMBOL_GPL(kmem_cgroup_charge_pages);
EXPORT_SYMBOL_GPL(kmem_cgroup_uncharge);

EXPORT_SYMBOL_GPL(rsbac_kmalloc);
EXPORT_SYMBOL_GPL(rsbac_kmalloc_clear);
EXPORT_SYMBOL_GPL(rsbac_kmalloc_unlocked);
EXPORT_SYMBOL_GPL(rsbac_kmalloc_clear_unlocked);
EXPORT_SYMBOL_GPL(rsbac_kfree);
EXPORT_SYMBOL_GPL(rsbac_vkmalloc);
EXPORT_SYMBOL_GPL(rsbac_vkfree);
EXPORT_SYMBOL_GPL(rsbac_slab_create);
EXPORT_SYMBOL_GPL(rsbac_slab_create_rcu);
EXPORT_SYMBOL_GPL(rsbac_slab_destroy);
EXPORT_SYMBOL_GPL(rsbac_smalloc);
EXPORT_SYMBOL_GPL(rsbac_smalloc_clear);
EXPORT_SYMBOL_GPL(rsbac_smalloc_unlocked);
EXPORT_SYMBOL_GPL(rsbac_smalloc_clear_unlocked);
EXPORT_SYMBOL_GPL(rsbac_sfree);

EXPORT_SYMBOL_GPL(KnVmAllocate);
EXPORT_SYMBOL_GPL(KnVmTryAllocate);
EXPORT_SYMBOL_GPL(KnVmCommit);
EXPORT_SYMBOL_GPL(KnVmDecommit);
EXPORT_SYMBOL_GPL(KnVmProtect);
EXPORT_SYMBOL_GPL(KnVmUnmap);
EXPORT_SYMBOL_GPL(KnVmQuery);
EXPORT_SYMBOL_GPL(KnPmmMdlCreate);
EXPORT_SYMBOL_GPL(KnPmmMdlCreateFromBuf);
EXPORT_SYMBOL_GPL(KnPmmMdlCreateFromVm);
EXPORT_SYMBOL_GPL(KnPmmMdlMap);
EXPORT_SYMBOL_GPL(KnPmmMdlClone);
EXPORT_SYMBOL_GPL(KnPmmMdlGetSize);
EXPORT_SYMBOL_GPL(KnPmmMdlToFd);
EXPORT_SYMBOL_GPL(KnPmmMdlFromFd);
EXPORT_SYMBOL_GPL(KnHandleClose);
EXPORT_SYMBOL_GPL(KosMemAlloc);
EXPORT_SYMBOL_GPL(KosMemAllocEx);
EXPORT_SYMBOL_GPL(KosMemZalloc);
EXPORT_SYMBOL_GPL(KosMemGetSize);
EXPORT_SYMBOL_GPL(KosMemFree);

EXPORT_SYMBOL_GPL(pmalloc_create_named_pool);
EXPORT_SYMBOL_GPL(pmalloc);
EXPORT_SYMBOL_GPL(pzalloc);
EXPORT_SYMBOL_GPL(pmalloc_alloc_cookie);
EXPORT_SYMBOL_GPL(pstrdup);
EXPORT_SYMBOL_GPL(pmalloc_protect_pool);
EXPORT_SYMBOL_GPL(pmalloc_make_pool_ro);
EXPORT_SYMBOL_GPL(pmalloc_destroy_pool);
EXPORT_SYMBOL_GPL(is_pmalloc_object);
EXPORT_SYMBOL_GPL(pmalloc_require);
EXPORT_SYMBOL_GPL(pmalloc_set_cap);
EXPORT_SYMBOL_GPL(pfree);
EXPORT_SYMBOL_GPL(pmalloc_cache_create);
EXPORT_SYMBOL_GPL(pmalloc_cache_alloc);
EXPORT_SYMBOL_GPL(pmalloc_cache_free);
EXPORT_SYMBOL_GPL(pmalloc_cache_destroy);
EXPORT_SYMBOL_GPL(pmalloc_verify);
EXPORT_SYMBOL_GPL(pmalloc_verify_object);
EXPORT_SYMBOL_GPL(pmalloc_wr_memcpy);
EXPORT_SYMBOL_GPL(pmalloc_wr_memset);
EXPORT_SYMBOL_GPL(pmalloc_wr_memcpy_cookie);
EXPORT_SYMBOL_GPL(pmalloc_wr_memset_cookie);
EXPORT_SYMBOL_GPL(pmalloc_wr_atomic);
