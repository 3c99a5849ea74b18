/*
 * message.c - from what a host submits to what goes on the wire
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/message.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "core/header.h"
#include "core/message_head.h"
#include "core/message_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Addresses as named by the host, before duplicates are dropped: a bound on
 * memory, not a policy. */
#define RAW_RECIPIENTS_MAX 100000
#define MESSAGE_ID_MAX 998
/* One given from outside the message: fits into a line with its name. */
#define GIVEN_ID_MAX 512

/* What tp_message_prepare() works on; the results go into `out`. */
struct work {
	const struct tp_message_input *input;
	const struct tp_message_policy *policy;
	struct tp_message_head head;
	struct tp_address_list store_from; /* policy.from: none or one */
	struct tp_address_list from;	   /* of the message, as submitted */
	struct tp_message_head_plan plan;
	char date[TP_RFC5322_DATE_BYTES];
	struct tp_message *out;
	struct tp_error *err;
};

static int no_memory(struct tp_error *err)
{
	return tp_fail(err, TP_ENOMEM, "message", "out of memory");
}

/* ---- size and raw bytes ------------------------------------------------- */

static int too_big(const struct work *work, size_t bytes)
{
	return tp_fail(work->err, TP_ETOOBIG, "message",
		"%zu bytes, the store allows %zu", bytes,
		work->policy->max_bytes);
}

/* Before anything is copied. Headers may still be removed, hence the room. */
static int check_input(const struct work *work)
{
	size_t len = work->input->len;
	size_t max = work->policy->max_bytes;

	if (len == 0)
		return tp_fail(
			work->err, TP_EMESSAGE, "message", "it is empty");
	if (len > max && len - max > TP_HEADER_BLOCK_MAX_BYTES)
		return too_big(work, len);
	return TP_OK;
}

/* ---- From --------------------------------------------------------------- */

static int read_store_from(struct work *work)
{
	const char *from = work->policy->from;
	int rc;

	if (!from)
		return TP_OK;
	rc = tp_address_list_parse(from, strlen(from), 1, "store setting from",
		&work->store_from, work->err);
	if (rc == TP_OK && work->store_from.count != 1)
		rc = tp_fail(work->err, TP_EADDRESS, "store setting from",
			"expected one address");
	return rc;
}

static int read_from(struct work *work)
{
	const struct tp_header_field *field =
		tp_message_head_find(&work->head, TP_HEAD_FROM);
	int rc;

	if (!field && work->store_from.count == 0 &&
		!work->policy->from_optional)
		return tp_fail(work->err, TP_EMESSAGE, "From",
			"the message has no From header; add one, or set the "
			"store's 'from'");
	if (!field)
		return TP_OK;
	rc = tp_address_list_parse(field->value, field->value_len,
		RAW_RECIPIENTS_MAX, "From", &work->from, work->err);
	if (rc == TP_OK && work->from.count == 0)
		rc = tp_fail(work->err, TP_EADDRESS, "From",
			"the From header names no address");
	return rc;
}

/* Which From goes out. */
static int plan_from(struct work *work)
{
	const struct tp_address *store = work->store_from.items;
	const struct tp_address *old = work->from.items;
	struct tp_message_head_plan *plan = &work->plan;
	const char *addr;

	if (store && (!old || work->policy->from_policy == TP_FROM_REPLACE)) {
		plan->from_addr = store->addr;
		plan->from_name = store->name;
		if (old && !plan->from_name)
			plan->from_name = old->name;
		plan->reply_to =
			old &&
			!tp_message_head_find(&work->head, TP_HEAD_REPLY_TO) &&
			(work->from.count > 1 ||
				tp_address_compare(old->addr, store->addr));
	}
	if (!plan->from_addr && !old) /* from_optional */
		return TP_OK;
	addr = plan->from_addr ? plan->from_addr : old->addr;
	work->out->from_addr = tp_strdup(addr);
	return work->out->from_addr ? TP_OK : no_memory(work->err);
}

/* ---- envelope ----------------------------------------------------------- */

static int make_sender(struct work *work)
{
	const char *sender = work->policy->envelope_from;
	const char *where = "store setting envelope_from";
	int non_ascii = 0;
	int rc;

	if (!sender) {
		sender = work->input->sender;
		where = "sender";
	}
	if (!sender) {
		sender = work->store_from.count ? work->store_from.items[0].addr
			 : work->from.count	? work->from.items[0].addr
						: ""; /* from_optional */
		where = "From";
	}
	rc = tp_address_check(
		sender, 1, where, &work->out->sender, &non_ascii, work->err);
	if (rc == TP_OK && non_ascii)
		work->out->smtputf8 = 1;
	return rc;
}

static int add_arguments(struct work *work)
{
	const struct tp_message_input *input = work->input;
	int rc = TP_OK;
	size_t i;

	if (input->recipient_count > RAW_RECIPIENTS_MAX)
		return tp_fail(work->err, TP_ETOOBIG, "recipients",
			"%zu recipients, the store allows %zu",
			input->recipient_count, work->policy->recipients_max);
	for (i = 0; i < input->recipient_count && rc >= 0; i++) {
		const char *addr = input->recipients[i];
		char where[32];

		(void)snprintf(where, sizeof(where), "recipient %zu", i + 1);
		rc = tp_address_list_add(&work->out->recipients,
			addr ? addr : "", where, work->err);
	}
	return rc;
}

static int add_from_headers(struct work *work)
{
	int rc = TP_OK;
	size_t i;

	for (i = 0; i < work->head.count && rc >= 0; i++) {
		const struct tp_message_head_entry *entry =
			&work->head.entries[i];
		const char *where = entry->id == TP_HEAD_TO    ? "To"
				    : entry->id == TP_HEAD_CC  ? "Cc"
				    : entry->id == TP_HEAD_BCC ? "Bcc"
							       : NULL;

		if (where)
			rc = tp_address_list_parse(entry->field.value,
				entry->field.value_len, RAW_RECIPIENTS_MAX,
				where, &work->out->recipients, work->err);
	}
	return rc;
}

static int by_address(const void *a, const void *b)
{
	const struct tp_address *x = *(const struct tp_address *const *)a;
	const struct tp_address *y = *(const struct tp_address *const *)b;
	int order = tp_address_compare(x->addr, y->addr);

	if (order == 0 && x != y)
		order = x < y ? -1 : 1; /* the first one named stays */
	return order;
}

/* Sorted pointers find equal addresses in n log n; the order of the list
 * itself is kept. */
static int drop_duplicates(struct tp_address_list *list, struct tp_error *err)
{
	struct tp_address **sorted = tp_calloc(list->count, sizeof(*sorted));
	struct tp_address *kept = NULL;
	size_t count = 0;
	size_t i;

	if (!sorted)
		return no_memory(err);
	for (i = 0; i < list->count; i++)
		sorted[i] = &list->items[i];
	if (list->count > 1)
		qsort(sorted, list->count, sizeof(*sorted), by_address);
	for (i = 0; i < list->count; i++) {
		if (!kept || tp_address_compare(kept->addr, sorted[i]->addr)) {
			kept = sorted[i];
			continue;
		}
		tp_free(sorted[i]->addr);
		tp_free(sorted[i]->name);
		sorted[i]->addr = NULL;
	}
	for (i = 0; i < list->count; i++)
		if (list->items[i].addr)
			list->items[count++] = list->items[i];
	list->count = count;
	tp_free(sorted);
	return TP_OK;
}

static int add_archive(struct work *work)
{
	struct tp_address_list *list = &work->out->recipients;
	size_t before = list->count;
	size_t i;
	int rc;

	if (!work->policy->bcc_archive)
		return TP_OK;
	rc = tp_address_list_add(list, work->policy->bcc_archive,
		"store setting bcc_archive", work->err);
	if (rc < 0)
		return rc;
	for (i = 0; i < before; i++)
		if (tp_address_compare(
			    list->items[i].addr, list->items[before].addr) == 0)
			break;
	if (i < before) {
		tp_free(list->items[before].addr);
		list->count = before;
	}
	return TP_OK;
}

static int make_recipients(struct work *work)
{
	struct tp_address_list *list = &work->out->recipients;
	int rc = add_arguments(work);
	size_t i;

	if (rc >= 0 && work->input->recipients_from_headers)
		rc = add_from_headers(work);
	if (rc >= 0)
		rc = drop_duplicates(list, work->err);
	if (rc < 0)
		return rc;
	if (list->count == 0)
		return tp_fail(work->err, TP_EADDRESS, "recipients",
			"no valid recipient; %s",
			work->input->recipients_from_headers
				? "put an address into To, Cc or Bcc"
				: "name one, or have To, Cc and Bcc used");
	if (list->count > work->policy->recipients_max)
		return tp_fail(work->err, TP_ETOOBIG, "recipients",
			"%zu recipients, the store allows %zu", list->count,
			work->policy->recipients_max);
	rc = add_archive(work);
	for (i = 0; rc >= 0 && i < list->count; i++)
		work->out->smtputf8 |= list->items[i].non_ascii;
	return rc;
}

/* ---- Message-ID --------------------------------------------------------- */

static int ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return 0;
	return 1;
}

static const char *id_domain(const struct work *work)
{
	const char *candidates[] = {
		work->policy->id_domain,
		work->out->from_addr ? tp_address_domain(work->out->from_addr)
				     : NULL,
		tp_address_domain(work->out->sender),
	};
	size_t i;

	for (i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++)
		if (candidates[i] && candidates[i][0] && ascii(candidates[i]))
			return candidates[i];
	return "localhost.invalid";
}

/* <time.random@domain>: a queue id is both halves, ten and eight letters. */
static int new_message_id(struct work *work, int64_t now_ms)
{
	const char *domain = work->policy->id_domain;
	struct tp_buf buf = TP_BUF_INIT(MESSAGE_ID_MAX);
	char id[TP_QUEUE_ID_BYTES];
	int rc;

	if (domain && !tp_domain_valid(domain, strlen(domain)))
		return tp_fail(work->err, TP_EADDRESS, "id_domain",
			"not a domain name");
	rc = tp_queue_id(now_ms, id);
	if (rc < 0)
		return tp_fail(work->err, rc, "message",
			"no random bytes from the system");
	rc = tp_buf_printf(&buf, "<%.10s.%s@%s>", id, id + 10, id_domain(work));
	if (rc >= 0)
		work->out->message_id = tp_buf_take(&buf, NULL);
	tp_buf_free(&buf);
	return work->out->message_id ? TP_OK : no_memory(work->err);
}

/* RFC 5322 3.6.4, without the quoted and obsolete forms. */
static int is_message_id(const char *id)
{
	size_t len = strlen(id);
	const char *at = strchr(id, '@');
	size_t i;

	if (len < 5 || len > GIVEN_ID_MAX || id[0] != '<' ||
		id[len - 1] != '>' || !at || at == id + 1 || at == id + len - 2)
		return 0;
	for (i = 1; i < len - 1; i++)
		if (id[i] <= ' ' || id[i] > '~' || strchr("<>\"\\()", id[i]) ||
			(id[i] == '@' && id + i != at))
			return 0;
	return 1;
}

static int given_message_id(struct work *work)
{
	if (!is_message_id(work->input->message_id))
		return tp_fail(work->err, TP_EMESSAGE, "message_id",
			"is not of the form <left@right> in at most %d bytes",
			GIVEN_ID_MAX);
	work->out->message_id = tp_strdup(work->input->message_id);
	return work->out->message_id ? TP_OK : no_memory(work->err);
}

static int make_message_id(struct work *work, int64_t now_ms)
{
	const struct tp_header_field *field =
		tp_message_head_find(&work->head, TP_HEAD_MESSAGE_ID);

	if (!field)
		return work->input->message_id ? given_message_id(work)
					       : new_message_id(work, now_ms);
	if (field->value_len > MESSAGE_ID_MAX)
		return tp_fail(work->err, TP_EMESSAGE, "Message-ID",
			"line %zu: longer than %d bytes", field->line,
			MESSAGE_ID_MAX);
	work->out->message_id = tp_header_unfold(field);
	return work->out->message_id ? TP_OK : no_memory(work->err);
}

/* ---- the bytes ---------------------------------------------------------- */

static int assemble(struct work *work, const struct tp_buf *head)
{
	const char *body = work->input->data + work->head.body_at;
	size_t body_len = work->input->len - work->head.body_at;
	struct tp_message *out = work->out;
	struct tp_message_lines head_lines;
	struct tp_message_lines lines;

	tp_message_lines_measure(head->data, head->len, &head_lines);
	tp_message_lines_measure(body, body_len, &lines);
	if (lines.nul)
		return tp_fail(work->err, TP_EMESSAGE, "body",
			"it holds a NUL byte; encode binary parts (base64)");
	out->len = head->len + lines.out_len;
	if (out->len > work->policy->max_bytes)
		return too_big(work, out->len);
	/* not tp_alloc(): that would write every byte twice */
	out->data = tp_realloc(NULL, out->len + 1);
	if (!out->data)
		return no_memory(work->err);
	memcpy(out->data, head->data, head->len);
	tp_message_lines_copy(&lines, body, body_len, out->data + head->len);
	out->data[out->len] = '\0';
	out->eight_bit = head_lines.eight_bit | lines.eight_bit;
	out->longest_line = head_lines.longest_line > lines.longest_line
				    ? head_lines.longest_line
				    : lines.longest_line;
	return TP_OK;
}

static int write_all(struct work *work, int64_t now_ms)
{
	struct tp_buf head = TP_BUF_INIT(TP_HEADER_BLOCK_MAX_BYTES);
	int rc;

	tp_format_rfc5322(now_ms, work->date);
	work->plan.date = work->date;
	work->plan.message_id = work->out->message_id;
	rc = tp_message_head_write(&work->head, &work->plan, &head, work->err);
	if (rc >= 0)
		rc = assemble(work, &head);
	tp_buf_free(&head);
	return rc;
}

static int prepare(struct work *work, int64_t now_ms)
{
	int rc = check_input(work);

	if (rc >= 0)
		rc = tp_message_head_read(work->input->data, work->input->len,
			work->policy->store_header, &work->head, work->err);
	if (rc >= 0)
		rc = read_store_from(work);
	if (rc >= 0)
		rc = read_from(work);
	if (rc >= 0)
		rc = plan_from(work);
	if (rc >= 0)
		rc = make_sender(work);
	if (rc >= 0)
		rc = make_recipients(work);
	if (rc >= 0)
		rc = make_message_id(work, now_ms);
	if (rc >= 0)
		rc = write_all(work, now_ms);
	return rc;
}

int tp_message_prepare(const struct tp_message_input *input,
	const struct tp_message_policy *policy, const struct tp_clock *clock,
	struct tp_message *message_out, struct tp_error *err)
{
	struct work work = {
		.input = input, .policy = policy, .out = message_out, .err = err
	};
	int rc;

	memset(message_out, 0, sizeof(*message_out));
	rc = prepare(&work, tp_now_ms(clock));
	tp_message_head_free(&work.head);
	tp_address_list_free(&work.store_from);
	tp_address_list_free(&work.from);
	if (rc < 0)
		tp_message_free(message_out);
	return rc;
}

void tp_message_free(struct tp_message *message)
{
	tp_free(message->data);
	tp_free(message->sender);
	tp_free(message->message_id);
	tp_free(message->from_addr);
	tp_address_list_free(&message->recipients);
	memset(message, 0, sizeof(*message));
}

/* ---- peek --------------------------------------------------------------- */

/* An unusable From is no error here: the store may still be found in another
 * way, and tp_message_prepare() will say what is wrong. */
static int peek_from(const struct tp_header_field *field, char **addr_out)
{
	struct tp_address_list list = TP_ADDRESS_LIST_INIT;
	int rc = tp_address_list_parse(field->value, field->value_len,
		RAW_RECIPIENTS_MAX, "From", &list, NULL);

	if (rc == TP_OK && list.count > 0) {
		*addr_out = list.items[0].addr;
		list.items[0].addr = NULL;
	}
	tp_address_list_free(&list);
	return rc == TP_ENOMEM ? rc : TP_OK;
}

int tp_message_peek(const char *data, size_t len, const char *store_header,
	struct tp_message_hints *hints_out, struct tp_error *err)
{
	struct tp_header_field field;
	struct tp_header_scan scan;
	int from_seen = 0;
	int rc;

	memset(hints_out, 0, sizeof(*hints_out));
	tp_header_begin(&scan, data, len);
	while ((rc = tp_header_next(&scan, &field, err)) == 1) {
		if (field.value_len == 0)
			continue;
		if (store_header && !hints_out->store_header &&
			tp_header_is(&field, store_header)) {
			hints_out->store_header = tp_header_unfold(&field);
			if (!hints_out->store_header)
				rc = no_memory(err);
		} else if (!from_seen && tp_header_is(&field, "From")) {
			from_seen = 1;
			if (peek_from(&field, &hints_out->from_addr) < 0)
				rc = no_memory(err);
		}
		if (rc < 0)
			break;
	}
	if (rc < 0)
		tp_message_hints_free(hints_out);
	return rc;
}

void tp_message_hints_free(struct tp_message_hints *hints)
{
	tp_free(hints->from_addr);
	tp_free(hints->store_header);
	memset(hints, 0, sizeof(*hints));
}
