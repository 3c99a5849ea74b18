/*
 * sendmail.h - what the parts of tillpost-sendmail share
 *
 * JOB     A sendmail command that only submits: it checks a message and
 *         writes it to the spool; tillpostd takes it from there. It holds no
 *         credential, opens no connection, runs no program, and needs no
 *         rights but those of whoever calls it.
 * ERRORS  One line on standard error and an exit code of sysexits.h. It is
 *         never EX_TEMPFAIL: for a sendmail command that has always meant
 *         "queued, will be tried again", and callers may take it for success.
 *         PHP means to, but compares it with a wait status, so that its
 *         mail() returns false for this code, too (seen with 8.2).
 *         What could not be accepted for now is EX_UNAVAILABLE.
 *         No output is waited for without an end, and none by a signal: a
 *         parent may have left SIGALRM blocked or ignored.
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_SENDMAIL_H
#define TP_HOSTS_SENDMAIL_H

#include <tillpost/abi.h>

#include "common/loader.h"
#include "sendmail/sendmail_args.h"

#define TP_SENDMAIL_PROGRAM "tillpost-sendmail"
/* No store can allow more. */
#define TP_SENDMAIL_DATA_MAX_BYTES ((size_t)1 << 30)

struct tp_sendmail {
	struct tp_sendmail_args args;
	/* from the environment, NULL: not given */
	const char *config_path;
	const char *plugin_file;
	const char *spool_path;
	const char *store; /* of --store, else of the environment */
	const char *run_code;
	const char *http_host;
	int64_t timeout_ms; /* see stdio_wait.h */
	struct tp_plugin plugin;
	tillpost_handle *handle;
};

/* Loads the plugin and opens a handle of ROLE.
 * @return 0 or a TILLPOST_E* */
int32_t tp_sendmail_open(struct tp_sendmail *sendmail, int32_t role,
	uint32_t flags, struct tillpost_error *err);

/* Prints ERR as one line on standard error.
 * @param wait_ms if nobody reads it, the line is lost after this time, which
 *        is cut to a minute; 0: at once */
void tp_sendmail_say(const struct tillpost_error *err, int64_t wait_ms);
/* Prints ERR. @return the exit code for its status */
int tp_sendmail_fail(
	const struct tp_sendmail *sendmail, const struct tillpost_error *err);
/* Prints TEXT on standard output. @return an exit code; said if not EX_OK */
int tp_sendmail_print(
	const struct tp_sendmail *sendmail, const char *text, size_t len);

/* Fills in the store and the hints, mends DATA (sendmail_message.h) and
 * submits it.
 * @param message sender, recipients and flags are set
 * @return 0 or a TILLPOST_E* */
int32_t tp_sendmail_submit(struct tp_sendmail *sendmail,
	struct tillpost_message *message, struct tillpost_receipt *receipt,
	struct tillpost_error *err);

/* The modes. @return an exit code */
int tp_sendmail_deliver(struct tp_sendmail *sendmail);
int tp_sendmail_smtp(struct tp_sendmail *sendmail);
int tp_sendmail_queue(struct tp_sendmail *sendmail);

#endif
