/*
 * handle.c - opening, closing, reloading
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/handle.h"

#include "adapters/queue_sqlite.h"
#include "adapters/transport_esmtp.h"
#include "api/convert.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CLOSE_GRACE_MS 5000

/* ---- small helpers ------------------------------------------------------ */

void tp_handle_log(tillpost_handle *handle, int32_t level, const char *event,
	const char *text)
{
	if (handle->host.log)
		handle->host.log(handle->host.ctx, level, event, text);
}

static void engine_log(
	void *ctx, int level, const char *event, const char *text)
{
	tp_handle_log(ctx, level, event, text);
}

int tp_handle_usable(const tillpost_handle *handle, struct tp_error *err)
{
	if (!handle)
		return tp_fail(err, TP_EINVAL, "handle", "is NULL");
	if (!handle->submit && handle->pid != getpid())
		return tp_fail(err, TP_ESTATE, "handle",
			"was opened before fork(): open a new one in the "
			"child");
	return TP_OK;
}

int tp_handle_embedded(const tillpost_handle *handle, struct tp_error *err)
{
	int rc = tp_handle_usable(handle, err);

	if (rc >= 0 && handle->submit)
		return tp_fail(err, TP_EPERM, "role",
			"the role submit only writes the spool: use the role "
			"embedded, as the user that delivers");
	return rc;
}

int tp_handle_sender(const tillpost_handle *handle, struct tp_error *err)
{
	int rc = tp_handle_embedded(handle, err);

	if (rc >= 0 && (handle->flags & TILLPOST_OPEN_NO_SECRETS))
		return tp_fail(err, TP_EPERM, "flags",
			"this handle was opened without passwords and tokens "
			"(TILLPOST_OPEN_NO_SECRETS), so that it can only look: "
			"open one without that flag");
	return rc;
}

struct tp_config *tp_handle_config(tillpost_handle *handle)
{
	struct tp_config *config;

	if (handle->submit)
		return tp_submit_role_config(handle);
	(void)pthread_mutex_lock(&handle->lock);
	config = tp_config_ref(handle->config);
	(void)pthread_mutex_unlock(&handle->lock);
	return config;
}

char *tp_handle_spool(tillpost_handle *handle)
{
	struct tp_config *config;
	char *spool;

	if (handle->submit)
		return tp_submit_role_spool(handle);
	if (handle->intake)
		return tp_strdup(tp_spool_intake_path(handle->intake));
	config = tp_handle_config(handle);
	spool = tp_strdup(tp_abi_text(config->spool_path));
	tp_config_unref(&config);
	return spool;
}

struct tp_config_source tp_handle_source(tillpost_handle *handle)
{
	struct tp_config_source source = {
		.path = handle->config_path,
		.host_setting = handle->host.setting,
		.host_ctx = handle->host.ctx,
		.without_secrets = handle->role == TILLPOST_ROLE_SUBMIT ||
				   (handle->flags & TILLPOST_OPEN_NO_SECRETS),
		.for_submitter = handle->role == TILLPOST_ROLE_SUBMIT,
	};

	return source;
}

static void warn_finding(
	void *ctx, int level, const char *where, const char *text)
{
	char line[TP_ERROR_TEXT_BYTES + TP_ERROR_WHERE_BYTES];

	(void)snprintf(line, sizeof(line), "%s: %s", where, text);
	tp_handle_log(ctx, level, "configuration", line);
}

/* ---- open --------------------------------------------------------------- */

static int64_t host_now_ms(void *ctx)
{
	const tillpost_handle *handle = ctx;

	return handle->host.now_ms(handle->host.ctx);
}

static void outcome_trouble(
	void *ctx, const struct tp_error *err, uint64_t lost_count)
{
	char line[TP_ERROR_TEXT_BYTES];

	if (err) {
		tp_handle_log(
			ctx, TILLPOST_LOG_ERROR, "outcome-log", err->text);
		return;
	}
	(void)snprintf(line, sizeof(line),
		"written again; %llu lines are only in the queue database",
		(unsigned long long)lost_count);
	tp_handle_log(ctx, TILLPOST_LOG_WARNING, "outcome-log", line);
}

static int open_outcome_file(tillpost_handle *handle, struct tp_error *err)
{
	struct tp_outcome_file_options options = {
		.path = handle->config->log_path,
		.retention_bytes = handle->config->log_retention_bytes,
		.retention_ms = handle->config->log_retention_ms,
		.clock = &handle->clock,
		.report = outcome_trouble,
		.report_ctx = handle,
	};
	int rc;

	if (!options.path || !options.path[0])
		return TP_OK;
	rc = tp_outcome_file_open(&options, &handle->outcome_file, err);
	if (rc >= 0)
		handle->sink = tp_outcome_file_sink(handle->outcome_file);
	return rc;
}

static int open_engine(tillpost_handle *handle, struct tp_error *err)
{
	char host_name[256] = "localhost";
	struct tp_engine_options options = {
		.queue = handle->queue,
		.transport = handle->transport,
		.clock = &handle->clock,
		.sink = handle->outcome_file ? &handle->sink : NULL,
		.log = engine_log,
		.log_ctx = handle,
		.reporting_host = host_name,
	};

	if (gethostname(host_name, sizeof(host_name) - 1) < 0)
		(void)snprintf(host_name, sizeof(host_name), "localhost");
	return tp_engine_new(&options, handle->config, &handle->engine, err);
}

static int open_stop_pipe(tillpost_handle *handle, struct tp_error *err)
{
	int i;

	if (pipe(handle->stop_pipe) < 0) {
		handle->stop_pipe[0] = handle->stop_pipe[1] = -1;
		return tp_fail_errno(err, TP_EIO, "pipe", "cannot open");
	}
	for (i = 0; i < 2; i++)
		if (fcntl(handle->stop_pipe[i], F_SETFD, FD_CLOEXEC) < 0 ||
			fcntl(handle->stop_pipe[i], F_SETFL, O_NONBLOCK) < 0)
			return tp_fail_errno(err, TP_EIO, "pipe", "fcntl");
	return TP_OK;
}

/* Others may ask this handle what they like: that has connections to the
 * database of its own, and an end. */
static int open_intake(tillpost_handle *handle,
	const struct tp_queue_sqlite_options *queue_options,
	struct tp_error *err)
{
	struct tp_queue_sqlite_options options = *queue_options;
	int rc = tp_spool_intake_open(handle, err);

	options.search_max_ms = TP_QUERY_SEARCH_MAX_MS;
	if (rc >= 0)
		rc = tp_queue_sqlite_open(&options, &handle->query_queue, err);
	return rc;
}

static int open_parts(tillpost_handle *handle, struct tp_error *err)
{
	struct tp_config_source source = tp_handle_source(handle);
	struct tp_queue_sqlite_options queue_options;
	int rc;

	rc = tp_config_load(
		&source, warn_finding, handle, &handle->config, err);
	if (rc < 0)
		return rc;
	queue_options = (struct tp_queue_sqlite_options) {
		.path = handle->config->queue_path,
		.free_reserve_bytes = handle->config->free_reserve_bytes,
		.clock = &handle->clock,
	};
	rc = tp_queue_sqlite_open(&queue_options, &handle->queue, err);
	if (rc >= 0 && (handle->flags & TILLPOST_OPEN_INTAKE))
		rc = open_intake(handle, &queue_options, err);
	if (rc >= 0)
		rc = open_outcome_file(handle, err);
	if (rc >= 0)
		rc = tp_transport_esmtp_new(&handle->transport, err);
	if (rc >= 0)
		rc = open_stop_pipe(handle, err);
	if (rc >= 0)
		rc = open_engine(handle, err);
	if (rc >= 0 && !(handle->flags & TILLPOST_OPEN_PASSIVE))
		rc = tp_delivery_start(handle, err);
	return rc;
}

static tillpost_handle *new_handle(const struct tillpost_open_options *options)
{
	tillpost_handle *handle = tp_alloc(sizeof(*handle));

	if (!handle)
		return NULL;
	handle->pid = getpid();
	handle->role = options->role;
	handle->flags = options->flags;
	handle->stop_pipe[0] = handle->stop_pipe[1] = -1;
	TP_ABI_READ(&handle->host, options->host);
	handle->clock = tp_clock_system;
	if (handle->host.now_ms) {
		handle->clock.ctx = handle;
		handle->clock.now_ms = host_now_ms;
	}
	(void)pthread_mutex_init(&handle->lock, NULL);
	(void)pthread_mutex_init(&handle->change_lock, NULL);
	(void)pthread_mutex_init(&handle->delivery_lock, NULL);
	handle->config_path =
		tp_strdup(options->config_path ? options->config_path
					       : TP_CONFIG_DEFAULT_PATH);
	if (!handle->config_path)
		tp_api_close(&handle);
	return handle;
}

/* Without secrets nothing can be delivered. */
static int check_flags(uint32_t flags, struct tp_error *err)
{
	if (!(flags & TILLPOST_OPEN_NO_SECRETS) ||
		((flags & TILLPOST_OPEN_PASSIVE) &&
			!(flags & TILLPOST_OPEN_INTAKE)))
		return TP_OK;
	return tp_fail(err, TP_EINVAL, "flags",
		"OPEN_NO_SECRETS goes with OPEN_PASSIVE, and not with "
		"OPEN_INTAKE");
}

static int check_role(
	const struct tillpost_open_options *options, struct tp_error *err)
{
	if (options->role == TILLPOST_ROLE_EMBEDDED)
		return check_flags(options->flags, err);
	if (options->role != TILLPOST_ROLE_SUBMIT)
		return tp_fail(err, TP_EINVAL, "role", "unknown role %d",
			(int)options->role);
	if (options->flags & TILLPOST_OPEN_INTAKE)
		return tp_fail(err, TP_EINVAL, "flags",
			"OPEN_INTAKE needs the role embedded");
	return TP_OK;
}

int32_t tp_api_open(const struct tillpost_open_options *options,
	tillpost_handle **handle_out, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	struct tillpost_open_options known;
	tillpost_handle *handle = NULL;
	int rc;

	TP_ABI_READ(&known, options);
	if (!handle_out)
		return tp_abi_error(err,
			tp_fail(&detail, TP_EINVAL, "handle_out", "is NULL"),
			&detail);
	*handle_out = NULL;
	rc = check_role(&known, &detail);
	if (rc >= 0) {
		handle = new_handle(&known);
		if (!handle)
			rc = TP_ENOMEM;
		else if (known.role == TILLPOST_ROLE_SUBMIT)
			rc = tp_submit_role_open(
				handle, known.spool_path, &detail);
		else
			rc = open_parts(handle, &detail);
	}
	if (rc < 0)
		tp_api_close(&handle);
	else
		*handle_out = handle;
	return tp_abi_error(err, rc, &detail);
}

/* ---- close -------------------------------------------------------------- */

static void close_pipe(tillpost_handle *handle)
{
	int i;

	for (i = 0; i < 2; i++)
		if (handle->stop_pipe[i] >= 0)
			(void)close(handle->stop_pipe[i]);
}

/* In a forked child the engine's threads do not exist and its locks are in an
 * unknown state: engine and transport are left alone, the queue, the spool and
 * its socket only drop the child's copies of descriptors. */
static void close_in_child(tillpost_handle *handle)
{
	if (handle->query_queue)
		handle->query_queue->ops->destroy(&handle->query_queue);
	if (handle->queue)
		handle->queue->ops->destroy(&handle->queue);
	tp_handle_query_stop(handle);
	tp_spool_intake_close_in_child(&handle->intake);
	close_pipe(handle);
	tp_free(handle->config_path);
	tp_free(handle);
}

static void close_parts(tillpost_handle *handle)
{
	if (handle->engine)
		tp_delivery_shutdown(handle, CLOSE_GRACE_MS);
	tp_spool_intake_close(&handle->intake);
	tp_submit_role_close(handle);
	tp_engine_destroy(&handle->engine);
	if (handle->transport)
		handle->transport->ops->destroy(&handle->transport);
	tp_outcome_file_close(&handle->outcome_file);
	if (handle->query_queue)
		handle->query_queue->ops->destroy(&handle->query_queue);
	if (handle->queue)
		handle->queue->ops->destroy(&handle->queue);
	tp_config_unref(&handle->config);
	close_pipe(handle);
	(void)pthread_mutex_destroy(&handle->lock);
	(void)pthread_mutex_destroy(&handle->change_lock);
	(void)pthread_mutex_destroy(&handle->delivery_lock);
	tp_free(handle->config_path);
	tp_free(handle);
}

void tp_api_close(tillpost_handle **handle)
{
	if (!handle || !*handle)
		return;
	if ((*handle)->pid == getpid() ||
		(*handle)->role == TILLPOST_ROLE_SUBMIT)
		close_parts(*handle);
	else
		close_in_child(*handle);
	*handle = NULL;
}

/* ---- reload ------------------------------------------------------------- */

static void warn_if_fixed(tillpost_handle *handle, const char *key,
	const char *before, const char *after)
{
	char line[TP_ERROR_TEXT_BYTES];

	if (strcmp(tp_abi_text(before), tp_abi_text(after)) == 0)
		return;
	(void)snprintf(line, sizeof(line),
		"%s changed: it takes effect when the host opens tillpost "
		"again",
		key);
	tp_handle_log(handle, TILLPOST_LOG_WARNING, "configuration", line);
}

int tp_handle_reload(tillpost_handle *handle, struct tp_error *err)
{
	struct tp_config_source source = tp_handle_source(handle);
	struct tp_config *after = NULL;
	struct tp_config *before;
	int rc;

	rc = tp_config_load(&source, warn_finding, handle, &after, err);
	if (rc < 0)
		return rc;
	rc = tp_engine_set_config(handle->engine, after, err);
	if (rc < 0) {
		tp_config_unref(&after);
		return rc;
	}
	(void)pthread_mutex_lock(&handle->lock);
	before = handle->config;
	handle->config = after;
	(void)pthread_mutex_unlock(&handle->lock);
	warn_if_fixed(
		handle, "queue.path", before->queue_path, after->queue_path);
	warn_if_fixed(handle, "log.path", before->log_path, after->log_path);
	if (handle->intake)
		warn_if_fixed(handle, "spool.path", before->spool_path,
			after->spool_path);
	tp_config_unref(&before);
	return TP_OK;
}

int32_t tp_api_reload(tillpost_handle *handle, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	int rc = tp_handle_usable(handle, &detail);

	if (rc >= 0 && handle->submit) {
		rc = tp_submit_role_reload(handle, &detail);
	} else if (rc >= 0) {
		(void)pthread_mutex_lock(&handle->change_lock);
		rc = tp_handle_reload(handle, &detail);
		(void)pthread_mutex_unlock(&handle->change_lock);
	}
	return tp_abi_error(err, rc, &detail);
}

/* ---- check -------------------------------------------------------------- */

struct checking {
	tillpost_finding_fn *finding;
	void *ctx;
	int32_t error_count;
};

static void report(void *ctx, int level, const char *where, const char *text)
{
	struct checking *checking = ctx;
	struct tillpost_finding finding;

	checking->error_count += level == TILLPOST_LOG_ERROR;
	if (!checking->finding)
		return;
	TILLPOST_INIT(&finding);
	finding.level = level;
	finding.where = where;
	finding.text = text;
	(void)checking->finding(checking->ctx, &finding);
}

/* The directory of a file that tillpost will create must be writable. */
static void check_directory(
	struct checking *checking, const char *key, const char *path)
{
	char text[TP_ERROR_TEXT_BYTES];
	char *directory;
	char *slash;

	if (!path || !path[0])
		return;
	directory = tp_strdup(path);
	slash = directory ? strrchr(directory, '/') : NULL;
	if (slash)
		slash[slash == directory] = '\0';
	if (slash && access(directory, W_OK | X_OK) < 0) {
		(void)snprintf(text, sizeof(text),
			errno == ENOENT
				? "directory %.300s does not exist: create it"
				: "cannot write into directory %.300s: "
				  "check owner and mode",
			directory);
		report(checking, TILLPOST_LOG_ERROR, key, text);
	}
	tp_free(directory);
}

int32_t tp_api_check(const char *config_path, const struct tillpost_host *host,
	tillpost_finding_fn *finding, void *ctx, struct tillpost_error *err)
{
	struct checking checking = { finding, ctx, 0 };
	struct tp_error detail = TP_ERROR_INIT;
	struct tillpost_host known;
	struct tp_config_source source;
	struct tp_config *config = NULL;
	int rc;

	TP_ABI_READ(&known, host);
	source = (struct tp_config_source) {
		.path = config_path ? config_path : TP_CONFIG_DEFAULT_PATH,
		.host_setting = known.setting,
		.host_ctx = known.ctx,
		.only_checks = 1,
	};
	rc = tp_config_load(&source, report, &checking, &config, &detail);
	if (rc < 0 && checking.error_count == 0)
		return tp_abi_error(err, rc, &detail);
	if (rc >= 0) {
		check_directory(&checking, "queue.path", config->queue_path);
		check_directory(&checking, "log.path", config->log_path);
		tp_config_unref(&config);
	}
	return checking.error_count;
}
