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
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* Kept in memory until it is whole: the queue must not be held up by a slow
 * reader, and what is printed has a deadline. */
struct listing {
	FILE *out;
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

static void print_indented(FILE *out, const char *text)
{
	(void)fprintf(out, "%42s", "");
	tp_text_put(out, text);
	(void)fputc('\n', out);
}

static int32_t print_entry(void *ctx, const struct tillpost_queue_entry *entry)
{
	struct listing *listing = ctx;
	FILE *out = listing->out;
	char arrived[TP_WHEN_BYTES];
	uint32_t i;

	if (listing->count == 0)
		(void)fprintf(out,
			"-Queue ID-----------  --Size-- "
			"---Arrival Time---- -Sender/Recipient-------\n");
	tp_when_local(entry->created_ms, arrived);
	(void)fprintf(out, "%-19s%c %9lld %-19s ", entry->queue_id,
		mark(entry->state), (long long)entry->size_bytes, arrived);
	tp_text_put(out, entry->sender[0] ? entry->sender : "<>");
	(void)fputc('\n', out);
	if (entry->reason[0] != '\0') {
		(void)fprintf(out, "%20s(", "");
		tp_text_put(out, entry->reason);
		(void)fprintf(out, ")\n");
	}
	for (i = 0; i < entry->recipient_count; i++)
		if (strcmp(entry->recipient_states[i], "open") == 0)
			print_indented(out, entry->recipients[i]);
	(void)fputc('\n', out);
	listing->count++;
	listing->bytes += entry->size_bytes;
	return ferror(out);
}

/* Messages that the daemon has not taken in yet are not in the queue. */
static void print_spooled(const struct tp_sendmail *sendmail, FILE *out)
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
		(void)fprintf(out,
			"-- %lld in the spool, not yet in the queue.\n",
			(long long)status.spooled_count);
	if (status.quarantined_count > 0)
		(void)fprintf(out,
			"-- %lld in quarantine: see tillpost spool.\n",
			(long long)status.quarantined_count);
}

static int32_t list(struct tp_sendmail *sendmail, struct listing *listing,
	struct tillpost_error *err)
{
	struct tillpost_queue_filter filter;
	int32_t rc = tp_sendmail_open(sendmail, TILLPOST_ROLE_EMBEDDED,
		TILLPOST_OPEN_PASSIVE | TILLPOST_OPEN_NO_SECRETS, err);

	if (rc < 0)
		return rc;
	TILLPOST_INIT(&filter);
	TILLPOST_INIT(err);
	rc = sendmail->plugin.api->queue_list(
		sendmail->handle, &filter, print_entry, listing, err);
	if (rc < 0)
		return rc;
	if (listing->count == 0)
		(void)fprintf(listing->out, "Mail queue is empty\n");
	else
		(void)fprintf(listing->out,
			"-- %lld Kbytes in %lld Request%s.\n",
			(listing->bytes + 1023) / 1024, listing->count,
			listing->count == 1 ? "" : "s");
	print_spooled(sendmail, listing->out);
	return rc;
}

static int refuse(
	const struct tp_sendmail *sendmail, const struct tillpost_error *err)
{
	struct tillpost_error hint;

	(void)tp_report_set(&hint, err->status, "",
		"the queue is for root and the user of tillpostd to see; "
		"others may ask for one message: tillpost queue show ID");
	tp_sendmail_say(&hint, sendmail->timeout_ms);
	return tp_sendmail_fail(sendmail, err);
}

static int no_memory(const struct tp_sendmail *sendmail)
{
	struct tillpost_error err;

	(void)tp_report_set(&err, TILLPOST_ENOMEM, "queue", "out of memory");
	return tp_sendmail_fail(sendmail, &err);
}

int tp_sendmail_queue(struct tp_sendmail *sendmail)
{
	char *text = NULL;
	size_t len = 0;
	struct listing listing = { .out = open_memstream(&text, &len) };
	struct tillpost_error err;
	int32_t rc;
	int lost;
	int code;

	if (!listing.out)
		return no_memory(sendmail);
	rc = list(sendmail, &listing, &err);
	lost = ferror(listing.out);
	if (fclose(listing.out) != 0 || lost)
		code = no_memory(sendmail);
	else if (rc < 0)
		code = refuse(sendmail, &err);
	else
		code = tp_sendmail_print(sendmail, text, len);
	free(text);
	return code;
}
