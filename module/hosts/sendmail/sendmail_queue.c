/*
 * sendmail_queue.c - sendmail -bp, mailq: what waits to be delivered
 *
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/sendmail.h"

#include "common/report.h"
#include "common/text.h"
#include "common/when.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

struct listing {
	long long count;
	long long bytes;
};

/* As others mark it: active, held. */
static char mark(const char *state)
{
	if (strcmp(state, "queued") == 0)
		return ' ';
	return strcmp(state, "held") == 0 ? '!' : '*';
}

static void print_indented(const char *text)
{
	(void)printf("%42s", "");
	tp_text_put(stdout, text);
	(void)fputc('\n', stdout);
}

static int32_t print_entry(void *ctx, const struct tillpost_queue_entry *entry)
{
	struct listing *listing = ctx;
	char arrived[TP_WHEN_BYTES];
	uint32_t i;

	if (listing->count == 0)
		(void)printf("-Queue ID-----------  --Size-- "
			     "---Arrival Time---- -Sender/Recipient-------\n");
	tp_when_local(entry->created_ms, arrived);
	(void)printf("%-19s%c %9lld %-19s ", entry->queue_id,
		mark(entry->state), (long long)entry->size_bytes, arrived);
	tp_text_put(stdout, entry->sender[0] ? entry->sender : "<>");
	(void)fputc('\n', stdout);
	if (entry->reason[0] != '\0') {
		(void)printf("%20s(", "");
		tp_text_put(stdout, entry->reason);
		(void)printf(")\n");
	}
	for (i = 0; i < entry->recipient_count; i++)
		if (strcmp(entry->recipient_states[i], "open") == 0)
			print_indented(entry->recipients[i]);
	(void)fputc('\n', stdout);
	listing->count++;
	listing->bytes += entry->size_bytes;
	return ferror(stdout);
}

/* Messages that the daemon has not taken in yet are not in the queue. */
static void print_spooled(struct tp_sendmail *sendmail)
{
	struct tillpost_status status;
	struct tillpost_error err;

	TILLPOST_INIT(&status);
	TILLPOST_INIT(&err);
	if (sendmail->plugin.api->status(
		    sendmail->handle, &status, NULL, NULL, &err) < 0 ||
		!TILLPOST_HAS(&status, tillpost_status, quarantined_count))
		return;
	if (status.spooled_count > 0)
		(void)printf("-- %lld in the spool, not yet in the queue.\n",
			(long long)status.spooled_count);
	if (status.quarantined_count > 0)
		(void)printf("-- %lld in quarantine: see tillpost spool.\n",
			(long long)status.quarantined_count);
}

int tp_sendmail_queue(struct tp_sendmail *sendmail)
{
	struct tillpost_queue_filter filter;
	struct listing listing = { .count = 0 };
	struct tillpost_error err;
	int32_t rc = tp_sendmail_open(
		sendmail, TILLPOST_ROLE_EMBEDDED, TILLPOST_OPEN_PASSIVE, &err);

	if (rc >= 0) {
		TILLPOST_INIT(&filter);
		TILLPOST_INIT(&err);
		rc = sendmail->plugin.api->queue_list(
			sendmail->handle, &filter, print_entry, &listing, &err);
	}
	if (rc < 0) {
		tp_report(TP_SENDMAIL_PROGRAM, "",
			"the queue is for root and the user of tillpostd to "
			"see; others may ask for one message: tillpost queue "
			"show ID");
		return tp_sendmail_fail(&err);
	}
	if (listing.count == 0)
		(void)printf("Mail queue is empty\n");
	else
		(void)printf("-- %lld Kbytes in %lld Request%s.\n",
			(listing.bytes + 1023) / 1024, listing.count,
			listing.count == 1 ? "" : "s");
	print_spooled(sendmail);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EX_OK;
	(void)tp_report_set(
		&err, TILLPOST_EIO, "standard output", "could not be written");
	return tp_sendmail_fail(&err);
}
