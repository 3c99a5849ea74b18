/*
 * role_submit.c - a handle that only checks messages and writes the spool
 *
 * JOB     Nothing here belongs to a process: no thread, no descriptor, and no
 *         mutex, which a forked child could find locked for ever. The locks
 *         are words that hold the process id of who took them, so that a
 *         child knows a lock of its parent's other threads to be stale. What
 *         they guard is whole at every step.
 * THREADS any, also in forked children.
 * SPDX-License-Identifier: MIT
 */
#include "api/convert.h"
#include "api/handle.h"

#include "adapters/spool.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_EVERY_MS 1000
#define ID_ATTEMPTS_MAX_COUNT 3

/* What tells one state of the configuration from another: the main file, and
 * its directory for the managed file, which is replaced by renaming. */
struct stamp {
	int error; /* errno of a file that cannot be looked at */
	struct timespec modified;
	struct timespec directory_modified;
	ino_t inode;
	off_t size_bytes;
};

struct tp_submit_role {
	atomic_int config_lock;
	struct tp_config *config;
	char *spool_path; /* the host's choice; NULL: the configuration's */
	struct tp_user_name self; /* who opened the handle */
	int self_known;

	atomic_int load_lock;
	atomic_llong look_again_mono_ms;
	struct stamp stamp; /* load_lock */
	int told;	    /* that it cannot be read; load_lock */
};

/* ---- locks that a forked child can take ---------------------------------- */

static int try_lock(atomic_int *lock)
{
	int me = (int)getpid();
	int holder = 0;

	if (atomic_compare_exchange_strong(lock, &holder, me))
		return 1;
	return holder != me &&
	       atomic_compare_exchange_strong(lock, &holder, me);
}

static void lock_word(atomic_int *lock)
{
	while (!try_lock(lock))
		(void)sched_yield();
}

static void unlock_word(atomic_int *lock)
{
	atomic_store(lock, 0);
}

/* ---- configuration --------------------------------------------------------
 */

static int same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static int same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->error == b->error && a->inode == b->inode &&
	       a->size_bytes == b->size_bytes &&
	       same_time(&a->modified, &b->modified) &&
	       same_time(&a->directory_modified, &b->directory_modified);
}

static struct stamp take_stamp(const char *path)
{
	struct stamp stamp = { .error = 0 };
	const char *slash = strrchr(path, '/');
	char *directory = slash ? tp_strndup(path, (size_t)(slash - path) + 1)
				: tp_strdup(".");
	struct stat st;

	if (stat(path, &st) < 0) {
		stamp.error = errno;
	} else {
		stamp.modified = st.st_mtim;
		stamp.inode = st.st_ino;
		stamp.size_bytes = st.st_size;
	}
	if (directory && stat(directory, &st) == 0)
		stamp.directory_modified = st.st_mtim;
	tp_free(directory);
	return stamp;
}

static int means_unreadable(int error)
{
	return error == EACCES || error == EPERM || error == ENOENT ||
	       error == ENOTDIR;
}

/* @return 0, or why PATH cannot be opened */
static int readable_error(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

/* An error goes to who called; a warning can only go to the log. */
static void warn(void *ctx, int level, const char *where, const char *text)
{
	char line[TP_ERROR_TEXT_BYTES + TP_ERROR_WHERE_BYTES];

	if (level <= TILLPOST_LOG_ERROR)
		return;
	(void)snprintf(line, sizeof(line), "%s: %s", where, text);
	tp_handle_log(ctx, level, "configuration", line);
}

static int load(tillpost_handle *handle, struct tp_config **config_out,
	struct tp_error *err)
{
	struct tp_config_source source = tp_handle_source(handle);
	struct tp_error found = TP_ERROR_INIT;
	int error = readable_error(handle->config_path);
	int rc = TP_OK;

	if (!means_unreadable(error)) {
		rc = tp_config_load(&source, warn, handle, config_out, &found);
		/* A file that it includes may be closed to this user too. */
		error = rc == TP_EPERM ? found.sys_errno : 0;
	}
	if (means_unreadable(error))
		return tp_config_defaults(
			&source, warn, handle, config_out, err);
	if (rc < 0 && err)
		*err = found;
	return rc;
}

/* Load lock held. Once for each time that it becomes unreadable. */
static void tell(tillpost_handle *handle, const struct tp_config *config)
{
	if (config->partial && !handle->submit->told)
		tp_handle_log(handle, TILLPOST_LOG_INFO, "configuration",
			"configuration not readable: stores and limits are "
			"checked when the spool is taken in");
	handle->submit->told = config->partial;
}

/* Load lock held. */
static int load_and_swap(tillpost_handle *handle, struct tp_error *err)
{
	struct tp_submit_role *role = handle->submit;
	struct tp_config *before;
	struct tp_config *after = NULL;
	int rc;

	role->stamp = take_stamp(handle->config_path);
	rc = load(handle, &after, err);
	if (rc < 0)
		return rc;
	tell(handle, after);
	lock_word(&role->config_lock);
	before = role->config;
	role->config = after;
	unlock_word(&role->config_lock);
	tp_config_unref(&before);
	return TP_OK;
}

int tp_submit_role_reload(tillpost_handle *handle, struct tp_error *err)
{
	int rc;

	lock_word(&handle->submit->load_lock);
	rc = load_and_swap(handle, err);
	unlock_word(&handle->submit->load_lock);
	return rc;
}

/* Load lock held. An erroneous new configuration is told once and the old one
 * stays: mail must not be refused while somebody is still editing. */
static void look(tillpost_handle *handle)
{
	struct stamp now = take_stamp(handle->config_path);
	struct tp_error err = TP_ERROR_INIT;
	char line[TP_ERROR_TEXT_BYTES + TP_ERROR_WHERE_BYTES + 64];

	if (same_stamp(&now, &handle->submit->stamp))
		return;
	if (load_and_swap(handle, &err) >= 0)
		return;
	(void)snprintf(line, sizeof(line), "%s: %s; the one before stays",
		err.where, err.text);
	tp_handle_log(handle, TILLPOST_LOG_ERROR, "configuration", line);
}

/* A long-lived worker of a web server must see a changed configuration. */
static void look_if_due(tillpost_handle *handle)
{
	struct tp_submit_role *role = handle->submit;

	if (tp_mono_ms() < atomic_load(&role->look_again_mono_ms) ||
		!try_lock(&role->load_lock))
		return;
	atomic_store(&role->look_again_mono_ms, tp_deadline_ms(LOOK_EVERY_MS));
	look(handle);
	unlock_word(&role->load_lock);
}

struct tp_config *tp_submit_role_config(tillpost_handle *handle)
{
	struct tp_submit_role *role = handle->submit;
	struct tp_config *config;

	look_if_due(handle);
	lock_word(&role->config_lock);
	config = tp_config_ref(role->config);
	unlock_word(&role->config_lock);
	return config;
}

static char *spool_of(
	const tillpost_handle *handle, const struct tp_config *config)
{
	const char *chosen = handle->submit->spool_path;

	return tp_strdup(chosen ? chosen : tp_abi_text(config->spool_path));
}

char *tp_submit_role_spool(tillpost_handle *handle)
{
	struct tp_config *config = tp_submit_role_config(handle);
	char *spool = spool_of(handle, config);

	tp_config_unref(&config);
	return spool;
}

/* A mistake in the configuration must not cost a mail, which the daemon, with
 * the configuration of before, would send: it is accepted unchecked. */
static int use_defaults(tillpost_handle *handle, const struct tp_error *why,
	struct tp_error *err)
{
	struct tp_config_source source = tp_handle_source(handle);
	char line[TP_ERROR_TEXT_BYTES + TP_ERROR_WHERE_BYTES + 96];

	(void)snprintf(line, sizeof(line),
		"%s: %s; stores and limits are checked when the spool is taken "
		"in",
		why->where, why->text);
	tp_handle_log(handle, TILLPOST_LOG_ERROR, "configuration", line);
	return tp_config_defaults(
		&source, warn, handle, &handle->submit->config, err);
}

/* ---- open and close -------------------------------------------------------
 */

static int some_store_is_closed(const struct tp_config *config)
{
	size_t i;

	for (i = 0; i < config->store_count; i++)
		if (config->stores[i].users.count > 0)
			return 1;
	return 0;
}

int tp_submit_role_open(
	tillpost_handle *handle, const char *spool_path, struct tp_error *err)
{
	struct tp_submit_role *role = tp_alloc(sizeof(*role));
	struct tp_error found = TP_ERROR_INIT;
	int rc;

	if (!role)
		return tp_fail(err, TP_ENOMEM, "open", "out of memory");
	handle->submit = role;
	if (spool_path) {
		role->spool_path = tp_strdup(spool_path);
		if (!role->spool_path)
			return tp_fail(err, TP_ENOMEM, "open", "out of memory");
	}
	rc = tp_submit_role_reload(handle, &found);
	if (rc == TP_ECONFIG)
		rc = use_defaults(handle, &found, err);
	else if (rc < 0 && err)
		*err = found;
	atomic_store(&role->look_again_mono_ms, tp_deadline_ms(LOOK_EVERY_MS));
	/* Asked once, if at all. */
	if (rc >= 0 && some_store_is_closed(role->config))
		role->self_known =
			tp_user_name_find(geteuid(), &role->self, NULL) >= 0;
	return rc;
}

void tp_submit_role_close(tillpost_handle *handle)
{
	struct tp_submit_role *role = handle->submit;

	if (!role)
		return;
	tp_config_unref(&role->config);
	tp_free(role->spool_path);
	tp_free(role);
	handle->submit = NULL;
}

/* ---- submit ---------------------------------------------------------------
 */

/* A user on the stack of submit(), because USER_OUT borrows from it. */
struct self {
	const tillpost_handle *handle;
	struct tp_user_name name;
};

static int find_self(
	void *user_ctx, struct tp_user *user_out, struct tp_error *err)
{
	struct self *self = user_ctx;
	const struct tp_submit_role *role = self->handle->submit;
	uid_t me = geteuid();
	int rc = TP_OK;

	if (role->self_known && role->self.uid == me)
		self->name = role->self;
	else
		rc = tp_user_name_find(me, &self->name, err);
	if (rc >= 0)
		*user_out = tp_user_of(&self->name);
	return rc;
}

/* A record's value has a limit and no control characters. */
static int fits_record(const char *text)
{
	size_t i;

	for (i = 0; text[i]; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return 0;
	return i <= TP_SPOOL_VALUE_MAX_BYTES;
}

static const char *if_it_fits(const char *text)
{
	return text && fits_record(text) ? text : NULL;
}

static struct tp_spool_record record_of(const struct tillpost_message *message,
	const struct tp_intake *intake, int64_t now_ms)
{
	struct tp_spool_record record = {
		.accepted_ms = now_ms,
		/* One that does not fit is the data's own, and stays. */
		.message_id = if_it_fits(intake->message.message_id),
		.sender = message->sender,
		.recipients = message->recipients,
		.recipient_count = message->recipient_count,
		.header_recipients =
			(message->flags & TILLPOST_SUBMIT_HEADER_RECIPIENTS) !=
			0,
		.store = message->store,
		.run_code = message->run_code,
		/* Anybody's bytes, from the network: what cannot be a name
		 * is not believed, and no reason to refuse the mail. */
		.http_host = if_it_fits(message->http_host),
		.dedup_key = message->dedup_key,
		.expires_ms = message->expires_ms,
		.data = message->data,
		.data_bytes = (size_t)message->data_bytes,
	};

	return record;
}

static int write_record(const char *spool, const struct tp_config *config,
	struct tp_spool_record *record, struct tp_error *err)
{
	int rc = TP_EBUSY;
	int i;

	for (i = 0; i < ID_ATTEMPTS_MAX_COUNT && rc == TP_EBUSY; i++) {
		tp_error_clear(err);
		if (tp_queue_id(record->accepted_ms, record->queue_id) < 0)
			return tp_fail(
				err, TP_EIO, "queue id", "no random bytes");
		rc = tp_spool_write(
			spool, config->free_reserve_bytes, record, err);
	}
	return rc;
}

static int store_intake(tillpost_handle *handle, const struct tp_intake *intake,
	const struct tillpost_message *message,
	struct tillpost_receipt *receipt, struct tp_error *err)
{
	struct tp_spool_record record =
		record_of(message, intake, tp_now_ms(&handle->clock));
	struct tillpost_receipt filled;
	char *spool = spool_of(handle, intake->config);
	int rc = spool ? write_record(spool, intake->config, &record, err)
		       : tp_fail(err, TP_ENOMEM, "submit", "out of memory");

	tp_free(spool);
	if (rc < 0)
		return rc;
	TILLPOST_INIT(&filled);
	filled.verdict = TILLPOST_VERDICT_QUEUED;
	(void)snprintf(filled.queue_id, sizeof(filled.queue_id), "%s",
		record.queue_id);
	(void)snprintf(filled.message_id, sizeof(filled.message_id), "%s",
		intake->message.message_id);
	(void)snprintf(filled.store, sizeof(filled.store), "%s",
		tp_abi_text(intake->route.store ? intake->route.store->name
						: message->store));
	TP_ABI_WRITE(receipt, &filled);
	return TP_OK;
}

int tp_submit_role_submit(tillpost_handle *handle,
	const struct tillpost_message *message,
	struct tillpost_receipt *receipt, struct tp_error *err)
{
	struct self self = { .handle = handle };
	struct tp_intake_context context = {
		.clock = &handle->clock,
		.user = find_self,
		.user_ctx = &self,
	};
	struct tp_intake intake;
	int rc;

	if (message->flags & TILLPOST_SUBMIT_DELIVER_NOW)
		return tp_fail(err, TP_EUNSUPPORTED, "flags",
			"DELIVER_NOW needs the role embedded: the role submit "
			"leaves delivery to the process that takes the spool "
			"in");
	context.config = tp_submit_role_config(handle);
	rc = tp_intake_make(&context, message, &intake, err);
	tp_config_unref(&context.config);
	if (rc < 0)
		return rc;
	rc = store_intake(handle, &intake, message, receipt, err);
	tp_intake_free(&intake);
	return rc;
}
