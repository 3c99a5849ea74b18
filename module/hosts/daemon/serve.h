/*
 * serve.h - the life of the daemon between its options and its end
 *
 * JOB     Opens the plugin's handle, which delivers and takes the spool in by
 *         threads of its own, and waits in run() for signals; reads the
 *         configuration again, tells the service manager, closes.
 * LAYER   hosts/daemon; hosts/common, <tillpost/abi.h>.
 * THREADS main().
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_DAEMON_SERVE_H
#define TP_DAEMON_SERVE_H

#include "common/loader.h"
#include "daemon/log.h"
#include "daemon/notify.h"

#include <tillpost/abi.h>

struct tp_daemon {
	const char *config_path;
	struct tp_plugin plugin;
	struct tillpost_host host;
	tillpost_handle *handle; /* NULL: not open */
	struct tp_log log;
	struct tp_notify notify;
	int ailing; /* the last look at the status failed */
};

/* From open() to close(); signals are installed and the plugin is loaded.
 * @return an exit code; what went wrong is in the log */
int tp_serve(struct tp_daemon *daemon);

#endif
