/*
 * query_test.c - the query socket: who asks, and who is in the way
 *
 * A real server with an answer function of the test's own, and real clients:
 * tp_query_ask(), and bare sockets where a client misbehaves.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* setresuid */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "adapters/query.h"
#include "adapters/query_address.h"
#include "adapters/socket_address.h"
#include "adapters/query_wire.h"
#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID "01KAJ2V6Q0ABCDEFGH"
/* Users that need not exist. */
#define STRANGER 64123
#define OTHER_STRANGER 64124
/* Long for this machine, short for a person. */
#define PROMPT_MS 1000

struct fixture {
	char spool[64];
	char socket[80];
	struct tp_query_server *server;
	int descriptor_count; /* before */
	/* what the answerer was asked, and what it does */
	atomic_int asked_count;
	atomic_int uid;
	atomic_int signals_open;
	atomic_int row_count;  /* outcomes: so many rows ... */
	atomic_int text_bytes; /* ... each with so long a text */
	atomic_int pause_ms;   /* before each row */
	char kicked[32];       /* the relay, or "all"; read after the answer */
};

static int descriptor_count(void)
{
	DIR *fds = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(fds);
	while (readdir(fds))
		count++;
	assert_int_equal(closedir(fds), 0);
	return count;
}

/* ---- the answerer ------------------------------------------------------- */

static void look_at_signals(struct fixture *fixture)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE,
		SIGALRM, SIGCHLD, SIGUSR1, SIGWINCH };
	sigset_t blocked;
	size_t i;

	(void)pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	for (i = 0; i < COUNT(signals); i++)
		if (!sigismember(&blocked, signals[i]))
			atomic_fetch_add(&fixture->signals_open, 1);
}

static int give_outcomes(struct fixture *fixture,
	const struct tp_query_request *request,
	const struct tp_query_sink *sink)
{
	struct tp_outcome outcome = {
		.store = request->filter.store,
		.queue_id = request->filter.queue_id,
		.recipient = request->filter.recipient,
		.verdict = "sent",
	};
	int text_bytes = atomic_load(&fixture->text_bytes);
	char text[1024];
	int i;

	memset(text, 'x', sizeof(text));
	text[text_bytes < 1023 ? text_bytes : 1023] = '\0';
	outcome.text = outcome.sender = outcome.message_id = text;
	for (i = 1; i <= atomic_load(&fixture->row_count); i++) {
		tp_sleep_ms(atomic_load(&fixture->pause_ms));
		outcome.event_id = i;
		outcome.size_bytes = (int64_t)request->filter.limit;
		if (sink->outcome(sink->ctx, &outcome))
			return TP_OK;
	}
	return TP_OK;
}

static int answer(void *ctx, uid_t uid, const struct tp_query_request *request,
	const struct tp_query_sink *sink, struct tp_error *err)
{
	struct fixture *fixture = ctx;
	struct tp_query_message message = {
		.queue_id = request->filter.queue_id,
		.store = "eu",
		.state = "queued",
	};

	atomic_fetch_add(&fixture->asked_count, 1);
	atomic_store(&fixture->uid, (int)uid);
	look_at_signals(fixture);
	if (request->op == TP_QUERY_OUTCOMES)
		return give_outcomes(fixture, request, sink);
	if (request->op == TP_QUERY_KICK) {
		(void)snprintf(fixture->kicked, sizeof(fixture->kicked), "%s",
			request->filter.relay ? request->filter.relay : "all");
		return TP_OK;
	}
	if (request->op == TP_QUERY_STATUS)
		return tp_fail(err, TP_ENOTFOUND, "a place", "no \"status\"");
	message.attempts = (int)uid;
	(void)sink->message(sink->ctx, &message);
	return TP_OK;
}

/* ---- fixture ------------------------------------------------------------ */

static int make_spool(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	*state = fixture;
	fixture->descriptor_count = descriptor_count();
	(void)snprintf(fixture->spool, sizeof(fixture->spool),
		"/tmp/tillpost-query-XXXXXX");
	assert_non_null(mkdtemp(fixture->spool));
	assert_int_equal(chmod(fixture->spool, 0755), 0);
	(void)snprintf(fixture->socket, sizeof(fixture->socket), "%s/query",
		fixture->spool);
	return 0;
}

static void start(struct fixture *fixture)
{
	struct tp_error err = TP_ERROR_INIT;

	if (tp_query_server_start(fixture->spool, answer, fixture,
		    &fixture->server, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
}

static int set_up(void **state)
{
	int rc = make_spool(state);

	if (rc == 0)
		start(*state);
	return rc;
}

/* Nothing is left: no descriptor, no file. */
static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	int rc;

	tp_query_server_stop(&fixture->server);
	assert_null(fixture->server);
	assert_int_equal(atomic_load(&fixture->signals_open), 0);
	assert_int_equal(descriptor_count(), fixture->descriptor_count);
	rc = rmdir(fixture->spool);
	free(fixture);
	return rc;
}

/* ---- clients ------------------------------------------------------------ */

/* What tp_query_ask() showed. */
struct seen {
	int rows;
	int attempts;
	int64_t last_event_id;
	int64_t limit;
	int stop_after; /* 0: never */
	char queue_id[32];
	char recipient[64];
};

static int see_message(void *ctx, const struct tp_query_message *message)
{
	struct seen *seen = ctx;

	seen->rows++;
	seen->attempts = message->attempts;
	(void)snprintf(seen->queue_id, sizeof(seen->queue_id), "%s",
		message->queue_id);
	return 0;
}

static int see_outcome(void *ctx, const struct tp_outcome *outcome)
{
	struct seen *seen = ctx;

	seen->rows++;
	/* in order, none left out */
	if (outcome->event_id != seen->last_event_id + 1)
		return 1;
	seen->last_event_id = outcome->event_id;
	seen->limit = outcome->size_bytes;
	(void)snprintf(seen->recipient, sizeof(seen->recipient), "%s",
		outcome->recipient);
	return seen->stop_after == seen->rows;
}

static int ask(const char *spool, enum tp_query_op op, struct seen *seen,
	struct tp_error *err)
{
	const struct tp_query_request request = {
		.op = op,
		.filter.queue_id = op == TP_QUERY_MESSAGE ? ID : NULL,
		.filter.recipient =
			op == TP_QUERY_OUTCOMES ? "b@example.net" : NULL,
		.filter.limit = 77,
	};
	const struct tp_query_sink sink = {
		.ctx = seen,
		.message = see_message,
		.outcome = see_outcome,
	};

	memset(seen, 0, offsetof(struct seen, stop_after));
	tp_error_clear(err);
	return tp_query_ask(spool, &request, &sink, err);
}

/* Somebody else is answered, and at once. */
static void others_are_answered(const struct fixture *fixture)
{
	int64_t start_ms = tp_mono_ms();
	struct tp_error err;
	struct seen seen = { .rows = 0 };

	assert_int_equal(ask(fixture->spool, TP_QUERY_MESSAGE, &seen, &err), 1);
	assert_true(tp_mono_ms() - start_ms < PROMPT_MS);
}

/* The same, when the server may still have to notice who has gone. */
static void others_are_answered_soon(const struct fixture *fixture)
{
	int64_t deadline_ms = tp_deadline_ms(PROMPT_MS);
	struct tp_error err;
	struct seen seen = { .rows = 0 };
	int rc;

	do
		rc = ask(fixture->spool, TP_QUERY_MESSAGE, &seen, &err);
	while (rc == TP_EBUSY && tp_deadline_left_ms(deadline_ms) > 0);
	assert_int_equal(rc, 1);
}

/* A client that does as it likes. */
static int bare_client(const struct fixture *fixture)
{
	struct sockaddr_un address;
	int fd;

	tp_socket_address(fixture->spool, -1, "", TP_QUERY_SOCKET, &address);
	fd = tp_query_connect(&address);
	assert_true(fd >= 0);
	return fd;
}

static void say(int fd, const char *text, size_t len)
{
	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

/* Reads until the other side closes. @return how many bytes; OUT holds the
 * first of them as a string */
static size_t read_all(int fd, char *out, size_t bytes, int timeout_ms)
{
	int64_t deadline_ms = tp_deadline_ms(timeout_ms);
	size_t len = 0;

	for (;;) {
		struct pollfd at = { .fd = fd, .events = POLLIN };
		char block[65536];
		ssize_t got;
		size_t keep;

		if (poll(&at, 1, tp_deadline_left_ms(deadline_ms)) != 1)
			fail_msg("not closed in %d ms", timeout_ms);
		got = recv(fd, block, sizeof(block), 0);
		if (got <= 0)
			break;
		keep = len < bytes - 1 ? bytes - 1 - len : 0;
		if (keep > (size_t)got)
			keep = (size_t)got;
		memcpy(out + len, block, keep);
		len += (size_t)got;
	}
	out[len < bytes - 1 ? len : bytes - 1] = '\0';
	return len;
}

/* Runs FN as user UID in a child. @return what FN returns, 0 to 99 */
static int as_user(
	uid_t uid, int (*fn)(struct fixture *fixture), struct fixture *fixture)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(setresuid(uid, uid, uid) == 0 ? fn(fixture) : 100);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) < 100);
	return WEXITSTATUS(status);
}

/* ---- answers ------------------------------------------------------------ */

static void an_answer_comes_back_to_who_asked(void **state)
{
	struct fixture *fixture = *state;
	struct tp_error err;
	struct seen seen = { .rows = 0 };

	assert_int_equal(ask(fixture->spool, TP_QUERY_MESSAGE, &seen, &err), 1);
	assert_string_equal(seen.queue_id, ID);
	assert_int_equal(seen.attempts, geteuid());
	atomic_store(&fixture->row_count, 3);
	assert_int_equal(
		ask(fixture->spool, TP_QUERY_OUTCOMES, &seen, &err), 3);
	assert_int_equal(seen.last_event_id, 3);
	assert_int_equal(seen.limit, 77);
	assert_string_equal(seen.recipient, "b@example.net");
	atomic_store(&fixture->row_count, 0);
	assert_int_equal(
		ask(fixture->spool, TP_QUERY_OUTCOMES, &seen, &err), 0);
	assert_int_equal(atomic_load(&fixture->asked_count), 3);
}

static void a_kick_comes_to_the_answerer_and_back(void **state)
{
	static const char *const relays[] = { "office", NULL };
	const struct tp_query_sink none = { .ctx = NULL };
	struct fixture *fixture = *state;
	size_t i;

	for (i = 0; i < COUNT(relays); i++) {
		const struct tp_query_request request = {
			.op = TP_QUERY_KICK,
			.filter.relay = relays[i],
		};
		struct tp_error err = TP_ERROR_INIT;

		assert_int_equal(
			tp_query_ask(fixture->spool, &request, &none, &err), 0);
		assert_string_equal(
			fixture->kicked, relays[i] ? relays[i] : "all");
	}
}

static void the_answerers_error_is_the_askers(void **state)
{
	struct fixture *fixture = *state;
	struct tp_error err;
	struct seen seen = { .rows = 0 };

	assert_int_equal(ask(fixture->spool, TP_QUERY_STATUS, &seen, &err),
		TP_ENOTFOUND);
	assert_int_equal(err.code, TP_ENOTFOUND);
	assert_string_equal(err.where, "a place");
	assert_string_equal(err.text, "no \"status\"");
}

static void a_client_may_have_enough(void **state)
{
	struct fixture *fixture = *state;
	struct tp_error err;
	struct seen seen = { .stop_after = 2 };

	atomic_store(&fixture->row_count, 900);
	assert_int_equal(
		ask(fixture->spool, TP_QUERY_OUTCOMES, &seen, &err), 2);
	assert_int_equal(seen.rows, 2);
	others_are_answered(fixture);
}

static void an_answer_of_many_rows_arrives_whole(void **state)
{
	struct fixture *fixture = *state;
	struct tp_error err;
	struct seen seen = { .rows = 0 };

	atomic_store(&fixture->row_count, 1000);
	atomic_store(&fixture->text_bytes, 100);
	assert_int_equal(
		ask(fixture->spool, TP_QUERY_OUTCOMES, &seen, &err), 1000);
	assert_int_equal(seen.last_event_id, 1000);
}

static void what_is_too_much_is_cut_and_said_so(void **state)
{
	struct fixture *fixture = *state;
	struct tp_error err;
	struct seen seen = { .rows = 0 };

	atomic_store(&fixture->row_count, 1001);
	assert_int_equal(ask(fixture->spool, TP_QUERY_OUTCOMES, &seen, &err),
		TP_ETOOBIG);
	assert_int_equal(seen.last_event_id, 1000);
	assert_non_null(strstr(err.text, "1000 rows"));
	/* a mebibyte is full before */
	atomic_store(&fixture->row_count, 1000);
	atomic_store(&fixture->text_bytes, 1000);
	assert_int_equal(ask(fixture->spool, TP_QUERY_OUTCOMES, &seen, &err),
		TP_ETOOBIG);
	assert_in_range(seen.last_event_id, 350, 400);
	assert_non_null(strstr(err.text, "there are more"));
}

struct crowd {
	struct fixture *fixture;
	atomic_int answered;
	atomic_int wrong;
};

#define ASKS_EACH 100

static void *ask_often(void *arg)
{
	struct crowd *crowd = arg;
	int i;

	for (i = 0; i < ASKS_EACH;) {
		struct tp_error err;
		struct seen seen = { .rows = 0 };
		int many = i % 2;
		int rc = ask(crowd->fixture->spool,
			many ? TP_QUERY_OUTCOMES : TP_QUERY_MESSAGE, &seen,
			&err);

		if (rc == TP_EBUSY)
			continue; /* too many of one user: once more */
		i++;
		if (rc == (many ? 50 : 1) && seen.rows == rc)
			atomic_fetch_add(&crowd->answered, 1);
		else
			atomic_fetch_add(&crowd->wrong, 1);
	}
	return NULL;
}

static void many_clients_are_all_answered(void **state)
{
	struct crowd crowd = { .fixture = *state };
	pthread_t threads[8];
	size_t i;

	atomic_store(&crowd.fixture->row_count, 50);
	for (i = 0; i < COUNT(threads); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, ask_often, &crowd),
			0);
	for (i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&crowd.wrong), 0);
	assert_int_equal(
		atomic_load(&crowd.answered), COUNT(threads) * ASKS_EACH);
}

/* ---- requests that are none --------------------------------------------- */

static void bad_requests_get_a_reason_and_no_answer(void **state)
{
	static const struct {
		const char *line;
		const char *want;
	} cases[] = {
		{ "\n", "{\"end\":-2," },
		{ "GET / HTTP/1.1\r\n", "{\"end\":-2," },
		{ "{\"op\":\"status\",\"op\":\"status\"}\n", "{\"end\":-2," },
		{ "{\"op\":\"reload\"}\n",
			"{\"end\":-2,\"where\":\"op\",\"text\":\"must be" },
		{ "{\"op\":\"outcomes\",\"limit\":5000}\n",
			"{\"end\":-2,\"where\":\"limit\"," },
		{ "{\"op\":\"message\",\"queue_id\":\"" ID "' OR 1=1 --\"}\n",
			"{\"end\":-2,\"where\":\"queue_id\"," },
	};
	struct fixture *fixture = *state;
	char got[1024];
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		int fd = bare_client(fixture);

		say(fd, cases[i].line, strlen(cases[i].line));
		(void)read_all(fd, got, sizeof(got), PROMPT_MS);
		if (strncmp(got, cases[i].want, strlen(cases[i].want)) != 0)
			fail_msg("%s: %s", cases[i].line, got);
		(void)close(fd);
	}
	assert_int_equal(atomic_load(&fixture->asked_count), 0);
	others_are_answered(fixture);
}

static void a_request_without_end_is_refused_at_its_bound(void **state)
{
	struct fixture *fixture = *state;
	int fd = bare_client(fixture);
	char line[TP_QUERY_REQUEST_MAX_BYTES];
	char got[1024];

	memset(line, 'a', sizeof(line));
	say(fd, line, sizeof(line));
	(void)read_all(fd, got, sizeof(got), PROMPT_MS);
	assert_non_null(strstr(got, "{\"end\":-7,"));
	assert_non_null(strstr(got, "4096"));
	(void)close(fd);
	others_are_answered(fixture);
}

static void a_request_may_come_byte_by_byte(void **state)
{
	static const char line[] =
		"{ \"queue_id\": \"" ID "\",\t\"op\": \"message\" }\n";
	struct fixture *fixture = *state;
	int fd = bare_client(fixture);
	char got[1024];
	size_t i;

	for (i = 0; i < strlen(line); i++) {
		say(fd, line + i, 1);
		tp_sleep_ms(1);
	}
	(void)read_all(fd, got, sizeof(got), PROMPT_MS);
	assert_non_null(strstr(got, "{\"row\":{\"queue_id\":\"" ID "\""));
	assert_non_null(strstr(got, "{\"end\":0}\n"));
	(void)close(fd);
}

static void only_the_first_request_is_answered(void **state)
{
	static const char lines[] =
		"{\"op\":\"status\"}\n{\"op\":\"status\"}\n";
	struct fixture *fixture = *state;
	int fd = bare_client(fixture);
	char got[1024];

	say(fd, lines, strlen(lines));
	(void)read_all(fd, got, sizeof(got), PROMPT_MS);
	assert_int_equal(atomic_load(&fixture->asked_count), 1);
	(void)close(fd);
}

static void who_hangs_up_is_forgotten(void **state)
{
	struct fixture *fixture = *state;
	int i;

	atomic_store(&fixture->row_count, 900);
	atomic_store(&fixture->text_bytes, 400);
	for (i = 0; i < 100; i++) {
		int fd = bare_client(fixture);

		if (i % 3 > 0)
			say(fd, "{\"op\":\"outcomes\"}\n", i % 3 == 1 ? 5 : 18);
		(void)close(fd);
	}
	others_are_answered_soon(fixture);
}

/* ---- limits ------------------------------------------------------------- */

static void a_fifth_connection_of_one_user_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct tp_error err;
	struct seen seen = { .rows = 0 };
	int fds[4];
	size_t i;

	for (i = 0; i < COUNT(fds); i++)
		fds[i] = bare_client(fixture);
	assert_int_equal(
		ask(fixture->spool, TP_QUERY_MESSAGE, &seen, &err), TP_EBUSY);
	assert_non_null(strstr(err.text, "try again"));
	(void)close(fds[0]);
	others_are_answered_soon(fixture);
	for (i = 1; i < COUNT(fds); i++)
		(void)close(fds[i]);
}

static int hold_four(struct fixture *fixture)
{
	int i;

	for (i = 0; i < 4; i++)
		if (bare_client(fixture) < 0)
			return 1;
	(void)pause();
	return 0;
}

/* A child of another user with four open connections. */
static pid_t intruder(struct fixture *fixture, uid_t uid)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(setresuid(uid, uid, uid) == 0 ? hold_four(fixture) : 1);
	return child;
}

static void end_intruder(pid_t child)
{
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static int uid_that_asks(struct fixture *fixture)
{
	struct tp_error err;
	struct seen seen = { .rows = 0 };

	if (ask(fixture->spool, TP_QUERY_MESSAGE, &seen, &err) != 1)
		return 99;
	return seen.attempts == (int)geteuid() ? 1 : 2;
}

/* Only root can become somebody else; others have one user to test with. */
static void the_kernel_says_who_asks(void **state)
{
	struct fixture *fixture = *state;

	if (geteuid() != 0)
		return;
	assert_int_equal(as_user(STRANGER, uid_that_asks, fixture), 1);
	assert_int_equal(atomic_load(&fixture->uid), STRANGER);
	assert_int_equal(as_user(OTHER_STRANGER, uid_that_asks, fixture), 1);
	assert_int_equal(atomic_load(&fixture->uid), OTHER_STRANGER);
}

static void one_user_takes_no_place_of_another(void **state)
{
	struct fixture *fixture = *state;
	pid_t child;

	if (geteuid() != 0)
		return;
	child = intruder(fixture, STRANGER);
	tp_sleep_ms(100);
	others_are_answered(fixture);
	assert_int_equal(as_user(OTHER_STRANGER, uid_that_asks, fixture), 1);
	assert_int_equal(as_user(STRANGER, uid_that_asks, fixture), 99);
	end_intruder(child);
	tp_sleep_ms(50);
	assert_int_equal(as_user(STRANGER, uid_that_asks, fixture), 1);
}

/* Three long questions of one user, and a short one of another. */
static void one_users_questions_wait_for_anothers(void **state)
{
	static const char line[] = "{\"op\":\"outcomes\"}\n";
	struct fixture *fixture = *state;
	int64_t start_ms;
	int fds[3];
	size_t i;

	if (geteuid() != 0)
		return;
	atomic_store(&fixture->row_count, 20);
	atomic_store(&fixture->pause_ms, 50);
	for (i = 0; i < COUNT(fds); i++)
		fds[i] = bare_client(fixture);
	for (i = 0; i < COUNT(fds); i++)
		say(fds[i], line, sizeof(line) - 1);
	start_ms = tp_mono_ms();
	tp_sleep_ms(100);
	assert_int_equal(as_user(STRANGER, uid_that_asks, fixture), 1);
	/* one of the long ones, or two if he came too late for the first turn,
	 * but never all */
	assert_true(tp_mono_ms() - start_ms < 2500);
	for (i = 0; i < COUNT(fds); i++)
		(void)close(fds[i]);
}

/* Has four connections at any time and asks for nothing. */
static _Noreturn void hold_four_for_ever(struct fixture *fixture)
{
	int fds[4] = { -1, -1, -1, -1 };
	size_t i;
	char byte;

	for (i = 0;; i = (i + 1) % COUNT(fds)) {
		if (fds[i] >= 0 && recv(fds[i], &byte, 1, MSG_DONTWAIT) < 0) {
			tp_sleep_ms(1);
			continue;
		}
		if (fds[i] >= 0)
			(void)close(fds[i]);
		fds[i] = bare_client(fixture);
	}
}

static int is_answered_each_time(struct fixture *fixture)
{
	int i;

	for (i = 0; i < 50; i++)
		if (uid_that_asks(fixture) != 1)
			return i + 1;
	return 0;
}

static void four_users_with_all_places_keep_nobody_out(void **state)
{
	struct fixture *fixture = *state;
	pid_t children[4];
	int failed_at;
	size_t i;

	if (geteuid() != 0)
		return;
	for (i = 0; i < COUNT(children); i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0 && setuid(STRANGER + (uid_t)i) == 0)
			hold_four_for_ever(fixture);
		if (children[i] == 0)
			_exit(1);
	}
	tp_sleep_ms(200);
	failed_at = as_user(STRANGER + 9, is_answered_each_time, fixture);
	if (failed_at == 0)
		failed_at = is_answered_each_time(fixture);
	for (i = 0; i < COUNT(children); i++)
		end_intruder(children[i]);
	assert_int_equal(failed_at, 0);
}

static void in_a_crowd_there_is_half_a_second_to_ask(void **state)
{
	struct fixture *fixture = *state;
	pid_t children[2];
	int64_t start_ms;
	char got[64];
	int fd;

	if (geteuid() != 0)
		return;
	children[0] = intruder(fixture, STRANGER);
	children[1] = intruder(fixture, OTHER_STRANGER);
	tp_sleep_ms(200);
	start_ms = tp_mono_ms();
	fd = bare_client(fixture);
	assert_int_equal(read_all(fd, got, sizeof(got), 1500), 0);
	assert_in_range(tp_mono_ms() - start_ms, 450, 1500);
	(void)close(fd);
	end_intruder(children[0]);
	end_intruder(children[1]);
}

/* Somebody who listens at the socket in our place. */
static int listen_there(const struct fixture *fixture)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	tp_socket_address(fixture->spool, -1, "", TP_QUERY_SOCKET, &address);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		chmod(fixture->socket, 0666) < 0 || listen(fd, 8) < 0)
		return -1;
	return fd;
}

/* ---- slow ones ---------------------------------------------------------- */

/* Asks for more than a socket holds and reads nothing of it. */
static int start_slow_reader(const struct fixture *fixture)
{
	int fd = bare_client(fixture);

	say(fd, "{\"op\":\"outcomes\"}\n", 18);
	tp_sleep_ms(100);
	return fd;
}

static void who_asks_slowly_is_given_up_after_two_seconds(void **state)
{
	struct fixture *fixture = *state;
	int64_t start_ms = tp_mono_ms();
	int silent = bare_client(fixture);
	int half = bare_client(fixture);
	char got[64];

	say(half, "{\"op\":", 6);
	others_are_answered(fixture);
	assert_int_equal(read_all(half, got, sizeof(got), 4000), 0);
	assert_int_equal(read_all(silent, got, sizeof(got), 1000), 0);
	assert_in_range(tp_mono_ms() - start_ms, 1900, 3500);
	(void)close(silent);
	(void)close(half);
}

/* A daemon of its own that takes no request. */
static void *wait_for_silent_daemon(void *arg)
{
	struct fixture *silent = arg;
	int listener = listen_there(silent);
	int64_t start_ms = tp_mono_ms();
	struct tp_error err;
	struct seen seen = { .rows = 0 };

	atomic_store(&silent->asked_count,
		ask(silent->spool, TP_QUERY_MESSAGE, &seen, &err));
	atomic_store(&silent->pause_ms, (int)(tp_mono_ms() - start_ms));
	(void)close(listener);
	(void)unlink(silent->socket);
	return NULL;
}

/* Two that take long, side by side. */
static void slow_readers_have_ten_seconds_silent_daemons_five(void **state)
{
	struct fixture *fixture = *state;
	void *other = NULL;
	struct fixture *silent;
	struct pollfd gone = { .events = POLLHUP };
	int64_t start_ms = tp_mono_ms();
	pthread_t thread;
	char got[64];

	assert_int_equal(make_spool(&other), 0);
	silent = other;
	assert_int_equal(
		pthread_create(&thread, NULL, wait_for_silent_daemon, silent),
		0);
	atomic_store(&fixture->row_count, 1000);
	atomic_store(&fixture->text_bytes, 300);
	gone.fd = start_slow_reader(fixture);
	others_are_answered(fixture);
	while (!(gone.revents & POLLHUP) && tp_mono_ms() - start_ms < 12000) {
		/* A sip now and then does not help. */
		assert_true(recv(gone.fd, got, sizeof(got), 0) >= 0);
		gone.events = 0;
		(void)poll(&gone, 1, 500);
	}
	assert_in_range(tp_mono_ms() - start_ms, 9500, 11500);
	(void)close(gone.fd);
	others_are_answered(fixture);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(atomic_load(&silent->asked_count), TP_ETIMEOUT);
	assert_in_range(atomic_load(&silent->pause_ms), 4900, 6500);
	assert_int_equal(rmdir(silent->spool), 0);
	free(silent);
}

static void a_reader_with_pauses_gets_everything(void **state)
{
	struct fixture *fixture = *state;
	static char got[1048576];
	size_t len;
	int fd;

	atomic_store(&fixture->row_count, 1000);
	atomic_store(&fixture->text_bytes, 200);
	fd = start_slow_reader(fixture);
	tp_sleep_ms(700);
	len = read_all(fd, got, sizeof(got), 4000);
	assert_true(len > 700000 && len < sizeof(got));
	assert_string_equal(got + len - 10, "{\"end\":0}\n");
	(void)close(fd);
}

static void stop_waits_for_no_client(void **state)
{
	struct fixture *fixture = *state;
	int64_t start_ms;
	int fds[3];
	size_t i;

	atomic_store(&fixture->row_count, 1000);
	atomic_store(&fixture->text_bytes, 300);
	fds[0] = start_slow_reader(fixture);
	fds[1] = bare_client(fixture);
	fds[2] = bare_client(fixture);
	say(fds[1], "{\"op\"", 5);
	start_ms = tp_mono_ms();
	tp_query_server_stop(&fixture->server);
	assert_true(tp_mono_ms() - start_ms < PROMPT_MS);
	assert_int_equal(access(fixture->socket, F_OK), -1);
	for (i = 0; i < COUNT(fds); i++)
		(void)close(fds[i]);
}

static void stop_ends_a_long_answer_and_gives_no_half_one(void **state)
{
	struct fixture *fixture = *state;
	int fd = bare_client(fixture);
	int64_t start_ms;
	char got[64];

	atomic_store(&fixture->row_count, 1000);
	atomic_store(&fixture->pause_ms, 20);
	say(fd, "{\"op\":\"outcomes\"}\n", 18);
	tp_sleep_ms(200);
	start_ms = tp_mono_ms();
	tp_query_server_stop(&fixture->server);
	assert_true(tp_mono_ms() - start_ms < PROMPT_MS);
	assert_int_equal(read_all(fd, got, sizeof(got), PROMPT_MS), 0);
	(void)close(fd);
}

static void who_asks_during_a_long_answer_still_has_his_time(void **state)
{
	struct fixture *fixture = *state;
	int busy = bare_client(fixture);
	int patient = bare_client(fixture);
	char got[1024];

	/* longer than the time in which to ask */
	atomic_store(&fixture->row_count, 25);
	atomic_store(&fixture->pause_ms, 100);
	say(busy, "{\"op\":\"outcomes\"}\n", 18);
	tp_sleep_ms(100);
	say(patient, "{\"op\":\"status\"}\n", 16);
	(void)read_all(patient, got, sizeof(got), 4000);
	assert_non_null(strstr(got, "{\"end\":-11,"));
	(void)close(busy);
	(void)close(patient);
}

/* ---- the socket --------------------------------------------------------- */

static void the_socket_is_for_everybody_and_goes_with_the_server(void **state)
{
	struct fixture *fixture = *state;
	struct stat info;

	assert_int_equal(lstat(fixture->socket, &info), 0);
	assert_true(S_ISSOCK(info.st_mode));
	assert_int_equal(info.st_mode & 07777, 0666);
	tp_query_server_stop(&fixture->server);
	assert_int_equal(lstat(fixture->socket, &info), -1);
	start(fixture);
	others_are_answered(fixture);
}

static void a_living_socket_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	struct tp_query_server *second = NULL;
	struct tp_error err = TP_ERROR_INIT;

	assert_int_equal(tp_query_server_start(fixture->spool, answer, fixture,
				 &second, &err),
		TP_EBUSY);
	assert_null(second);
	assert_non_null(strstr(err.text, fixture->spool));
	others_are_answered(fixture);
}

/* Makes a socket that nobody listens on, under NAME. */
static void leave_dead_socket(const struct fixture *fixture, const char *name)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	tp_socket_address(fixture->spool, -1, "", name, &address);
	assert_int_equal(
		bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	(void)close(fd);
}

static void a_dead_socket_is_replaced(void **state)
{
	struct fixture *fixture = *state;

	leave_dead_socket(fixture, "query");
	leave_dead_socket(fixture, "query.new");
	start(fixture);
	others_are_answered(fixture);
}

static void what_is_no_socket_is_not_removed(void **state)
{
	struct fixture *fixture = *state;
	struct tp_error err = TP_ERROR_INIT;

	assert_int_equal(mkdir(fixture->socket, 0700), 0);
	assert_int_equal(tp_query_server_start(fixture->spool, answer, fixture,
				 &fixture->server, &err),
		TP_EPERM);
	assert_non_null(strstr(err.text, "not a socket"));
	assert_int_equal(rmdir(fixture->socket), 0);
	assert_int_equal(symlink("/etc/passwd", fixture->socket), 0);
	tp_error_clear(&err);
	assert_int_equal(tp_query_server_start(fixture->spool, answer, fixture,
				 &fixture->server, &err),
		TP_EPERM);
	assert_int_equal(unlink(fixture->socket), 0);
}

static void a_socket_of_somebody_else_is_not_removed(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(unlink(fixture->socket), 0);
	leave_dead_socket(fixture, "query");
	tp_query_server_stop(&fixture->server);
	assert_int_equal(unlink(fixture->socket), 0);
}

static void a_spool_may_have_a_long_path(void **state)
{
	struct fixture *fixture = *state;
	struct tp_query_server *server = NULL;
	struct tp_error err = TP_ERROR_INIT;
	struct seen seen = { .rows = 0 };
	char name[201];
	char spool[300];
	int length;

	/* around the length where the other way begins, and far beyond */
	for (length = 70; length <= 200; length += length < 100 ? 1 : 100) {
		memset(name, 'd', (size_t)length);
		name[length] = '\0';
		(void)snprintf(
			spool, sizeof(spool), "%s/%s", fixture->spool, name);
		assert_int_equal(mkdir(spool, 0755), 0);
		if (tp_query_server_start(
			    spool, answer, fixture, &server, &err) < 0)
			fail_msg("%s: %s", err.where, err.text);
		assert_int_equal(ask(spool, TP_QUERY_MESSAGE, &seen, &err), 1);
		tp_query_server_stop(&server);
		assert_int_equal(rmdir(spool), 0);
	}
}

static void no_spool_is_an_error_of_the_server(void **state)
{
	struct fixture *fixture = *state;
	struct tp_query_server *server = NULL;
	struct tp_error err = TP_ERROR_INIT;

	assert_int_equal(tp_query_server_start("/nonexistent/spool", answer,
				 fixture, &server, &err),
		TP_EIO);
	assert_null(server);
	assert_non_null(strstr(err.text, "/nonexistent/spool"));
	tp_query_server_stop(&server);
}

static int stop_in_child(struct fixture *fixture)
{
	tp_query_server_stop(&fixture->server);
	return fixture->server || access(fixture->socket, F_OK) != 0;
}

static void a_forked_child_does_not_stop_its_parents_server(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(as_user(geteuid(), stop_in_child, fixture), 0);
	others_are_answered(fixture);
	assert_int_equal(as_user(geteuid(), uid_that_asks, fixture), 1);
}

/* ---- the client --------------------------------------------------------- */

static void without_a_daemon_the_client_says_so(void **state)
{
	struct fixture *fixture = *state;
	struct tp_error err;
	struct seen seen = { .rows = 0 };

	assert_int_equal(ask(fixture->spool, TP_QUERY_MESSAGE, &seen, &err),
		TP_ECONNECT);
	assert_non_null(strstr(err.text, "tillpostd does not run"));
	assert_non_null(strstr(err.text, fixture->socket));
	assert_int_equal(
		ask("/nonexistent/spool", TP_QUERY_MESSAGE, &seen, &err),
		TP_ECONNECT);
	assert_non_null(strstr(err.text, "tillpostd does not run"));
	leave_dead_socket(fixture, "query");
	assert_int_equal(ask(fixture->spool, TP_QUERY_MESSAGE, &seen, &err),
		TP_ECONNECT);
	assert_int_equal(unlink(fixture->socket), 0);
}

static int ask_stranger(struct fixture *fixture)
{
	struct tp_error err;
	struct seen seen = { .rows = 0 };
	int rc = ask(fixture->spool, TP_QUERY_MESSAGE, &seen, &err);

	return rc == TP_EPERM && strstr(err.text, "not believed") ? 1 : 0;
}

static void a_stranger_who_answers_is_not_believed(void **state)
{
	struct fixture *fixture = *state;
	int fds[2];
	pid_t child;
	char byte = 0;

	if (geteuid() != 0)
		return;
	assert_int_equal(chmod(fixture->spool, 0777), 0);
	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (setresuid(STRANGER, STRANGER, STRANGER) < 0 ||
			listen_there(fixture) < 0 ||
			write(fds[1], &byte, 1) != 1)
			_exit(1);
		(void)pause();
		_exit(0);
	}
	assert_int_equal(read(fds[0], &byte, 1), 1);
	assert_int_equal(ask_stranger(fixture), 1);
	assert_int_equal(as_user(OTHER_STRANGER, ask_stranger, fixture), 1);
	end_intruder(child);
	(void)close(fds[0]);
	(void)close(fds[1]);
	assert_int_equal(unlink(fixture->socket), 0);
}

/* Answers COUNT clients with the same bytes, repeated. */
struct liar {
	int listener;
	const char *text;
	int repeat;
};

static void *lie(void *arg)
{
	const struct liar *liar = arg;
	int fd = accept(liar->listener, NULL, NULL);
	char request[4096];
	int i;

	if (liar->repeat >= 0)
		(void)recv(fd, request, sizeof(request), 0);
	for (i = 0; i < liar->repeat; i++)
		if (send(fd, liar->text, strlen(liar->text), MSG_NOSIGNAL) < 0)
			break;
	(void)close(fd);
	return NULL;
}

#define ROW                                                       \
	"{\"row\":{\"queue_id\":\"" ID                            \
	"\",\"store\":\"eu\",\"state\":\"held\",\"reason\":\"\"," \
	"\"attempts\":1,\"created_ms\":2,\"next_try_ms\":3,"      \
	"\"expires_ms\":4,\"size_bytes\":5}}\n"
#define SPACES                                                             \
	"                                                                " \
	"                                                                "

/* The disposition of SIGPIPE is the default one here: a client that raised it
 * would end the test. */
static void lying_answers_end_as_protocol_errors(void **state)
{
	static const struct liar cases[] = {
		{ .text = "", .repeat = -1 }, /* hangs up before the request */
		{ .text = "", .repeat = 0 },
		{ .text = "{\"row\":", .repeat = 1 },
		{ .text = "hello\n", .repeat = 1 },
		{ .text = ROW, .repeat = 3 },	       /* no end */
		{ .text = ROW, .repeat = 1000000 },    /* endless rows */
		{ .text = SPACES, .repeat = 1000000 }, /* an endless line */
	};
	struct fixture *fixture = *state;
	int listener = listen_there(fixture);
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		struct liar liar = cases[i];
		struct tp_error err;
		struct seen seen = { .rows = 0 };
		pthread_t thread;
		int rc;

		liar.listener = listener;
		assert_int_equal(pthread_create(&thread, NULL, lie, &liar), 0);
		rc = ask(fixture->spool, TP_QUERY_MESSAGE, &seen, &err);
		if (rc != TP_EPROTO || seen.rows > 1001)
			fail_msg("case %zu: %d, %s, %d rows", i, rc, err.text,
				seen.rows);
		(void)pthread_join(thread, NULL);
	}
	(void)close(listener);
	assert_int_equal(unlink(fixture->socket), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define BARE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, make_spool, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_comes_back_to_who_asked),
		TEST(a_kick_comes_to_the_answerer_and_back),
		TEST(the_answerers_error_is_the_askers),
		TEST(a_client_may_have_enough),
		TEST(an_answer_of_many_rows_arrives_whole),
		TEST(what_is_too_much_is_cut_and_said_so),
		TEST(many_clients_are_all_answered),
		TEST(bad_requests_get_a_reason_and_no_answer),
		TEST(a_request_without_end_is_refused_at_its_bound),
		TEST(a_request_may_come_byte_by_byte),
		TEST(only_the_first_request_is_answered),
		TEST(who_hangs_up_is_forgotten),
		TEST(a_fifth_connection_of_one_user_is_refused),
		TEST(the_kernel_says_who_asks),
		TEST(one_user_takes_no_place_of_another),
		TEST(one_users_questions_wait_for_anothers),
		TEST(four_users_with_all_places_keep_nobody_out),
		TEST(in_a_crowd_there_is_half_a_second_to_ask),
		TEST(who_asks_slowly_is_given_up_after_two_seconds),
		TEST(slow_readers_have_ten_seconds_silent_daemons_five),
		TEST(a_reader_with_pauses_gets_everything),
		TEST(stop_waits_for_no_client),
		TEST(stop_ends_a_long_answer_and_gives_no_half_one),
		TEST(who_asks_during_a_long_answer_still_has_his_time),
		TEST(the_socket_is_for_everybody_and_goes_with_the_server),
		TEST(a_living_socket_is_left_alone),
		BARE_TEST(a_dead_socket_is_replaced),
		BARE_TEST(what_is_no_socket_is_not_removed),
		TEST(a_socket_of_somebody_else_is_not_removed),
		BARE_TEST(a_spool_may_have_a_long_path),
		BARE_TEST(no_spool_is_an_error_of_the_server),
		TEST(a_forked_child_does_not_stop_its_parents_server),
		BARE_TEST(without_a_daemon_the_client_says_so),
		BARE_TEST(a_stranger_who_answers_is_not_believed),
		BARE_TEST(lying_answers_end_as_protocol_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
