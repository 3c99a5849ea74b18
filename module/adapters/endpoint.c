/*
 * endpoint.c - the local SMTP server that libESMTP talks to
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/endpoint.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOKEN_RANDOM_BYTES 16
#define TOKEN_BYTES (2 * TOKEN_RANDOM_BYTES + 1)
#define CANDIDATES_MAX_COUNT 64
/* When all places are taken: how long a candidate may keep his. */
#define CANDIDATE_GRACE_MS 250
#define ADMIT_TIMEOUT_MS 10000
#define INPUT_BYTES 65536
#define LINE_MAX_BYTES 1024
/* "EHLO token" with its end */
#define HELLO_BYTES (5 + TOKEN_BYTES - 1 + 2)

/* A client that has not yet shown the token. */
struct candidate {
	int fd;
	int64_t since_ms;
	size_t len;
	char line[HELLO_BYTES];
};

struct tp_endpoint {
	struct tp_upstream *upstream;
	int listener;
	int client;
	char address[32];
	char token[TOKEN_BYTES];
	pthread_mutex_t lock; /* guards tx */
	struct tp_transaction *tx;
	size_t next_rcpt;
	int mail_seen;
	int body_wanted; /* forward the body upstream */
	/* input */
	size_t start;
	size_t end;
	char input[INPUT_BYTES];
};

static int make_token(char *token)
{
	unsigned char raw[TOKEN_RANDOM_BYTES];
	size_t i;

	if (tp_random_bytes(raw, sizeof(raw)) < 0)
		return TP_EIO;
	for (i = 0; i < sizeof(raw); i++)
		(void)snprintf(token + 2 * i, 3, "%02x", raw[i]);
	return TP_OK;
}

static int listen_local(struct tp_endpoint *endpoint, struct tp_error *err)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	endpoint->listener =
		socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (endpoint->listener < 0)
		return tp_fail_errno(err, TP_EIO, "endpoint", "socket");
	if (bind(endpoint->listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
		listen(endpoint->listener, SOMAXCONN) < 0 ||
		getsockname(endpoint->listener, (struct sockaddr *)&at, &len) <
			0)
		return tp_fail_errno(
			err, TP_EIO, "endpoint", "cannot listen on 127.0.0.1");
	(void)snprintf(endpoint->address, sizeof(endpoint->address),
		"127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
	return TP_OK;
}

int tp_endpoint_new(struct tp_upstream *upstream,
	struct tp_endpoint **endpoint_out, struct tp_error *err)
{
	struct tp_endpoint *endpoint = tp_alloc(sizeof(*endpoint));
	int rc;

	*endpoint_out = NULL;
	if (!endpoint)
		return tp_fail(err, TP_ENOMEM, "endpoint", "out of memory");
	endpoint->upstream = upstream;
	endpoint->listener = -1;
	endpoint->client = -1;
	(void)pthread_mutex_init(&endpoint->lock, NULL);
	rc = make_token(endpoint->token);
	if (rc < 0)
		(void)tp_fail(err, rc, "endpoint", "no random bytes");
	else
		rc = listen_local(endpoint, err);
	if (rc < 0)
		tp_endpoint_destroy(&endpoint);
	*endpoint_out = endpoint;
	return rc;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void tp_endpoint_destroy(struct tp_endpoint **endpoint)
{
	if (!*endpoint)
		return;
	close_fd(&(*endpoint)->listener);
	close_fd(&(*endpoint)->client);
	(void)pthread_mutex_destroy(&(*endpoint)->lock);
	tp_free(*endpoint);
	*endpoint = NULL;
}

const char *tp_endpoint_address(const struct tp_endpoint *endpoint)
{
	return endpoint->address;
}

const char *tp_endpoint_token(const struct tp_endpoint *endpoint)
{
	return endpoint->token;
}

void tp_endpoint_set_transaction(
	struct tp_endpoint *endpoint, struct tp_transaction *tx)
{
	(void)pthread_mutex_lock(&endpoint->lock);
	endpoint->tx = tx;
	(void)pthread_mutex_unlock(&endpoint->lock);
}

void tp_endpoint_synchronise(struct tp_endpoint *endpoint)
{
	(void)pthread_mutex_lock(&endpoint->lock);
	(void)pthread_mutex_unlock(&endpoint->lock);
}

static struct tp_transaction *transaction(struct tp_endpoint *endpoint)
{
	struct tp_transaction *tx;

	(void)pthread_mutex_lock(&endpoint->lock);
	tx = endpoint->tx;
	(void)pthread_mutex_unlock(&endpoint->lock);
	return tx;
}

/* The client is our own library on loopback; it always reads. */
static int say(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return TP_EIO;
		text += sent;
		len -= (size_t)sent;
	}
	return TP_OK;
}

/* Replies to commands. The lock publishes what this thread recorded in the
 * transaction to the thread that will see the reply. */
static int answer(struct tp_endpoint *endpoint, const char *text)
{
	tp_endpoint_synchronise(endpoint);
	return say(endpoint->client, text);
}

/* Delayed acknowledgements cost 40 ms a message against libESMTP, which
 * leaves Nagle's algorithm on and writes a body in pieces. The kernel forgets
 * the option, so it is set before each read of a body; a command is a single
 * write, which our reply acknowledges. */
static void acknowledge_quickly(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

/* ---- admission ---------------------------------------------------------- */

static void admit_new(
	struct tp_endpoint *endpoint, struct candidate *free_place)
{
	int fd = accept(endpoint->listener, NULL, NULL);

	if (fd < 0)
		return;
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	free_place->fd = fd;
	free_place->since_ms = tp_mono_ms();
	free_place->len = 0;
	if (say(fd, "220 tillpost\r\n") < 0)
		close_fd(&free_place->fd);
}

/* @return 1: shown; 0: not yet; -1: not one of ours */
static int token_shown(
	const struct tp_endpoint *endpoint, struct candidate *candidate)
{
	char want[HELLO_BYTES + 1];
	ssize_t got = recv(candidate->fd, candidate->line + candidate->len,
		sizeof(candidate->line) - candidate->len, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0)
		return -1;
	candidate->len += (size_t)got;
	(void)snprintf(want, sizeof(want), "EHLO %s\r\n", endpoint->token);
	if (memcmp(candidate->line, want, candidate->len) != 0)
		return -1;
	return candidate->len == HELLO_BYTES;
}

/* Looks at each candidate that has something to say. */
static void examine(struct tp_endpoint *endpoint, struct candidate *list,
	const struct pollfd *fds)
{
	int i;

	for (i = 0; i < CANDIDATES_MAX_COUNT && endpoint->client < 0; i++) {
		int shown;

		if (list[i].fd < 0 || fds[i].revents == 0)
			continue;
		shown = token_shown(endpoint, &list[i]);
		if (shown == 1) {
			endpoint->client = list[i].fd;
			list[i].fd = -1;
		} else if (shown < 0) {
			close_fd(&list[i].fd);
		}
	}
}

/* A place for a new candidate. If there is none, who has been silent longest
 * makes room; libESMTP speaks at once, so it is not the one.
 * @return NULL: none yet; *wait_ms_out: until there may be */
static struct candidate *find_place(struct candidate *list, int *wait_ms_out)
{
	struct candidate *oldest = &list[0];
	int64_t deadline;
	int i;

	for (i = 0; i < CANDIDATES_MAX_COUNT; i++) {
		if (list[i].fd < 0)
			return &list[i];
		if (list[i].since_ms < oldest->since_ms)
			oldest = &list[i];
	}
	deadline = oldest->since_ms + CANDIDATE_GRACE_MS;
	if (tp_deadline_left_ms(deadline) > 0) {
		if (*wait_ms_out > tp_deadline_left_ms(deadline))
			*wait_ms_out = tp_deadline_left_ms(deadline);
		return NULL;
	}
	close_fd(&oldest->fd);
	return oldest;
}

/* Waits for somebody to come or to speak, and deals with it. */
static void admit_step(
	struct tp_endpoint *endpoint, struct candidate *list, int wait_ms)
{
	struct pollfd fds[CANDIDATES_MAX_COUNT + 1];
	struct pollfd *door = &fds[CANDIDATES_MAX_COUNT];
	struct candidate *place = find_place(list, &wait_ms);
	int i;

	for (i = 0; i < CANDIDATES_MAX_COUNT; i++)
		fds[i] = (struct pollfd) { list[i].fd, POLLIN, 0 };
	/* poll() passes over a negative descriptor. */
	*door = (struct pollfd) { place ? endpoint->listener : -1, POLLIN, 0 };
	if (poll(fds, CANDIDATES_MAX_COUNT + 1, wait_ms) <= 0)
		return;
	examine(endpoint, list, fds);
	if (door->revents && endpoint->client < 0)
		admit_new(endpoint, place);
}

/* Any local user can connect to the port: only who knows the token stays. */
static int admit(struct tp_endpoint *endpoint)
{
	struct candidate list[CANDIDATES_MAX_COUNT];
	int64_t deadline = tp_deadline_ms(ADMIT_TIMEOUT_MS);
	int i;

	for (i = 0; i < CANDIDATES_MAX_COUNT; i++)
		list[i].fd = -1;
	while (endpoint->client < 0 && tp_deadline_left_ms(deadline) > 0)
		admit_step(endpoint, list, tp_deadline_left_ms(deadline));
	for (i = 0; i < CANDIDATES_MAX_COUNT; i++)
		close_fd(&list[i].fd);
	close_fd(&endpoint->listener);
	return endpoint->client >= 0 ? TP_OK : TP_ETIMEOUT;
}

/* ---- input -------------------------------------------------------------- */

/* @return 1: more bytes; 0: end of input */
static int fill(struct tp_endpoint *endpoint)
{
	ssize_t got;

	if (endpoint->start == endpoint->end)
		endpoint->start = endpoint->end = 0;
	if (endpoint->end == sizeof(endpoint->input)) {
		memmove(endpoint->input, endpoint->input + endpoint->start,
			endpoint->end - endpoint->start);
		endpoint->end -= endpoint->start;
		endpoint->start = 0;
	}
	do
		got = recv(endpoint->client, endpoint->input + endpoint->end,
			sizeof(endpoint->input) - endpoint->end, 0);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return 0;
	endpoint->end += (size_t)got;
	return 1;
}

/* Reads one command line without CRLF, NUL-terminated, into LINE.
 * @return 1; 0: end of input or a line that libESMTP cannot have made */
static int read_line(struct tp_endpoint *endpoint, char *line)
{
	for (;;) {
		char *from = endpoint->input + endpoint->start;
		size_t have = endpoint->end - endpoint->start;
		char *newline = memchr(from, '\n', have);
		size_t len;

		if (!newline) {
			if (have >= LINE_MAX_BYTES || !fill(endpoint))
				return 0;
			continue;
		}
		len = (size_t)(newline - from);
		if (len >= LINE_MAX_BYTES || len == 0 || from[len - 1] != '\r')
			return 0;
		memcpy(line, from, len - 1);
		line[len - 1] = '\0';
		endpoint->start += len + 1;
		return 1;
	}
}

/* ---- body --------------------------------------------------------------- */

/* Progress through one dot-stuffed body. */
struct body {
	const char *data; /* what must come, un-stuffed */
	size_t len;
	size_t at;
	char last; /* the byte before; a line ends with CRLF only */
	int line_start;
	int equal;
	int ended;
};

/* Compares un-stuffed bytes with the stored message. */
static void compare(struct body *body, const char *bytes, size_t len)
{
	if (!body->equal)
		return;
	if (len > body->len - body->at ||
		memcmp(body->data + body->at, bytes, len) != 0)
		body->equal = 0;
	else
		body->at += len;
}

/* Takes as much of one line as is there.
 * @return bytes taken; 0: more input is needed to decide */
static size_t take_line(struct body *body, const char *bytes, size_t len)
{
	const char *newline;
	size_t take;
	size_t skip = 0;

	if (body->line_start && bytes[0] == '.') {
		if (len < 3)
			return 0;
		if (bytes[1] == '\r' && bytes[2] == '\n') {
			body->ended = 1;
			return 3;
		}
		skip = 1;
	}
	newline = memchr(bytes, '\n', len);
	take = newline ? (size_t)(newline - bytes) + 1 : len;
	compare(body, bytes + skip, take - skip);
	body->line_start =
		newline && (take > 1 ? newline[-1] : body->last) == '\r';
	body->last = bytes[take - 1];
	return take;
}

/* Reads to the final dot, whatever happens upstream: libESMTP must never be
 * left writing (it drops what it cannot write and goes on). */
static int read_body(struct tp_endpoint *endpoint, struct tp_transaction *tx,
	struct body *body)
{
	while (!body->ended) {
		const char *from = endpoint->input + endpoint->start;
		size_t have = endpoint->end - endpoint->start;
		size_t done = 0;
		size_t forward;

		while (done < have && !body->ended) {
			size_t took = take_line(body, from + done, have - done);

			if (took == 0)
				break;
			done += took;
		}
		/* The dot itself is upstream's to send, or not. */
		forward = body->ended ? done - 3 : done;
		if (body->equal && endpoint->body_wanted)
			tp_upstream_body(endpoint->upstream, tx, from, forward);
		endpoint->start += done;
		if (body->ended)
			break;
		acknowledge_quickly(endpoint->client);
		if (!fill(endpoint))
			return TP_ECLOSED;
	}
	return TP_OK;
}

/* ---- commands ----------------------------------------------------------- */

/* A reply that libESMTP parses without trouble: one line, short, ASCII. */
static int pass_reply(struct tp_endpoint *endpoint, int code)
{
	char line[64];

	(void)snprintf(line, sizeof(line), "%03d %s\r\n", code,
		code < 400 ? "ok" : "refused by the relay");
	return answer(endpoint, line);
}

static int lost_reply(struct tp_endpoint *endpoint)
{
	return answer(endpoint, "451 relay connection lost\r\n");
}

/* What libESMTP does is not what the transaction holds: the dot must not go
 * out. */
static void abandon(struct tp_endpoint *endpoint, struct tp_transaction *tx,
	const char *text)
{
	tp_upstream_abandon(endpoint->upstream, tx, text);
	endpoint->body_wanted = 0;
}

static int mismatch(struct tp_endpoint *endpoint, struct tp_transaction *tx)
{
	abandon(endpoint, tx,
		"integrity check: the dialogue differs from the stored "
		"message; nothing was sent");
	return lost_reply(endpoint);
}

static int on_mail(struct tp_endpoint *endpoint, struct tp_transaction *tx,
	const char *line)
{
	char want[LINE_MAX_BYTES];

	(void)snprintf(want, sizeof(want), "MAIL FROM:<%s>", tx->sender);
	endpoint->next_rcpt = 0;
	endpoint->mail_seen = 1;
	endpoint->body_wanted = 0;
	if (strcmp(line, want) != 0)
		return mismatch(endpoint, tx);
	endpoint->body_wanted = tp_upstream_begin(endpoint->upstream, tx);
	if (tx->mail.code == 0)
		return lost_reply(endpoint);
	return pass_reply(endpoint, tx->mail.code);
}

static int on_rcpt(struct tp_endpoint *endpoint, struct tp_transaction *tx,
	const char *line)
{
	char want[LINE_MAX_BYTES];
	size_t i = endpoint->next_rcpt++;

	if (i >= tx->recipient_count)
		return mismatch(endpoint, tx);
	(void)snprintf(want, sizeof(want), "RCPT TO:<%s>", tx->recipients[i]);
	if (strcmp(line, want) != 0)
		return mismatch(endpoint, tx);
	if (tx->rcpt[i].code == 0)
		return lost_reply(endpoint);
	return pass_reply(endpoint, tx->rcpt[i].code);
}

/* DATA always gets 354, and a refusal comes after the dot: then libESMTP
 * behaves alike in all cases. */
static int on_data(struct tp_endpoint *endpoint, struct tp_transaction *tx)
{
	struct body body = {
		.data = tx->data,
		.len = tx->data_len,
		.line_start = 1,
		.equal = 1,
	};

	if (endpoint->body_wanted && endpoint->next_rcpt != tx->recipient_count)
		abandon(endpoint, tx,
			"integrity check: a recipient was left out; the dot "
			"was not sent");
	if (answer(endpoint, "354 go\r\n") < 0 ||
		read_body(endpoint, tx, &body) < 0) {
		if (endpoint->body_wanted)
			abandon(endpoint, tx,
				"libESMTP broke off in the body; the dot was "
				"not sent");
		return TP_ECLOSED;
	}
	if (endpoint->body_wanted && body.equal && body.at == body.len)
		tp_upstream_dot(endpoint->upstream, tx);
	else if (endpoint->body_wanted)
		abandon(endpoint, tx,
			"integrity check: the body differs from the stored "
			"message; the dot was not sent");
	endpoint->mail_seen = 0;
	endpoint->body_wanted = 0;
	if (tx->data_reply.code != 0)
		return pass_reply(endpoint, tx->data_reply.code);
	if (endpoint->upstream->lost)
		return lost_reply(endpoint);
	return answer(endpoint, "554 no valid recipients\r\n");
}

static int starts_with(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}

/* @return 1: go on; 0: QUIT was answered; negative: the client is gone */
static int on_command(struct tp_endpoint *endpoint, const char *line)
{
	struct tp_transaction *tx = transaction(endpoint);
	int rc;

	if (starts_with(line, "QUIT")) {
		(void)answer(endpoint, "221 bye\r\n");
		return 0;
	}
	if (starts_with(line, "RSET") || starts_with(line, "NOOP"))
		rc = answer(endpoint, "250 ok\r\n");
	else if (tx && starts_with(line, "MAIL FROM:"))
		rc = on_mail(endpoint, tx, line);
	else if (tx && endpoint->mail_seen && starts_with(line, "RCPT TO:"))
		rc = on_rcpt(endpoint, tx, line);
	else if (tx && endpoint->mail_seen && strcmp(line, "DATA") == 0)
		rc = on_data(endpoint, tx);
	else
		rc = answer(endpoint, "503 not now\r\n");
	return rc < 0 ? rc : 1;
}

static int converse(struct tp_endpoint *endpoint)
{
	char line[LINE_MAX_BYTES];
	int rc;

	/* No extension that changes the dialogue is shown: no PIPELINING,
	 * STARTTLS, AUTH, CHUNKING. */
	rc = answer(endpoint, "250-tillpost\r\n250 8BITMIME\r\n");
	if (rc < 0)
		return rc;
	do {
		if (!read_line(endpoint, line))
			return TP_EIO;
		rc = on_command(endpoint, line);
	} while (rc > 0);
	return rc;
}

/* The client's end is closed whatever happened: libESMTP waits a day for a
 * reply, but sees an end of file at once. */
int tp_endpoint_serve(struct tp_endpoint *endpoint)
{
	int rc = admit(endpoint);

	if (rc >= 0)
		rc = converse(endpoint);
	close_fd(&endpoint->client);
	return rc;
}
