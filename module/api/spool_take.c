/*
 * spool_take.c - one file of the spool, and many at once, into the queue
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/spool_take.h"

#include <stdio.h>
#include <string.h>

/* So long the system may not know the name of a user. */
#define NAMELESS_MS (15 * INT64_C(60000))
/* So long ago a mail may have been accepted. */
#define AGE_MAX_MS (30 * 24 * INT64_C(3600000))

/* ---- what is told ---------------------------------------------------------
 */

void tp_spool_take_note(
	void *ctx, int level, const char *event, const char *text)
{
	struct tp_spool_intake *intake = ctx;

	if (tp_spool_quota_take(&intake->foreign))
		tp_handle_log(intake->handle, level, event, text);
}

void tp_spool_take_told(struct tp_spool_intake *intake, int now)
{
	tp_spool_quota_rest(&intake->refused, now);
	tp_spool_quota_rest(&intake->foreign, now);
	tp_spool_quota_rest(&intake->waiting, now);
}

void tp_spool_take_pause(
	struct tp_spool_intake *intake, const struct tp_error *err)
{
	if (!intake->paused)
		tp_spool_tell(intake->handle, TILLPOST_LOG_ERROR,
			"intake-paused",
			"nothing can be taken in now, mail waits in the spool: "
			"%s: %s",
			err->where, err->text);
	intake->paused = 1;
	/* There may be no space. */
	tp_spool_purger_alone(intake->purger, 1);
}

void tp_spool_take_resume(struct tp_spool_intake *intake)
{
	if (intake->paused)
		tp_spool_tell(intake->handle, TILLPOST_LOG_INFO,
			"intake-resumed", "the spool is taken in again");
	intake->paused = 0;
	tp_spool_purger_alone(intake->purger, 0);
}

static void tell_damaged(struct tp_spool_intake *intake, const char *name,
	const struct tp_error *why)
{
	if (tp_spool_quota_take(&intake->foreign))
		tp_spool_tell(intake->handle, TILLPOST_LOG_ERROR, "quarantined",
			"%s: %s", name, why->text);
}

static void tell_quarantined(struct tp_spool_intake *intake, const char *name,
	uid_t owner, const char *reason, int deleted)
{
	struct tp_user user = { (uint32_t)owner, NULL };

	if (!tp_spool_quota_take(&intake->refused))
		return;
	if (tp_user_names_find(&intake->users, owner, &user, NULL) < 0)
		user.name = NULL;
	tp_spool_tell(intake->handle, TILLPOST_LOG_ERROR, "quarantined",
		"%s of user %s (%lu): %s%s", name, user.name ? user.name : "?",
		(unsigned long)owner, reason,
		deleted ? TP_SPOOL_DELETED_TEXT : "");
}

/* ---- files that are done with ---------------------------------------------
 */

/* Others can still be taken in. */
static void skip(struct tp_spool_intake *intake, const struct tp_error *err)
{
	if (tp_spool_quota_take(&intake->waiting))
		tp_spool_tell(intake->handle, TILLPOST_LOG_ERROR, "spool",
			"a file cannot be taken in now and waits: %s: %s",
			err->where, err->text);
}

static void remove_stored(struct tp_spool_intake *intake, const char *name)
{
	struct tp_error err = TP_ERROR_INIT;

	intake->unsynced = 1;
	if (tp_spool_reader_remove(intake->reader, name, &err) >= 0)
		return;
	(void)snprintf(intake->unremoved[intake->unremoved_count++],
		TP_QUEUE_ID_BYTES, "%s", name);
	tp_spool_take_pause(intake, &err);
}

int tp_spool_take_clean_up(struct tp_spool_intake *intake)
{
	struct tp_error err = TP_ERROR_INIT;
	int rc = TP_OK;

	while (rc >= 0 && intake->unremoved_count > 0) {
		size_t last = intake->unremoved_count - 1;

		rc = tp_spool_reader_remove(
			intake->reader, intake->unremoved[last], &err);
		if (rc >= 0)
			intake->unremoved_count = last;
	}
	if (rc >= 0 && intake->unsynced)
		rc = tp_spool_reader_sync(intake->reader, &err);
	if (rc < 0) {
		tp_spool_take_pause(intake, &err);
		return rc;
	}
	if (intake->unsynced)
		tp_spool_purger_wake(intake->purger);
	intake->unsynced = 0;
	return TP_OK;
}

/* 1: some store is for OWNER, or may be: the system does not know his name
 * now. Then what he has left is a mail that a person may want to send. */
static int may_send(struct tp_spool_intake *intake, uid_t owner)
{
	const struct tp_config *config = intake->config;
	struct tp_user user;
	size_t i;

	if (tp_user_names_find(&intake->users, owner, &user, NULL) < 0)
		return 1;
	for (i = 0; i < config->store_count; i++) {
		const struct tp_store *store = &config->stores[i];

		if (tp_store_admits(store, &user) ||
			(!user.name && tp_store_admits_by_name(store)))
			return 1;
	}
	return 0;
}

/* Its owner may remove it at any time, or put in its place what nobody else can
 * move: that stops nobody. @return 0; negative: it is still there */
static int quarantine(struct tp_spool_intake *intake, const char *name,
	uid_t owner, const struct tp_error *why)
{
	char reason[TP_ERROR_TEXT_BYTES + TP_ERROR_WHERE_BYTES + 4];
	struct tp_error err = TP_ERROR_INIT;
	int rc;

	(void)snprintf(reason, sizeof(reason), "%s%s%s", why->where,
		why->where[0] ? ": " : "", why->text);
	rc = may_send(intake, owner)
		     ? tp_spool_reader_quarantine(
			       intake->reader, name, reason, &err)
		     : tp_spool_reader_reject(
			       intake->reader, name, reason, &err);
	switch (rc) {
	case TP_OK:
	case TP_SPOOL_DELETED:
		tell_quarantined(
			intake, name, owner, reason, rc == TP_SPOOL_DELETED);
		return TP_OK;
	case TP_ENOTFOUND:
		return TP_OK;
	case TP_EPERM:
		skip(intake, &err);
		return TP_OK;
	default:
		tp_spool_take_pause(intake, &err);
		return rc;
	}
}

/* ---- one batch ------------------------------------------------------------
 */

/* The item was checked when it came into the batch: what is wrong now is the
 * queue, but for what no queue can hold. @return 0; negative: it waits */
static int settle_one(
	struct tp_spool_intake *intake, const struct tp_spool_stored *one)
{
	if (one->rc == TP_ETOOBIG)
		return quarantine(intake, one->name, one->owner, one->err);
	if (one->rc < 0) {
		tp_spool_take_pause(intake, one->err);
		return one->rc;
	}
	if (one->rc > 0 && strcmp(one->first_id, one->name) != 0)
		tp_spool_tell(intake->handle, TILLPOST_LOG_INFO, "duplicate",
			"%s has the dedup key of %s and is not queued",
			one->name, one->first_id);
	else if (one->rc > 0 && tp_spool_quota_take(&intake->foreign))
		tp_spool_tell(intake->handle, TILLPOST_LOG_INFO, "duplicate",
			"%s has been in the queue before and is not queued "
			"again",
			one->name);
	if (one->rc == 0)
		atomic_fetch_add(&intake->taken_in, 1);
	intake->taken++;
	remove_stored(intake, one->name);
	return TP_OK;
}

int tp_spool_take_flush(struct tp_spool_intake *intake)
{
	tillpost_handle *handle = intake->handle;
	struct tp_spool_stored one;
	size_t before = intake->taken;
	size_t failed = 0;
	size_t i;

	tp_spool_batch_store(intake->batch, handle->queue);
	for (i = 0; tp_spool_batch_stored(intake->batch, i, &one); i++)
		failed += settle_one(intake, &one) < 0;
	tp_spool_batch_clear(intake->batch);
	if (intake->taken > before)
		tp_engine_wake(handle->engine);
	return tp_spool_take_clean_up(intake) < 0 || failed > 0 ? -1 : 0;
}

/* ---- one file -------------------------------------------------------------
 */

static int64_t fixed_now_ms(void *ctx)
{
	return *(const int64_t *)ctx;
}

struct owner {
	struct tp_spool_intake *intake;
	uid_t uid;
};

static int find_owner(
	void *user_ctx, struct tp_user *user_out, struct tp_error *err)
{
	struct owner *owner = user_ctx;

	return tp_user_names_find(
		&owner->intake->users, owner->uid, user_out, err);
}

/* 1: the rules or the bytes are at fault, and trying again changes nothing. Of
 * what the queue says this would not be true. */
static int is_refusal(int rc)
{
	switch (rc) {
	case TP_EINVAL:
	case TP_EMESSAGE:
	case TP_EADDRESS:
	case TP_ETOOBIG:
	case TP_ENOTFOUND:
	case TP_EPERM:
	case TP_ECONFIG:
		return 1;
	default:
		return 0;
	}
}

/* Also after a start: what waited before is old, and the directory of users may
 * start later than this process. */
static int may_be_named_soon(const struct tp_spool_intake *intake,
	const struct tp_spool_file *file, int64_t now_ms)
{
	return now_ms - file->changed_ms < NAMELESS_MS ||
	       tp_mono_ms() - intake->begun_mono_ms < NAMELESS_MS;
}

/* Whatever the file says: not in the future, and not so long ago that it would
 * be taken for the oldest of all. */
static int64_t accepted_ms_of(const struct tp_spool_file *file, int64_t now_ms)
{
	int64_t accepted_ms = file->record.accepted_ms;

	if (accepted_ms > now_ms)
		return now_ms;
	return accepted_ms < now_ms - AGE_MAX_MS ? now_ms - AGE_MAX_MS
						 : accepted_ms;
}

/* As if it were submitted again, at the time when it was accepted. */
static int play_back(struct tp_spool_intake *intake,
	const struct tp_spool_file *file, struct tp_error *err)
{
	tillpost_handle *handle = intake->handle;
	int64_t now_ms = tp_now_ms(&handle->clock);
	int64_t accepted_ms = accepted_ms_of(file, now_ms);
	struct tp_clock clock = { &accepted_ms, fixed_now_ms };
	struct owner owner = { intake, file->owner };
	struct tp_intake_context context = {
		.config = intake->config,
		.clock = &clock,
		.message_id = file->record.message_id,
		.user = find_owner,
		.user_ctx = &owner,
		.nameless_waits = may_be_named_soon(intake, file, now_ms),
	};

	return tp_spool_batch_add(intake->batch, &context, file, now_ms, err);
}

/* What the spool holds is not normalised yet: it may also have fields that go.
 */
#define UNNORMALISED_EXTRA_BYTES (INT64_C(1) << 20)

static void limit_size(struct tp_spool_intake *intake)
{
	const struct tp_config *config = intake->config;
	int64_t most_bytes = 0;
	size_t i;

	for (i = 0; i < config->store_count; i++)
		if (config->stores[i].message_max_bytes > most_bytes)
			most_bytes = config->stores[i].message_max_bytes;
	tp_spool_reader_limit(
		intake->reader, most_bytes + UNNORMALISED_EXTRA_BYTES);
}

/* It may change between two files. */
static void use_current_config(struct tp_spool_intake *intake)
{
	struct tp_config *config = tp_handle_config(intake->handle);
	int same = config == intake->config;

	tp_config_unref(&intake->config);
	intake->config = config;
	if (!same)
		limit_size(intake);
}

void tp_spool_take_beat(struct tp_spool_intake *intake)
{
	atomic_store(&intake->beat_mono_ms, tp_mono_ms());
}

static int take_file(
	struct tp_spool_intake *intake, const struct tp_spool_file *file)
{
	struct tp_error err = TP_ERROR_INIT;
	int rc = play_back(intake, file, &err);

	if (rc >= 0)
		return TP_OK;
	if (is_refusal(rc))
		return quarantine(intake, file->name, file->owner, &err);
	skip(intake, &err);
	return TP_OK;
}

int tp_spool_take(struct tp_spool_intake *intake, const char *name)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_file file;
	int rc;

	tp_spool_take_beat(intake);
	use_current_config(intake);
	rc = tp_spool_reader_load(intake->reader, name, &file, &err);
	switch (rc) {
	case TP_OK:
		rc = take_file(intake, &file);
		tp_spool_file_free(&file);
		break;
	case TP_SPOOL_NO_MAIL:
		tell_damaged(intake, name, &err);
		return 0;
	case TP_SPOOL_UNFIT:
		rc = quarantine(intake, name, file.owner, &err);
		break;
	case TP_ENOTFOUND:
	case TP_EBUSY: /* as long as its owner likes it so */
		return 0;
	default:
		skip(intake, &err);
		return 0;
	}
	if (rc >= 0 && tp_spool_batch_full(intake->batch))
		rc = tp_spool_take_flush(intake);
	return rc < 0 ? -1 : 0;
}
