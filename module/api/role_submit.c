/*
 * role_submit.c - a handle that only checks messages and writes the spool
 *
 * JOB     Nothing here belongs to a process: no thread, no descriptor, and no
 *         mutex, which a forked child could find locked for ever. The locks
 *         are words that hold the process id of who took them, so that a
 *         child knows a lock of its parent's other threads to be stale. What
 *         they guard is whole at every step. Nobody waits for one for ever: a
 *         process can have the id that is in a lock it does not hold.
 *         The host is called back with a lock held only for its settings.
 * THREADS any, also in forked children.
 * SPDX-License-Identifier: MIT
 */
#include "api/convert.h"
#include "api/handle.h"

#include "adapters/spool.h"
#include "base/buf.h"
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
#define LOCK_WAIT_MS 5000
#define ID_ATTEMPTS_MAX_COUNT 3
#define SELVES_MAX_COUNT 16
#define NOTES_MAX_BYTES 65536

/* A user that this process has been. Never changed or removed, so that it can
 * be read without a lock. */
struct self {
	struct tp_user_name name;
	struct self *next;
	unsigned number; /* how many come after it, and itself */
};

struct tp_submit_role {
	atomic_int config_lock;
	struct tp_config *config;
	char *spool_path; /* the host's choice; NULL: the configuration's */
	_Atomic(struct self *) selves;

	atomic_int load_lock;
	atomic_llong look_again_mono_ms;
	struct tp_config_seen *seen; /* by the last load; load_lock */
	int told;		     /* that it cannot be read; load_lock */
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

/* @return 1; 0: whoever holds it keeps it */
static int lock_in_time(atomic_int *lock)
{
	int64_t deadline_ms;

	if (try_lock(lock))
		return 1;
	deadline_ms = tp_deadline_ms(LOCK_WAIT_MS);
	while (!try_lock(lock)) {
		if (tp_deadline_left_ms(deadline_ms) == 0)
			return 0;
		(void)sched_yield();
	}
	return 1;
}

/* For a few instructions: nobody who is still there holds it that long. */
static void lock_or_take(atomic_int *lock)
{
	if (!lock_in_time(lock))
		atomic_store(lock, (int)getpid());
}

static void unlock_word(atomic_int *lock)
{
	atomic_store(lock, 0);
}

/* ---- what is told ---------------------------------------------------------
 *
 * The host's log function may do as it likes, even not return: what is found
 * with a lock held is told when it is free again.
 */

struct notes {
	struct tp_buf bytes; /* a level in one byte, a text, a NUL; and again */
};

static void note(struct notes *notes, int level, const char *text)
{
	/* Without memory it is not told. */
	(void)(tp_buf_printf(&notes->bytes, "%c%s%c", level, text, 0) < 0);
}

static void tell_notes(tillpost_handle *handle, struct notes *notes)
{
	const char *at = notes->bytes.data;
	size_t left = notes->bytes.len;

	while (left > 0) {
		size_t len = strlen(at + 1) + 2;

		tp_handle_log(handle, at[0], "configuration", at + 1);
		at += len;
		left -= len;
	}
	tp_buf_free(&notes->bytes);
}

/* ---- configuration --------------------------------------------------------
 */

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
	note(ctx, level, line);
}

static int load(tillpost_handle *handle, struct notes *notes,
	struct tp_config_seen *seen, struct tp_config **config_out,
	struct tp_error *err)
{
	struct tp_config_source source = tp_handle_source(handle);
	struct tp_error found = TP_ERROR_INIT;
	int error = readable_error(handle->config_path);
	int rc = TP_OK;

	source.seen = seen;
	if (means_unreadable(error)) {
		tp_config_seen_add(seen, handle->config_path, NULL);
	} else {
		rc = tp_config_load(&source, warn, notes, config_out, &found);
		/* A file that it includes may be closed to this user too. */
		error = rc == TP_EPERM ? found.sys_errno : 0;
	}
	if (means_unreadable(error))
		return tp_config_defaults(
			&source, warn, notes, config_out, err);
	if (rc < 0 && err)
		*err = found;
	return rc;
}

/* Load lock held. Once for each time that it becomes unreadable. */
static void note_partial(struct tp_submit_role *role, struct notes *notes,
	const struct tp_config *config)
{
	if (config->partial && !role->told)
		note(notes, TILLPOST_LOG_INFO,
			"configuration not readable: stores and limits are "
			"checked when the spool is taken in");
	role->told = config->partial;
}

static void swap(struct tp_submit_role *role, struct tp_config *after)
{
	struct tp_config *before;

	lock_or_take(&role->config_lock);
	before = role->config;
	role->config = after;
	unlock_word(&role->config_lock);
	tp_config_unref(&before);
}

static void free_seen(struct tp_config_seen *seen)
{
	if (seen)
		tp_config_seen_clear(seen);
	tp_free(seen);
}

/* Whether a load failed for want of something that may be there next time. */
static int may_pass(int rc, const struct tp_error *err)
{
	return rc == TP_ENOMEM ||
	       (rc < 0 && err &&
		       (err->sys_errno == EMFILE || err->sys_errno == ENFILE ||
			       err->sys_errno == ENOMEM));
}

/* Load lock held. What was seen comes last: a child that is forked on the way
 * has the old and loads for itself. Of a load that failed it is kept too: until
 * one of its files changes, it would fail again, if the files are why. */
static int load_and_swap(
	tillpost_handle *handle, struct notes *notes, struct tp_error *err)
{
	struct tp_submit_role *role = handle->submit;
	struct tp_config_seen *before = role->seen;
	struct tp_config_seen *seen = tp_alloc(sizeof(*seen));
	struct tp_config *after = NULL;
	int rc = load(handle, notes, seen, &after, err);

	if (rc >= 0) {
		note_partial(role, notes, after);
		swap(role, after);
	} else if (may_pass(rc, err)) {
		free_seen(seen);
		seen = NULL;
	}
	role->seen = seen;
	free_seen(before);
	return rc;
}

int tp_submit_role_reload(tillpost_handle *handle, struct tp_error *err)
{
	struct notes notes = { TP_BUF_INIT(NOTES_MAX_BYTES) };
	int rc;

	if (!lock_in_time(&handle->submit->load_lock))
		return tp_fail(err, TP_EBUSY, "reload",
			"the configuration is being loaded already");
	rc = load_and_swap(handle, &notes, err);
	unlock_word(&handle->submit->load_lock);
	tell_notes(handle, &notes);
	return rc;
}

/* Load lock held. An erroneous new configuration is told once and the old one
 * stays: mail must not be refused while somebody is still editing. */
static void look(tillpost_handle *handle, struct notes *notes)
{
	const struct tp_config_seen *seen = handle->submit->seen;
	struct tp_error err = TP_ERROR_INIT;
	char line[TP_ERROR_TEXT_BYTES + TP_ERROR_WHERE_BYTES + 64];

	if (seen && !tp_config_seen_changed(seen))
		return;
	if (load_and_swap(handle, notes, &err) >= 0)
		return;
	(void)snprintf(line, sizeof(line), "%s: %s; the one before stays",
		err.where, err.text);
	note(notes, TILLPOST_LOG_ERROR, line);
}

/* A long-lived worker of a web server must see a changed configuration. */
static void look_if_due(tillpost_handle *handle)
{
	struct tp_submit_role *role = handle->submit;
	struct notes notes = { TP_BUF_INIT(NOTES_MAX_BYTES) };

	if (tp_mono_ms() < atomic_load(&role->look_again_mono_ms) ||
		!try_lock(&role->load_lock))
		return;
	atomic_store(&role->look_again_mono_ms, tp_deadline_ms(LOOK_EVERY_MS));
	look(handle, &notes);
	unlock_word(&role->load_lock);
	tell_notes(handle, &notes);
}

struct tp_config *tp_submit_role_config(tillpost_handle *handle)
{
	struct tp_submit_role *role = handle->submit;
	struct tp_config *config;

	look_if_due(handle);
	lock_or_take(&role->config_lock);
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
	struct notes notes = { TP_BUF_INIT(NOTES_MAX_BYTES) };
	int rc;

	(void)snprintf(line, sizeof(line),
		"%s: %s; stores and limits are checked when the spool is taken "
		"in",
		why->where, why->text);
	note(&notes, TILLPOST_LOG_ERROR, line);
	rc = tp_config_defaults(
		&source, warn, &notes, &handle->submit->config, err);
	tell_notes(handle, &notes);
	return rc;
}

/* ---- who submits ----------------------------------------------------------
 */

/* For the next time. Without memory it is asked again. */
static void remember(
	struct tp_submit_role *role, const struct tp_user_name *name)
{
	struct self *head = atomic_load(&role->selves);
	struct self *self;

	if (head && head->number >= SELVES_MAX_COUNT)
		return;
	self = tp_alloc(sizeof(*self));
	if (!self)
		return;
	self->name = *name;
	do {
		self->next = head;
		self->number = head ? head->number + 1 : 1;
	} while (!atomic_compare_exchange_weak(&role->selves, &head, self));
}

/* Asked once for each user: a forked child may find libc's own locks for this
 * taken for ever, but inherits the answer. */
static int know_self(struct tp_submit_role *role, struct tp_user_name *name_out,
	struct tp_error *err)
{
	const struct self *at = atomic_load(&role->selves);
	uid_t me = geteuid();
	int rc;

	while (at && at->name.uid != me)
		at = at->next;
	if (at) {
		*name_out = at->name;
		return TP_OK;
	}
	rc = tp_user_name_find(me, name_out, err);
	if (rc >= 0)
		remember(role, name_out);
	return rc;
}

static void forget_selves(struct tp_submit_role *role)
{
	struct self *at = atomic_load(&role->selves);

	while (at) {
		struct self *next = at->next;

		tp_free(at);
		at = next;
	}
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
	struct tp_user_name self;
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
	/* Early, before there are children; if it cannot be said now, submit()
	 * asks again. */
	if (rc >= 0 && some_store_is_closed(role->config))
		(void)(know_self(role, &self, NULL) < 0);
	return rc;
}

void tp_submit_role_close(tillpost_handle *handle)
{
	struct tp_submit_role *role = handle->submit;

	if (!role)
		return;
	tp_config_unref(&role->config);
	free_seen(role->seen);
	forget_selves(role);
	tp_free(role->spool_path);
	tp_free(role);
	handle->submit = NULL;
}

/* ---- submit ---------------------------------------------------------------
 */

/* A user on the stack of submit(), because USER_OUT borrows from it. */
struct submitter {
	struct tp_submit_role *role;
	struct tp_user_name name;
};

static int find_self(
	void *user_ctx, struct tp_user *user_out, struct tp_error *err)
{
	struct submitter *submitter = user_ctx;
	int rc = know_self(submitter->role, &submitter->name, err);

	if (rc >= 0)
		*user_out = tp_user_of(&submitter->name);
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
	struct submitter submitter = { .role = handle->submit };
	struct tp_intake_context context = {
		.clock = &handle->clock,
		.user = find_self,
		.user_ctx = &submitter,
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
