/*
 * endpoint_test.c - the local endpoint: who gets in, and what he is told
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "adapters/endpoint.h"
#include "base/clock.h"
#include "transport_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GREETING "220 tillpost\r\n"
#define CROWD 100 /* more than the endpoint has places */
#define FLOOD_THREADS 4

static const char *const two[] = { "a@example.test", "b@example.test" };
static const char text[] = "Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n"
			   "From: Shop <shop@example.test>\r\n"
			   "Message-ID: <1@example.test>\r\n"
			   "\r\n.dot\r\n..\r\nend\r\n";

/* ---- clients ------------------------------------------------------------ */

static int connect_to(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.sin_port = htons((uint16_t)port);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static void send_text(int fd, const char *what, size_t len)
{
	(void)send(fd, what, len, MSG_NOSIGNAL);
}

/* Closes with RST, so that thousands of clients leave nothing behind. */
static void drop_client(int fd)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	(void)close(fd);
}

/* All that comes until the end. @return bytes, OUT is a string */
static size_t read_all(int fd, char *out, size_t out_bytes)
{
	size_t len = 0;
	ssize_t got;

	while ((got = recv(fd, out + len, out_bytes - 1 - len, 0)) > 0)
		len += (size_t)got;
	out[len] = '\0';
	return len;
}

/* ---- hostile clients before libESMTP ------------------------------------ */

enum hostile { SILENT, WRONG, HALF, LONG, GONE, HOSTILE_COUNT };

static struct {
	int armed; /* the next listen() of this thread is the endpoint's */
	enum hostile kind;
	int count;
	int fds[CROWD];
	int flooding;
	pthread_t threads[FLOOD_THREADS];
	int port;
	atomic_int stop;
	atomic_int admitted;
	atomic_int connections;
} enemy;

static void attack(int port, int i)
{
	static const char wrong[] =
		"EHLO 0123456789abcdef0123456789abcdef\r\n"
		"MAIL FROM:<evil@example.test>\r\n"
		"RCPT TO:<x@example.test>\r\nDATA\r\nevil\r\n.\r\nQUIT\r\n";
	static char endless[4096];
	int fd = connect_to(port);

	assert_true(fd >= 0);
	memset(endless, 'E', sizeof(endless));
	switch (enemy.kind) {
	case WRONG:
		send_text(fd, wrong, sizeof(wrong) - 1);
		break;
	case HALF:
		send_text(fd, "EHLO ", 5);
		break;
	case LONG:
		send_text(fd, endless, sizeof(endless));
		break;
	case GONE:
		drop_client(fd);
		fd = -1;
		break;
	case SILENT:
	case HOSTILE_COUNT:
		break;
	}
	enemy.fds[i] = fd;
}

/* ARG not NULL: waits for what it is told. */
static void *flood(void *arg)
{
	while (!atomic_load(&enemy.stop)) {
		int fd = connect_to(enemy.port);
		char heard[256];

		if (fd < 0)
			continue;
		(void)atomic_fetch_add(&enemy.connections, 1);
		send_text(fd, "EHLO me\r\nMAIL FROM:<evil@x>\r\n", 29);
		if (arg &&
			read_all(fd, heard, sizeof(heard)) > strlen(GREETING))
			atomic_store(&enemy.admitted, 1);
		drop_client(fd);
	}
	return NULL;
}

static void start_flood(void)
{
	int before = atomic_load(&enemy.connections);
	int t;

	for (t = 0; t < FLOOD_THREADS; t++)
		assert_int_equal(pthread_create(&enemy.threads[t], NULL, flood,
					 t % 2 ? &enemy : NULL),
			0);
	while (atomic_load(&enemy.connections) < before + CROWD)
		(void)sched_yield();
}

/* In place of libc's, for the whole program: whoever connects in here is in
 * the queue before libESMTP. */
int listen(int fd, int backlog)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);
	int rc = (int)syscall(SYS_listen, fd, backlog);
	int i;

	if (rc != 0 || !enemy.armed)
		return rc;
	enemy.armed = 0;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	enemy.port = ntohs(at.sin_port);
	for (i = 0; i < enemy.count; i++)
		attack(enemy.port, i);
	if (enemy.flooding)
		start_flood();
	return rc;
}

/* Nobody heard more than the greeting. */
static void assert_nobody_was_admitted(void)
{
	int i;

	for (i = 0; i < enemy.count; i++) {
		char heard[256];

		if (enemy.fds[i] < 0)
			continue;
		(void)read_all(enemy.fds[i], heard, sizeof(heard));
		if (heard[0] != '\0')
			assert_string_equal(heard, GREETING);
		drop_client(enemy.fds[i]);
	}
}

/* One session over S with COUNT enemies of KIND in front. */
static int64_t race(struct sending *s, enum hostile kind, int count)
{
	int64_t begun = tp_mono_ms();
	struct letter letter;

	enemy.kind = kind;
	enemy.count = count;
	enemy.armed = 1;
	letter_init(&letter, two, 2, text, sizeof(text) - 1);
	sending_run(s, &letter, 1);
	assert_int_equal(enemy.armed, 0);
	assert_int_equal(s->session_rc, 1);
	assert_int_equal(letter.done_count, 1);
	assert_int_equal(letter.tx.data_reply.code, 250);
	assert_nobody_was_admitted();
	return tp_mono_ms() - begun;
}

static void start_races(struct sending *s)
{
	sending_init(s, "PIPELINING");
	sending_start(s);
	assert_int_equal(sending_connect(s), TP_OK);
}

static void end_races(struct sending *s, int count)
{
	sending_stop(s);
	assert_int_equal(fake_relay_connections(s->server), 1);
	assert_int_equal(fake_relay_dots(s->server), count);
	assert_null(strstr(fake_relay_commands(s->server), "evil"));
	sending_drop(s);
}

static void in_200_races_no_stranger_gets_in_and_no_session_fails(void **state)
{
	enum { RACES = 200 };
	struct sending s;
	int i;

	(void)state;
	start_races(&s);
	for (i = 0; i < RACES; i++)
		(void)race(&s, (enum hostile)(i % HOSTILE_COUNT), 1 + i % 7);
	end_races(&s, RACES);
}

static void a_crowd_that_says_nothing_delays_but_does_not_stop(void **state)
{
	static const enum hostile kinds[] = { SILENT, HALF, WRONG };
	struct sending s;
	size_t i;

	(void)state;
	start_races(&s);
	for (i = 0; i < COUNT(kinds); i++)
		assert_true(race(&s, kinds[i], CROWD) < 3000);
	end_races(&s, (int)COUNT(kinds));
}

static void a_flood_of_wrong_tokens_stops_no_session(void **state)
{
	enum { RACES = 50 };
	struct sending s;
	int i;
	int t;

	(void)state;
	start_races(&s);
	enemy.flooding = 1;
	for (i = 0; i < RACES; i++) {
		atomic_store(&enemy.stop, 0);
		(void)race(&s, WRONG, 5);
		atomic_store(&enemy.stop, 1);
		for (t = 0; t < FLOOD_THREADS; t++)
			assert_int_equal(
				pthread_join(enemy.threads[t], NULL), 0);
	}
	enemy.flooding = 0;
	assert_int_equal(atomic_load(&enemy.admitted), 0);
	assert_true(atomic_load(&enemy.connections) >= RACES * CROWD);
	print_message("%d hostile connections in %d sessions\n",
		atomic_load(&enemy.connections), RACES);
	end_races(&s, RACES);
}

/* ---- what a client with the token is told ------------------------------- */

/* An endpoint over a channel to a fake relay, and a client of it. */
struct desk {
	struct sending s;
	struct tp_channel_shared *shared;
	struct tp_channel *channel;
	struct tp_upstream upstream;
	struct tp_endpoint *endpoint;
	struct letter letter;
	pthread_t thread;
	int served; /* what serve() returned */
	int fd;
};

static void *serve(void *arg)
{
	struct desk *desk = arg;

	desk->served = tp_endpoint_serve(desk->endpoint);
	return NULL;
}

static void ask(struct desk *desk, const char *command)
{
	send_text(desk->fd, command, strlen(command));
}

/* One line, byte by byte, so that nothing behind it is taken. */
static void hear_line(struct desk *desk, char *line, size_t line_bytes)
{
	size_t len = 0;

	do {
		assert_true(len < line_bytes - 1);
		assert_int_equal(recv(desk->fd, line + len, 1, 0), 1);
	} while (line[len++] != '\n');
	line[len] = '\0';
}

/* libESMTP's own rules for a reply (one line, well-formed, short), and that
 * it is of the class that is due. */
static void hear(struct desk *desk, char class_digit)
{
	char line[512];
	size_t i;

	hear_line(desk, line, sizeof(line));
	assert_int_equal(line[0], class_digit);
	assert_true(line[1] >= '0' && line[1] <= '5');
	assert_true(line[2] >= '0' && line[2] <= '9');
	assert_int_equal(line[3], ' ');
	assert_true(line[4] > ' ');
	for (i = 4; line[i] != '\r'; i++)
		assert_true(line[i] >= ' ' && line[i] <= '~');
	assert_string_equal(line + i, "\r\n");
}

static void open_desk(struct desk *desk)
{
	struct tp_error err = TP_ERROR_INIT;
	const char *address;
	char line[512];

	desk->s.server = fake_relay_start(&desk->s.options);
	desk->s.relay.port = fake_relay_port(desk->s.server);
	assert_int_equal(tp_channel_shared_new(&desk->shared, &err), TP_OK);
	assert_int_equal(tp_channel_open(desk->shared, &desk->s.relay, NULL,
				 &desk->channel, &desk->s.trouble),
		TP_OK);
	tp_upstream_init(&desk->upstream, desk->channel, &desk->s.relay);
	assert_int_equal(
		tp_endpoint_new(&desk->upstream, &desk->endpoint, &err), TP_OK);
	letter_init(&desk->letter, two, 2, text, sizeof(text) - 1);
	tp_endpoint_set_transaction(desk->endpoint, &desk->letter.tx);
	assert_int_equal(pthread_create(&desk->thread, NULL, serve, desk), 0);
	address = tp_endpoint_address(desk->endpoint);
	assert_int_equal(strncmp(address, "127.0.0.1:", 10), 0);
	desk->fd = connect_to((int)strtol(address + 10, NULL, 10));
	assert_true(desk->fd >= 0);
	hear(desk, '2');
	(void)snprintf(line, sizeof(line), "EHLO %s\r\n",
		tp_endpoint_token(desk->endpoint));
	ask(desk, line);
	hear_line(desk, line, sizeof(line));
	assert_string_equal(line, "250-tillpost\r\n");
	hear_line(desk, line, sizeof(line));
	assert_string_equal(line, "250 8BITMIME\r\n");
}

/* After QUIT, or when the client is gone. */
static void close_desk(struct desk *desk, int served)
{
	char rest[64];

	assert_int_equal(read_all(desk->fd, rest, sizeof(rest)), 0);
	(void)close(desk->fd);
	assert_int_equal(pthread_join(desk->thread, NULL), 0);
	assert_int_equal(desk->served, served);
	tp_endpoint_destroy(&desk->endpoint);
	tp_upstream_free(&desk->upstream);
	tp_channel_close(&desk->channel, 0);
	tp_channel_shared_destroy(&desk->shared);
	fake_relay_stop(desk->s.server);
}

static void open_plain_desk(struct desk *desk)
{
	memset(desk, 0, sizeof(*desk));
	sending_init(&desk->s, "PIPELINING");
	open_desk(desk);
}

static void envelope(struct desk *desk)
{
	ask(desk, "MAIL FROM:<shop@example.test>\r\n");
	hear(desk, '2');
	ask(desk, "RCPT TO:<a@example.test>\r\n");
	hear(desk, '2');
	ask(desk, "RCPT TO:<b@example.test>\r\n");
	hear(desk, '2');
	ask(desk, "DATA\r\n");
	hear(desk, '3');
}

static const char stuffed[] = "Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n"
			      "From: Shop <shop@example.test>\r\n"
			      "Message-ID: <1@example.test>\r\n"
			      "\r\n..dot\r\n...\r\nend\r\n.\r\n";

static void a_body_may_be_cut_anywhere(void **state)
{
	size_t cut;

	(void)state;
	for (cut = sizeof(stuffed) - 24; cut < sizeof(stuffed); cut++) {
		struct timespec pause = { 0, 5000000 };
		struct desk desk;

		open_plain_desk(&desk);
		envelope(&desk);
		send_text(desk.fd, stuffed, cut);
		(void)nanosleep(&pause, NULL);
		send_text(desk.fd, stuffed + cut, sizeof(stuffed) - 1 - cut);
		hear(&desk, '2');
		ask(&desk, "QUIT\r\n");
		hear(&desk, '2');
		close_desk(&desk, TP_OK);
		assert_int_equal(desk.letter.tx.data_reply.code, 250);
		assert_int_equal(fake_relay_dots(desk.s.server), 1);
		sending_drop(&desk.s);
	}
}

static void commands_out_of_order_are_refused_and_reach_no_relay(void **state)
{
	static const char *const commands[] = { "DATA\r\n",
		"RCPT TO:<a@example.test>\r\n", "VRFY a\r\n", "EHLO x\r\n",
		"AUTH PLAIN AGEAYg==\r\n", "STARTTLS\r\n", "BDAT 1\r\n", "\r\n",
		"mail from:<shop@example.test>\r\n" };
	struct desk desk;
	size_t i;

	(void)state;
	open_plain_desk(&desk);
	for (i = 0; i < COUNT(commands); i++) {
		ask(&desk, commands[i]);
		hear(&desk, '5');
	}
	ask(&desk, "RSET\r\n");
	hear(&desk, '2');
	ask(&desk, "NOOP\r\n");
	hear(&desk, '2');
	tp_endpoint_set_transaction(desk.endpoint, NULL);
	ask(&desk, "MAIL FROM:<shop@example.test>\r\n");
	hear(&desk, '5');
	ask(&desk, "QUIT\r\n");
	hear(&desk, '2');
	close_desk(&desk, TP_OK);
	assert_string_equal(
		fake_relay_commands(desk.s.server), "EHLO shop.example.test\n");
	sending_drop(&desk.s);
}

/* Another envelope than the transaction's, and another body. */
static void what_differs_from_the_transaction_gets_no_dot(void **state)
{
	static const char *const dialogues[][6] = {
		{ "MAIL FROM:<evil@example.test>\r\n" },
		{ "MAIL FROM:<shop@example.test> BODY=8BITMIME\r\n" },
		{ "MAIL FROM:<shop@example.test>\r\n",
			"RCPT TO:<b@example.test>\r\n" },
		{ "MAIL FROM:<shop@example.test>\r\n",
			"RCPT TO:<a@example.test>\r\n",
			"RCPT TO:<b@example.test>\r\n",
			"RCPT TO:<c@example.test>\r\n" },
		{ "MAIL FROM:<shop@example.test>\r\n",
			"RCPT TO:<a@example.test>\r\n", "DATA\r\n", stuffed },
		{ "MAIL FROM:<shop@example.test>\r\n",
			"RCPT TO:<a@example.test>\r\n",
			"RCPT TO:<b@example.test>\r\n", "DATA\r\n",
			"other\r\n.\r\n" },
		/* the beginning of the message, but not all of it */
		{ "MAIL FROM:<shop@example.test>\r\n",
			"RCPT TO:<a@example.test>\r\n",
			"RCPT TO:<b@example.test>\r\n", "DATA\r\n",
			"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n.\r\n" },
	};
	size_t i;
	size_t at;

	(void)state;
	for (i = 0; i < COUNT(dialogues); i++) {
		struct desk desk;

		open_plain_desk(&desk);
		for (at = 0; at < 6 && dialogues[i][at]; at++) {
			const char *command = dialogues[i][at];
			int last = at == 5 || !dialogues[i][at + 1];

			ask(&desk, command);
			hear(&desk, last			       ? '4'
				    : strcmp(command, "DATA\r\n") == 0 ? '3'
								       : '2');
		}
		ask(&desk, "QUIT\r\n");
		hear(&desk, '2');
		close_desk(&desk, TP_OK);
		assert_int_equal(desk.upstream.lost, 1);
		assert_int_equal(desk.letter.tx.trouble.step, TP_STEP_LOCAL);
		assert_non_null(
			strstr(desk.letter.tx.trouble.text, "integrity"));
		assert_int_equal(fake_relay_dots(desk.s.server), 0);
		sending_drop(&desk.s);
	}
}

static void a_client_that_leaves_in_mid_body_sends_no_dot(void **state)
{
	struct desk desk;

	(void)state;
	open_plain_desk(&desk);
	envelope(&desk);
	send_text(desk.fd, stuffed, sizeof(stuffed) - 2);
	assert_int_equal(shutdown(desk.fd, SHUT_WR), 0);
	close_desk(&desk, TP_ECLOSED);
	assert_int_equal(desk.letter.tx.trouble.step, TP_STEP_LOCAL);
	assert_non_null(strstr(desk.letter.tx.trouble.text, "broke off"));
	assert_int_equal(desk.upstream.lost, 1);
	assert_int_equal(fake_relay_dots(desk.s.server), 0);
	sending_drop(&desk.s);
}

static void a_line_that_is_too_long_or_ends_badly_ends_the_talk(void **state)
{
	static char longer[4096];
	const char *lines[] = { longer, "QUIT\n" };
	size_t i;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	for (i = 0; i < COUNT(lines); i++) {
		struct desk desk;

		open_plain_desk(&desk);
		ask(&desk, lines[i]);
		/* Unread input makes the end a reset. */
		close_desk(&desk, TP_EIO);
		sending_drop(&desk.s);
	}
}

/* However the relay misbehaves, at whatever step: one good reply for each
 * command, and no end before QUIT. */
static void libesmtp_never_notices_a_relay_that_misbehaves(void **state)
{
	static const enum fake_step steps[] = { FAKE_MAIL, FAKE_RCPT, FAKE_DATA,
		FAKE_BODY, FAKE_DOT };
	static const struct {
		enum fake_fault fault;
		const char *say;
	} faults[] = {
		{ FAKE_SAY_CLOSE, "421 bye\r\n" },
		{ FAKE_CLOSE, NULL },
		{ FAKE_RESET, NULL },
		{ FAKE_DEAF, NULL },
		{ FAKE_SAY, "garbage\r\n" },
		{ FAKE_SAY, "250-one\r\n550 two\r\n" },
		{ FAKE_SAY, "250 one\r\n250 two\r\n" },
		{ FAKE_SAY, "354 what\r\n" },
		{ FAKE_SAY, "250-one\r\n250-two\r\n250 three\r\n" },
		{ FAKE_SAY, "250\r\n" },
		{ FAKE_SAY, "550 \033[2J\xff\xfe\r\n" },
		{ FAKE_FLOOD, "250-x\r\n" },
	};
	static const char *const keywords[] = { "PIPELINING", NULL };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(steps) * COUNT(faults) * 2; i++) {
		static const char *const commands[] = {
			"MAIL FROM:<shop@example.test>\r\n",
			"RCPT TO:<a@example.test>\r\n",
			"RCPT TO:<b@example.test>\r\n", "DATA\r\n", stuffed,
			"RSET\r\n", "QUIT\r\n"
		};
		size_t fault = i / 2 % COUNT(faults);
		struct desk desk;
		size_t at;

		memset(&desk, 0, sizeof(desk));
		sending_init(&desk.s, keywords[i % 2]);
		desk.s.options.step = steps[i / 2 / COUNT(faults)];
		desk.s.options.fault = faults[fault].fault;
		desk.s.options.say = faults[fault].say;
		desk.s.relay.reply_timeout_ms = 50;
		desk.s.relay.data_timeout_ms = 50;
		desk.s.relay.final_timeout_ms = 50;
		open_desk(&desk);
		for (at = 0; at < COUNT(commands); at++) {
			char line[512];

			ask(&desk, commands[at]);
			hear_line(&desk, line, sizeof(line));
			assert_true(line[0] == '2' || line[0] == '4' ||
				    line[0] == '5' || at == 3);
			assert_int_equal(line[3], ' ');
			assert_true(line[4] > ' ');
			if (at == 3)
				assert_string_equal(line, "354 go\r\n");
		}
		close_desk(&desk, TP_OK);
		sending_drop(&desk.s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			in_200_races_no_stranger_gets_in_and_no_session_fails),
		cmocka_unit_test(
			a_crowd_that_says_nothing_delays_but_does_not_stop),
		cmocka_unit_test(a_flood_of_wrong_tokens_stops_no_session),
		cmocka_unit_test(a_body_may_be_cut_anywhere),
		cmocka_unit_test(
			commands_out_of_order_are_refused_and_reach_no_relay),
		cmocka_unit_test(what_differs_from_the_transaction_gets_no_dot),
		cmocka_unit_test(a_client_that_leaves_in_mid_body_sends_no_dot),
		cmocka_unit_test(
			a_line_that_is_too_long_or_ends_badly_ends_the_talk),
		cmocka_unit_test(
			libesmtp_never_notices_a_relay_that_misbehaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
