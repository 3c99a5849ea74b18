/*
 * spool_test.c - from a handle that only submits to the queue of another
 *
 * SPDX-License-Identifier: MIT
 */
#include "integration/spool_world.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#define THREADS 8
#define EACH 500
/* The allocators of these two may leave a child locked for ever that is forked
 * while another thread allocates, which libc's does not. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CROWD_CHILDREN 0
#else
#define CROWD_CHILDREN 5
#endif

/* ---- the role submit ---------------------------------------------------- */

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	CHECK(dir != NULL);
	while (readdir(dir) != NULL)
		count++;
	CHECK(closedir(dir) == 0);
	return count;
}

static void a_submitted_message_is_a_file_of_the_spool(struct world *world)
{
	int before = open_descriptors();
	tillpost_handle *handle = submitter(world);
	struct tillpost_receipt receipt = submit(world, handle, "eu");

	CHECK(strlen(receipt.queue_id) == 18);
	CHECK(strcmp(receipt.store, "eu") == 0);
	CHECK(receipt.message_id[0] == '<');
	CHECK(has_file(world, "spool/incoming", receipt.queue_id));
	CHECK(count_files(world, "spool/incoming") == 1);
	CHECK(open_descriptors() == before);
	world->api->close(&handle);
	CHECK(handle == NULL);
	CHECK(!has_file(world, "", "queue.db"));
}

static int32_t ignore_step(void *ctx, const struct tillpost_step *step)
{
	(void)ctx;
	(void)step;
	return 0;
}

static int32_t ignore_value(void *ctx, const struct tillpost_value *value)
{
	(void)ctx;
	(void)value;
	return 0;
}

static void what_needs_the_queue_is_refused(struct world *world)
{
	const struct tillpost_api *api = world->api;
	tillpost_handle *handle = submitter(world);
	struct tillpost_message message = an_order(NULL);
	struct tillpost_test_options test;

	message.flags = TILLPOST_SUBMIT_DELIVER_NOW;
	CHECK_FAILS(world, api->submit(handle, &message, NULL, &world->err),
		TILLPOST_EUNSUPPORTED, "DELIVER_NOW");
	CHECK_FAILS(world, api->run(handle, NULL, &world->err), TILLPOST_EPERM,
		"role");
	CHECK_FAILS(world,
		api->queue_action(
			handle, TILLPOST_QUEUE_HOLD, "x", &world->err),
		TILLPOST_EPERM, "role");
	CHECK_FAILS(world,
		api->settings_get(
			handle, NULL, ignore_value, NULL, &world->err),
		TILLPOST_EPERM, "role");
	CHECK_FAILS(world,
		api->settings_set(handle, "stores.eu.from", "", &world->err),
		TILLPOST_EPERM, "role");
	TILLPOST_INIT(&test);
	test.recipient = "a@example.net";
	CHECK_FAILS(world,
		api->test_send(
			handle, &test, ignore_step, NULL, NULL, &world->err),
		TILLPOST_EPERM, "role");
	api->stop(handle);
	api->close(&handle);
	CHECK_FAILS(world,
		open_handle(world, TILLPOST_ROLE_SUBMIT, TILLPOST_OPEN_INTAKE,
			world->config, NULL, &handle),
		TILLPOST_EINVAL, "role embedded");
	CHECK(handle == NULL);
}

static int32_t see_store(void *ctx, const struct tillpost_route_fact *fact)
{
	if (strcmp(fact->name, "store") == 0)
		CHECK(strcmp(fact->value, "eu") == 0);
	++*(int *)ctx;
	return 0;
}

static void a_route_is_explained_if_the_configuration_can_be_read(
	struct world *world)
{
	struct tillpost_message message = an_order("eu");
	tillpost_handle *handle = submitter(world);
	int facts = 0;

	CHECK_OK(world, world->api->route_explain(handle, &message, see_store,
				&facts, &world->err));
	CHECK(facts > 3);
	world->api->close(&handle);
	handle = blind_submitter(world);
	CHECK_FAILS(world,
		world->api->route_explain(
			handle, &message, see_store, &facts, &world->err),
		TILLPOST_EPERM, "may not be read");
	world->api->close(&handle);
}

static void a_message_is_checked_before_it_is_spooled(struct world *world)
{
	static const char *const bad[] = { "a@example.net\r\nDATA" };
	tillpost_handle *handles[2] = { submitter(world),
		blind_submitter(world) };
	struct tillpost_message message;
	size_t i;

	CHECK(logged(world, "6 configuration: configuration not readable"));
	for (i = 0; i < 2; i++) {
		message = an_order(NULL);
		message.recipients = bad;
		CHECK(world->api->submit(handles[i], &message, NULL,
			      &world->err) == TILLPOST_EADDRESS);
		message = an_order(NULL);
		message.data = "From: a@example.com\r\nFrom: b@example.com\r\n"
			       "\r\nx\r\n";
		message.data_bytes = strlen(message.data);
		CHECK(world->api->submit(handles[i], &message, NULL,
			      &world->err) == TILLPOST_EMESSAGE);
		message = an_order(NULL);
		message.expires_ms = 1;
		CHECK(world->api->submit(handles[i], &message, NULL,
			      &world->err) == TILLPOST_EINVAL);
		world->api->close(&handles[i]);
	}
	CHECK(count_files(world, "spool/incoming") == 0);
}

static void an_unknown_store_is_refused_where_stores_are_known(
	struct world *world)
{
	struct tillpost_message message = an_order("moon");
	tillpost_handle *handle = submitter(world);

	CHECK_FAILS(world,
		world->api->submit(handle, &message, NULL, &world->err),
		TILLPOST_ENOTFOUND, "moon");
	world->api->close(&handle);
	handle = blind_submitter(world);
	CHECK(strcmp(submit(world, handle, "moon").store, "moon") == 0);
	CHECK(submit(world, handle, NULL).store[0] == '\0');
	world->api->close(&handle);
	CHECK(count_files(world, "spool/incoming") == 2);
}

static void a_wrong_configuration_is_told_and_costs_no_mail(struct world *world)
{
	tillpost_handle *handle = NULL;

	write_file(world, "tillpost.conf", "stores = { nonsense", 0644);
	CHECK(open_handle(world, TILLPOST_ROLE_SUBMIT, 0, world->config,
		      world->spool, &handle) == TILLPOST_OK);
	CHECK(logged(world, "tillpost.conf:1"));
	(void)submit(world, handle, "eu");
	CHECK(count_files(world, "spool/incoming") == 1);
	world->api->close(&handle);
}

static void a_spool_that_is_not_there_is_named(struct world *world)
{
	struct tillpost_message message = an_order(NULL);
	tillpost_handle *handle = NULL;

	CHECK_OK(world, open_handle(world, TILLPOST_ROLE_SUBMIT, 0,
				world->config, "/nonexistent/spool", &handle));
	CHECK_FAILS(world,
		world->api->submit(handle, &message, NULL, &world->err),
		TILLPOST_ENOTFOUND, "no spool");
	world->api->close(&handle);
}

/* ---- users -------------------------------------------------------------- */

static void other_is_refused_early(struct world *world)
{
	struct tillpost_message message = an_order("vip");
	tillpost_handle *handle = submitter(world);

	CHECK_FAILS(world,
		world->api->submit(handle, &message, NULL, &world->err),
		TILLPOST_EPERM, "stores.vip.users");
	(void)submit(world, handle, "eu");
	world->api->close(&handle);
}

static void other_submits_without_knowing(struct world *world)
{
	tillpost_handle *handle = blind_submitter(world);

	(void)submit(world, handle, "vip");
	(void)submit(world, handle, "eu");
	world->api->close(&handle);
}

static void a_user_may_only_use_his_stores(struct world *world)
{
	tillpost_handle *handle;

	as_other_user(world, other_is_refused_early);
	as_other_user(world, other_submits_without_knowing);
	handle = taker(world, 0);
	await(world, handle, 2, 1);
	await_logged(world, "3 quarantined: ");
	CHECK(logged(world, "stores.vip.users"));
	CHECK(!logged(world, "Thank you"));
	world->api->close(&handle);
}

static void other_is_admitted(struct world *world)
{
	tillpost_handle *handle = submitter(world);

	(void)submit(world, handle, "vip");
	world->api->close(&handle);
}

static void a_user_is_admitted_by_number(struct world *world)
{
	uid_t uid = geteuid() == 0 ? OTHER_UID : geteuid();
	char stores[256];
	tillpost_handle *handle;

	(void)snprintf(stores, sizeof(stores),
		"default = { relays = [\"lab\"]; };\n"
		"vip = { users = [\"%lu\"]; };\n",
		(unsigned long)uid);
	configure(world, stores);
	as_other_user(world, other_is_admitted);
	handle = taker(world, 0);
	await(world, handle, 1, 0);
	world->api->close(&handle);
}

static void other_cannot_read_the_managed_file(struct world *world)
{
	struct tillpost_message message = an_order("new");
	tillpost_handle *handle;
	int facts = 0;

	if (geteuid() != OTHER_UID) /* it is his own file then */
		write_file(world, "tillpost.managed.conf", "", 0000);
	handle = submitter(world);
	(void)submit(world, handle, "new");
	CHECK_FAILS(world,
		world->api->route_explain(
			handle, &message, see_store, &facts, &world->err),
		TILLPOST_EPERM, "may not be read");
	world->api->close(&handle);
}

static void what_only_the_managed_file_says_is_not_missed(struct world *world)
{
	static const char managed[] =
		"relays = { lab = { host = \"127.0.0.1\"; port = 9;\n"
		"  tls = \"none\"; auth = \"none\"; }; };\n"
		"stores = { default = { relays = [\"lab\"]; };\n"
		"  new = { from = \"new@example.com\"; }; };\n";
	tillpost_handle *handle;

	write_file(world, "tillpost.conf",
		"queue = { path = \"queue.db\"; free_reserve = \"0\"; };\n"
		"spool = { path = \"spool\"; };\n"
		"log = { path = \"\"; };\n",
		0644);
	write_file(world, "tillpost.managed.conf", managed, 0600);
	as_other_user(world, other_cannot_read_the_managed_file);
	write_file(world, "tillpost.managed.conf", managed, 0600);
	handle = taker(world, 0);
	await(world, handle, 1, 0);
	world->api->close(&handle);
}

/* ---- intake ------------------------------------------------------------- */

struct listing {
	char queue_id[24];
	char message_id[256];
	char store[64];
	int64_t created_ms;
	int count;
};

static int32_t list_entry(void *ctx, const struct tillpost_queue_entry *entry)
{
	struct listing *listing = ctx;

	(void)snprintf(listing->queue_id, sizeof(listing->queue_id), "%s",
		entry->queue_id);
	(void)snprintf(listing->message_id, sizeof(listing->message_id), "%s",
		entry->message_id);
	(void)snprintf(
		listing->store, sizeof(listing->store), "%s", entry->store);
	listing->created_ms = entry->created_ms;
	listing->count++;
	return 0;
}

static struct listing list_queue(struct world *world, tillpost_handle *handle)
{
	struct listing listing = { .count = 0 };

	CHECK_OK(world, world->api->queue_list(handle, NULL, list_entry,
				&listing, &world->err));
	return listing;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void what_was_accepted_is_in_the_queue_as_it_was_accepted(
	struct world *world)
{
	tillpost_handle *handle = blind_submitter(world);
	struct tillpost_receipt receipt = submit(world, handle, "eu");
	int64_t accepted_ms = now_ms();
	struct listing listing;

	world->api->close(&handle);
	sleep_ms(300);
	handle = taker(world, 0);
	await(world, handle, 1, 0);
	listing = list_queue(world, handle);
	CHECK(listing.count == 1);
	CHECK(strcmp(listing.queue_id, receipt.queue_id) == 0);
	CHECK(strcmp(listing.message_id, receipt.message_id) == 0);
	CHECK(strcmp(listing.store, "eu") == 0);
	CHECK(listing.created_ms <= accepted_ms);
	CHECK(status_of(world, handle).taken_in_count == 1);
	CHECK(count_files(world, "spool/incoming") == 0);
	world->api->close(&handle);
}

static void a_new_file_is_taken_in_at_once(struct world *world)
{
	tillpost_handle *from = submitter(world);
	tillpost_handle *to = taker(world, 0);
	int64_t begun_ms;
	int i;

	sleep_ms(200);
	for (i = 1; i <= 3; i++) {
		begun_ms = now_ms();
		(void)submit(world, from, NULL);
		await(world, to, i, 0);
		CHECK(now_ms() - begun_ms < 3000);
	}
	world->api->close(&from);
	world->api->close(&to);
}

static void a_crash_between_storing_and_removing_makes_no_second_mail(
	struct world *world)
{
	tillpost_handle *handle = submitter(world);
	struct tillpost_receipt receipt = submit(world, handle, NULL);
	char path[PATH_BYTES];
	char *bytes;
	size_t len;

	path_of(world, "spool/incoming", receipt.queue_id, path);
	bytes = read_file(path, &len);
	world->api->close(&handle);

	/* Under a process that goes on. */
	handle = taker(world, 0);
	await(world, handle, 1, 0);
	put_file(world, "spool/incoming", receipt.queue_id, bytes, len);
	await(world, handle, 1, 0);
	world->api->close(&handle);

	/* Before one that starts. */
	put_file(world, "spool/incoming", receipt.queue_id, bytes, len);
	handle = taker(world, TILLPOST_OPEN_PASSIVE);
	CHECK(has_file(world, "spool/incoming", receipt.queue_id));
	world->api->close(&handle);
	handle = taker(world, 0);
	CHECK(!has_file(world, "spool/incoming", receipt.queue_id));
	CHECK(logged(world, "1 files removed"));
	await(world, handle, 1, 0);
	CHECK(status_of(world, handle).taken_in_count == 0);
	world->api->close(&handle);
	free(bytes);
}

static int32_t see_quarantined(
	void *ctx, const struct tillpost_spool_entry *entry)
{
	const char *reason = ctx;

	CHECK(TILLPOST_HAS(entry, tillpost_spool_entry, modified_ms));
	CHECK(strcmp(entry->state, "quarantined") == 0);
	CHECK(strstr(entry->reason, reason) != NULL);
	CHECK(entry->uid == geteuid());
	CHECK(entry->size_bytes > 0 && entry->modified_ms > 0);
	return 0;
}

static void what_is_refused_waits_for_a_person_and_can_be_released(
	struct world *world)
{
	char reason[] = "moon";
	tillpost_handle *handle = blind_submitter(world);
	struct tillpost_receipt receipt = submit(world, handle, "moon");
	const struct tillpost_api *api = world->api;

	api->close(&handle);
	handle = taker(world, 0);
	await(world, handle, 0, 1);
	await_logged(world, receipt.queue_id);
	CHECK(has_file(world, "spool/quarantine", receipt.queue_id));
	CHECK(api->spool_list(handle, see_quarantined, reason, &world->err) ==
		1);
	CHECK_FAILS(world,
		api->spool_action(handle, TILLPOST_SPOOL_RELEASE,
			"000000000000000000", &world->err),
		TILLPOST_ENOTFOUND, "");
	CHECK_FAILS(world,
		api->spool_action(handle, 7, receipt.queue_id, &world->err),
		TILLPOST_EINVAL, "7");

	/* Released too early. */
	CHECK_OK(world, api->spool_action(handle, TILLPOST_SPOOL_RELEASE,
				receipt.queue_id, &world->err));
	await(world, handle, 0, 1);

	configure(world, "default = { relays = [\"lab\"]; };\nmoon = { };\n");
	CHECK_OK(world, api->reload(handle, &world->err));
	CHECK_OK(world, api->spool_action(handle, TILLPOST_SPOOL_RELEASE,
				receipt.queue_id, &world->err));
	await(world, handle, 1, 0);
	CHECK(strcmp(list_queue(world, handle).store, "moon") == 0);
	api->close(&handle);
}

static void a_damaged_file_is_quarantined_and_can_be_discarded(
	struct world *world)
{
	tillpost_handle *handle = submitter(world);
	struct tillpost_receipt receipt = submit(world, handle, NULL);
	char path[PATH_BYTES];
	char *bytes;
	size_t len;

	path_of(world, "spool/incoming", receipt.queue_id, path);
	bytes = read_file(path, &len);
	CHECK(unlink(path) == 0);
	*strstr(bytes, "Thank") = 'B';
	put_file(world, "spool/incoming", receipt.queue_id, bytes, len);
	free(bytes);
	world->api->close(&handle);

	handle = taker(world, 0);
	await(world, handle, 0, 1);
	await_logged(world, "3 quarantined: ");
	CHECK_OK(world, world->api->spool_action(handle, TILLPOST_SPOOL_DISCARD,
				receipt.queue_id, &world->err));
	await(world, handle, 0, 0);
	CHECK(count_files(world, "spool/quarantine") == 0);
	world->api->close(&handle);
}

static void a_host_name_that_is_none_is_no_reason_to_refuse(struct world *world)
{
	tillpost_handle *handle = submitter(world);
	struct tillpost_message message = an_order(NULL);

	message.http_host = "eu.example.com\r\nstore vip";
	CHECK_OK(
		world, world->api->submit(handle, &message, NULL, &world->err));
	world->api->close(&handle);
	handle = taker(world, 0);
	await(world, handle, 1, 0);
	CHECK(strcmp(list_queue(world, handle).store, "default") == 0);
	world->api->close(&handle);
}

static void only_one_process_takes_in(struct world *world)
{
	tillpost_handle *first = taker(world, TILLPOST_OPEN_PASSIVE);
	tillpost_handle *second = NULL;
	char config[PATH_BYTES];

	CHECK_FAILS(world,
		open_handle(world, TILLPOST_ROLE_EMBEDDED, TILLPOST_OPEN_INTAKE,
			world->config, NULL, &second),
		TILLPOST_EBUSY, "already");
	CHECK(second == NULL);
	/* Another queue, but the same spool. */
	path_of(world, "", "other.conf", config);
	write_file(world, "other.conf",
		"queue = { path = \"other.db\"; free_reserve = \"0\"; };\n"
		"spool = { path = \"spool\"; }; log = { path = \"\"; };\n"
		"relays = { lab = { host = \"127.0.0.1\"; port = 9;\n"
		"  tls = \"none\"; auth = \"none\"; }; };\n"
		"stores = { default = { relays = [\"lab\"]; }; };\n",
		0644);
	CHECK_FAILS(world,
		open_handle(world, TILLPOST_ROLE_EMBEDDED, TILLPOST_OPEN_INTAKE,
			config, NULL, &second),
		TILLPOST_EBUSY, "");
	/* Without the intake there may be any number. */
	CHECK_OK(world,
		open_handle(world, TILLPOST_ROLE_EMBEDDED,
			TILLPOST_OPEN_PASSIVE, world->config, NULL, &second));
	world->api->close(&second);
	world->api->close(&first);
	first = taker(world, 0);
	world->api->close(&first);
}

/* A child that closes what it inherited keeps nothing of it. */
static void a_closed_copy_in_a_child_keeps_nobody_out(struct world *world)
{
	tillpost_handle *handle = taker(world, 0);
	int ready[2];
	char byte;
	pid_t pid;

	CHECK(pipe(ready) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		int before = open_descriptors();

		CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
		world->api->close(&handle);
		CHECK(handle == NULL && open_descriptors() < before - 8);
		CHECK(write(ready[1], "", 1) == 1);
		for (;;)
			(void)pause();
	}
	CHECK(close(ready[1]) == 0);
	CHECK(read(ready[0], &byte, 1) == 1 && close(ready[0]) == 0);
	/* What the child did has not disturbed its parent either. */
	CHECK(has_file(world, "spool", "query"));
	CHECK(has_file(world, "spool", "wake"));
	world->api->close(&handle);
	handle = taker(world, 0);
	world->api->close(&handle);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

static void a_passive_handle_takes_in_while_it_runs(struct world *world)
{
	tillpost_handle *from = submitter(world);
	tillpost_handle *to = taker(world, TILLPOST_OPEN_PASSIVE);
	struct tillpost_run_options options;

	(void)submit(world, from, NULL);
	sleep_ms(300);
	CHECK(status_of(world, to).spooled_count == 1);
	TILLPOST_INIT(&options);
	options.flags = TILLPOST_RUN_DUE_ONLY;
	options.max_ms = 10000;
	CHECK_OK(world, world->api->run(to, &options, &world->err));
	CHECK(status_of(world, to).spooled_count == 0);
	CHECK(status_of(world, to).queued_count == 1);
	(void)submit(world, from, NULL);
	sleep_ms(300);
	CHECK(status_of(world, to).spooled_count == 1);
	CHECK(status_of(world, to).delivering == 0);
	world->api->close(&from);
	world->api->close(&to);
}

static int32_t open_look(
	struct world *world, uint32_t flags, tillpost_handle **out)
{
	return open_handle(
		world, TILLPOST_ROLE_EMBEDDED, flags, world->config, NULL, out);
}

/* A password that only the daemon has keeps nobody from looking. */
static void who_only_looks_needs_no_secrets(struct world *world)
{
	const struct tillpost_api *api = world->api;
	const uint32_t look = TILLPOST_OPEN_PASSIVE | TILLPOST_OPEN_NO_SECRETS;
	struct tillpost_status status;
	tillpost_handle *handle = NULL;

	write_file(world, "tillpost.conf",
		"queue = { path = \"queue.db\"; free_reserve = \"0\"; };\n"
		"spool = { path = \"spool\"; }; log = { path = \"\"; };\n"
		"relays = { lab = { host = \"lab.example\"; username = \"u\";\n"
		"  password_env = \"TP_NO_SUCH_VARIABLE\"; }; };\n"
		"stores = { default = { relays = [\"lab\"]; }; };\n",
		0644);
	CHECK(open_look(world, TILLPOST_OPEN_PASSIVE, &handle) ==
		TILLPOST_ECONFIG);
	CHECK(open_look(world, TILLPOST_OPEN_NO_SECRETS, &handle) ==
		TILLPOST_EINVAL);
	CHECK(open_look(world, look | TILLPOST_OPEN_INTAKE, &handle) ==
		TILLPOST_EINVAL);
	CHECK_OK(world, open_look(world, look, &handle));
	TILLPOST_INIT(&status);
	CHECK_OK(world, api->status(handle, &status, NULL, NULL, &world->err));
	CHECK(status.delivering == 0);
	CHECK_OK(world, api->reload(handle, &world->err));
	CHECK(api->run(handle, NULL, &world->err) == TILLPOST_EPERM);
	CHECK(strstr(world->err.text, "without passwords") != NULL);
	CHECK(api->test_send(handle, NULL, NULL, NULL, NULL, &world->err) ==
		TILLPOST_EPERM);
	CHECK(api->settings_set(handle, "relays.lab.port", "465",
		      &world->err) == TILLPOST_EPERM);
	api->close(&handle);
}

/* ---- long lives --------------------------------------------------------- */

static void a_changed_configuration_is_seen(struct world *world)
{
	struct tillpost_message message = an_order("moon");
	tillpost_handle *handle = submitter(world);
	const struct tillpost_api *api = world->api;

	CHECK(api->submit(handle, &message, NULL, &world->err) ==
		TILLPOST_ENOTFOUND);
	configure(world, "default = { relays = [\"lab\"]; };\nmoon = { };\n");
	CHECK_OK(world, api->reload(handle, &world->err));
	(void)submit(world, handle, "moon");

	/* Without being told. */
	configure(world, "default = { relays = [\"lab\"]; };\nmars = { };\n");
	sleep_ms(1200);
	(void)submit(world, handle, "mars");
	CHECK(api->submit(handle, &message, NULL, &world->err) ==
		TILLPOST_ENOTFOUND);

	/* What cannot be loaded changes nothing. */
	write_file(world, "tillpost.conf", "stores = { nonsense", 0644);
	sleep_ms(1200);
	(void)submit(world, handle, "mars");
	CHECK(logged(world, "the one before stays"));
	TILLPOST_INIT(&world->err);
	CHECK(api->reload(handle, &world->err) == TILLPOST_ECONFIG);
	(void)submit(world, handle, "mars");
	api->close(&handle);
}

/* In place, so that no directory tells of it. */
static void rewrite(const char *path, const char *content)
{
	FILE *out = fopen(path, "w");

	CHECK(out != NULL);
	CHECK(fputs(content, out) >= 0);
	CHECK(fclose(out) == 0);
}

static void a_change_of_an_included_file_is_seen(struct world *world)
{
	tillpost_handle *handle;
	char path[PATH_BYTES];

	path_of(world, "", "eu.conf", path);
	write_file(world, "eu.conf", "eu = { };\n", 0644);
	configure(world, "default = { relays = [\"lab\"]; };\n"
			 "@include \"eu.conf\"\n");
	handle = submitter(world);
	(void)submit(world, handle, "eu");
	rewrite(path, "eu = { };\nmars = { };\n");
	sleep_ms(1200);
	(void)submit(world, handle, "mars");

	/* One that is missing, and comes. */
	CHECK(unlink(path) == 0);
	sleep_ms(1200);
	(void)submit(world, handle, "mars");
	CHECK(logged(world, "eu.conf does not exist; the one before stays"));
	write_file(world, "eu.conf", "moon = { };\n", 0644);
	sleep_ms(1200);
	(void)submit(world, handle, "moon");

	/* The managed file, which was not there. */
	path_of(world, "", "tillpost.managed.conf", path);
	write_file(world, "tillpost.managed.conf",
		"stores = { venus = { from = \"v@example.com\"; }; };\n", 0644);
	sleep_ms(1200);
	(void)submit(world, handle, "venus");
	CHECK(unlink(path) == 0);
	world->api->close(&handle);
}

static tillpost_handle *inherited;

static void child_submits(struct world *world)
{
	int i;

	for (i = 0; i < 20; i++)
		(void)submit(world, inherited, "eu");
	CHECK_OK(world, world->api->reload(inherited, &world->err));
	world->api->close(&inherited);
}

static void a_forked_child_submits_with_the_handle_of_its_parent(
	struct world *world)
{
	tillpost_handle *handle;
	int i;

	inherited = submitter(world);
	for (i = 0; i < 3; i++) {
		(void)submit(world, inherited, NULL);
		as_other_user(world, child_submits);
	}
	world->api->close(&inherited);
	handle = taker(world, 0);
	await(world, handle, 63, 0);
	world->api->close(&handle);
}

static pid_t forked_in_load; /* -1: to be forked */

static int32_t fork_in_load(
	void *ctx, const char *key, char *value, uint32_t value_bytes)
{
	struct world *world = ctx;

	(void)key;
	(void)value;
	(void)value_bytes;
	if (forked_in_load != -1)
		return -1;
	forked_in_load = fork();
	CHECK(forked_in_load >= 0);
	if (forked_in_load == 0) {
		sleep_ms(1200);
		(void)submit(world, inherited, "mars");
		_exit(0);
	}
	return -1;
}

static void a_child_forked_during_a_load_loads_for_itself(struct world *world)
{
	int status;

	world->host.setting = fork_in_load;
	inherited = submitter(world);
	configure(world, "default = { relays = [\"lab\"]; };\nmars = { };\n");
	forked_in_load = -1;
	CHECK_OK(world, world->api->reload(inherited, &world->err));
	CHECK(forked_in_load > 0);
	CHECK(waitpid(forked_in_load, &status, 0) == forked_in_load);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	world->api->close(&inherited);
}

static int32_t reloads_from_callback;

static void reload_in_log(
	void *ctx, int32_t level, const char *event, const char *text)
{
	keep_log(ctx, level, event, text);
	if (reloads_from_callback++ == 0)
		CHECK(((struct world *)ctx)->api->reload(inherited, NULL) ==
			TILLPOST_ECONFIG);
}

static int32_t reload_in_load(
	void *ctx, const char *key, char *value, uint32_t value_bytes)
{
	(void)key;
	(void)value;
	(void)value_bytes;
	if (inherited && reloads_from_callback++ == 0)
		CHECK(((struct world *)ctx)->api->reload(inherited, NULL) ==
			TILLPOST_EBUSY);
	return -1;
}

static void a_host_that_loads_again_when_called_back_is_not_stuck(
	struct world *world)
{
	(void)alarm(60);
	world->host.log = reload_in_log;
	inherited = submitter(world);
	write_file(world, "tillpost.conf", "stores = { nonsense", 0644);
	sleep_ms(1200);
	reloads_from_callback = 0;
	(void)submit(world, inherited, "eu");
	CHECK(reloads_from_callback == 1);
	world->api->close(&inherited);

	configure(world, usual_stores);
	world->host.log = keep_log;
	world->host.setting = reload_in_load;
	inherited = submitter(world);
	reloads_from_callback = 0;
	CHECK_OK(world, world->api->reload(inherited, &world->err));
	CHECK(reloads_from_callback > 0);
	(void)submit(world, inherited, "eu");
	world->api->close(&inherited);
	(void)alarm(0);
}

static int opened_pipe[2];

static void is_let_in_later(struct world *world)
{
	struct tillpost_message message = an_order("moon");
	tillpost_handle *handle = NULL;

	CHECK_OK(world, open_handle(world, TILLPOST_ROLE_SUBMIT, 0,
				world->config, world->spool, &handle));
	(void)submit(world, handle, "moon");
	CHECK(write(opened_pipe[1], "", 1) == 1);
	sleep_ms(1500);
	CHECK_FAILS(world,
		world->api->submit(handle, &message, NULL, &world->err),
		TILLPOST_ENOTFOUND, "moon");
	world->api->close(&handle);
}

static void *open_later(void *path)
{
	char byte;

	CHECK(read(opened_pipe[0], &byte, 1) == 1);
	CHECK(chmod(path, 0644) == 0);
	return NULL;
}

static void a_changed_mode_of_the_configuration_is_seen(struct world *world)
{
	pthread_t thread;

	CHECK(pipe(opened_pipe) == 0);
	CHECK(chmod(world->config, geteuid() == 0 ? 0600 : 0) == 0);
	CHECK(pthread_create(&thread, NULL, open_later, world->config) == 0);
	as_other_user(world, is_let_in_later);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(close(opened_pipe[0]) == 0 && close(opened_pipe[1]) == 0);
}

static atomic_int crowd_is_done;

struct crowd {
	struct world *world;
	tillpost_handle *handle;
	pthread_t thread;
};

static void *submit_many(void *arg)
{
	struct crowd *crowd = arg;
	struct tillpost_message message = an_order(NULL);
	struct tillpost_receipt receipt;
	int i;

	for (i = 0; i < EACH; i++) {
		TILLPOST_INIT(&receipt);
		CHECK(crowd->world->api->submit(crowd->handle, &message,
			      &receipt, NULL) == TILLPOST_OK);
	}
	return NULL;
}

static void *reload_until_told(void *arg)
{
	const struct crowd *crowd = arg;

	while (!atomic_load(&crowd_is_done))
		CHECK(crowd->world->api->reload(crowd->handle, NULL) ==
			TILLPOST_OK);
	return NULL;
}

/* Also while the configuration is loaded again and again, and while children
 * are forked in the middle of it. */
static void many_threads_submit_with_one_handle(struct world *world)
{
	struct crowd crowd[THREADS];
	struct crowd loader = { .world = world };
	tillpost_handle *to = taker(world, 0);
	int i;

	inherited = submitter(world);
	loader.handle = inherited;
	CHECK(pthread_create(
		      &loader.thread, NULL, reload_until_told, &loader) == 0);
	for (i = 0; i < THREADS; i++) {
		crowd[i] = (struct crowd) { world, inherited, 0 };
		CHECK(pthread_create(&crowd[i].thread, NULL, submit_many,
			      &crowd[i]) == 0);
	}
	for (i = 0; i < CROWD_CHILDREN; i++)
		as_other_user(world, child_submits);
	for (i = 0; i < THREADS; i++)
		CHECK(pthread_join(crowd[i].thread, NULL) == 0);
	atomic_store(&crowd_is_done, 1);
	CHECK(pthread_join(loader.thread, NULL) == 0);
	world->api->close(&inherited);
	await(world, to, THREADS * EACH + CROWD_CHILDREN * 20, 0);
	CHECK(status_of(world, to).taken_in_count ==
		THREADS * EACH + CROWD_CHILDREN * 20);
	world->api->close(&to);
}

/* What SQLite locks to write: one byte of queue.db-shm. Held by a process of
 * its own, it is as if somebody had the queue open in a shell. */
static pid_t hold_queue(struct world *world)
{
	struct flock lock = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = 120,
		.l_len = 1 };
	char path[PATH_BYTES];
	int ready[2];
	char byte;
	pid_t pid;

	path_of(world, "", "queue.db-shm", path);
	CHECK(pipe(ready) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		int fd = open(path, O_RDWR);

		CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
		CHECK(fd >= 0 && fcntl(fd, F_SETLKW, &lock) == 0);
		CHECK(write(ready[1], "", 1) == 1);
		for (;;)
			(void)pause();
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	CHECK(close(ready[0]) == 0 && close(ready[1]) == 0);
	return pid;
}

static void what_the_queue_cannot_store_now_waits_in_the_spool(
	struct world *world)
{
	tillpost_handle *from = submitter(world);
	tillpost_handle *to = taker(world, 0);
	pid_t holder = hold_queue(world);

	(void)submit(world, from, NULL);
	(void)submit(world, from, NULL);
	await_logged(world, "3 intake-paused: ");
	CHECK(status_of(world, to).spooled_count == 2);
	CHECK(kill(holder, SIGKILL) == 0);
	CHECK(waitpid(holder, NULL, 0) == holder);
	await(world, to, 2, 0);
	await_logged(world, "6 intake-resumed: ");
	world->api->close(&to);
	world->api->close(&from);
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
	TEST(a_submitted_message_is_a_file_of_the_spool),
	TEST(what_needs_the_queue_is_refused),
	TEST(a_route_is_explained_if_the_configuration_can_be_read),
	TEST(a_message_is_checked_before_it_is_spooled),
	TEST(an_unknown_store_is_refused_where_stores_are_known),
	TEST(a_wrong_configuration_is_told_and_costs_no_mail),
	TEST(a_spool_that_is_not_there_is_named),
	TEST(a_user_may_only_use_his_stores),
	TEST(a_user_is_admitted_by_number),
	TEST(what_only_the_managed_file_says_is_not_missed),
	TEST(what_was_accepted_is_in_the_queue_as_it_was_accepted),
	TEST(a_new_file_is_taken_in_at_once),
	TEST(a_crash_between_storing_and_removing_makes_no_second_mail),
	TEST(what_is_refused_waits_for_a_person_and_can_be_released),
	TEST(a_damaged_file_is_quarantined_and_can_be_discarded),
	TEST(a_host_name_that_is_none_is_no_reason_to_refuse),
	TEST(only_one_process_takes_in),
	TEST(a_closed_copy_in_a_child_keeps_nobody_out),
	TEST(a_passive_handle_takes_in_while_it_runs),
	TEST(what_the_queue_cannot_store_now_waits_in_the_spool),
	TEST(who_only_looks_needs_no_secrets),
	TEST(a_changed_configuration_is_seen),
	TEST(a_change_of_an_included_file_is_seen),
	TEST(a_changed_mode_of_the_configuration_is_seen),
	TEST(a_child_forked_during_a_load_loads_for_itself),
	TEST(a_host_that_loads_again_when_called_back_is_not_stuck),
	TEST(a_forked_child_submits_with_the_handle_of_its_parent),
	TEST(many_threads_submit_with_one_handle),
};

/* One test alone: spool_test NAME */
int main(int argc, char **argv)
{
	static struct world world;
	const struct tillpost_api *api = load_plugin();
	int count = 0;
	size_t i;

	CHECK(api->capabilities & TILLPOST_CAP_SUBMIT);
	CHECK(api->capabilities & TILLPOST_CAP_INTAKE);
	CHECK(TILLPOST_HAS(api, tillpost_api, spool_action));
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
