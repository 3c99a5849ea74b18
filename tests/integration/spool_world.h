/*
 * spool_world.h - a place with a spool and a queue, for spool_test.c
 *
 * JOB     Loads the plugin (TILLPOST_PLUGIN, else build/default/tillpost.so)
 *         as a host does. Each test has a directory of its own, which other
 *         users may enter, with a configuration whose only relay is never
 *         there, and a log that can be searched.
 * LAYER   a host: public header only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_TESTS_SPOOL_WORLD_H
#define TP_TESTS_SPOOL_WORLD_H

#include <tillpost/abi.h>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                    \
	do {                                                                \
		if (!(condition)) {                                         \
			printf("%s:%d: not true: %s\n", __FILE__, __LINE__, \
				#condition);                                \
			fflush(stdout);                                     \
			_exit(1);                                           \
		}                                                           \
	} while (0)

/* Like CHECK(rc >= 0), and shows the error. */
#define CHECK_OK(world, rc)                                                    \
	do {                                                                   \
		int32_t rc_ = (rc);                                            \
		if (rc_ < 0)                                                   \
			printf("%s:%d: %d: %s: %s\n", __FILE__, __LINE__, rc_, \
				(world)->err.where, (world)->err.text);        \
		CHECK(rc_ >= 0);                                               \
	} while (0)

/* The call failed so, and the error says TEXT. */
#define CHECK_FAILS(world, rc, code, words)                                    \
	do {                                                                   \
		int32_t rc_ = (rc);                                            \
		if (rc_ != (code) || (world)->err.status != (code) ||          \
			!strstr((world)->err.text, (words)))                   \
			printf("%s:%d: %d: %s: %s\n", __FILE__, __LINE__, rc_, \
				(world)->err.where, (world)->err.text);        \
		CHECK(rc_ == (code));                                          \
		CHECK((world)->err.status == (code));                          \
		CHECK(strstr((world)->err.text, (words)) != NULL);             \
		TILLPOST_INIT(&(world)->err);                                  \
	} while (0)

#define OTHER_UID 65534
#define PATH_BYTES 256
#define LOG_BYTES 65536

struct world {
	const struct tillpost_api *api;
	char directory[64];
	char config[PATH_BYTES];
	char spool[PATH_BYTES];
	struct tillpost_host host;
	struct tillpost_error err; /* of the last call */
	pthread_mutex_t log_lock;
	size_t log_len;
	char log[LOG_BYTES];
};

static const char order[] = "From: Shop <shop@example.com>\r\n"
			    "To: Customer <customer@example.net>\r\n"
			    "Subject: Order 1001\r\n"
			    "\r\n"
			    "Thank you.\r\n";

static const char *const order_recipients[] = { "customer@example.net" };

/* ---- files -------------------------------------------------------------- */

/* FOLDER/NAME in the world's directory; either may be "". */
static void path_of(const struct world *world, const char *folder,
	const char *name, char out[PATH_BYTES])
{
	CHECK(snprintf(out, PATH_BYTES, "%s/%s%s%s", world->directory, folder,
		      folder[0] && name[0] ? "/" : "", name) < PATH_BYTES);
}

/* Replaces, as an editor or a package does. */
static void write_file(const struct world *world, const char *name,
	const char *content, mode_t mode)
{
	char path[PATH_BYTES];
	char temp[PATH_BYTES + 8];
	FILE *out;

	path_of(world, "", name, path);
	(void)snprintf(temp, sizeof(temp), "%s.new", path);
	out = fopen(temp, "w");
	CHECK(out != NULL);
	CHECK(fputs(content, out) >= 0);
	CHECK(fclose(out) == 0);
	CHECK(chmod(temp, mode) == 0);
	CHECK(rename(temp, path) == 0);
}

/* STORES: what stands in "stores = { ... };" */
static void configure(const struct world *world, const char *stores)
{
	char text[4096];

	CHECK(snprintf(text, sizeof(text),
		      "queue = { path = \"queue.db\"; free_reserve = \"0\"; };\n"
		      "spool = { path = \"spool\"; };\n"
		      "log = { path = \"\"; };\n"
		      "relays = { lab = { host = \"127.0.0.1\"; port = 9;\n"
		      "  tls = \"none\"; auth = \"none\"; }; };\n"
		      "stores = {\n%s};\n",
		      stores) < (int)sizeof(text));
	write_file(world, "tillpost.conf", text, 0644);
}

static const char usual_stores[] =
	"default = { relays = [\"lab\"]; from = \"shop@example.com\"; };\n"
	"eu = { from = \"sales@eu.example.com\"; };\n"
	"vip = { users = [\"nosuchuser\"]; };\n";

static int is_counted(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' &&
	       (len < 7 || strcmp(name + len - 7, ".reason") != 0);
}

static int count_files(const struct world *world, const char *folder)
{
	char path[PATH_BYTES];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	path_of(world, folder, "", path);
	dir = opendir(path);
	CHECK(dir != NULL);
	while ((entry = readdir(dir)) != NULL)
		count += is_counted(entry->d_name);
	CHECK(closedir(dir) == 0);
	return count;
}

static int has_file(
	const struct world *world, const char *folder, const char *name)
{
	char path[PATH_BYTES];

	path_of(world, folder, name, path);
	return access(path, F_OK) == 0;
}

/* The whole file, with a NUL. @owns the caller */
static char *read_file(const char *path, size_t *len_out)
{
	char *bytes = calloc(1, 65536);
	int fd = open(path, O_RDONLY);
	ssize_t got;

	CHECK(bytes != NULL && fd >= 0);
	got = read(fd, bytes, 65535);
	CHECK(got >= 0 && close(fd) == 0);
	*len_out = (size_t)got;
	return bytes;
}

/* As a writer makes it: whole before it has its name. */
static void put_file(const struct world *world, const char *folder,
	const char *name, const char *bytes, size_t len)
{
	char temp[PATH_BYTES];
	char path[PATH_BYTES];
	int fd;

	path_of(world, "", "spool-file.new", temp);
	path_of(world, folder, name, path);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL, 0440);
	CHECK(fd >= 0);
	CHECK(write(fd, bytes, len) == (ssize_t)len);
	CHECK(close(fd) == 0);
	CHECK(rename(temp, path) == 0);
}

/* ---- the world ---------------------------------------------------------- */

static void keep_log(
	void *ctx, int32_t level, const char *event, const char *text)
{
	struct world *world = ctx;
	size_t room;
	int len;

	(void)pthread_mutex_lock(&world->log_lock);
	room = sizeof(world->log) - world->log_len;
	len = snprintf(world->log + world->log_len, room, "%d %s: %s\n",
		(int)level, event, text);
	if (len > 0 && (size_t)len < room)
		world->log_len += (size_t)len;
	(void)pthread_mutex_unlock(&world->log_lock);
}

static int logged(struct world *world, const char *text)
{
	int found;

	(void)pthread_mutex_lock(&world->log_lock);
	found = strstr(world->log, text) != NULL;
	(void)pthread_mutex_unlock(&world->log_lock);
	return found;
}

static const struct tillpost_api *load_plugin(void)
{
	const char *path = getenv("TILLPOST_PLUGIN");
	void *so = dlopen(path ? path : "build/default/tillpost.so",
		RTLD_NOW | RTLD_LOCAL);
	tillpost_entry_fn *entry;
	void *symbol;

	if (!so)
		printf("%s\n", dlerror());
	CHECK(so != NULL);
	symbol = dlsym(so, TILLPOST_ENTRY);
	CHECK(symbol != NULL);
	memcpy(&entry, &symbol, sizeof(entry));
	return entry();
}

static void make_spool(const struct world *world)
{
	char path[PATH_BYTES];

	CHECK(mkdir(world->spool, 0755) == 0 && chmod(world->spool, 0755) == 0);
	path_of(world, "spool/incoming", "", path);
	CHECK(mkdir(path, 0700) == 0 && chmod(path, 03733) == 0);
	path_of(world, "spool/quarantine", "", path);
	CHECK(mkdir(path, 0700) == 0);
}

static void make_world(struct world *world, const struct tillpost_api *api)
{
	memset(world, 0, sizeof(*world));
	world->api = api;
	CHECK(pthread_mutex_init(&world->log_lock, NULL) == 0);
	(void)snprintf(world->directory, sizeof(world->directory),
		"/tmp/tillpost-spool-XXXXXX");
	CHECK(mkdtemp(world->directory) != NULL);
	CHECK(chmod(world->directory, 0755) == 0);
	path_of(world, "", "tillpost.conf", world->config);
	path_of(world, "", "spool", world->spool);
	make_spool(world);
	configure(world, usual_stores);
	TILLPOST_INIT(&world->err);
	TILLPOST_INIT(&world->host);
	world->host.ctx = world;
	world->host.log = keep_log;
}

static void remove_folder(const struct world *world, const char *folder)
{
	char path[PATH_BYTES];
	char name[PATH_BYTES];
	struct dirent *entry;
	DIR *dir;

	path_of(world, folder, "", path);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL) {
		path_of(world, folder, entry->d_name, name);
		(void)unlink(name);
	}
	if (dir)
		(void)closedir(dir);
	(void)rmdir(path);
}

static void end_world(struct world *world)
{
	remove_folder(world, "spool/incoming");
	remove_folder(world, "spool/quarantine");
	remove_folder(world, "spool/done");
	remove_folder(world, "spool");
	remove_folder(world, "");
	CHECK(access(world->directory, F_OK) < 0);
	CHECK(pthread_mutex_destroy(&world->log_lock) == 0);
}

/* ---- handles ------------------------------------------------------------ */

static int32_t open_handle(struct world *world, int32_t role, uint32_t flags,
	const char *config, const char *spool, tillpost_handle **out)
{
	struct tillpost_open_options options;

	TILLPOST_INIT(&options);
	TILLPOST_INIT(&world->err);
	options.role = role;
	options.flags = flags;
	options.config_path = config;
	options.spool_path = spool;
	options.host = &world->host;
	return world->api->open(&options, out, &world->err);
}

static tillpost_handle *submitter(struct world *world)
{
	tillpost_handle *handle = NULL;

	CHECK_OK(world, open_handle(world, TILLPOST_ROLE_SUBMIT, 0,
				world->config, NULL, &handle));
	return handle;
}

/* One that has no configuration to read. */
static tillpost_handle *blind_submitter(struct world *world)
{
	tillpost_handle *handle = NULL;

	CHECK_OK(world,
		open_handle(world, TILLPOST_ROLE_SUBMIT, 0,
			"/nonexistent/tillpost.conf", world->spool, &handle));
	return handle;
}

static tillpost_handle *taker(struct world *world, uint32_t flags)
{
	tillpost_handle *handle = NULL;

	CHECK_OK(world, open_handle(world, TILLPOST_ROLE_EMBEDDED,
				TILLPOST_OPEN_INTAKE | flags, world->config,
				NULL, &handle));
	return handle;
}

static struct tillpost_message an_order(const char *store)
{
	struct tillpost_message message;

	TILLPOST_INIT(&message);
	message.data = order;
	message.data_bytes = sizeof(order) - 1;
	message.recipients = order_recipients;
	message.recipient_count = 1;
	message.store = store;
	return message;
}

static struct tillpost_receipt submit(
	struct world *world, tillpost_handle *handle, const char *store)
{
	struct tillpost_message message = an_order(store);
	struct tillpost_receipt receipt;

	TILLPOST_INIT(&receipt);
	CHECK_OK(world,
		world->api->submit(handle, &message, &receipt, &world->err));
	CHECK(receipt.verdict == TILLPOST_VERDICT_QUEUED);
	CHECK(!receipt.duplicate);
	return receipt;
}

/* ---- waiting ------------------------------------------------------------ */

static void sleep_ms(long ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&time, NULL);
}

static struct tillpost_status status_of(
	struct world *world, tillpost_handle *handle)
{
	struct tillpost_status status;

	TILLPOST_INIT(&status);
	CHECK_OK(world,
		world->api->status(handle, &status, NULL, NULL, &world->err));
	return status;
}

/* Until the spool is empty, the queue holds QUEUED messages and QUARANTINED
 * files were refused; at most thirty seconds. */
static void await(struct world *world, tillpost_handle *handle, int64_t queued,
	int64_t quarantined)
{
	struct tillpost_status status;
	int i;

	for (i = 0; i < 1500; i++) {
		status = status_of(world, handle);
		if (status.queued_count + status.active_count == queued &&
			status.quarantined_count == quarantined &&
			status.spooled_count == 0)
			return;
		sleep_ms(20);
	}
	printf("queued %lld, active %lld, quarantined %lld, spooled %lld\n%s",
		(long long)status.queued_count, (long long)status.active_count,
		(long long)status.quarantined_count,
		(long long)status.spooled_count, world->log);
	CHECK(0 && "in time");
}

/* A line is written after what it tells of. */
static void await_logged(struct world *world, const char *text)
{
	int i;

	for (i = 0; i < 1500 && !logged(world, text); i++)
		sleep_ms(20);
	if (i == 1500)
		printf("%s", world->log);
	CHECK(i < 1500);
}

/* Runs WORK in a child process, as a user who is not root. */
static void as_other_user(
	struct world *world, void (*work)(struct world *world))
{
	int status;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		if (geteuid() == 0) {
			CHECK(setgroups(0, NULL) == 0);
			CHECK(setgid(OTHER_UID) == 0);
			CHECK(setuid(OTHER_UID) == 0);
		}
		work(world);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
