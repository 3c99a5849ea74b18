/*
 * files.h - files that a command makes, and that must not be half there
 *
 * JOB     New files with the right mode from the first byte on, written and
 *         synced or gone again; the directory of secrets; how a failure is
 *         told.
 * LAYER   hosts; libc.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_FILES_H
#define TP_HOSTS_CLI_FILES_H

#include <tillpost/abi.h>

#include <stddef.h>
#include <sys/types.h>

#define TP_FILES_SECRETS "secrets" /* beside the configuration */

/* Records errno and WHAT. @return TILLPOST_EPERM or EIO */
int32_t tp_files_failed(
	struct tillpost_error *err, const char *path, const char *what);

/* Makes PATH, which must not be there, not even as a link.
 * @return 0, EBUSY: it is there; EPERM, EIO */
int32_t tp_files_write(const char *path, mode_t mode, const char *text,
	size_t len, struct tillpost_error *err);

/* What is in the directory PATH stays there. */
int32_t tp_files_sync_directory(const char *path, struct tillpost_error *err);

/* Makes the directory PATH for this user alone, or sees that it is that.
 * @param made_out 1 if it was made */
int32_t tp_files_secrets_directory(
	const char *path, int *made_out, struct tillpost_error *err);

#endif
