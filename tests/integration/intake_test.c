/*
 * intake_test.c - the spool into the queue, while something is wrong
 *
 * SPDX-License-Identifier: MIT
 */
#include "integration/spool_world.h"

#define NAMELESS_UID 61977
#define BATCH_COUNT 128
#define FLOOD_COUNT 80
#define PART_COUNT 1000 /* of one user in quarantine */

static const char usual_head[] =
	"queue = { path = \"queue.db\"; free_reserve = \"0\"; };\n";

/* HEAD: the sections besides those of every test here. */
static void configure_all(
	const struct world *world, const char *head, const char *stores)
{
	char text[4096];

	CHECK(snprintf(text, sizeof(text),
		      "%sspool = { path = \"spool\"; };\n"
		      "log = { path = \"\"; };\n"
		      "relays = { lab = { host = \"127.0.0.1\"; port = 9;\n"
		      "  tls = \"none\"; auth = \"none\"; }; };\n"
		      "stores = {\n%s};\n",
		      head, stores) < (int)sizeof(text));
	write_file(world, "tillpost.conf", text, 0644);
}

static int count_logged(struct world *world, const char *text)
{
	const char *at;
	int count = 0;

	(void)pthread_mutex_lock(&world->log_lock);
	for (at = world->log; (at = strstr(at, text)) != NULL; at++)
		count++;
	(void)pthread_mutex_unlock(&world->log_lock);
	return count;
}

/* ---- trouble with the queue --------------------------------------------- */

/* The queue is in a directory of its own, which can be moved AWAY. */
static tillpost_handle *with_queue_apart(
	struct world *world, char there[PATH_BYTES], char away[PATH_BYTES])
{
	path_of(world, "", "q", there);
	path_of(world, "", "q.away", away);
	CHECK(mkdir(there, 0700) == 0);
	configure_all(world,
		"queue = { path = \"q/queue.db\"; free_reserve = \"0\"; };\n",
		usual_stores);
	return submitter(world);
}

static void mail_waits_while_the_directory_of_the_queue_is_away(
	struct world *world)
{
	struct tillpost_receipt receipt;
	char there[PATH_BYTES];
	char away[PATH_BYTES];
	char path[PATH_BYTES];
	tillpost_handle *from;
	tillpost_handle *to;
	char *bytes;
	size_t len;

	from = with_queue_apart(world, there, away);
	to = taker(world, 0);
	(void)submit(world, from, "eu");
	await(world, to, 1, 0);
	CHECK(rename(there, away) == 0);
	(void)submit(world, from, "eu");
	receipt = submit(world, from, "eu");
	await_logged(world, "3 intake-paused: ");
	sleep_ms(1500);
	CHECK(count_files(world, "spool/incoming") == 2);
	CHECK(count_files(world, "spool/quarantine") == 0);
	CHECK(has_file(world, "spool/incoming", receipt.queue_id));
	path_of(world, "spool/incoming", receipt.queue_id, path);
	bytes = read_file(path, &len);
	CHECK(rename(away, there) == 0);
	await(world, to, 3, 0);
	await_logged(world, "6 intake-resumed: ");
	/* and nothing was stored half */
	put_file(world, "spool/incoming", receipt.queue_id, bytes, len);
	await(world, to, 3, 0);
	free(bytes);
	world->api->close(&to);
	world->api->close(&from);
	remove_folder(world, "q");
}

/* As many as are put at once, so that the next look at the directory begins
 * behind them. */
static void what_could_not_be_stored_is_not_forgotten_at_the_end(
	struct world *world)
{
	char there[PATH_BYTES];
	char away[PATH_BYTES];
	tillpost_handle *from;
	tillpost_handle *to;
	int i;

	from = with_queue_apart(world, there, away);
	to = taker(world, 0);
	CHECK(rename(there, away) == 0);
	for (i = 0; i < BATCH_COUNT; i++)
		(void)submit(world, from, NULL);
	world->api->close(&from);
	await_logged(world, "3 intake-paused: ");
	sleep_ms(4500);
	CHECK(!logged(world, "6 intake-resumed: "));
	CHECK(rename(away, there) == 0);
	await(world, to, BATCH_COUNT, 0);
	await_logged(world, "6 intake-resumed: ");
	CHECK(status_of(world, to).taken_in_count == BATCH_COUNT);
	world->api->close(&to);
	remove_folder(world, "q");
}

/* ---- the spool ---------------------------------------------------------- */

static void an_incoming_that_was_replaced_is_opened_again(struct world *world)
{
	tillpost_handle *from = submitter(world);
	tillpost_handle *to = taker(world, 0);
	char there[PATH_BYTES];
	char away[PATH_BYTES];

	(void)submit(world, from, "eu");
	await(world, to, 1, 0);
	path_of(world, "spool/incoming", "", there);
	path_of(world, "spool/before", "", away);
	CHECK(rename(there, away) == 0);
	CHECK(mkdir(there, 0700) == 0 && chmod(there, 03733) == 0);
	(void)submit(world, from, "eu");
	await(world, to, 2, 0);
	await_logged(world, "4 spool: ");
	CHECK(logged(world, "was replaced and is opened again"));
	/* and is heard from at once again */
	sleep_ms(200);
	(void)submit(world, from, "eu");
	await(world, to, 3, 0);
	world->api->close(&to);
	to = taker(world, 0);
	world->api->close(&to);
	world->api->close(&from);
	remove_folder(world, "spool/before");
}

/* Whether a process that only submits is answered at once. */
static int is_answered(struct world *world, tillpost_handle *from)
{
	struct tillpost_status status;

	TILLPOST_INIT(&status);
	TILLPOST_INIT(&world->err);
	return world->api->status(from, &status, NULL, NULL, &world->err) >= 0;
}

static void await_answer(struct world *world, tillpost_handle *from)
{
	int i;

	for (i = 0; i < 1000 && !is_answered(world, from); i++)
		sleep_ms(20);
	CHECK(is_answered(world, from));
}

static void a_spool_that_was_replaced_is_answered_from_again(
	struct world *world)
{
	tillpost_handle *from = submitter(world);
	tillpost_handle *to = taker(world, 0);
	char away[PATH_BYTES];

	await_answer(world, from);
	path_of(world, "", "before", away);
	CHECK(rename(world->spool, away) == 0);
	make_spool(world);
	(void)submit(world, from, "eu");
	await(world, to, 1, 0);
	await_answer(world, from);
	world->api->close(&to);
	world->api->close(&from);
	remove_folder(world, "before/incoming");
	remove_folder(world, "before/quarantine");
	remove_folder(world, "before/done");
	remove_folder(world, "before");
}

/* Something stood where the socket should be, when the daemon started. */
static void what_hindered_answers_at_the_start_hinders_no_longer(
	struct world *world)
{
	tillpost_handle *from = submitter(world);
	tillpost_handle *to;
	char path[PATH_BYTES];

	put_file(world, "spool", "query", "x", 1);
	to = taker(world, 0);
	await_logged(world, "4 query-server: ");
	CHECK(!is_answered(world, from));
	path_of(world, "spool", "query", path);
	CHECK(unlink(path) == 0);
	await_answer(world, from);
	CHECK(count_logged(world, "query-server: ") == 1);
	world->api->close(&to);
	world->api->close(&from);
}

static void one_user_floods_neither_log_nor_quarantine(struct world *world)
{
	tillpost_handle *from = blind_submitter(world);
	tillpost_handle *to;
	int i;

	for (i = 0; i < FLOOD_COUNT; i++)
		(void)submit(world, from, "moon");
	world->api->close(&from);
	to = taker(world, 0);
	await(world, to, 0, FLOOD_COUNT);
	world->api->close(&to);
	CHECK(count_logged(world, "quarantined: ") == 51);
	CHECK(logged(world, "and 30 more mails were put into quarantine"));
}

static void fill_quarantine(const struct world *world, uid_t owner)
{
	char path[PATH_BYTES];
	char name[32];
	int i;

	for (i = 0; i < PART_COUNT; i++) {
		(void)snprintf(name, sizeof(name), "kept%d", i);
		path_of(world, "spool/quarantine", name, path);
		CHECK(mknod(path, S_IFREG | 0600, 0) == 0);
		CHECK(chown(path, owner, (gid_t)-1) == 0);
	}
}

static void submit_blindly(struct world *world)
{
	tillpost_handle *handle = blind_submitter(world);

	(void)submit(world, handle, NULL);
	world->api->close(&handle);
}

/* Takes in one mail of another user, who has filled his part of quarantine and
 * may send as STORES say, and which is refused. */
static void refuse_one_more(struct world *world, const char *stores)
{
	tillpost_handle *to;

	configure(world, stores);
	fill_quarantine(world, geteuid() == 0 ? OTHER_UID : geteuid());
	as_other_user(world, submit_blindly);
	to = taker(world, 0);
	await_logged(world, "3 quarantined: ");
	CHECK(count_files(world, "spool/incoming") == 0);
	world->api->close(&to);
}

static void what_nobody_may_send_is_deleted_over_the_bound(struct world *world)
{
	refuse_one_more(world,
		"default = { relays = [\"lab\"]; users = [\"61978\"]; };\n");
	CHECK(logged(world, "; deleted, for its owner's part"));
	CHECK(count_files(world, "spool/quarantine") == PART_COUNT);
}

static void what_somebody_may_send_is_kept_over_the_bound(struct world *world)
{
	refuse_one_more(world,
		"default = { relays = [\"lab\"]; users = [\"61978\"]; };\n"
		"his = { users = [\"65534\"]; };\n");
	CHECK(count_files(world, "spool/quarantine") == PART_COUNT + 1);
}

/* A mail over the limits is as good as it was when it was acknowledged. */
static void a_large_mail_outlives_a_full_quarantine(struct world *world)
{
	static char bytes[4 << 20];
	struct tillpost_message message = an_order(NULL);
	struct tillpost_receipt receipt;
	tillpost_handle *from = blind_submitter(world);
	tillpost_handle *to;
	size_t len = sizeof(order) - 1;

	configure(world,
		"default = { relays = [\"lab\"]; message_max = \"1M\"; };\n");
	memcpy(bytes, order, len);
	while (len + 64 < sizeof(bytes)) {
		memset(bytes + len, 'x', 62);
		memcpy(bytes + len + 62, "\r\n", 2);
		len += 64;
	}
	message.data = bytes;
	message.data_bytes = len;
	fill_quarantine(world, geteuid());
	TILLPOST_INIT(&receipt);
	CHECK_OK(world,
		world->api->submit(from, &message, &receipt, &world->err));
	world->api->close(&from);
	to = taker(world, 0);
	await_logged(world, "is too large");
	world->api->close(&to);
	CHECK(has_file(world, "spool/quarantine", receipt.queue_id));
}

static void the_largest_size_follows_the_configuration(struct world *world)
{
	static const char large[] =
		"default = { relays = [\"lab\"]; message_max = \"%s\"; };\n";
	static char bytes[3 << 20];
	struct tillpost_message message = an_order(NULL);
	char stores[256];
	tillpost_handle *from;
	tillpost_handle *to;
	size_t len = sizeof(order) - 1;

	memcpy(bytes, order, len);
	while (len + 64 < sizeof(bytes)) {
		memset(bytes + len, 'x', 62);
		memcpy(bytes + len + 62, "\r\n", 2);
		len += 64;
	}
	(void)snprintf(stores, sizeof(stores), large, "1M");
	configure(world, stores);
	from = blind_submitter(world);
	to = taker(world, 0);
	(void)submit(world, from, NULL);
	await(world, to, 1, 0);
	(void)snprintf(stores, sizeof(stores), large, "8M");
	configure(world, stores);
	CHECK_OK(world, world->api->reload(to, &world->err));
	message.data = bytes;
	message.data_bytes = len;
	CHECK_OK(world, world->api->submit(from, &message, NULL, &world->err));
	await(world, to, 2, 0);
	world->api->close(&to);
	world->api->close(&from);
}

/* ---- who and when ------------------------------------------------------- */

static void submit_with_key(struct world *world)
{
	struct tillpost_message message = an_order("eu");
	tillpost_handle *handle = submitter(world);
	int i;

	message.dedup_key = "order-1001";
	for (i = 0; i < 2; i++)
		CHECK_OK(world, world->api->submit(
					handle, &message, NULL, &world->err));
	world->api->close(&handle);
}

/* Without being root there is but one user, and two mails are one. */
static void a_key_of_one_user_is_not_that_of_another(struct world *world)
{
	tillpost_handle *to;

	submit_with_key(world);
	as_other_user(world, submit_with_key);
	to = taker(world, 0);
	await(world, to, geteuid() == 0 ? 2 : 1, 0);
	CHECK(count_logged(world, "6 duplicate: ") == (geteuid() == 0 ? 2 : 3));
	world->api->close(&to);
}

static void submit_without_name(struct world *world)
{
	tillpost_handle *handle;

	if (geteuid() == 0) {
		CHECK(setgroups(0, NULL) == 0);
		CHECK(setgid(NAMELESS_UID) == 0 && setuid(NAMELESS_UID) == 0);
	}
	handle = blind_submitter(world);
	(void)submit(world, handle, "vip");
	(void)submit(world, handle, "eu");
	world->api->close(&handle);
}

/* Without being root it is a user who has a name, and is refused. */
static void a_user_whose_name_is_not_known_now_keeps_his_mail(
	struct world *world)
{
	int waits = geteuid() == 0;
	struct tillpost_status status;
	tillpost_handle *to;
	pid_t pid;
	int ended;
	int i;

	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		submit_without_name(world);
		_exit(0);
	}
	CHECK(waitpid(pid, &ended, 0) == pid && ended == 0);
	to = taker(world, 0);
	for (i = 0; i < 1500 && status_of(world, to).taken_in_count < 1; i++)
		sleep_ms(20);
	status = status_of(world, to);
	CHECK(status.queued_count + status.active_count == 1);
	await_logged(world, "stores.vip.users");
	CHECK(logged(world, "no name for user 61977 now") == waits);
	CHECK(count_files(world, "spool/incoming") == waits);
	CHECK(count_files(world, "spool/quarantine") == !waits);
	world->api->close(&to);
}

static int32_t see_attempt(void *ctx, const struct tillpost_outcome *outcome)
{
	*(int *)ctx += strcmp(outcome->verdict, "deferred") == 0;
	return 0;
}

static int attempts_of(
	struct world *world, tillpost_handle *handle, const char *queue_id)
{
	struct tillpost_outcome_filter filter;
	int count = 0;

	TILLPOST_INIT(&filter);
	filter.queue_id = queue_id;
	CHECK_OK(world, world->api->outcomes(handle, &filter, see_attempt,
				&count, &world->err));
	return count;
}

static void a_mail_that_waited_longer_than_its_lifetime_is_tried(
	struct world *world)
{
	struct tillpost_receipt receipt;
	tillpost_handle *handle;
	int i;

	configure_all(world, usual_head,
		"default = { relays = [\"lab\"]; lifetime = \"1s\"; };\n");
	handle = submitter(world);
	receipt = submit(world, handle, NULL);
	world->api->close(&handle);
	sleep_ms(1500);
	handle = taker(world, 0);
	for (i = 0; i < 250; i++) {
		if (attempts_of(world, handle, receipt.queue_id) > 0)
			break;
		sleep_ms(20);
	}
	CHECK(attempts_of(world, handle, receipt.queue_id) > 0);
	world->api->close(&handle);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint32_t crc32_of(const char *bytes, size_t len)
{
	uint32_t crc = ~UINT32_C(0);
	size_t i;
	int bit;

	for (i = 0; i < len; i++) {
		crc ^= (unsigned char)bytes[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	return ~crc;
}

/* Makes a record of QUEUE_ID, which waits, that says VALUE for KEY. */
static void forge(struct world *world, const char *queue_id, const char *key,
	int64_t value)
{
	char forged[8192];
	char path[PATH_BYTES];
	char *bytes;
	char *at;
	size_t len;
	size_t used;

	path_of(world, "spool/incoming", queue_id, path);
	bytes = read_file(path, &len);
	at = strstr(bytes, key);
	CHECK(at != NULL && len < sizeof(forged) - 64);
	used = (size_t)snprintf(forged, sizeof(forged), "%.*s%s %lld",
		(int)(at - bytes), bytes, key, (long long)value);
	at = strchr(at, '\n');
	len -= (size_t)(at - bytes) + strlen("end 12345678\n");
	memcpy(forged + used, at, len);
	used += len;
	used += (size_t)snprintf(forged + used, sizeof(forged) - used,
		"end %08lx\n", (unsigned long)crc32_of(forged, used));
	CHECK(unlink(path) == 0);
	put_file(world, "spool/incoming", queue_id, forged, used);
	free(bytes);
}

static int32_t see_times(void *ctx, const struct tillpost_queue_entry *entry)
{
	*(struct tillpost_queue_entry *)ctx = *entry;
	return 0;
}

static void a_forged_time_of_acceptance_orders_nothing(struct world *world)
{
	tillpost_handle *handle = submitter(world);
	struct tillpost_receipt receipt = submit(world, handle, NULL);
	struct tillpost_queue_entry entry;
	int64_t begun_ms = now_ms();

	world->api->close(&handle);
	forge(world, receipt.queue_id, "accepted-ms", 0);
	handle = taker(world, 0);
	await(world, handle, 1, 0);
	TILLPOST_INIT(&entry);
	CHECK_OK(world, world->api->queue_list(
				handle, NULL, see_times, &entry, &world->err));
	CHECK(entry.created_ms >= begun_ms - 30 * INT64_C(86400000));
	CHECK(entry.next_try_ms >= begun_ms);
	CHECK(status_of(world, handle).oldest_ms > 0);
	world->api->close(&handle);
}

static int32_t see_expiry(void *ctx, const struct tillpost_outcome *outcome)
{
	*(int *)ctx +=
		outcome->last && strcmp(outcome->verdict, "expired") == 0;
	return 0;
}

/* The check of what is submitted had looked at the clock a moment earlier. */
static void a_mail_that_expired_while_it_was_accepted_has_an_outcome(
	struct world *world)
{
	struct tillpost_message message = an_order(NULL);
	struct tillpost_outcome_filter filter;
	struct tillpost_receipt receipt;
	tillpost_handle *handle = submitter(world);
	int64_t soon_ms = now_ms() + 3600000;
	int seen = 0;
	int i;

	TILLPOST_INIT(&receipt);
	message.expires_ms = soon_ms;
	CHECK_OK(world,
		world->api->submit(handle, &message, &receipt, &world->err));
	world->api->close(&handle);
	forge(world, receipt.queue_id, "expires-ms", soon_ms - 7200000);
	handle = taker(world, 0);
	TILLPOST_INIT(&filter);
	filter.queue_id = receipt.queue_id;
	for (i = 0; i < 500 && seen == 0; i++) {
		sleep_ms(20);
		CHECK_OK(world, world->api->outcomes(handle, &filter,
					see_expiry, &seen, &world->err));
	}
	CHECK(count_files(world, "spool/quarantine") == 0);
	CHECK(seen == 1);
	world->api->close(&handle);
}

/* ------------------------------------------------------------------------- */

#define TEST(name)          \
	{                   \
#name, name \
	}

static const struct test {
	const char *name;
	void (*run)(struct world *world);
} tests[] = {
	TEST(mail_waits_while_the_directory_of_the_queue_is_away),
	TEST(what_could_not_be_stored_is_not_forgotten_at_the_end),
	TEST(an_incoming_that_was_replaced_is_opened_again),
	TEST(a_spool_that_was_replaced_is_answered_from_again),
	TEST(what_hindered_answers_at_the_start_hinders_no_longer),
	TEST(one_user_floods_neither_log_nor_quarantine),
	TEST(what_nobody_may_send_is_deleted_over_the_bound),
	TEST(what_somebody_may_send_is_kept_over_the_bound),
	TEST(a_large_mail_outlives_a_full_quarantine),
	TEST(the_largest_size_follows_the_configuration),
	TEST(a_key_of_one_user_is_not_that_of_another),
	TEST(a_user_whose_name_is_not_known_now_keeps_his_mail),
	TEST(a_mail_that_waited_longer_than_its_lifetime_is_tried),
	TEST(a_forged_time_of_acceptance_orders_nothing),
	TEST(a_mail_that_expired_while_it_was_accepted_has_an_outcome),
};

/* One test alone: intake_test NAME */
int main(int argc, char **argv)
{
	static struct world world;
	const struct tillpost_api *api = load_plugin();
	int count = 0;
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (argc > 1 && strcmp(argv[1], tests[i].name) != 0)
			continue;
		printf("%s\n", tests[i].name);
		(void)fflush(stdout);
		make_world(&world, api);
		tests[i].run(&world);
		end_world(&world);
		count++;
	}
	printf("%d tests passed\n", count);
	return count == 0;
}
