/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Handles of MDL buffers.
 */
#ifndef _CORESRV_HANDLE_HANDLE_API_H
#define _CORESRV_HANDLE_HANDLE_API_H

#include <rtl/retcode.h>

/**
 * KnHandleClose() - give a handle back
 * @handle: of an MDL buffer
 *
 * The buffer itself lives on while it is mapped, cloned, or held by a file.
 *
 * Context: may sleep.
 * Return: rcOk, or rcInvalidHandle.
 */
Retcode KnHandleClose(Handle handle);

#endif /* _CORESRV_HANDLE_HANDLE_API_H */
