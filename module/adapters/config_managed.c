/*
 * config_managed.c - changing the managed file
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/config_load.h"

#include "base/clock.h"
#include "base/mem.h"
#include "core/setting_value.h"

#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_WAIT_MS 10000

static const char head[] =
	"# Written by tillpost (tillpost settings set). Comments are not kept.\n"
	"# A key that is also in the main file has no effect here.\n";

/* One change: KEY becomes VALUE, or goes if VALUE is NULL. */
struct change {
	const char *key;
	const char *value;
	const struct tp_setting *setting;
	char name[TP_SETTING_NAME_MAX_BYTES + 1];
};

/* Any of the records that a row's offset may belong to. */
union scratch {
	struct tp_config config;
	struct tp_relay relay;
	struct tp_store store;
};

/* ---- the tree ----------------------------------------------------------- */

/* The group of CHANGE; made if MAKE. NULL if absent or out of memory. */
static config_setting_t *find_group(
	config_t *parsed, const struct change *change, int make)
{
	const char *path = tp_setting_scope_name(change->setting->scope);
	config_setting_t *at = config_root_setting(parsed);

	while (at && *path) {
		char word[TP_SETTING_NAME_MAX_BYTES + 1];
		size_t len = strcspn(path, ".");
		config_setting_t *next;

		if (*path == '*')
			(void)snprintf(word, sizeof(word), "%s", change->name);
		else
			(void)snprintf(
				word, sizeof(word), "%.*s", (int)len, path);
		next = config_setting_get_member(at, word);
		if (!next && make)
			next = config_setting_add(at, word, CONFIG_TYPE_GROUP);
		at = next && config_setting_is_group(next) ? next : NULL;
		path += len;
		path += *path == '.';
	}
	return at;
}

/* What config_setting_remove() frees may be a password. */
static int remove_value(config_setting_t *group, const char *key)
{
	config_setting_t *at = config_setting_get_member(group, key);
	const char *text = at ? config_setting_get_string(at) : NULL;

	if (text)
		tp_wipe(at->value.sval, strlen(text));
	return at && config_setting_remove(group, key);
}

/* A group that a removal left empty goes too: an empty store is a store. */
static void prune(config_setting_t *group)
{
	while (group && config_setting_length(group) == 0 &&
		!config_setting_is_root(group)) {
		config_setting_t *parent = config_setting_parent(group);

		(void)config_setting_remove(parent, config_setting_name(group));
		group = parent;
	}
}

static int add_list(config_setting_t *group, const char *key,
	const union scratch *scratch, const struct tp_setting *setting)
{
	const struct tp_string_list *list =
		(const void *)((const char *)scratch + setting->offset);
	config_setting_t *at =
		config_setting_add(group, key, CONFIG_TYPE_ARRAY);
	size_t i;

	for (i = 0; at && i < list->count; i++)
		if (!config_setting_set_string_elem(at, -1, list->items[i]))
			return TP_ENOMEM;
	return at ? TP_OK : TP_ENOMEM;
}

static int add_value(config_setting_t *group, const struct change *change,
	const union scratch *scratch)
{
	const struct tp_setting *setting = change->setting;
	const char *field = (const char *)scratch + setting->offset;
	config_setting_t *at;
	int ok;

	switch (setting->type) {
	case TP_SETTING_LIST:
		return add_list(group, setting->key, scratch, setting);
	case TP_SETTING_INT:
		/* Every INT of the table is within 32 bits. */
		at = config_setting_add(group, setting->key, CONFIG_TYPE_INT);
		ok = at && config_setting_set_int(at,
				   (int)*(const int64_t *)(const void *)field);
		break;
	case TP_SETTING_BOOL:
		at = config_setting_add(group, setting->key, CONFIG_TYPE_BOOL);
		ok = at && config_setting_set_bool(
				   at, *(const int *)(const void *)field);
		break;
	default:
		at = config_setting_add(
			group, setting->key, CONFIG_TYPE_STRING);
		ok = at && config_setting_set_string(at, change->value);
	}
	return ok ? TP_OK : TP_ENOMEM;
}

/* A secret replaces the same secret given in another way, and the reverse. */
static int remove_family(
	config_setting_t *group, const struct tp_setting *setting)
{
	size_t count;
	size_t i;
	const struct tp_setting *table = tp_settings_table(&count);
	int removed = 0;

	for (i = 0; i < count; i++)
		if (tp_setting_same_family(&table[i], setting) &&
			remove_value(group, table[i].key))
			removed = 1;
	return removed;
}

static int apply(config_t *parsed, const struct change *change,
	const union scratch *scratch, struct tp_error *err)
{
	config_setting_t *group =
		find_group(parsed, change, change->value != NULL);

	if (!change->value) {
		if (!group || !remove_value(group, change->setting->key))
			return tp_fail(err, TP_ENOTFOUND, change->key,
				"is not set in the managed file");
		prune(group);
		return TP_OK;
	}
	if (!group)
		return tp_fail(err, TP_ECONFIG, change->key,
			"the managed file has something else than a group "
			"of this name");
	(void)remove_family(group, change->setting);
	if (add_value(group, change, scratch) < 0)
		return tp_fail(err, TP_ENOMEM, change->key, "out of memory");
	return TP_OK;
}

/* ---- files -------------------------------------------------------------- */

struct paths {
	const char *main;
	char *managed;
	char *next;
	char *lock;
};

/* Only what was made here is handed over: an existing name may be a link to
 * something else. */
static int open_lock(const char *path, const char *main_path)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
	int fd = open(path, flags | O_CREAT | O_EXCL, 0600);
	int saved;

	if (fd < 0 && errno == EEXIST)
		return open(path, flags);
	if (fd < 0 || tp_config_hand_over(fd, main_path) == 0)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

static int take_lock(const char *path, const char *main_path, int *fd_out,
	struct tp_error *err)
{
	const struct timespec pause = { 0, 10000000 };
	int64_t deadline = tp_deadline_ms(LOCK_WAIT_MS);
	int fd = open_lock(path, main_path);
	int denied = errno == EACCES || errno == EPERM || errno == EROFS;

	if (fd < 0)
		return tp_fail_errno(err, denied ? TP_EPERM : TP_EIO,
			tp_config_where_tail(path), "cannot open");
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			int rc = tp_fail_errno(err, TP_EIO,
				tp_config_where_tail(path), "cannot lock");

			(void)close(fd);
			return rc;
		}
		if (tp_deadline_left_ms(deadline) == 0) {
			(void)close(fd);
			return tp_fail(err, TP_EBUSY,
				tp_config_where_tail(path),
				"another process is changing the settings");
		}
		(void)nanosleep(&pause, NULL);
	}
	*fd_out = fd;
	return TP_OK;
}

/* So that a change made by root leaves the daemon its file. */
static int keep_owner(int fd, const char *old_path, const char *main_path)
{
	struct stat st;

	if (geteuid() != 0)
		return 0;
	if (lstat(old_path, &st) < 0 || !S_ISREG(st.st_mode))
		return tp_config_hand_over(fd, main_path);
	return fchown(fd, st.st_uid, st.st_gid);
}

static FILE *create(const char *path)
{
	FILE *out = NULL;
	int fd;

	/* Left by a process that died here; the lock is ours. */
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		0600);
	if (fd >= 0)
		out = fdopen(fd, "w");
	if (fd >= 0 && !out)
		(void)close(fd);
	return out;
}

static int write_tree(
	FILE *out, const config_t *parsed, const struct paths *paths)
{
	int fd = fileno(out);

	(void)fputs(head, out);
	config_write(parsed, out);
	if (fflush(out) != 0 || ferror(out) || fchmod(fd, 0600) < 0 ||
		keep_owner(fd, paths->managed, paths->main) < 0)
		return -1;
	return fsync(fd);
}

/* Writes PARSED to the file beside the managed one. */
static int write_file(
	const config_t *parsed, const struct paths *paths, struct tp_error *err)
{
	const char *where = tp_config_where_tail(paths->next);
	/* Instead of stdio's own, which is freed with passwords in it. */
	char buffer[4096];
	FILE *out = create(paths->next);
	int rc = TP_OK;

	if (!out)
		return tp_fail_errno(err, TP_EIO, where, "cannot create");
	if (setvbuf(out, buffer, _IOFBF, sizeof(buffer)) != 0 ||
		write_tree(out, parsed, paths) < 0)
		rc = tp_fail_errno(err, TP_EIO, where, "cannot write");
	if (fclose(out) != 0 && rc >= 0)
		rc = tp_fail_errno(err, TP_EIO, where, "cannot write");
	tp_wipe(buffer, sizeof(buffer));
	return rc;
}

static int sync_directory(const char *path, struct tp_error *err)
{
	const char *slash = strrchr(path, '/');
	char *name = slash ? tp_strndup(path, (size_t)(slash - path) + 1)
			   : tp_strdup(".");
	int fd = -1;
	int rc = TP_OK;

	if (!name)
		return tp_fail(err, TP_ENOMEM, path, "out of memory");
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		rc = tp_fail_errno(err, TP_EIO, tp_config_where_tail(path),
			"cannot sync the directory");
	if (fd >= 0)
		(void)close(fd);
	tp_free(name);
	return rc;
}

/* ---- one change --------------------------------------------------------- */

static int make_paths(struct paths *paths)
{
	struct tp_buf text = TP_BUF_INIT(PATH_MAX * 2);

	paths->managed = tp_config_managed_path(paths->main);
	if (!paths->managed)
		return TP_ENOMEM;
	if (tp_buf_printf(&text, "%s.new", paths->managed) >= 0)
		paths->next = tp_buf_take(&text, NULL);
	if (tp_buf_printf(&text, "%s.lock", paths->managed) >= 0)
		paths->lock = tp_buf_take(&text, NULL);
	tp_buf_free(&text);
	return paths->next && paths->lock ? TP_OK : TP_ENOMEM;
}

static int parse_managed(
	const struct paths *paths, config_t *parsed, struct tp_error *err)
{
	struct tp_config_text text;
	char where[TP_CONFIG_WHERE_BYTES];
	int rc = tp_config_text_read(&text, paths->managed, 0, NULL, err);

	if (rc == TP_ENOTFOUND) {
		tp_config_text_free(&text);
		return TP_OK;
	}
	/* What is written anew would be ours, whoever wrote this. */
	if (rc >= 0)
		rc = tp_config_check_owner(paths->main, &text.files[0], err);
	if (rc >= 0 && !config_read_string(parsed, tp_buf_str(&text.text))) {
		tp_config_text_where(
			&text, (unsigned)config_error_line(parsed), where);
		rc = tp_fail(err, TP_ECONFIG, tp_config_where_tail(where), "%s",
			config_error_text(parsed));
	}
	tp_config_text_free(&text);
	return rc;
}

/* With the lock held: write beside, prove that it loads, put in place. */
static int replace(const struct tp_config_source *source,
	const struct paths *paths, const struct change *change,
	const union scratch *scratch, struct tp_error *err)
{
	struct tp_config *config = NULL;
	config_t parsed;
	int rc;

	config_init(&parsed);
	rc = parse_managed(paths, &parsed, err);
	if (rc >= 0)
		rc = apply(&parsed, change, scratch, err);
	if (rc >= 0)
		rc = write_file(&parsed, paths, err);
	tp_config_destroy_parsed(&parsed);
	if (rc < 0)
		goto out;
	rc = tp_config_load_with(source, paths->next, NULL, NULL, &config, err);
	tp_config_unref(&config);
	if (rc >= 0 && rename(paths->next, paths->managed) < 0)
		rc = tp_fail_errno(err, TP_EIO,
			tp_config_where_tail(paths->managed), "cannot replace");
	if (rc >= 0)
		return sync_directory(paths->managed, err);
out:
	(void)unlink(paths->next);
	return rc;
}

static int change_locked(const struct tp_config_source *source,
	const char *main_path, const struct change *change,
	const union scratch *scratch, struct tp_error *err)
{
	struct paths paths = { .main = main_path };
	int lock_fd = -1;
	int rc = make_paths(&paths);

	if (rc < 0)
		(void)tp_fail(err, rc, "settings", "out of memory");
	else
		rc = take_lock(paths.lock, main_path, &lock_fd, err);
	if (rc >= 0)
		rc = replace(source, &paths, change, scratch, err);
	if (lock_fd >= 0)
		(void)close(lock_fd);
	tp_free(paths.managed);
	tp_free(paths.next);
	tp_free(paths.lock);
	return rc;
}

int tp_config_set(const struct tp_config_source *source, const char *key,
	const char *value, struct tp_error *err)
{
	const char *main_path =
		source->path ? source->path : TP_CONFIG_DEFAULT_PATH;
	struct change change = { .key = key, .value = value };
	char where[TP_CONFIG_WHERE_BYTES];
	union scratch scratch;
	int rc = tp_setting_resolve(key, &change.setting, change.name, err);

	if (rc < 0)
		return rc;
	memset(&scratch, 0, sizeof(scratch));
	if (value) {
		rc = tp_setting_put(change.setting, &scratch, value, key, err);
		if (rc < 0)
			return rc;
	}
	rc = tp_config_locked(source, change.setting, change.name, where, err);
	if (rc > 0)
		rc = tp_fail(err, TP_ELOCKED, key,
			"is set in the main file (%s), which wins; change it "
			"there",
			where);
	if (rc >= 0)
		rc = change_locked(source, main_path, &change, &scratch, err);
	tp_setting_clear(change.setting, &scratch);
	return rc;
}
