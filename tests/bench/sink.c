/*
 * sink.c - a small, fast SMTP server that accepts everything
 *
 * JOB     sink [OPTION]...: listens on 127.0.0.1, prints "port N", and takes
 *         messages until SIGTERM or SIGINT; then prints what it took.
 *           --port N         0, the default, takes a free one
 *           --log FILE       one line for each message, written before its
 *                            250: number, user, sender, recipients (commas),
 *                            bytes, Message-ID; tabs between, "-" for none
 *           --store DIR      DIR/NUMBER.eml, the bytes without dot-stuffing,
 *                            complete before the line in the log
 *           --auth           offer AUTH PLAIN; any user may enter
 *           --delay-ms N     wait so long between message and 250
 *           --stall-after B --stall-ms N
 *                            stop reading for so long, once in each message,
 *                            when B bytes of it have come
 *           --delayed-ack    leave out TCP_QUICKACK, as most servers do
 * LAYER   test program, libc only. One thread, epoll.
 * BOUNDS  1,024 connections; 64 MiB a message; 64 KiB a line of a command;
 *         a client that does not read its replies is dropped after 10 s.
 * SOURCES RFC 5321, 1870, 2920, 4954, 6152.
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	CLIENTS_MAX = 1024,
	INPUT_BYTES = 64 * 1024,
	REPLY_BYTES = 4 * 1024,
	TEXT_BYTES = 512,
	RECIPIENTS_BYTES = 8 * 1024,
	MESSAGE_BYTES_MAX = 64 * 1024 * 1024,
	REPLY_WAIT_MS = 10 * 1000,
	STALL_WINDOW_BYTES = 32 * 1024,
};

enum state { STATE_COMMAND, STATE_AUTH, STATE_DATA };

struct options {
	int port;
	int log_fd;
	const char *store;
	bool auth;
	bool delayed_ack;
	long delay_ms;
	size_t stall_after_bytes;
	long stall_ms;
};

struct client {
	int fd;
	enum state state;
	int64_t paused_until_ms; /* 0: not paused */
	bool reply_due;		 /* the pause ends with the 250 of a message */
	bool closing;
	bool stalled; /* in this message already */
	bool line_start;
	size_t in_len;
	size_t out_len;
	char *message;
	size_t message_len;
	size_t message_size;
	char user[TEXT_BYTES];
	char sender[TEXT_BYTES];
	char recipients[RECIPIENTS_BYTES];
	char in[INPUT_BYTES];
	char out[REPLY_BYTES];
};

struct sink {
	struct options options;
	int epoll_fd;
	int listen_fd;
	long message_count;
	long connection_count;
	int open_count;
	struct client *clients[CLIENTS_MAX];
};

static volatile sig_atomic_t stop_requested;

static void on_signal(int number)
{
	(void)number;
	stop_requested = 1;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- replies ----------------------------------------------------------- */

/* Replies are collected, so that a pipelined group is answered at once. */
static void flush(struct client *client)
{
	size_t sent = 0;

	while (sent < client->out_len && !client->closing) {
		ssize_t n = send(client->fd, client->out + sent,
			client->out_len - sent, MSG_NOSIGNAL);
		struct pollfd wait = { .fd = client->fd, .events = POLLOUT };

		if (n >= 0)
			sent += (size_t)n;
		else if (errno != EAGAIN || poll(&wait, 1, REPLY_WAIT_MS) != 1)
			client->closing = true;
	}
	client->out_len = 0;
}

static void reply(struct client *client, const char *text)
{
	size_t len = strlen(text);

	if (client->out_len + len > sizeof client->out)
		flush(client);
	memcpy(client->out + client->out_len, text, len);
	client->out_len += len;
}

/* ---- one message ------------------------------------------------------- */

static void set_text(char *to, size_t size, const char *text, size_t len)
{
	(void)snprintf(to, size, "%.*s", (int)len, text);
}

static void message_reset(struct client *client)
{
	client->message_len = 0;
	client->stalled = false;
	client->line_start = true;
	client->sender[0] = '\0';
	client->recipients[0] = '\0';
}

static void message_add(struct client *client, const char *bytes, size_t len)
{
	if (client->message_len + len > MESSAGE_BYTES_MAX) {
		client->closing = true;
		return;
	}
	if (client->message_len + len > client->message_size) {
		size_t size = (client->message_len + len) * 2;
		char *grown = realloc(client->message, size);

		if (grown == NULL)
			fail("message");
		client->message = grown;
		client->message_size = size;
	}
	memcpy(client->message + client->message_len, bytes, len);
	client->message_len += len;
}

/* The field's value, without folding: our own messages never fold it. */
static void find_message_id(
	const struct client *client, char *id_out, size_t size)
{
	static const char name[] = "message-id:";
	const char *line = client->message;
	const char *end = line + client->message_len;

	set_text(id_out, size, "-", 1);
	while (line < end && *line != '\r' && *line != '\n') {
		size_t left = (size_t)(end - line);
		const char *feed = memchr(line, '\n', left);
		const char *stop = feed == NULL ? end : feed;

		if (left > sizeof name &&
			strncasecmp(line, name, sizeof name - 1) == 0) {
			line += sizeof name - 1;
			while (line < stop && *line == ' ')
				line++;
			while (stop > line && isspace((unsigned char)stop[-1]))
				stop--;
			set_text(id_out, size, line, (size_t)(stop - line));
			return;
		}
		line = stop + (stop < end);
	}
}

static void write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR)
			fail("write");
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
}

static void store_message(const struct sink *sink, const struct client *client)
{
	char path[4096];
	int fd;

	(void)snprintf(path, sizeof path, "%s/%ld.eml", sink->options.store,
		sink->message_count);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		fail(path);
	write_all(fd, client->message, client->message_len);
	(void)close(fd);
}

static const char *or_dash(const char *text)
{
	return text[0] == '\0' ? "-" : text;
}

/* One write for each line: a reader never sees half of one. */
static void log_message(const struct sink *sink, const struct client *client)
{
	char id[TEXT_BYTES];
	char line[RECIPIENTS_BYTES + 4 * TEXT_BYTES];
	int len;

	find_message_id(client, id, sizeof id);
	len = snprintf(line, sizeof line, "%ld\t%s\t%s\t%s\t%zu\t%s\n",
		sink->message_count, or_dash(client->user),
		client->sender[0] == '\0' ? "<>" : client->sender,
		or_dash(client->recipients), client->message_len, id);
	write_all(sink->options.log_fd, line, (size_t)len);
}

static void message_accept(struct client *client)
{
	reply(client, "250 2.0.0 taken\r\n");
	message_reset(client);
}

static void pause_until(
	const struct sink *sink, struct client *client, int64_t until_ms)
{
	struct epoll_event none = { .data.ptr = client };

	client->paused_until_ms = until_ms;
	if (epoll_ctl(sink->epoll_fd, EPOLL_CTL_MOD, client->fd, &none) < 0)
		fail("epoll_ctl");
}

static void message_end(struct sink *sink, struct client *client)
{
	client->state = STATE_COMMAND;
	sink->message_count++;
	if (sink->options.store != NULL)
		store_message(sink, client);
	if (sink->options.log_fd >= 0)
		log_message(sink, client);
	if (sink->options.delay_ms == 0) {
		message_accept(client);
		return;
	}
	client->reply_due = true;
	pause_until(sink, client, now_ms() + sink->options.delay_ms);
}

/* Only a dot between two CRLF ends the message; a bare LF is content. */
static void data_line(
	struct sink *sink, struct client *client, const char *line, size_t len)
{
	const struct options *options = &sink->options;

	if (client->line_start && len == 3 && memcmp(line, ".\r\n", 3) == 0) {
		message_end(sink, client);
		return;
	}
	if (client->line_start && line[0] == '.')
		message_add(client, line + 1, len - 1);
	else
		message_add(client, line, len);
	client->line_start = len >= 2 && memcmp(line + len - 2, "\r\n", 2) == 0;
	if (options->stall_ms > 0 && !client->stalled &&
		client->message_len >= options->stall_after_bytes) {
		client->stalled = true;
		pause_until(sink, client, now_ms() + options->stall_ms);
	}
}

/* ---- commands ---------------------------------------------------------- */

static size_t base64_decode(
	const char *text, size_t len, char *out, size_t size)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	unsigned int bit_count = 0;
	size_t out_len = 0;

	for (size_t i = 0; i < len; i++) {
		const char *at = memchr(alphabet, text[i], 64);

		if (at == NULL)
			break;
		bits = (bits << 6 | (uint32_t)(at - alphabet)) & 0xffffffu;
		bit_count += 6;
		if (bit_count >= 8 && out_len < size) {
			bit_count -= 8;
			out[out_len++] = (char)(bits >> bit_count & 0xffu);
		}
	}
	return out_len;
}

/* RFC 4616: authzid NUL user NUL password. Only the user is kept. */
static void auth_plain(struct client *client, const char *text, size_t len)
{
	char response[4096];
	size_t response_len =
		base64_decode(text, len, response, sizeof response);
	char *end = response + response_len;
	char *user = memchr(response, '\0', response_len);

	client->state = STATE_COMMAND;
	user = user == NULL ? end : user + 1;
	if (memchr(user, '\0', (size_t)(end - user)) == NULL) {
		reply(client, "501 5.5.2 not a PLAIN response\r\n");
		return;
	}
	set_text(client->user, sizeof client->user, user, strlen(user));
	explicit_bzero(response, sizeof response);
	reply(client, "235 2.7.0 welcome\r\n");
}

static void command_ehlo(const struct sink *sink, struct client *client)
{
	message_reset(client);
	reply(client, "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
		      "250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n");
	if (sink->options.auth)
		reply(client, "250-AUTH PLAIN\r\n");
	reply(client, "250 SIZE 67108864\r\n");
}

static void command_auth(
	const struct sink *sink, struct client *client, const char *line)
{
	if (!sink->options.auth || strncasecmp(line, "AUTH PLAIN", 10) != 0) {
		reply(client, "504 5.5.4 not offered\r\n");
	} else if (line[10] == ' ') {
		auth_plain(client, line + 11, strlen(line + 11));
	} else {
		client->state = STATE_AUTH;
		reply(client, "334 \r\n");
	}
}

/* What is between the angle brackets. */
static size_t path_of(const char *line, const char **path_out)
{
	const char *open = strchr(line, '<');
	const char *close = open == NULL ? NULL : strchr(open, '>');

	if (close == NULL)
		return 0;
	*path_out = open + 1;
	return (size_t)(close - open - 1);
}

static void command_rcpt(struct client *client, const char *line)
{
	const char *path = "";
	size_t len = path_of(line, &path);
	size_t used = strlen(client->recipients);

	if (used + len + 2 > sizeof client->recipients) {
		reply(client, "452 4.5.3 too many recipients\r\n");
		return;
	}
	(void)snprintf(client->recipients + used,
		sizeof client->recipients - used, "%s%.*s", used > 0 ? "," : "",
		(int)len, path);
	reply(client, "250 2.1.5 ok\r\n");
}

static void command_mail(struct client *client, const char *line)
{
	const char *path = "";
	size_t len = path_of(line, &path);

	message_reset(client);
	set_text(client->sender, sizeof client->sender, path, len);
	reply(client, "250 2.1.0 ok\r\n");
}

static void command_data(struct client *client)
{
	if (client->recipients[0] == '\0') {
		reply(client, "503 5.5.1 no recipient\r\n");
		return;
	}
	client->state = STATE_DATA;
	reply(client, "354 go on\r\n");
}

static bool is_verb(const char *line, const char *verb)
{
	size_t len = strlen(verb);

	return strncasecmp(line, verb, len) == 0 &&
	       (line[len] == '\0' || line[len] == ' ');
}

static void command(struct sink *sink, struct client *client, const char *line)
{
	if (is_verb(line, "MAIL")) {
		command_mail(client, line);
	} else if (is_verb(line, "RCPT")) {
		command_rcpt(client, line);
	} else if (is_verb(line, "DATA")) {
		command_data(client);
	} else if (is_verb(line, "EHLO") || is_verb(line, "HELO")) {
		command_ehlo(sink, client);
	} else if (is_verb(line, "AUTH")) {
		command_auth(sink, client, line);
	} else if (is_verb(line, "RSET")) {
		message_reset(client);
		reply(client, "250 2.0.0 ok\r\n");
	} else if (is_verb(line, "NOOP")) {
		reply(client, "250 2.0.0 ok\r\n");
	} else if (is_verb(line, "QUIT")) {
		reply(client, "221 2.0.0 bye\r\n");
		flush(client);
		client->closing = true;
	} else {
		reply(client, "502 5.5.1 not known here\r\n");
	}
}

static void command_line(
	struct sink *sink, struct client *client, char *line, size_t len)
{
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	line[len] = '\0';
	if (client->state == STATE_AUTH)
		auth_plain(client, line, len);
	else
		command(sink, client, line);
}

/* ---- input ------------------------------------------------------------- */

/* Takes whole lines from the input, and of a message's line that is longer
 * than the buffer what there is of it. */
static void process(struct sink *sink, struct client *client)
{
	size_t used = 0;

	while (used < client->in_len && client->paused_until_ms == 0 &&
		!client->closing) {
		char *line = client->in + used;
		size_t left = client->in_len - used;
		char *feed = memchr(line, '\n', left);
		size_t len = feed == NULL ? left : (size_t)(feed - line) + 1;

		if (feed == NULL && left < sizeof client->in)
			break;
		if (client->state == STATE_DATA)
			data_line(sink, client, line, len);
		else if (feed == NULL)
			client->closing = true;
		else
			command_line(sink, client, line, len);
		used += len;
	}
	client->in_len -= used;
	memmove(client->in, client->in + used, client->in_len);
	flush(client);
}

static void set_int(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof value);
}

static void client_read(struct sink *sink, struct client *client)
{
	ssize_t n = recv(client->fd, client->in + client->in_len,
		sizeof client->in - client->in_len, 0);

	if (n <= 0) {
		client->closing = n == 0 || errno != EAGAIN;
		return;
	}
	/* The kernel forgets this option by itself. */
	if (!sink->options.delayed_ack)
		set_int(client->fd, IPPROTO_TCP, TCP_QUICKACK, 1);
	client->in_len += (size_t)n;
	process(sink, client);
}

static void client_resume(struct sink *sink, struct client *client)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

	client->paused_until_ms = 0;
	if (epoll_ctl(sink->epoll_fd, EPOLL_CTL_MOD, client->fd, &event) < 0)
		fail("epoll_ctl");
	if (client->reply_due) {
		client->reply_due = false;
		message_accept(client);
	}
	process(sink, client);
}

/* ---- connections ------------------------------------------------------- */

static void client_close(struct sink *sink, int slot)
{
	struct client *client = sink->clients[slot];

	(void)close(client->fd);
	free(client->message);
	free(client);
	sink->clients[slot] = sink->clients[--sink->open_count];
}

static void client_accept(struct sink *sink)
{
	int fd = accept(sink->listen_fd, NULL, NULL);
	struct client *client;
	struct epoll_event event = { .events = EPOLLIN };

	if (fd < 0)
		return;
	if (sink->open_count == CLIENTS_MAX) {
		(void)close(fd);
		return;
	}
	client = calloc(1, sizeof *client);
	if (client == NULL)
		fail("client");
	client->fd = fd;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		fail("fcntl");
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	event.data.ptr = client;
	if (epoll_ctl(sink->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		fail("epoll_ctl");
	sink->clients[sink->open_count++] = client;
	sink->connection_count++;
	message_reset(client);
	reply(client, "220 sink.test ESMTP\r\n");
	flush(client);
}

/* @return milliseconds until the next pause ends, -1 without one */
static int resume_due_clients(struct sink *sink)
{
	int64_t now = now_ms();
	int64_t next = INT64_MAX;

	for (int i = 0; i < sink->open_count; i++) {
		struct client *client = sink->clients[i];

		if (client->paused_until_ms != 0 &&
			client->paused_until_ms <= now)
			client_resume(sink, client);
		if (client->paused_until_ms != 0 &&
			client->paused_until_ms < next)
			next = client->paused_until_ms;
	}
	if (next == INT64_MAX)
		return -1;
	return next > now ? (int)(next - now) : 0;
}

static void close_finished_clients(struct sink *sink)
{
	for (int i = sink->open_count - 1; i >= 0; i--)
		if (sink->clients[i]->closing)
			client_close(sink, i);
}

/* Signals are only let in while epoll waits, so none is missed. */
static void serve(struct sink *sink, const sigset_t *waiting)
{
	struct epoll_event events[64];

	while (!stop_requested) {
		int timeout_ms = resume_due_clients(sink);
		int n;

		close_finished_clients(sink);
		n = epoll_pwait(
			sink->epoll_fd, events, 64, timeout_ms, waiting);
		for (int i = 0; i < n; i++) {
			struct client *client = events[i].data.ptr;

			if (client == NULL)
				client_accept(sink);
			else if (client->paused_until_ms == 0)
				client_read(sink, client);
			else
				client->closing = true; /* hung up */
		}
	}
	while (sink->open_count > 0)
		client_close(sink, 0);
}

/* ---- start ------------------------------------------------------------- */

static void sink_listen(struct sink *sink)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)sink->options.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	struct epoll_event event = { .events = EPOLLIN };

	sink->listen_fd =
		socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (sink->listen_fd < 0)
		fail("socket");
	set_int(sink->listen_fd, SOL_SOCKET, SO_REUSEADDR, 1);
	/* A stall shall be felt soon, not after the kernel's megabytes. */
	if (sink->options.stall_ms > 0)
		set_int(sink->listen_fd, SOL_SOCKET, SO_RCVBUF,
			STALL_WINDOW_BYTES);
	if (bind(sink->listen_fd, (struct sockaddr *)&address, len) < 0 ||
		listen(sink->listen_fd, 512) < 0 ||
		getsockname(
			sink->listen_fd, (struct sockaddr *)&address, &len) < 0)
		fail("listen");
	sink->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (sink->epoll_fd < 0 || epoll_ctl(sink->epoll_fd, EPOLL_CTL_ADD,
					  sink->listen_fd, &event) < 0)
		fail("epoll");
	(void)printf("port %u\n", (unsigned int)ntohs(address.sin_port));
	(void)fflush(stdout);
}

static void usage(void)
{
	(void)fputs("usage: sink [--port N] [--log FILE] [--store DIR] "
		    "[--auth] [--delay-ms N]\n"
		    "            [--stall-after BYTES --stall-ms N] "
		    "[--delayed-ack]\n",
		stderr);
	exit(64);
}

static long number_option(const char *text, long max)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < 0 ||
		value > max)
		usage();
	return value;
}

static void parse_option(struct options *options, int letter)
{
	switch (letter) {
	case 'p':
		options->port = (int)number_option(optarg, 65535);
		break;
	case 'l':
		options->log_fd = open(optarg,
			O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		if (options->log_fd < 0)
			fail(optarg);
		break;
	case 's':
		options->store = optarg;
		break;
	case 'a':
		options->auth = true;
		break;
	case 'd':
		options->delay_ms = number_option(optarg, 3600000);
		break;
	case 'b':
		options->stall_after_bytes =
			(size_t)number_option(optarg, MESSAGE_BYTES_MAX);
		break;
	case 'm':
		options->stall_ms = number_option(optarg, 3600000);
		break;
	case 'q':
		options->delayed_ack = true;
		break;
	default:
		usage();
	}
}

static void parse_options(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "log", required_argument, NULL, 'l' },
		{ "store", required_argument, NULL, 's' },
		{ "auth", no_argument, NULL, 'a' },
		{ "delay-ms", required_argument, NULL, 'd' },
		{ "stall-after", required_argument, NULL, 'b' },
		{ "stall-ms", required_argument, NULL, 'm' },
		{ "delayed-ack", no_argument, NULL, 'q' },
		{ NULL, 0, NULL, 0 },
	};
	int letter;

	*options = (struct options) { .log_fd = -1 };
	while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1)
		parse_option(options, letter);
	if (optind != argc)
		usage();
}

int main(int argc, char **argv)
{
	static struct sink sink;
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked, waiting;

	parse_options(&sink.options, argc, argv);
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGTERM);
	(void)sigaddset(&blocked, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &blocked, &waiting);
	(void)sigdelset(&waiting, SIGTERM);
	(void)sigdelset(&waiting, SIGINT);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	sink_listen(&sink);
	serve(&sink, &waiting);
	(void)printf("messages %ld connections %ld\n", sink.message_count,
		sink.connection_count);
	return 0;
}
