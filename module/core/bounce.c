/*
 * bounce.c - the report that a message could not be delivered
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/bounce.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define LINE_MAX_BYTES 998 /* RFC 5322 2.1.1 */
#define QP_LINE_BYTES 76   /* RFC 2045 6.7 rule 5 */
#define FOLD_BYTES 76
#define HOST_MAX_BYTES 255
#define ADDRESS_MAX_BYTES 254
#define SENDER_MAX_BYTES 512
/* Longer than any address that RFC 5321 allows becomes, mostly. */
#define XTEXT_MAX_BYTES 900
#define BOUNDARY_BYTES 48

/* Everything the writers below need. */
struct report {
	const struct tp_bounce_request *request;
	const struct tp_queue_item *item;
	char host[HOST_MAX_BYTES + 1];
	char from[ADDRESS_MAX_BYTES + HOST_MAX_BYTES];
	char boundary[BOUNDARY_BYTES];
	char queue_id[TP_QUEUE_ID_BYTES];
	int64_t now_ms;
	struct tp_buf people;
	struct tp_buf status;
	struct tp_buf original;
	struct tp_buf out;
};

/* What to do about it. The first row that fits. */
static const struct {
	int cls;	      /* enum tp_class; -1: any */
	const char *enhanced; /* beginning; "": any */
	const char *text;
} advices[] = {
	{ TP_CLASS_UNKNOWN, "",
		"The connection broke before the server confirmed the "
		"message, so\r\n    it may have arrived. Ask the recipient "
		"before you send it again." },
	{ TP_CLASS_TEMPORARY, "",
		"It was tried until its time was over. Send it again later, "
		"or\r\n    reach the recipient in another way." },
	{ TP_CLASS_THROTTLED, "",
		"The mail service took no more mail in time. Send it again "
		"later." },
	{ TP_CLASS_CREDENTIALS, "",
		"The login at the mail service has to be put right. Tell "
		"your\r\n    administrator." },
	{ TP_CLASS_SENDER, "",
		"The mail service does not accept this sender yet. Tell "
		"your\r\n    administrator." },
	{ TP_CLASS_CONFIG, "",
		"The settings of the mail service have to be put right. Tell "
		"your\r\n    administrator." },
	{ -1, "5.1.7", "Check the address that you send from." },
	{ -1, "5.1.8", "Check the address that you send from." },
	{ -1, "5.1.",
		"Check the address for mistakes: it does not exist, or takes "
		"no mail." },
	{ -1, "5.2.3",
		"The message is too big. Send less, or smaller attachments." },
	{ -1, "5.3.4",
		"The message is too big. Send less, or smaller attachments." },
	{ -1, "5.2.",
		"The mailbox takes no mail now. Reach the recipient in "
		"another way." },
	{ -1, "5.7.",
		"The server's rules forbid this message; the address need "
		"not be\r\n    wrong. Tell your administrator." },
	{ -1, "",
		"The server's words say why. If they do not help, forward "
		"this\r\n    report to your administrator." },
};

/* ---- values ------------------------------------------------------------- */

/* Printable ASCII without spaces and without what would end a field. */
static int plain_word(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f || strchr("<>()\",;\\", s[i]))
			return 0;
	return len > 0;
}

static void choose_host(struct report *report)
{
	const char *host = report->request->reporting_host;

	if (!host || strlen(host) > HOST_MAX_BYTES ||
		!plain_word(host, strlen(host)))
		host = "localhost";
	(void)snprintf(report->host, sizeof(report->host), "%s", host);
}

/* The address in "a@b" or "Name <a@b>", if a header can hold it as it is. */
static void choose_from(struct report *report)
{
	const char *from = report->request->from ? report->request->from : "";
	const char *open = strrchr(from, '<');
	size_t len;

	if (open)
		from = open + 1;
	len = strcspn(from, ">");
	if (len <= ADDRESS_MAX_BYTES && plain_word(from, len) &&
		memchr(from, '@', len))
		(void)snprintf(report->from, sizeof(report->from), "%.*s",
			(int)len, from);
	else
		(void)snprintf(report->from, sizeof(report->from),
			"postmaster@%s", report->host);
}

static int is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return 0;
	return 1;
}

static int sender_usable(const char *sender)
{
	const char *at;

	for (at = sender; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return 0;
	return at > sender && at - sender <= SENDER_MAX_BYTES &&
	       tp_utf8_valid(sender, (size_t)(at - sender));
}

/* Visible text on one line: bytes that are not become \xNN, which is how the
 * server's words were already treated, so backslashes stay. */
static int add_visible(
	struct tp_buf *out, const char *s, size_t max_bytes, int keep_utf8)
{
	size_t start = out->len;
	size_t left = s ? strlen(s) : 0;
	int rc = TP_OK;

	while (left > 0 && rc >= 0) {
		unsigned char c = (unsigned char)*s;
		size_t step = tp_utf8_sequence(s, left);

		if (out->len - start + 4 > max_bytes)
			return tp_buf_str_add(out, "...");
		/* 0xc2 with less than 0xa0 is a C1 control */
		if (step == 1 ? c < 0x20 || c == 0x7f
			      : step == 0 || !keep_utf8 ||
					(c == 0xc2 &&
						(unsigned char)s[1] < 0xa0)) {
			rc = tp_buf_printf(out, "\\x%02x", c);
			step = 1;
		} else {
			rc = tp_buf_add(out, s, step);
		}
		s += step;
		left -= step;
	}
	return rc;
}

static uint32_t code_point(const char *s, size_t step)
{
	static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t point = (unsigned char)s[0] & masks[step];
	size_t i;

	for (i = 1; i < step; i++)
		point = point << 6 | ((unsigned char)s[i] & 0x3f);
	return point;
}

/* utf-8-addr-xtext of RFC 6533 3. */
static int add_address_xtext(struct tp_buf *out, const char *addr)
{
	size_t start = out->len;
	size_t left = strlen(addr);
	int rc = TP_OK;

	while (left > 0 && rc >= 0 && out->len - start < XTEXT_MAX_BYTES) {
		size_t step = tp_utf8_sequence(addr, left);
		unsigned char c = (unsigned char)*addr;

		if (step == 0) {
			rc = tp_buf_str_add(out, "\\x{FFFD}");
			step = 1;
		} else if (c <= ' ' || c >= 0x7f || strchr("+=\\", c)) {
			rc = tp_buf_printf(out, "\\x{%02X}",
				(unsigned)code_point(addr, step));
		} else {
			rc = tp_buf_char(out, *addr);
		}
		addr += step;
		left -= step;
	}
	return rc;
}

/* ---- for people --------------------------------------------------------- */

static const char *advice_for(const struct tp_outcome *outcome)
{
	const char *enhanced = outcome->enhanced ? outcome->enhanced : "";
	size_t i = 0;

	while (i + 1 < COUNT(advices) &&
		!((advices[i].cls == -1 ||
			  advices[i].cls == (int)outcome->cls) &&
			strncmp(enhanced, advices[i].enhanced,
				strlen(advices[i].enhanced)) == 0))
		i++;
	return advices[i].text;
}

/* "550 5.1.1 " as far as known. */
static int add_codes(struct tp_buf *out, const struct tp_outcome *outcome)
{
	int rc = TP_OK;

	if (outcome->reply_code > 0)
		rc = tp_buf_printf(out, "%d ", outcome->reply_code);
	if (rc >= 0 && outcome->enhanced && outcome->enhanced[0]) {
		rc = add_visible(out, outcome->enhanced, 16, 0);
		if (rc >= 0)
			rc = tp_buf_char(out, ' ');
	}
	return rc;
}

static int add_person(struct tp_buf *out, const struct tp_outcome *outcome)
{
	int rc = tp_buf_str_add(out, "  <");

	if (rc >= 0)
		rc = add_visible(
			out, outcome->recipient, LINE_MAX_BYTES / 2, 1);
	if (rc >= 0)
		rc = tp_buf_str_add(out, outcome->reply_code > 0
						 ? ">\r\n    The server said: "
						 : ">\r\n    Reason: ");
	if (rc >= 0)
		rc = add_codes(out, outcome);
	if (rc >= 0)
		rc = add_visible(
			out, outcome->text, TP_BOUNCE_TEXT_MAX_BYTES, 1);
	if (rc >= 0)
		rc = tp_buf_printf(out, "\r\n    What to do:\r\n    %s\r\n\r\n",
			advice_for(outcome));
	return rc;
}

static int write_people(struct report *report)
{
	const struct tp_bounce_request *request = report->request;
	struct tp_buf *out = &report->people;
	char date[TP_RFC5322_DATE_BYTES];
	size_t i;
	int rc;

	tp_format_rfc5322(report->item->created_ms, date);
	rc = tp_buf_printf(out,
		"This is the mail system at %s.\r\n\r\n"
		"A message of yours could not be delivered to the recipients "
		"below.\r\nIt will not be tried again.\r\n\r\n",
		report->host);
	for (i = 0; i < request->rcpt_count && rc >= 0; i++)
		if (request->rcpts[i].state == TP_RCPT_FAILED)
			rc = add_person(out, &request->rcpts[i].outcome);
	if (rc >= 0)
		rc = tp_buf_printf(out, "Accepted: %s\r\nQueue id: %s\r\n",
			date, report->item->queue_id);
	if (rc >= 0 && report->item->message_id) {
		rc = tp_buf_str_add(out, "Message-ID: ");
		if (rc >= 0)
			rc = add_visible(out, report->item->message_id,
				TP_BOUNCE_TEXT_MAX_BYTES, 1);
		if (rc >= 0)
			rc = tp_buf_str_add(out, "\r\n");
	}
	if (rc >= 0 && report->original.len > 0)
		rc = tp_buf_str_add(out,
			"\r\nThe header of the message is attached; its text "
			"is not.\r\n");
	return rc;
}

/* ---- message/delivery-status -------------------------------------------- */

/* Adds "NAME: VALUE", folded at spaces where it gets long. */
static int add_field(struct tp_buf *out, const char *name, const char *value)
{
	size_t column = strlen(name) + 2;
	int rc = tp_buf_printf(out, "%s: ", name);

	while (*value && rc >= 0) {
		size_t spaces = strspn(value, " ");
		size_t word = spaces + strcspn(value + spaces, " ");

		/* Trailing spaces stay: a line of spaces alone is no field. */
		if (spaces > 0 && word > spaces && column + word > FOLD_BYTES) {
			rc = tp_buf_str_add(out, "\r\n");
			column = 0;
		}
		if (rc >= 0)
			rc = tp_buf_add(out, value, word);
		column += word;
		value += word;
	}
	return rc >= 0 ? tp_buf_str_add(out, "\r\n") : rc;
}

static int is_number(const char *s, size_t len)
{
	return len >= 1 && len <= 3 && strspn(s, "0123456789") >= len;
}

/* RFC 3463 2: a failure has class 4 or 5. */
static int status_valid(const char *status)
{
	size_t subject;

	if (!status || (status[0] != '4' && status[0] != '5') ||
		status[1] != '.')
		return 0;
	status += 2;
	subject = strcspn(status, ".");
	return is_number(status, subject) && status[subject] == '.' &&
	       is_number(status + subject + 1, strlen(status + subject + 1));
}

static const char *status_for(const struct tp_outcome *outcome)
{
	if (status_valid(outcome->enhanced))
		return outcome->enhanced;
	if (outcome->cls == TP_CLASS_UNKNOWN)
		return "4.4.2"; /* bad connection */
	if (outcome->reply_code / 100 == 4)
		return "4.0.0";
	if (outcome->reply_code == 0 && outcome->cls != TP_CLASS_PERMANENT)
		return "4.4.7"; /* delivery time expired */
	return "5.0.0";
}

static int add_final_recipient(struct tp_buf *out, const char *addr)
{
	int rc;

	if (is_ascii(addr)) {
		rc = tp_buf_str_add(out, "Final-Recipient: rfc822; ");
		if (rc >= 0)
			rc = add_visible(out, addr, LINE_MAX_BYTES / 2, 0);
	} else {
		rc = tp_buf_str_add(out, "Final-Recipient: utf-8; ");
		if (rc >= 0)
			rc = add_address_xtext(out, addr);
	}
	return rc >= 0 ? tp_buf_str_add(out, "\r\n") : rc;
}

static int add_diagnostic(struct tp_buf *out, const struct tp_outcome *outcome)
{
	struct tp_buf value;
	int rc;

	tp_buf_init(&value, 2 * TP_BOUNCE_TEXT_MAX_BYTES);
	rc = tp_buf_str_add(
		&value, outcome->reply_code > 0 ? "smtp; " : "x-tillpost; ");
	if (rc >= 0)
		rc = add_codes(&value, outcome);
	if (rc >= 0)
		rc = add_visible(
			&value, outcome->text, TP_BOUNCE_TEXT_MAX_BYTES, 0);
	if (rc >= 0)
		rc = add_field(out, "Diagnostic-Code", tp_buf_str(&value));
	tp_buf_free(&value);
	return rc;
}

static int add_recipient_status(
	struct report *report, const struct tp_outcome *outcome)
{
	struct tp_buf *out = &report->status;
	const char *remote = report->request->remote_host;
	char date[TP_RFC5322_DATE_BYTES];
	int rc = tp_buf_str_add(out, "\r\n");

	if (rc >= 0)
		rc = add_final_recipient(out, outcome->recipient);
	if (rc >= 0)
		rc = tp_buf_printf(out, "Action: failed\r\nStatus: %s\r\n",
			status_for(outcome));
	if (rc >= 0 && remote && strlen(remote) <= HOST_MAX_BYTES &&
		plain_word(remote, strlen(remote)))
		rc = tp_buf_printf(out, "Remote-MTA: dns; %s\r\n", remote);
	if (rc >= 0)
		rc = add_diagnostic(out, outcome);
	if (rc >= 0 && outcome->time_ms > 0) {
		tp_format_rfc5322(outcome->time_ms, date);
		rc = tp_buf_printf(out, "Last-Attempt-Date: %s\r\n", date);
	}
	return rc;
}

static int write_status(struct report *report)
{
	const struct tp_bounce_request *request = report->request;
	char date[TP_RFC5322_DATE_BYTES];
	size_t i;
	int rc;

	tp_format_rfc5322(report->item->created_ms, date);
	rc = tp_buf_printf(&report->status,
		"Reporting-MTA: dns; %s\r\nOriginal-Envelope-Id: %s\r\n"
		"Arrival-Date: %s\r\n",
		report->host, report->item->queue_id, date);
	for (i = 0; i < request->rcpt_count && rc >= 0; i++)
		if (request->rcpts[i].state == TP_RCPT_FAILED)
			rc = add_recipient_status(
				report, &request->rcpts[i].outcome);
	return rc;
}

/* ---- the original's header ---------------------------------------------- */

/* @return where the header ends: the first empty line, or the last line that
 *         fits */
static size_t header_length(const char *data, size_t len)
{
	size_t at = 0;

	if (len > TP_BOUNCE_HEADER_MAX_BYTES)
		len = TP_BOUNCE_HEADER_MAX_BYTES;
	while (at < len) {
		const char *end = memchr(data + at, '\n', len - at);

		if (!end || data[at] == '\n' ||
			(data[at] == '\r' && end == data + at + 1))
			break;
		at = (size_t)(end - data) + 1;
	}
	return at;
}

static int write_original(struct report *report)
{
	const struct tp_queue_item *item = report->item;

	if (!item->data)
		return TP_OK;
	return tp_buf_add(&report->original, item->data,
		header_length(item->data, item->data_len));
}

/* ---- putting it together ------------------------------------------------ */

/* Lines of printable ASCII that end with CRLF and are not too long. */
static int is_plain(const char *data, size_t len)
{
	size_t line = 0;
	size_t i;

	for (i = 0; i < len; i++, line++) {
		unsigned char c = (unsigned char)data[i];

		if (c == '\r' && i + 1 < len && data[i + 1] == '\n') {
			i++;
			line = (size_t)-1;
		} else if ((c < ' ' && c != '\t') || c >= 0x7f ||
			   line >= LINE_MAX_BYTES) {
			return 0;
		}
	}
	return 1;
}

static int at_line_end(const char *data, size_t len, size_t at)
{
	return at == len ||
	       (at + 1 < len && data[at] == '\r' && data[at + 1] == '\n');
}

/* RFC 2045 6.7. */
static int add_quoted_printable(
	struct tp_buf *out, const char *data, size_t len)
{
	size_t column = 0;
	size_t i;
	int rc = TP_OK;

	for (i = 0; i < len && rc >= 0; i++) {
		unsigned char c = (unsigned char)data[i];
		int literal = (c > ' ' && c < 0x7f && c != '=') ||
			      ((c == ' ' || c == '\t') &&
				      !at_line_end(data, len, i + 1));

		if (c == '\r' && at_line_end(data, len, i)) {
			rc = tp_buf_str_add(out, "\r\n");
			column = 0;
			i++;
			continue;
		}
		/* room for this one and for the '=' of a soft break */
		if (column + (literal ? 1 : 3) > QP_LINE_BYTES - 1) {
			rc = tp_buf_str_add(out, "=\r\n");
			column = 0;
		}
		if (rc >= 0)
			rc = literal ? tp_buf_char(out, (char)c)
				     : tp_buf_printf(out, "=%02X", c);
		column += literal ? 1 : 3;
	}
	return rc;
}

static int add_part(
	struct report *report, const char *type, const struct tp_buf *content)
{
	const char *data = tp_buf_str(content);
	int plain = is_plain(data, content->len);
	int rc = tp_buf_printf(&report->out,
		"\r\n--%s\r\nContent-Type: %s\r\n"
		"Content-Transfer-Encoding: %s\r\n\r\n",
		report->boundary, type, plain ? "7bit" : "quoted-printable");

	if (rc >= 0 && plain)
		rc = tp_buf_add(&report->out, data, content->len);
	else if (rc >= 0)
		rc = add_quoted_printable(&report->out, data, content->len);
	return rc;
}

/* 128 random bits; and looked for all the same, because strangers wrote what
 * is quoted. */
static int choose_boundary(struct report *report)
{
	unsigned char random[16];
	size_t used;
	size_t i;

	do {
		if (tp_random_bytes(random, sizeof(random)) < 0)
			return TP_EIO;
		used = (size_t)snprintf(report->boundary,
			sizeof(report->boundary), "tillpost-");
		for (i = 0; i < sizeof(random); i++)
			used += (size_t)snprintf(report->boundary + used,
				sizeof(report->boundary) - used, "%02x",
				random[i]);
	} while (strstr(tp_buf_str(&report->people), report->boundary) ||
		 strstr(tp_buf_str(&report->status), report->boundary) ||
		 strstr(tp_buf_str(&report->original), report->boundary));
	return TP_OK;
}

/* RFC 3834 3.1.6: only an id that a header can hold. */
static int add_references(struct report *report)
{
	const char *id = report->item->message_id;
	size_t len = id ? strlen(id) : 0;

	if (len < 3 || len > 250 || id[0] != '<' || id[len - 1] != '>' ||
		!plain_word(id + 1, len - 2))
		return TP_OK;
	return tp_buf_printf(
		&report->out, "In-Reply-To: %s\r\nReferences: %s\r\n", id, id);
}

static int add_header(struct report *report)
{
	char date[TP_RFC5322_DATE_BYTES];
	int rc;

	tp_format_rfc5322(report->now_ms, date);
	rc = tp_buf_printf(&report->out,
		"From: Mail Delivery System <%s>\r\nTo: <%s>\r\n"
		"Subject: Your message could not be delivered\r\n"
		"Date: %s\r\nMessage-ID: <%s@%s>\r\n",
		report->from, report->item->sender, date, report->queue_id,
		report->host);
	if (rc >= 0)
		rc = add_references(report);
	if (rc >= 0)
		rc = tp_buf_printf(&report->out,
			"Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
			"Content-Type: multipart/report;\r\n"
			"\treport-type=delivery-status;\r\n"
			"\tboundary=\"%s\"\r\n",
			report->boundary);
	return rc;
}

static int write_report(struct report *report)
{
	int rc = write_original(report);

	if (rc >= 0)
		rc = write_people(report);
	if (rc >= 0)
		rc = write_status(report);
	if (rc >= 0)
		rc = choose_boundary(report);
	if (rc >= 0)
		rc = add_header(report);
	if (rc >= 0)
		rc = add_part(
			report, "text/plain; charset=utf-8", &report->people);
	if (rc >= 0)
		rc = add_part(
			report, "message/delivery-status", &report->status);
	if (rc >= 0 && report->original.len > 0)
		rc = add_part(report, "text/rfc822-headers", &report->original);
	if (rc >= 0)
		rc = tp_buf_printf(
			&report->out, "\r\n--%s--\r\n", report->boundary);
	return rc;
}

/* Fills the queue item with what the report needs to be sent. */
static int fill_item(struct report *report, struct tp_queue_item *item)
{
	int64_t lifetime_ms = report->request->lifetime_ms;

	if (lifetime_ms <= 0)
		lifetime_ms = TP_BOUNCE_LIFETIME_MS;
	(void)snprintf(
		item->queue_id, sizeof(item->queue_id), "%s", report->queue_id);
	item->store = tp_strdup(report->item->store);
	item->relay = tp_strdup(report->item->relay);
	item->sender = tp_strdup("");
	item->message_id = tp_calloc(1, TP_QUEUE_ID_BYTES + HOST_MAX_BYTES + 4);
	item->rcpts = tp_calloc(1, sizeof(*item->rcpts));
	item->data = tp_buf_take(&report->out, &item->data_len);
	if (item->rcpts) {
		item->rcpt_count = 1;
		item->rcpts[0].address = tp_strdup(report->item->sender);
	}
	if ((report->item->store && !item->store) ||
		(report->item->relay && !item->relay) || !item->sender ||
		!item->message_id || !item->data || !item->rcpts ||
		!item->rcpts[0].address)
		return TP_ENOMEM;
	(void)snprintf(item->message_id, TP_QUEUE_ID_BYTES + HOST_MAX_BYTES + 4,
		"<%s@%s>", report->queue_id, report->host);
	item->smtputf8 = !is_ascii(report->item->sender);
	item->eight_bit = item->smtputf8;
	item->created_ms = report->now_ms;
	item->next_try_ms = report->now_ms;
	item->expires_ms = report->now_ms > INT64_MAX - lifetime_ms
				   ? INT64_MAX
				   : report->now_ms + lifetime_ms;
	item->state = TP_QUEUE_QUEUED;
	return TP_OK;
}

static int anybody_failed(const struct tp_bounce_request *request)
{
	size_t i;

	for (i = 0; i < request->rcpt_count; i++)
		if (request->rcpts[i].state == TP_RCPT_FAILED)
			return 1;
	return 0;
}

int tp_bounce_make(const struct tp_bounce_request *request,
	const struct tp_clock *clock, struct tp_queue_item *item_out,
	struct tp_error *err)
{
	struct report report = { .request = request, .item = request->item };
	int rc;

	memset(item_out, 0, sizeof(*item_out));
	if (!sender_usable(request->item->sender) || !anybody_failed(request))
		return 1;
	tp_buf_init(&report.people, TP_BOUNCE_MAX_BYTES);
	tp_buf_init(&report.status, TP_BOUNCE_MAX_BYTES);
	tp_buf_init(&report.original, TP_BOUNCE_HEADER_MAX_BYTES);
	tp_buf_init(&report.out, TP_BOUNCE_MAX_BYTES);
	report.now_ms = tp_now_ms(clock);
	choose_host(&report);
	choose_from(&report);
	rc = tp_queue_id(report.now_ms, report.queue_id);
	if (rc >= 0)
		rc = write_report(&report);
	if (rc >= 0)
		rc = fill_item(&report, item_out);
	if (rc < 0) {
		tp_queue_item_free(item_out);
		memset(item_out, 0, sizeof(*item_out));
		(void)tp_fail(err, rc, "bounce", "cannot make the report: %s",
			tp_err_text(rc));
	}
	tp_buf_free(&report.people);
	tp_buf_free(&report.status);
	tp_buf_free(&report.original);
	tp_buf_free(&report.out);
	return rc;
}
