/*
 * relay_fault_matrix_test.c - every fault of a relay at every step
 *
 * JOB     Steps x faults x recipients x PIPELINING, each cell a connection to
 *         a fake relay with one fault. What must come of it is in one table.
 *         Every cell must end within the deadline that it runs into and two
 *         seconds; nothing temporary may be taken for permanent; nothing may
 *         be "sent" without the relay's good answer to the dot, and what was
 *         not sent must not have reached the relay as a message. TLS has its
 *         own tests.
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "transport_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 8
#define DEADLINE_MS 300
#define QUIT_DEADLINE_MS 2000
#define MARGIN_MS 2000
/* More than the kernel keeps on both sides: see transport_fixture.c. */
#define BIG_BYTES (6u << 20)

enum fault {
	SAYS_4XX,
	SAYS_5XX,
	SAYS_421,
	CLOSES,
	RESETS,
	HANGS,
	GARBAGE,
	SLOW,
	LONG_LINE,
	MISMATCH,
	ENDLESS,
	EXTRA,
	FAULT_COUNT
};

static const char *const fault_names[FAULT_COUNT] = { "4xx", "5xx", "421",
	"close", "reset", "hang", "garbage", "slow", "long line", "mismatch",
	"endless", "extra reply" };

enum step {
	AT_GREETING,
	AT_EHLO,
	AT_AUTH,
	AT_MAIL,
	AT_RCPT_FIRST,
	AT_RCPT_LAST,
	AT_DATA,
	AT_BODY,
	AT_DOT,
	AT_RSET,
	AT_QUIT,
	STEP_COUNT
};

/* What must come of the recipient that the fault strikes, one letter for each
 * fault in the order above: Temporary, Permanent, Credentials, Unknown,
 * Sent. A refused login is the login's fault, not the message's. A refused
 * RSET says nothing about the message that follows it. In mid-body a refusal
 * is one, and any other reply is out of place. A 250 too many behind the
 * greeting passes for the answer to EHLO, which then offers no login. */
static const struct {
	const char *name;
	enum fake_step fake;
	int code; /* the good answer there */
	const char *classes;
} steps[STEP_COUNT] = {
	/*                                      45421crhgslmex */
	[AT_GREETING] = { "greeting", FAKE_GREETING, 220, "TTTTTTTTTTTC" },
	[AT_EHLO] = { "ehlo", FAKE_EHLO, 250, "TTTTTTTTTTTT" },
	[AT_AUTH] = { "auth", FAKE_AUTH, 235, "TCTTTTTTTTTT" },
	[AT_MAIL] = { "mail", FAKE_MAIL, 250, "TPTTTTTTTTTT" },
	[AT_RCPT_FIRST] = { "rcpt first", FAKE_RCPT, 250, "TPTTTTTTTTTT" },
	[AT_RCPT_LAST] = { "rcpt last", FAKE_RCPT, 250, "TPTTTTTTTTTT" },
	[AT_DATA] = { "data", FAKE_DATA, 354, "TPTTTTTTTTTT" },
	[AT_BODY] = { "body", FAKE_BODY, 250, "TPTTTTTTTTTT" },
	[AT_DOT] = { "dot", FAKE_DOT, 250, "TPTUUUUUUUUS" },
	[AT_RSET] = { "rset", FAKE_RSET, 250, "SSTTTTTTTTTT" },
	[AT_QUIT] = { "quit", FAKE_QUIT, 221, "SSSSSSSSSSSS" },
};

/* The other recipients share the fate of the one that is struck, except that
 * a refusal of one is no refusal of the others. */
static char expected(enum step step, enum fault fault, int is_struck)
{
	if (!is_struck && (step == AT_RCPT_FIRST || step == AT_RCPT_LAST) &&
		(fault == SAYS_4XX || fault == SAYS_5XX))
		return 'S';
	return steps[step].classes[fault];
}

static const char class_letters[] = {
	[TP_CLASS_SENT] = 'S',
	[TP_CLASS_TEMPORARY] = 'T',
	[TP_CLASS_THROTTLED] = 't',
	[TP_CLASS_PERMANENT] = 'P',
	[TP_CLASS_CREDENTIALS] = 'C',
	[TP_CLASS_SENDER] = 's',
	[TP_CLASS_CONFIG] = 'c',
	[TP_CLASS_UNKNOWN] = 'U',
};

struct cell {
	enum step step;
	enum fault fault;
	int recipients;
	int pipelining;
	int64_t took_ms;
	char got[LETTER_RECIPIENTS_MAX + 1];
	char want[LETTER_RECIPIENTS_MAX + 1];
	char wrong[256]; /* "": as it must be */
};

#define CELL_COUNT (STEP_COUNT * FAULT_COUNT * 2 * 2)

static struct cell cells[CELL_COUNT];
static atomic_int next_cell;

static const char small_text[] = "Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n"
				 "From: Shop <shop@example.test>\r\n"
				 "Message-ID: <1@example.test>\r\n"
				 "\r\nThank you.\r\n";
static char *big_text;
static size_t big_len;
/* One big message at a time, so that a busy machine does not make it late. */
static pthread_mutex_t big_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const three[] = { "a@example.test", "b@example.test",
	"c@example.test" };
static const char *const nobody[] = { "550.a@example.test",
	"550.b@example.test", "550.c@example.test" };

/* ---- the relay of a cell ------------------------------------------------ */

static void spell_fault(const struct cell *cell, char *say, size_t bytes)
{
	int code = steps[cell->step].code;
	const char *first = "";

	switch (cell->fault) {
	case SAYS_4XX:
		(void)snprintf(say, bytes, "%s fault\r\n",
			cell->step == AT_AUTH ? "454 4.7.0" : "451 4.3.0");
		break;
	case SAYS_5XX:
		(void)snprintf(say, bytes, "%s fault\r\n",
			cell->step == AT_AUTH ? "535 5.7.8" : "550 5.1.0");
		break;
	case SAYS_421:
		(void)snprintf(say, bytes, "421 4.3.2 fault\r\n");
		break;
	case GARBAGE:
		(void)snprintf(say, bytes, "\001\377 no SMTP at all\r\n");
		break;
	case SLOW:
		(void)snprintf(say, bytes, "%d slow\r\n", code);
		break;
	case LONG_LINE:
		(void)snprintf(say, bytes, "%d %0*d\r\n", code, 3000, 0);
		break;
	case MISMATCH:
		(void)snprintf(say, bytes, "%d-one\r\n550 two\r\n", code);
		break;
	case ENDLESS:
		(void)snprintf(say, bytes, "%d-line\r\n", code);
		break;
	case EXTRA:
		/* Without its keywords EHLO would fail for another reason. */
		if (cell->step == AT_EHLO)
			first = "250-fake\r\n250-PIPELINING\r\n";
		(void)snprintf(say, bytes, "%s%d %s\r\n250 extra\r\n", first,
			code, cell->step == AT_EHLO ? "AUTH PLAIN" : "ok");
		break;
	default:
		say[0] = '\0';
	}
}

static enum fake_fault fake_fault_of(enum fault fault)
{
	switch (fault) {
	case SAYS_421:
		return FAKE_SAY_CLOSE;
	case CLOSES:
		return FAKE_CLOSE;
	case RESETS:
		return FAKE_RESET;
	case HANGS:
		return FAKE_DEAF;
	case SLOW:
		return FAKE_DRIP;
	case ENDLESS:
		return FAKE_FLOOD;
	default:
		return FAKE_SAY;
	}
}

static void set_up(struct sending *s, const struct cell *cell, const char *say)
{
	static char user[] = "shop";

	sending_init(s, cell->pipelining ? "PIPELINING|8BITMIME|AUTH PLAIN"
					 : "8BITMIME|AUTH PLAIN");
	s->options.user = user;
	s->options.password = "secret";
	s->options.step = steps[cell->step].fake;
	s->options.fault = fake_fault_of(cell->fault);
	s->options.say = say;
	s->options.drip_ms = 200;
	s->options.at_bytes = 100000;
	s->options.at_rcpt =
		cell->step == AT_RCPT_LAST ? cell->recipients - 1 : 0;
	s->relay.auth = TP_AUTH_PLAIN;
	s->relay.username = user;
	s->relay.password = tp_secret_new("secret", 6);
	s->relay.allow_plaintext_auth = 1;
	s->relay.reply_timeout_ms = DEADLINE_MS;
	s->relay.data_timeout_ms = DEADLINE_MS;
	s->relay.final_timeout_ms = DEADLINE_MS;
}

/* ---- one cell ----------------------------------------------------------- */

static void complain(struct cell *cell, const char *what, const char *detail)
{
	if (cell->wrong[0] == '\0')
		(void)snprintf(cell->wrong, sizeof(cell->wrong), "%s%s%.150s",
			what, detail[0] ? ": " : "", detail);
}

static void judge(
	struct cell *cell, const struct sending *s, const struct letter *letter)
{
	struct tp_verdict unreachable = tp_policy_trouble(&s->trouble, NULL);
	int struck = cell->step == AT_RCPT_LAST ? cell->recipients - 1 : 0;
	int i;

	for (i = 0; i < cell->recipients; i++) {
		struct tp_verdict verdict = unreachable;
		int is_struck = i == struck;

		if (s->trouble.step == TP_STEP_NONE)
			verdict = letter_verdict(letter, (size_t)i);
		cell->got[i] = class_letters[verdict.cls];
		cell->want[i] = expected(cell->step, cell->fault, is_struck);
	}
	if (strcmp(cell->got, cell->want) != 0)
		complain(cell, "another verdict",
			s->trouble.step == TP_STEP_NONE
				? letter->tx.trouble.text
				: s->trouble.text);
	if (s->trouble.step == TP_STEP_NONE && letter->done_count != 1)
		complain(cell, "not handed back once", "");
}

/* What the relay holds must fit the verdict. */
static void compare_with_relay(
	struct cell *cell, const struct sending *s, const struct letter *letter)
{
	int dots = fake_relay_dots(s->server);
	int sent = strchr(cell->got, 'S') != NULL;
	size_t len;

	if (fake_relay_connections(s->server) > 1)
		complain(cell, "more than one connection", "");
	if (sent && dots != 1) {
		complain(cell, "sent without a dot", "");
	} else if (sent) {
		const char *got = fake_relay_message(s->server, 0, &len);

		if (len != letter->tx.data_len ||
			memcmp(got, letter->tx.data, len) != 0)
			complain(cell, "sent, but not these bytes", "");
	} else if (cell->step != AT_DOT && dots != 0) {
		complain(cell, "not sent, but the relay has it", "");
	}
}

static void run_cell(struct cell *cell)
{
	struct letter letters[2];
	struct letter *letter = &letters[cell->step == AT_RSET];
	struct sending s;
	char say[3200];
	int64_t limit_ms =
		(cell->step == AT_QUIT ? QUIT_DEADLINE_MS : DEADLINE_MS) +
		MARGIN_MS;
	int64_t begun;

	spell_fault(cell, say, sizeof(say));
	set_up(&s, cell, say);
	/* A transaction without a recipient is what RSET is for. */
	letter_init(&letters[0], nobody, (size_t)cell->recipients, small_text,
		sizeof(small_text) - 1);
	letter_init(letter, three, (size_t)cell->recipients, small_text,
		sizeof(small_text) - 1);
	if (cell->step == AT_BODY) {
		letter->tx.data = big_text;
		letter->tx.data_len = big_len;
	}
	sending_start(&s);
	begun = tp_mono_ms();
	if (sending_connect(&s) == TP_OK) {
		sending_run(&s, letters, (size_t)(letter - letters) + 1);
		s.transport->ops->disconnect(&s.connection);
	}
	cell->took_ms = tp_mono_ms() - begun;
	sending_stop(&s);
	judge(cell, &s, letter);
	compare_with_relay(cell, &s, letter);
	if (cell->took_ms > limit_ms)
		complain(cell, "took too long", "");
	sending_drop(&s);
	tp_secret_destroy(&s.relay.password);
}

static void *run_cells(void *arg)
{
	int i;

	(void)arg;
	while ((i = atomic_fetch_add(&next_cell, 1)) < CELL_COUNT) {
		int big = cells[i].step == AT_BODY;

		if (big)
			(void)pthread_mutex_lock(&big_lock);
		run_cell(&cells[i]);
		if (big)
			(void)pthread_mutex_unlock(&big_lock);
	}
	return NULL;
}

/* ---- all cells ---------------------------------------------------------- */

static void lay_out(void)
{
	int i;

	for (i = 0; i < CELL_COUNT; i++) {
		cells[i].pipelining = i % 2;
		cells[i].recipients = i / 2 % 2 ? 3 : 1;
		cells[i].fault = (enum fault)(i / 4 % FAULT_COUNT);
		cells[i].step = (enum step)(i / 4 / FAULT_COUNT);
	}
}

static int report(const struct cell *cell)
{
	if (cell->wrong[0] == '\0')
		return 0;
	print_error("%s, %s, %d recipients, %s: got %s, want %s, %lld ms: "
		    "%s\n",
		steps[cell->step].name, fault_names[cell->fault],
		cell->recipients, cell->pipelining ? "pipelined" : "stepwise",
		cell->got, cell->want, (long long)cell->took_ms, cell->wrong);
	return 1;
}

static void every_cell_ends_in_time_with_the_verdict_of_the_table(void **state)
{
	pthread_t threads[THREADS];
	int64_t longest_ms = 0;
	int64_t begun = tp_mono_ms();
	int wrong = 0;
	int i;

	(void)state;
	lay_out();
	big_text = letter_text(BIG_BYTES, 1, &big_len);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, run_cells, NULL), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (i = 0; i < CELL_COUNT; i++) {
		wrong += report(&cells[i]);
		if (cells[i].took_ms > longest_ms)
			longest_ms = cells[i].took_ms;
	}
	print_message("%d cells, %d wrong, %lld ms, the longest %lld ms\n",
		CELL_COUNT, wrong, (long long)(tp_mono_ms() - begun),
		(long long)longest_ms);
	free(big_text);
	assert_int_equal(wrong, 0);
}

/* The table itself: permanent only where the relay said 5xx, sent only where
 * the dot was answered well. */
static void the_table_keeps_the_promises(void **state)
{
	int step;
	int fault;

	(void)state;
	for (step = 0; step < STEP_COUNT; step++) {
		assert_int_equal(strlen(steps[step].classes), FAULT_COUNT);
		for (fault = 0; fault < FAULT_COUNT; fault++) {
			char letter = steps[step].classes[fault];

			if (letter == 'P')
				assert_int_equal(fault, SAYS_5XX);
			if (letter == 'S')
				assert_true(step == AT_RSET ||
					    step == AT_QUIT || fault == EXTRA);
			if (letter == 'U')
				assert_int_equal(step, AT_DOT);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_keeps_the_promises),
		cmocka_unit_test(
			every_cell_ends_in_time_with_the_verdict_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
