/*
 * sendmail_message.h - what sendmail commands do to a message before queueing
 *
 * JOB     The little that callers of a sendmail command count on and that is
 *         not the plugin's business, done in memory:
 *           - without -i a line with one dot alone ends the message, and
 *             a line that begins with two loses one: Symfony and Swift put
 *             it there;
 *           - a line "From somebody date" of a mailbox file at the top goes,
 *             if a header field follows: else it is text like other text;
 *           - text without any header gets the empty line before it;
 *           - a From without "@" ("From: root (Cron Daemon)") names nobody
 *             outside this machine and goes;
 *           - where no From is left and -f gave an address, From is made of
 *             it and of the name of -F. Otherwise the store's is used.
 *         Everything else is left to the plugin, byte for byte.
 * BOUNDS  Linear.
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_SENDMAIL_MESSAGE_H
#define TP_HOSTS_SENDMAIL_MESSAGE_H

#include <tillpost/abi.h>

#include <stddef.h>

/* Looks for a line with one dot among the lines of DATA that begin at or
 * after *SCANNED, which is moved to the line that is not complete yet (to the
 * end, if AT_EOF). @return where that line begins, or SIZE_MAX */
size_t tp_sendmail_find_dot(
	const char *data, size_t len, int at_eof, size_t *scanned);

/* Takes one dot off each line that begins with two, in place.
 * @return the new length */
size_t tp_sendmail_unstuff(char *data, size_t len);

struct tp_sendmail_message {
	const char *data; /* borrowed from the input, or from `made` */
	size_t len;
	char *made; /* NULL: nothing had to be changed */
};

/* @param sender    of the envelope; NULL or "": no From can be made of it
 * @param full_name NULL: none; one that is not clean UTF-8 is left out
 * @owns  the caller, tp_sendmail_message_free()
 * @return 0 or TILLPOST_ENOMEM */
int32_t tp_sendmail_message_make(const char *data, size_t len,
	const char *sender, const char *full_name,
	struct tp_sendmail_message *message_out, struct tillpost_error *err);
void tp_sendmail_message_free(struct tp_sendmail_message *message);

#endif
