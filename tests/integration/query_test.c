/*
 * query_test.c - what a process that only submits is told, and what not
 *
 * JOB     One handle takes the spool in and delivers to a small relay in this
 *         program; handles of the role submit, in children that are other
 *         users, ask what became of the mail. Three stores: "red" is user
 *         nobody's, "blue" that of a user without a name, "open" everybody's.
 * NEEDS   root, to be several users.
 * LAYER   a host: public header only.
 * SPDX-License-Identifier: MIT
 */
/* The world has more in it than is used here. */
#pragma GCC diagnostic ignored "-Wunused-function"

#include "integration/spool_world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#define RED_UID 65534 /* nobody */
#define BLUE_UID 61003
#define NEITHER_UID 61004

#define GOOD "buyer@example.net"
#define BAD "bad@example.net"	  /* refused */
#define LATER "later@example.net" /* refused for now */
#define WORDS "canary words of the relay"

/* ---- a relay ------------------------------------------------------------ */

static void reply(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void answer_recipient(int fd, const char *line)
{
	if (strstr(line, BAD))
		reply(fd, "550 5.1.1 " WORDS "\r\n");
	else if (strstr(line, LATER))
		reply(fd, "451 4.2.0 " WORDS "\r\n");
	else
		reply(fd, "250 2.1.5 fine\r\n");
}

static int answer_command(FILE *in, int fd, char *line, int room)
{
	if (strncmp(line, "RCPT", 4) == 0) {
		answer_recipient(fd, line);
	} else if (strncmp(line, "DATA", 4) == 0) {
		reply(fd, "354 go on\r\n");
		while (fgets(line, room, in) && strcmp(line, ".\r\n") != 0)
			continue;
		reply(fd, "250 2.0.0 taken\r\n");
	} else if (strncmp(line, "QUIT", 4) == 0) {
		reply(fd, "221 2.0.0 bye\r\n");
		return 0;
	} else {
		reply(fd, "250 fine\r\n");
	}
	return 1;
}

static void *relay_connection(void *arg)
{
	int fd = (int)(intptr_t)arg;
	FILE *in = fdopen(fd, "r");
	char line[2048];

	reply(fd, "220 relay.example ESMTP\r\n");
	while (in && fgets(line, sizeof(line), in))
		if (!answer_command(in, fd, line, sizeof(line)))
			break;
	if (in)
		(void)fclose(in);
	return NULL;
}

static void *relay_main(void *arg)
{
	int listener = (int)(intptr_t)arg;

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		if (fd < 0)
			continue;
		CHECK(pthread_create(&thread, NULL, relay_connection,
			      (void *)(intptr_t)fd) == 0);
		CHECK(pthread_detach(thread) == 0);
	}
	return NULL;
}

/* Lives as long as this program. @return its port */
static unsigned start_relay(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t thread;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0);
	CHECK(listen(listener, 64) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&at, &len) == 0);
	CHECK(pthread_create(&thread, NULL, relay_main,
		      (void *)(intptr_t)listener) == 0);
	CHECK(pthread_detach(thread) == 0);
	return ntohs(at.sin_port);
}

static void configure_for(const struct world *world, unsigned port)
{
	char text[4096];
	int len = snprintf(text, sizeof(text),
		"queue = { path = \"queue.db\"; free_reserve = \"0\"; };\n"
		"spool = { path = \"spool\"; };\n"
		"log = { path = \"\"; };\n"
		"relays = {\n"
		"  lab = { host = \"127.0.0.1\"; port = %u;\n"
		"    tls = \"none\"; auth = \"none\"; };\n"
		"  dead = { host = \"127.0.0.1\"; port = 9;\n"
		"    tls = \"none\"; auth = \"none\"; };\n"
		"};\n"
		"stores = {\n"
		"  default = { relays = [\"lab\"];\n"
		"    from = \"shop@example.com\"; bounce = false;\n"
		"    users = [\"root\"]; };\n"
		"  red = { users = [\"nobody\"]; };\n"
		"  blue = { users = [\"61003\"]; relays = [\"dead\"]; };\n"
		"  blue2 = { users = [\"61003\"]; };\n"
		"  open = { users = []; };\n"
		"};\n",
		port);

	CHECK(len > 0 && (size_t)len < sizeof(text));
	write_file(world, "tillpost.conf", text, 0644);
}

/* ---- asking ------------------------------------------------------------- */

/* What was submitted before anybody asks; children know it too. */
struct mail {
	char id[24];
};

static struct mail mail_to(struct world *world, tillpost_handle *handle,
	const char *store, const char *first, const char *second)
{
	const char *recipients[] = { first, second };
	struct tillpost_message message = an_order(store);
	struct tillpost_receipt receipt;
	struct mail mail;

	message.recipients = recipients;
	message.recipient_count = second ? 2 : 1;
	TILLPOST_INIT(&receipt);
	CHECK_OK(world,
		world->api->submit(handle, &message, &receipt, &world->err));
	(void)snprintf(mail.id, sizeof(mail.id), "%s", receipt.queue_id);
	return mail;
}

struct entry {
	int count;
	int attempts;
	int64_t created_ms;
	char state[16];
	char store[32];
	char reason[512];
	uint32_t recipient_count;
	size_t secret_bytes; /* of what must not be told */
};

static int32_t keep_entry(void *ctx, const struct tillpost_queue_entry *from)
{
	struct entry *entry = ctx;

	entry->count++;
	entry->attempts = from->attempts;
	entry->created_ms = from->created_ms;
	entry->recipient_count = from->recipient_count;
	entry->secret_bytes = strlen(from->sender) + strlen(from->message_id);
	(void)snprintf(entry->state, sizeof(entry->state), "%s", from->state);
	(void)snprintf(entry->store, sizeof(entry->store), "%s", from->store);
	(void)snprintf(
		entry->reason, sizeof(entry->reason), "%s", from->reason);
	return 0;
}

static int32_t look_up(struct world *world, tillpost_handle *handle,
	const char *queue_id, struct entry *entry)
{
	struct tillpost_queue_filter filter;

	memset(entry, 0, sizeof(*entry));
	TILLPOST_INIT(&filter);
	TILLPOST_INIT(&world->err);
	filter.queue_id = queue_id;
	return world->api->queue_list(
		handle, &filter, keep_entry, entry, &world->err);
}

/* The message is in that state, and nothing else is told but REASON. */
static void check_state(struct world *world, tillpost_handle *handle,
	const struct mail *mail, const char *state, const char *reason)
{
	struct entry entry;
	int32_t rc = look_up(world, handle, mail->id, &entry);

	CHECK_OK(world, rc);
	if (strcmp(entry.state, state) != 0 || !strstr(entry.reason, reason) ||
		(!reason[0] && entry.reason[0]))
		printf("%s: %s, %s\n", mail->id, entry.state, entry.reason);
	CHECK(rc == 1 && entry.count == 1);
	CHECK(strcmp(entry.state, state) == 0);
	CHECK(strstr(entry.reason, reason) != NULL);
	CHECK(reason[0] || !entry.reason[0]);
	CHECK(entry.recipient_count == 0 && entry.secret_bytes == 0);
}

static void check_unknown(
	struct world *world, tillpost_handle *handle, const char *queue_id)
{
	struct entry entry;

	CHECK_FAILS(world, look_up(world, handle, queue_id, &entry),
		TILLPOST_ENOTFOUND,
		"no such message is known here, or it is not yours");
	CHECK(entry.count == 0);
}

struct seen_outcomes {
	int count;
	int of_store[3]; /* red, blue, open */
	int of_others;
	int64_t last_event_id;
	char text[512];
	char recipient[64];
};

static int32_t keep_outcome(void *ctx, const struct tillpost_outcome *from)
{
	static const char *const stores[] = { "red", "blue", "open" };
	struct seen_outcomes *seen = ctx;
	int i;

	CHECK(from->event_id > seen->last_event_id);
	seen->last_event_id = from->event_id;
	seen->count++;
	for (i = 0; i < 3; i++)
		if (strncmp(from->store, stores[i], strlen(stores[i])) == 0)
			break;
	if (i < 3)
		seen->of_store[i]++;
	else
		seen->of_others++;
	(void)snprintf(seen->text, sizeof(seen->text), "%s", from->text);
	(void)snprintf(seen->recipient, sizeof(seen->recipient), "%s",
		from->recipient);
	return 0;
}

static int32_t outcomes(struct world *world, tillpost_handle *handle,
	const struct tillpost_outcome_filter *filter,
	struct seen_outcomes *seen)
{
	memset(seen, 0, sizeof(*seen));
	TILLPOST_INIT(&world->err);
	return world->api->outcomes(
		handle, filter, keep_outcome, seen, &world->err);
}

/* WORK in a child, as UID, with a handle of its own. */
static void as_user(struct world *world, uid_t uid,
	void (*work)(struct world *world, tillpost_handle *handle))
{
	tillpost_handle *handle = submitter(world);
	int status;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(setgroups(0, NULL) == 0);
		CHECK(setgid((gid_t)uid) == 0);
		CHECK(setuid(uid) == 0);
		work(world, handle);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	world->api->close(&handle);
}

/* ---- the mail that is asked for ----------------------------------------- */

static struct mail sent_red, failed_red, partly_red, deferred_red,
	cancelled_red;
static struct mail deferred_open, failed_open, waiting_blue, sent_blue2;

static int state_is(struct world *world, tillpost_handle *handle,
	const struct mail *mail, const char *state)
{
	struct entry entry;

	return look_up(world, handle, mail->id, &entry) == 1 &&
	       strcmp(entry.state, state) == 0;
}

static int all_tried(struct world *world, tillpost_handle *root)
{
	struct entry entry;

	return state_is(world, root, &sent_red, "sent") &&
	       state_is(world, root, &failed_red, "failed") &&
	       state_is(world, root, &partly_red, "partly") &&
	       state_is(world, root, &sent_blue2, "sent") &&
	       state_is(world, root, &failed_open, "failed") &&
	       look_up(world, root, cancelled_red.id, &entry) == 1 &&
	       entry.attempts == 1 && strcmp(entry.state, "queued") == 0 &&
	       look_up(world, root, deferred_red.id, &entry) == 1 &&
	       entry.attempts == 1 && strcmp(entry.state, "queued") == 0 &&
	       look_up(world, root, deferred_open.id, &entry) == 1 &&
	       entry.attempts == 1 && strcmp(entry.state, "queued") == 0;
}

/* @return the handle that takes in and delivers */
static tillpost_handle *deliver_mail(struct world *world)
{
	tillpost_handle *root = submitter(world);
	tillpost_handle *daemon;
	int i;

	sent_red = mail_to(world, root, "red", GOOD, NULL);
	failed_red = mail_to(world, root, "red", BAD, NULL);
	partly_red = mail_to(world, root, "red", GOOD, BAD);
	deferred_red = mail_to(world, root, "red", LATER, NULL);
	cancelled_red = mail_to(world, root, "red", LATER, NULL);
	deferred_open = mail_to(world, root, "open", LATER, NULL);
	failed_open = mail_to(world, root, "open", BAD, NULL);
	waiting_blue = mail_to(world, root, "blue", GOOD, NULL);
	sent_blue2 = mail_to(world, root, "blue2", GOOD, NULL);
	check_state(world, root, &sent_red, "spooled", "");
	daemon = taker(world, 0);
	for (i = 0; i < 1000 && !all_tried(world, root); i++)
		sleep_ms(20);
	CHECK(i < 1000);
	CHECK_OK(world, world->api->queue_action(daemon, TILLPOST_QUEUE_CANCEL,
				cancelled_red.id, &world->err));
	world->api->close(&root);
	return daemon;
}

/* ---- one message -------------------------------------------------------- */

static void root_knows_all(struct world *world, tillpost_handle *handle)
{
	check_state(world, handle, &sent_red, "sent", "");
	check_state(world, handle, &failed_red, "failed", WORDS);
	check_state(world, handle, &partly_red, "partly", WORDS);
	check_state(world, handle, &deferred_red, "queued", WORDS);
	check_state(world, handle, &cancelled_red, "cancelled", "");
	check_state(world, handle, &failed_open, "failed", WORDS);
	check_state(world, handle, &sent_blue2, "sent", "");
	check_unknown(world, handle, "01KAJ2V6Q0ABCDEFGH");
}

static void red_knows_red_and_open(struct world *world, tillpost_handle *handle)
{
	check_state(world, handle, &sent_red, "sent", "");
	check_state(world, handle, &failed_red, "failed", WORDS);
	check_state(world, handle, &deferred_red, "queued", WORDS);
	check_state(world, handle, &cancelled_red, "cancelled", "");
	/* only that it failed: the store is everybody's */
	check_state(world, handle, &failed_open, "failed", "");
	check_state(world, handle, &deferred_open, "queued", "");
	check_unknown(world, handle, waiting_blue.id);
	check_unknown(world, handle, sent_blue2.id);
	check_unknown(world, handle, "01KAJ2V6Q0ABCDEFGH");
}

static void blue_knows_blue_and_open(
	struct world *world, tillpost_handle *handle)
{
	check_state(world, handle, &sent_blue2, "sent", "");
	check_state(world, handle, &failed_open, "failed", "");
	check_unknown(world, handle, sent_red.id);
	check_unknown(world, handle, deferred_red.id);
}

static void others_know_open(struct world *world, tillpost_handle *handle)
{
	check_state(world, handle, &failed_open, "failed", "");
	check_unknown(world, handle, sent_red.id);
	check_unknown(world, handle, deferred_red.id);
	check_unknown(world, handle, sent_blue2.id);
}

static void one_message_is_enough(struct world *world, tillpost_handle *handle)
{
	struct tillpost_queue_filter filter;
	struct entry entry;

	TILLPOST_INIT(&filter);
	CHECK_FAILS(world,
		world->api->queue_list(
			handle, &filter, keep_entry, &entry, &world->err),
		TILLPOST_EPERM, "one message");
	CHECK_FAILS(world,
		world->api->queue_list(
			handle, NULL, keep_entry, &entry, &world->err),
		TILLPOST_EPERM, "one message");
	CHECK_FAILS(world, look_up(world, handle, "../../etc", &entry),
		TILLPOST_EINVAL, "not a queue id");
	CHECK_FAILS(world,
		world->api->queue_list(
			handle, &filter, NULL, NULL, &world->err),
		TILLPOST_EINVAL, "NULL");
	filter.queue_id = failed_open.id;
	filter.state = "queued";
	CHECK(world->api->queue_list(
		      handle, &filter, keep_entry, &entry, &world->err) == 0);
}

/* ---- outcomes ----------------------------------------------------------- */

static void red_sees_outcomes_of_red(
	struct world *world, tillpost_handle *handle)
{
	struct tillpost_outcome_filter filter;
	struct seen_outcomes seen;
	char words[512];
	int all;

	all = outcomes(world, handle, NULL, &seen);
	CHECK_OK(world, all);
	/* sent, failed, partly twice, deferred, deferred and cancelled */
	CHECK(all == 7 && seen.count == 7 && seen.of_store[0] == 7);
	TILLPOST_INIT(&filter);
	filter.store = "red";
	CHECK(outcomes(world, handle, &filter, &seen) == 7);
	filter.limit = 2;
	CHECK(outcomes(world, handle, &filter, &seen) == 2);
	filter.limit = 0;
	filter.recipient = BAD;
	CHECK(outcomes(world, handle, &filter, &seen) == 2);
	CHECK(strstr(seen.text, WORDS) && strcmp(seen.recipient, BAD) == 0);
	filter.store = NULL;
	filter.after_event_id = seen.last_event_id;
	CHECK(outcomes(world, handle, &filter, &seen) == 0);
	TILLPOST_INIT(&filter);
	filter.queue_id = sent_blue2.id;
	CHECK(outcomes(world, handle, &filter, &seen) == 0);
	filter.queue_id = failed_open.id;
	CHECK(outcomes(world, handle, &filter, &seen) == 0);
	/* not told whether there is such a store */
	TILLPOST_INIT(&filter);
	filter.store = "blue";
	CHECK(outcomes(world, handle, &filter, &seen) == TILLPOST_EPERM);
	(void)snprintf(words, sizeof(words), "%s", world->err.text);
	CHECK(strstr(words, "user nobody may not see") != NULL);
	filter.store = "grey";
	CHECK(outcomes(world, handle, &filter, &seen) == TILLPOST_EPERM);
	memcpy(strstr(words, "blue"), "grey", 4);
	CHECK(strcmp(words, world->err.text) == 0);
	filter.store = "open";
	CHECK(outcomes(world, handle, &filter, &seen) == TILLPOST_EPERM);
}

static void blue_sees_outcomes_of_both_his_stores(
	struct world *world, tillpost_handle *handle)
{
	struct tillpost_outcome_filter filter;
	struct seen_outcomes seen;
	int32_t all = outcomes(world, handle, NULL, &seen);

	CHECK_OK(world, all);
	CHECK(all >= 1 && seen.of_store[1] == seen.count);
	TILLPOST_INIT(&filter);
	filter.store = "blue2";
	CHECK(outcomes(world, handle, &filter, &seen) == 1);
	TILLPOST_INIT(&filter);
	filter.verdict = "sent";
	filter.limit = 1;
	CHECK(outcomes(world, handle, &filter, &seen) == 1);
	CHECK(seen.of_store[1] == 1);
}

static void others_see_no_outcomes(struct world *world, tillpost_handle *handle)
{
	struct seen_outcomes seen;

	CHECK(outcomes(world, handle, NULL, &seen) == 0);
	CHECK(seen.count == 0);
}

static void root_sees_all_outcomes(struct world *world, tillpost_handle *handle)
{
	struct seen_outcomes seen;

	CHECK(outcomes(world, handle, NULL, &seen) >= 10);
	CHECK(seen.of_store[0] == 7 && seen.of_store[1] >= 1);
	CHECK(seen.of_store[2] == 2 && seen.of_others == 0);
}

/* ---- status ------------------------------------------------------------- */

struct seen_relays {
	int count;
	int dead;
	int64_t waiting_count;
};

static int32_t keep_relay(void *ctx, const struct tillpost_relay_status *relay)
{
	struct seen_relays *seen = ctx;

	seen->count++;
	seen->dead += strcmp(relay->relay, "dead") == 0;
	seen->waiting_count += relay->waiting_count;
	CHECK(strcmp(relay->state, "ready") == 0 ||
		strcmp(relay->state, "paused") == 0);
	return 0;
}

static struct tillpost_status ask_status(
	struct world *world, tillpost_handle *handle, struct seen_relays *seen)
{
	struct tillpost_status status;

	memset(seen, 0, sizeof(*seen));
	TILLPOST_INIT(&status);
	CHECK_OK(world, world->api->status(handle, &status, keep_relay, seen,
				&world->err));
	CHECK(status.delivering == 1);
	return status;
}

static void red_sees_the_status_of_red(
	struct world *world, tillpost_handle *handle)
{
	struct seen_relays seen;
	struct tillpost_status status = ask_status(world, handle, &seen);

	CHECK(seen.count == 1 && seen.dead == 0 && seen.waiting_count == 0);
	CHECK(status.queued_count == 1 && status.held_count == 0);
	CHECK(status.active_count == 0);
	CHECK(status.oldest_ms > 0 && status.body_bytes > 100);
	/* the directory may not be read */
	CHECK(status.spooled_count == -1);
}

static void blue_sees_the_status_of_both_his_relays(
	struct world *world, tillpost_handle *handle)
{
	struct seen_relays seen;
	struct tillpost_status status = ask_status(world, handle, &seen);

	CHECK(seen.count == 2 && seen.dead == 1);
	CHECK(status.queued_count + status.active_count == 1);
}

static void others_see_nothing_in_the_status(
	struct world *world, tillpost_handle *handle)
{
	struct seen_relays seen;
	struct tillpost_status status = ask_status(world, handle, &seen);

	CHECK(seen.count == 0);
	CHECK(status.queued_count == 0 && status.body_bytes == 0);
	CHECK(status.oldest_ms == 0 && status.connection_count == 0);
}

static void root_sees_the_whole_status(
	struct world *world, tillpost_handle *handle)
{
	struct seen_relays seen;
	struct tillpost_status status = ask_status(world, handle, &seen);

	/* one row a relay, not one a store */
	CHECK(seen.count == 2 && seen.dead == 1);
	CHECK(status.queued_count + status.active_count == 3);
	CHECK(status.spooled_count == 0 && status.quarantined_count == 0);
}

/* ---- kick --------------------------------------------------------------- */

/* What the daemon says to one line at the socket, which every user may write
 * to. */
static void say_line(const struct world *world, const char *line, char *out,
	size_t out_bytes)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	ssize_t got = 1;

	CHECK(snprintf(at.sun_path, sizeof(at.sun_path), "%s/query",
		      world->spool) < (int)sizeof(at.sun_path));
	CHECK(connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	reply(fd, line);
	while (got > 0 && len < out_bytes - 1) {
		got = recv(fd, out + len, out_bytes - 1 - len, 0);
		if (got > 0)
			len += (size_t)got;
	}
	out[len] = '\0';
	(void)close(fd);
}

static void may_not_kick(struct world *world, tillpost_handle *handle)
{
	char said[1024];

	(void)handle;
	say_line(world, "{\"op\":\"kick\"}\n", said, sizeof(said));
	CHECK(strstr(said, "{\"end\":-12,") == said);
	CHECK(strstr(said, "may not end the pause of a relay") != NULL);
	say_line(world, "{\"op\":\"kick\",\"relay\":\"dead\"}\n", said,
		sizeof(said));
	CHECK(strstr(said, "{\"end\":-12,") == said);
}

static void may_kick(struct world *world, tillpost_handle *handle)
{
	char said[1024];

	(void)handle;
	say_line(world, "{\"op\":\"kick\"}\n", said, sizeof(said));
	CHECK(strcmp(said, "{\"end\":0}\n") == 0);
	say_line(world, "{\"op\":\"kick\",\"relay\":\"other\"}\n", said,
		sizeof(said));
	CHECK(strcmp(said, "{\"end\":0}\n") == 0);
}

struct pause {
	int64_t retry_ms;
};

static int32_t keep_pause(void *ctx, const struct tillpost_relay_status *relay)
{
	struct pause *pause = ctx;

	if (strcmp(relay->relay, "dead") == 0)
		pause->retry_ms = relay->retry_ms;
	return 0;
}

static int64_t pause_of_dead(struct world *world, tillpost_handle *daemon)
{
	struct pause pause = { .retry_ms = 0 };

	CHECK_OK(world, world->api->status(
				daemon, NULL, keep_pause, &pause, &world->err));
	return pause.retry_ms;
}

/* Soon: the message may be on its way just now, and refuse. */
static void act_on_blue(
	struct world *world, tillpost_handle *looker, int32_t action)
{
	int32_t rc = TILLPOST_EBUSY;
	int i;

	for (i = 0; i < 500 && rc < 0; i++) {
		sleep_ms(i > 0 ? 20 : 0);
		TILLPOST_INIT(&world->err);
		rc = world->api->queue_action(
			looker, action, waiting_blue.id, &world->err);
	}
	CHECK_OK(world, rc);
}

/* It was tried again, and so pauses for another time. */
static void dead_was_tried(
	struct world *world, tillpost_handle *daemon, int64_t *pause_ms)
{
	int64_t now_ms = 0;
	int i;

	for (i = 0; i < 500 && (now_ms == 0 || now_ms == *pause_ms); i++) {
		sleep_ms(20);
		now_ms = pause_of_dead(world, daemon);
	}
	CHECK(i < 500);
	*pause_ms = now_ms;
}

/* By a handle that delivers nothing: the lanes are of the one that does. */
static void retry_and_release_kick_the_daemon(
	struct world *world, tillpost_handle *daemon)
{
	tillpost_handle *looker = NULL;
	int64_t pause_ms = 0;

	dead_was_tried(world, daemon, &pause_ms);
	CHECK_OK(world,
		open_handle(world, TILLPOST_ROLE_EMBEDDED,
			TILLPOST_OPEN_PASSIVE, world->config, NULL, &looker));
	act_on_blue(world, looker, TILLPOST_QUEUE_RETRY);
	dead_was_tried(world, daemon, &pause_ms);
	act_on_blue(world, looker, TILLPOST_QUEUE_HOLD);
	sleep_ms(100);
	CHECK(pause_of_dead(world, daemon) == pause_ms);
	act_on_blue(world, looker, TILLPOST_QUEUE_RELEASE);
	dead_was_tried(world, daemon, &pause_ms);
	world->api->close(&looker);
}

/* ---- all in one world, which is delivered once -------------------------- */

static void each_user_is_told_his_own(struct world *world)
{
	tillpost_handle *daemon = deliver_mail(world);

	as_user(world, 0, root_knows_all);
	as_user(world, RED_UID, red_knows_red_and_open);
	as_user(world, BLUE_UID, blue_knows_blue_and_open);
	as_user(world, NEITHER_UID, others_know_open);
	as_user(world, NEITHER_UID, one_message_is_enough);
	as_user(world, RED_UID, red_sees_outcomes_of_red);
	as_user(world, BLUE_UID, blue_sees_outcomes_of_both_his_stores);
	as_user(world, NEITHER_UID, others_see_no_outcomes);
	as_user(world, 0, root_sees_all_outcomes);
	as_user(world, RED_UID, red_sees_the_status_of_red);
	as_user(world, BLUE_UID, blue_sees_the_status_of_both_his_relays);
	as_user(world, NEITHER_UID, others_see_nothing_in_the_status);
	as_user(world, 0, root_sees_the_whole_status);
	as_user(world, RED_UID, may_not_kick);
	as_user(world, NEITHER_UID, may_not_kick);
	as_user(world, 0, may_kick);
	retry_and_release_kick_the_daemon(world, daemon);
	CHECK(has_file(world, "spool", "query"));
	world->api->close(&daemon);
	CHECK(!has_file(world, "spool", "query"));
}

/* ---- without a daemon --------------------------------------------------- */

static void ask_nobody(struct world *world, tillpost_handle *handle)
{
	struct mail mail = mail_to(world, handle, "open", GOOD, NULL);
	struct tillpost_status status;
	struct seen_outcomes seen;
	struct entry entry;
	struct timespec now;

	check_state(world, handle, &mail, "spooled", "");
	(void)look_up(world, handle, mail.id, &entry);
	CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
	CHECK(entry.created_ms / 60000 >= now.tv_sec / 60 - 1 &&
		entry.created_ms / 60000 <= now.tv_sec / 60 + 1);
	CHECK_FAILS(world, look_up(world, handle, "01KAJ2V6Q0ABCDEFGH", &entry),
		TILLPOST_ECONNECT, "tillpostd does not run");
	CHECK_FAILS(world, outcomes(world, handle, NULL, &seen),
		TILLPOST_ECONNECT, "tillpostd does not run");
	TILLPOST_INIT(&status);
	CHECK_FAILS(world,
		world->api->status(handle, &status, NULL, NULL, &world->err),
		TILLPOST_ECONNECT, "tillpostd does not run");
}

static void without_a_daemon_only_the_spool_is_known(struct world *world)
{
	as_user(world, RED_UID, ask_nobody);
}

/* A passive handle answers while it runs, and only then. */
static void who_does_not_deliver_does_not_answer(struct world *world)
{
	tillpost_handle *daemon = taker(world, TILLPOST_OPEN_PASSIVE);

	as_user(world, RED_UID, ask_nobody);
	world->api->close(&daemon);
}

/* ---- many at once ------------------------------------------------------- */

static void ask_a_while(struct world *world, tillpost_handle *handle)
{
	struct seen_outcomes seen;
	int answered = 0;
	int i;

	for (i = 0; i < 100; i++) {
		int32_t rc = outcomes(world, handle, NULL, &seen);

		CHECK(rc >= 0 || rc == TILLPOST_EBUSY);
		answered += rc >= 0;
	}
	/* A place is free only when the one before was seen to have gone. */
	if (answered < 50)
		printf("%d of 100 answered\n", answered);
	CHECK(answered >= 50);
}

static void asking_goes_on_while_mail_does(struct world *world)
{
	tillpost_handle *root = submitter(world);
	tillpost_handle *daemon = taker(world, 0);
	pid_t children[6];
	int status;
	size_t i;

	for (i = 0; i < 6; i++) {
		(void)fflush(stdout);
		children[i] = fork();
		CHECK(children[i] >= 0);
		if (children[i] == 0) {
			CHECK(setuid(i % 2 ? RED_UID : BLUE_UID) == 0);
			ask_a_while(world, root);
			_exit(0);
		}
	}
	for (i = 0; i < 300; i++)
		(void)mail_to(world, root, i % 2 ? "red" : "blue2", GOOD, NULL);
	for (i = 0; i < 6; i++) {
		CHECK(waitpid(children[i], &status, 0) == children[i]);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	await(world, daemon, 0, 0);
	world->api->close(&daemon);
	world->api->close(&root);
}

struct test {
	const char *name;
	void (*run)(struct world *world);
};

#define TEST(name)          \
	{                   \
#name, name \
	}

int main(void)
{
	static const struct test tests[] = {
		TEST(each_user_is_told_his_own),
		TEST(without_a_daemon_only_the_spool_is_known),
		TEST(who_does_not_deliver_does_not_answer),
		TEST(asking_goes_on_while_mail_does),
	};
	const struct tillpost_api *api = load_plugin();
	unsigned port = start_relay();
	struct world world;
	size_t i;

	if (geteuid() != 0) {
		printf("query_test: needs root, to be several users\n");
		return 1;
	}
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		printf("%s\n", tests[i].name);
		make_world(&world, api);
		configure_for(&world, port);
		tests[i].run(&world);
		end_world(&world);
	}
	printf("%zu tests passed\n", i);
	return 0;
}
