/*
 * spool_list.c - what a person may see and do: list, release, discard
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/spool_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* What counts may stand behind very much that does not. */
#define LOOK_MAX_COUNT (INT64_C(4) * TP_SPOOL_COUNT_MAX)

/* Both directories; for both, the caller must be their owner or root. */
struct rooms {
	int incoming_fd;
	int quarantine_fd; /* -1: no daemon has made it yet */
};

static void close_rooms(struct rooms *rooms)
{
	if (rooms->incoming_fd >= 0)
		(void)close(rooms->incoming_fd);
	if (rooms->quarantine_fd >= 0)
		(void)close(rooms->quarantine_fd);
}

static int open_rooms(
	const char *spool, struct rooms *rooms, struct tp_error *err)
{
	struct tp_error none = TP_ERROR_INIT;
	int rc;

	rooms->quarantine_fd = -1;
	rooms->incoming_fd = tp_spool_dir_open(spool, TP_SPOOL_INCOMING, err);
	if (rooms->incoming_fd < 0)
		return rooms->incoming_fd;
	rc = tp_spool_dir_open(spool, TP_SPOOL_QUARANTINE, &none);
	if (rc >= 0)
		rooms->quarantine_fd = rc;
	if (rc >= 0 || rc == TP_ENOTFOUND)
		return TP_OK;
	if (err)
		*err = none;
	close_rooms(rooms);
	return rc;
}

/* ---- looking ------------------------------------------------------------ */

static int is_waiting(void *ctx, const struct dirent *entry)
{
	(void)ctx;
	return tp_queue_id_valid(entry->d_name);
}

static int is_quarantined(void *ctx, const struct dirent *entry)
{
	(void)ctx;
	return !tp_spool_is_reason(entry->d_name);
}

struct listing {
	int fd;
	int quarantined;
	tp_spool_entry_fn *cb;
	void *ctx;
	int shown;
	int ended; /* the callback has had enough */
};

static void show(struct listing *listing, const char *name)
{
	char reason[TP_ERROR_TEXT_BYTES] = "";
	struct tp_spool_entry entry = { .name = name, .reason = reason };
	struct stat st;

	if (fstatat(listing->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return; /* taken in meanwhile */
	if (listing->quarantined)
		tp_spool_reason(listing->fd, name, reason, sizeof(reason));
	entry.quarantined = listing->quarantined;
	entry.owner = st.st_uid;
	entry.size_bytes = st.st_size;
	entry.modified_ms = (int64_t)st.st_mtim.tv_sec * 1000 +
			    st.st_mtim.tv_nsec / 1000000;
	listing->shown++;
	listing->ended = listing->cb(listing->ctx, &entry) != 0;
}

static int list(struct listing *listing, struct tp_error *err)
{
	struct tp_spool_names names = { NULL, 0, 0 };
	DIR *dir = tp_spool_stream(listing->fd);
	const char *name;
	int rc = 1;

	if (!dir)
		return tp_fail_errno(
			err, TP_EIO, "spool", "cannot read the directory");
	while (rc == 1 && !listing->ended) {
		rc = tp_spool_names_fill(&names, dir,
			listing->quarantined ? is_quarantined : is_waiting,
			NULL, err);
		while (rc >= 0 && !listing->ended &&
			(name = tp_spool_names_next(&names)) != NULL)
			show(listing, name);
	}
	tp_spool_names_free(&names);
	(void)closedir(dir);
	return rc < 0 ? rc : TP_OK;
}

int tp_spool_list(const char *spool, tp_spool_entry_fn *cb, void *ctx,
	struct tp_error *err)
{
	struct listing listing = { .cb = cb, .ctx = ctx };
	struct rooms rooms;
	int rc = open_rooms(spool, &rooms, err);

	if (rc < 0)
		return rc;
	listing.fd = rooms.incoming_fd;
	rc = list(&listing, err);
	if (rc >= 0 && !listing.ended && rooms.quarantine_fd >= 0) {
		listing.fd = rooms.quarantine_fd;
		listing.quarantined = 1;
		rc = list(&listing, err);
	}
	close_rooms(&rooms);
	return rc < 0 ? rc : listing.shown;
}

static int count(
	int fd, tp_spool_take_fn *counts, int64_t *out, struct tp_error *err)
{
	DIR *dir = tp_spool_stream(fd);
	struct dirent *entry;
	int64_t looked = 0;

	*out = 0;
	if (!dir)
		return tp_fail_errno(
			err, TP_EIO, "spool", "cannot read the directory");
	while (errno = 0, *out < TP_SPOOL_COUNT_MAX &&
				  looked++ < LOOK_MAX_COUNT &&
				  (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && counts(NULL, entry))
			++*out;
	if (errno != 0) {
		(void)tp_fail_errno(
			err, TP_EIO, "spool", "cannot read the directory");
		(void)closedir(dir);
		return TP_EIO;
	}
	(void)closedir(dir);
	return TP_OK;
}

int tp_spool_count(const char *spool, int64_t *waiting_out,
	int64_t *quarantined_out, struct tp_error *err)
{
	struct rooms rooms;
	int rc = open_rooms(spool, &rooms, err);

	*waiting_out = -1;
	*quarantined_out = -1;
	if (rc < 0)
		return rc;
	rc = count(rooms.incoming_fd, is_waiting, waiting_out, err);
	if (rc >= 0 && rooms.quarantine_fd < 0)
		*quarantined_out = 0;
	else if (rc >= 0)
		rc = count(rooms.quarantine_fd, is_quarantined, quarantined_out,
			err);
	close_rooms(&rooms);
	return rc;
}

/* ---- doing -------------------------------------------------------------- */

/* Nothing but an entry right below quarantine. */
static int find(const struct rooms *rooms, const char *name, struct stat *st,
	struct tp_error *err)
{
	if (rooms->quarantine_fd < 0 || name[0] == '\0' || name[0] == '.' ||
		strchr(name, '/') || tp_spool_is_reason(name))
		errno = ENOENT;
	else if (fstatat(rooms->quarantine_fd, name, st, AT_SYMLINK_NOFOLLOW) ==
		 0)
		return TP_OK;
	if (errno == ENOENT || errno == ENAMETOOLONG)
		return tp_fail(err, TP_ENOTFOUND, name,
			"nothing of this name is in quarantine");
	return tp_fail_errno(err, TP_EIO, name, "cannot look at the file");
}

static int release(
	const struct rooms *rooms, const char *name, struct tp_error *err)
{
	struct stat st;
	int rc = find(rooms, name, &st, err);

	if (rc < 0)
		return rc;
	if (!tp_queue_id_valid(name) || !S_ISREG(st.st_mode))
		return tp_fail(err, TP_ESTATE, name,
			"is not a spool file; look at it and discard it");
	if (tp_spool_rename(
		    rooms->quarantine_fd, name, rooms->incoming_fd, name) < 0) {
		if (errno == EEXIST)
			return tp_fail(err, TP_ESTATE, name,
				"a mail with this queue id waits already");
		return tp_fail_errno(
			err, TP_EIO, name, "cannot be moved back to the spool");
	}
	tp_spool_reason_remove(rooms->quarantine_fd, name);
	if (tp_spool_fsync(rooms->incoming_fd) < 0 ||
		tp_spool_fsync(rooms->quarantine_fd) < 0)
		return tp_fail_errno(err, TP_EIO, name,
			"is released, but the directory cannot be synced");
	return TP_OK;
}

int tp_spool_release(const char *spool, const char *name, struct tp_error *err)
{
	struct rooms rooms;
	int rc = open_rooms(spool, &rooms, err);

	if (rc < 0)
		return rc;
	rc = release(&rooms, name, err);
	if (rc >= 0)
		tp_spool_wake_send(spool, rooms.incoming_fd);
	close_rooms(&rooms);
	return rc;
}

static int discard(
	const struct rooms *rooms, const char *name, struct tp_error *err)
{
	struct stat st;
	int rc = find(rooms, name, &st, err);

	if (rc < 0)
		return rc;
	if (unlinkat(rooms->quarantine_fd, name,
		    S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) < 0) {
		if (errno == ENOTEMPTY || errno == EEXIST)
			return tp_fail(err, TP_ESTATE, name,
				"is a directory with something in it; look at "
				"it and remove it by hand");
		return tp_fail_errno(err, TP_EIO, name, "cannot be deleted");
	}
	tp_spool_reason_remove(rooms->quarantine_fd, name);
	return TP_OK;
}

int tp_spool_discard(const char *spool, const char *name, struct tp_error *err)
{
	struct rooms rooms;
	int rc = open_rooms(spool, &rooms, err);

	if (rc < 0)
		return rc;
	rc = discard(&rooms, name, err);
	close_rooms(&rooms);
	return rc;
}
