/*
 * handle.h - the plugin and its handle in this process
 *
 * JOB     Loads tillpost.so at the first use in a process and keeps it and one
 *         handle in the role submit. Nothing is opened before: a process that
 *         only starts others (the master of FPM) never gets here. The handle
 *         holds no descriptor and no thread and works after fork() too.
 * LAYER   hosts/php.
 * THREADS safe (ZTS): the handle is process-wide, opened under a lock.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_HANDLE_H
#define TP_PHP_HANDLE_H

#include <php.h>

#include <tillpost/abi.h>

/* @return 0 or TILLPOST_E*; then *handle_out may be NULL and *api_out too */
int32_t tp_php_open(const struct tillpost_api **api_out,
	tillpost_handle **handle_out, struct tillpost_error *err);
/* At the end of the process. */
void tp_php_close(void);

#endif
