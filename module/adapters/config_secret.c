/*
 * config_secret.c - passwords and tokens from files and the environment
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/config_load.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* systemd puts what LoadCredential= names there, for the service alone. */
static int is_credential(const char *path)
{
	static const char directory[] = "/run/credentials/";

	return strncmp(path, directory, sizeof(directory) - 1) == 0;
}

/* Where systemd lets the service in by an access control list, the group's bits
 * are the list's mask; the group itself is root. */
static mode_t of_others(const char *path, const struct stat *st)
{
	mode_t others =
		is_credential(path) && st->st_uid == 0 && st->st_gid == 0 ? 007
									  : 077;

	return st->st_mode & others;
}

static int check_file(
	int fd, const char *path, const char *main_path, struct tp_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return tp_fail_errno(err, TP_EIO, "", "cannot stat %s", path);
	if (!S_ISREG(st.st_mode))
		return tp_fail(
			err, TP_ECONFIG, "", "%s is not a regular file", path);
	if (!tp_config_owner_fits(main_path, st.st_uid))
		return tp_fail(err, TP_EPERM, "",
			"%s belongs to user %lu: a secret must belong to root "
			"or to the user who reads it; run chown %lu %s",
			path, (unsigned long)st.st_uid,
			(unsigned long)tp_config_user(main_path), path);
	if (of_others(path, &st) != 0)
		return tp_fail(err, TP_EPERM, "",
			"%s has mode %04o: others must have no access to a "
			"secret; run chmod 600 %s",
			path, (unsigned)(st.st_mode & 07777), path);
	return TP_OK;
}

/* @return bytes read, at most SIZE; negative on failure */
static ssize_t read_up_to(int fd, char *out, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t got = read(fd, out + used, size - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	return (ssize_t)used;
}

/* @param bytes TP_SETTING_SECRET_MAX_BYTES + 3 of room: newline and one more
 *        to see that the file is too long */
static int read_secret(int fd, const char *path, char *bytes, size_t *len_out,
	struct tp_error *err)
{
	const size_t most = TP_SETTING_SECRET_MAX_BYTES;
	ssize_t got = read_up_to(fd, bytes, most + 3);
	size_t len = got > 0 ? (size_t)got : 0;

	if (got < 0)
		return tp_fail_errno(err, TP_EIO, "", "cannot read %s", path);
	if (len > 0 && bytes[len - 1] == '\n') {
		len--;
		if (len > 0 && bytes[len - 1] == '\r')
			len--;
	}
	if (len == 0)
		return tp_fail(err, TP_ECONFIG, "", "%s is empty", path);
	if (len > most)
		return tp_fail(err, TP_ECONFIG, "",
			"%s is larger than %zu "
			"bytes",
			path, most);
	if (memchr(bytes, '\0', len))
		return tp_fail(
			err, TP_ECONFIG, "", "%s holds a NUL byte", path);
	*len_out = len;
	return TP_OK;
}

static int cannot_open(const char *path, struct tp_error *err)
{
	int code = errno == EACCES || errno == EPERM ? TP_EPERM : TP_ECONFIG;

	return tp_fail_errno(err, code, "", "cannot open %s%s", path,
		is_credential(path) ? ", which is there only for the service, "
				      "while it runs (LoadCredential=)"
				    : "");
}

static int secret_from_file(const char *path, const char *main_path,
	struct tp_secret **out, struct tp_error *err)
{
	const size_t room = TP_SETTING_SECRET_MAX_BYTES + 3;
	char *bytes = tp_alloc(room);
	size_t len = 0;
	int fd = -1;
	int rc = TP_ENOMEM;

	if (!bytes)
		goto out;
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		rc = cannot_open(path, err);
		goto out;
	}
	rc = check_file(fd, path, main_path, err);
	if (rc >= 0)
		rc = read_secret(fd, path, bytes, &len, err);
	if (rc < 0)
		goto out;
	*out = tp_secret_new(bytes, len);
	if (!*out)
		rc = TP_ENOMEM;
out:
	if (fd >= 0)
		(void)close(fd);
	tp_wipe(bytes, bytes ? room : 0);
	tp_free(bytes);
	return rc < 0 ? tp_fail(err, rc, "", "%s", tp_err_text(rc)) : TP_OK;
}

static int secret_from_env(
	const char *name, struct tp_secret **out, struct tp_error *err)
{
	const char *value = getenv(name);

	if (!value || !*value)
		return tp_fail(err, TP_ECONFIG, "",
			"the environment variable %s is not set", name);
	if (strlen(value) > TP_SETTING_SECRET_MAX_BYTES)
		return tp_fail(err, TP_ECONFIG, "",
			"the environment variable %s is too long", name);
	*out = tp_secret_new(value, strlen(value));
	if (!*out)
		return tp_fail(err, TP_ENOMEM, "", "out of memory");
	return TP_OK;
}

/* One secret of one relay and the keys that may stand in for it. */
struct source {
	const char *key;
	const char *file_key;
	const char *env_key;
	struct tp_secret **secret;
	const char *file;
	const char *env;
};

/* 1: it may be that only the service has it. */
static int may_be_elsewhere(const struct source *source)
{
	if (source->file)
		return is_credential(source->file) &&
		       access(source->file, R_OK) < 0;
	return !getenv(source->env);
}

static int read_one(struct tp_config_loader *loader,
	const struct tp_relay *relay, const struct source *source)
{
	struct tp_record record = tp_relay_record(relay);
	struct tp_error found = TP_ERROR_INIT;
	const char *given_by =
		source->file ? source->file_key : source->env_key;
	const struct tp_setting *given =
		tp_setting_find(TP_SETTINGS_RELAY, given_by);
	const struct tp_origin *origin = tp_origin_of(&record, given);
	int set = (tp_config_is_set(&record, source->key) ? 1 : 0) +
		  (source->file ? 1 : 0) + (source->env ? 1 : 0);
	int rc;

	if (set > 1) {
		tp_config_error(loader, TP_ECONFIG,
			tp_config_where(&record, given),
			"relays.%s: set only one of %s, %s and %s", relay->name,
			source->key, source->file_key, source->env_key);
		return TP_OK;
	}
	if (!source->file && !source->env)
		return TP_OK;
	rc = tp_origin_set(&record,
		tp_setting_find(TP_SETTINGS_RELAY, source->key), origin->source,
		origin->where);
	if (rc < 0 || loader->source->without_secrets)
		return rc;
	rc = source->file
		     ? secret_from_file(source->file, loader->config->path,
			       source->secret, &found)
		     : secret_from_env(source->env, source->secret, &found);
	if (rc >= 0)
		return TP_OK;
	if (!loader->source->only_checks || !may_be_elsewhere(source))
		return tp_config_report(
			loader, tp_config_where(&record, given), &found);
	tp_config_warning(loader, tp_config_where(&record, given), "%s%s",
		found.text, source->file ? "" : "; the service may have it");
	return TP_OK;
}

int tp_config_read_secrets(struct tp_config_loader *loader)
{
	size_t i;
	int rc = TP_OK;

	for (i = 0; i < loader->config->relay_count && rc >= 0; i++) {
		struct tp_relay *relay = &loader->config->relays[i];
		const struct source password = { "password", "password_file",
			"password_env", &relay->password, relay->password_file,
			relay->password_env };
		const struct source token = { "token", "token_file",
			"token_env", &relay->token, relay->token_file,
			relay->token_env };

		rc = read_one(loader, relay, &password);
		if (rc >= 0)
			rc = read_one(loader, relay, &token);
	}
	return rc;
}
