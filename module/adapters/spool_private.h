/*
 * spool_private.h - what the files of the spool share
 *
 * LAYER   adapters; libc.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_SPOOL_PRIVATE_H
#define TP_ADAPTERS_SPOOL_PRIVATE_H

#include "adapters/spool.h"

#include <dirent.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define TP_SPOOL_INCOMING "incoming"
#define TP_SPOOL_QUARANTINE "quarantine"
#define TP_SPOOL_DONE "done"
#define TP_SPOOL_WAKE "wake"
#define TP_SPOOL_LOCK "lock"
#define TP_SPOOL_REASON ".reason"
#define TP_SPOOL_TEMP "t."

#define TP_SPOOL_TOP_MODE 0755
#define TP_SPOOL_INCOMING_MODE 03733
#define TP_SPOOL_QUARANTINE_MODE 0700
#define TP_SPOOL_DONE_MODE 0700
#define TP_SPOOL_FILE_MODE 0440

/* Nobody can list them, so a pass holds this many names at most. */
#define TP_SPOOL_BATCH_COUNT 1024

/* ---- spool_dir.c --------------------------------------------------------- */

/* "SPOOL/NAME". @return 0; TP_EINVAL (too long) */
int tp_spool_path(char path_out[PATH_MAX], const char *spool, const char *name,
	struct tp_error *err) TP_USE_RESULT;

/* Opens SPOOL/NAME for listing. @return the descriptor; TP_ENOTFOUND,
 * TP_EPERM, TP_EIO */
int tp_spool_dir_open(const char *spool, const char *name,
	struct tp_error *err) TP_USE_RESULT;

/* As renameat(2), but never replaces: -1 with EEXIST then. */
int tp_spool_rename(
	int from_fd, const char *from, int to_fd, const char *to) TP_USE_RESULT;

/* As fsync(2) and fdatasync(2), but not ended by a signal. */
int tp_spool_fsync(int fd) TP_USE_RESULT;
int tp_spool_fdatasync(int fd) TP_USE_RESULT;

/* A stream of its own over the directory FD. NULL with errno. */
DIR *tp_spool_stream(int fd) TP_USE_RESULT;

/* Up to TP_SPOOL_BATCH_COUNT names, sorted. */
struct tp_spool_names {
	char *slots; /* of NAME_MAX + 1 bytes; NULL until the first batch */
	size_t count;
	size_t next;
};
/* Whether a directory entry belongs in the batch. */
typedef int tp_spool_take_fn(void *ctx, const struct dirent *entry);
/* Reads the next batch, which has no names if many entries in a row do not
 * belong in it. @return 1: there may be more; 0: DIR is at its end;
 * TP_EIO, TP_ENOMEM */
int tp_spool_names_fill(struct tp_spool_names *names, DIR *dir,
	tp_spool_take_fn *take, void *ctx, struct tp_error *err) TP_USE_RESULT;
/* @return the next name of the batch, or NULL */
const char *tp_spool_names_next(struct tp_spool_names *names);
void tp_spool_names_free(struct tp_spool_names *names);

/* ---- spool_prepare.c ----------------------------------------------------- */

/* Opens the directory NAME below PARENT_FD (AT_FDCWD: NAME is a path), after
 * making it or setting it right.
 * @param path for error texts
 * @return the descriptor; TP_EPERM (with the command that mends it), TP_EIO */
int tp_spool_prepare(int parent_fd, const char *name, const char *path,
	mode_t mode, struct tp_error *err) TP_USE_RESULT;

/* ---- spool_lock.c -------------------------------------------------------- */

/* @return the descriptor that holds the lock; TP_EBUSY naming the holder;
 *         TP_EIO, TP_EPERM */
int tp_spool_lock(
	int spool_fd, const char *spool, struct tp_error *err) TP_USE_RESULT;

/* ---- spool_wake.c -------------------------------------------------------- */

/* Sends "look now", without waiting and without telling of failure.
 * @param dir_fd a directory right below SPOOL; may be O_PATH */
void tp_spool_wake_send(const char *spool, int dir_fd);

/* @return the socket to wait on, or -1: it cannot be had */
int tp_spool_wake_listen(const char *spool, int spool_fd);

/* ---- spool_quarantine.c -------------------------------------------------- */

/* @return 0; TP_ENOTFOUND (gone); TP_EPERM (a directory of another user), or
 *         TP_EIO */
int tp_spool_quarantine(int incoming_fd, int quarantine_fd, const char *name,
	const char *reason, struct tp_error *err) TP_USE_RESULT;

/* As tp_spool_reader_reject(), of an entry of incoming with this d_type. */
int tp_spool_reject(struct tp_spool_reader *reader, const char *name,
	unsigned char type, const char *reason,
	struct tp_error *err) TP_USE_RESULT;

/* The first line of NAME's reason; "" if there is none. */
void tp_spool_reason(
	int quarantine_fd, const char *name, char *out, size_t out_bytes);

/* Removes NAME's reason, if there is one. */
void tp_spool_reason_remove(int quarantine_fd, const char *name);

/* @return 1 if NAME is that of a reason */
int tp_spool_is_reason(const char *name);

/* ---- spool_room.c -------------------------------------------------------- */

/* What one user has in quarantine. */
struct tp_spool_share {
	uid_t uid;
	int64_t count;
	int64_t bytes;
};
#define TP_SPOOL_ROOM_USERS 64
/* About: people empty quarantine. */
struct tp_spool_room {
	int64_t counted_ms; /* tp_mono_ms(); 0: never */
	int64_t count;	    /* of all */
	size_t user_count;
	/* the last one is of all other users, and of what is nobody's */
	struct tp_spool_share shares[TP_SPOOL_ROOM_USERS + 1];
};

/* Whose NAME is, and what it takes. A directory is nobody's: it is not looked
 * at, for its owner may have mounted something there that never answers. */
struct tp_spool_share tp_spool_look(
	int fd, const char *name, unsigned char type);
/* @return 1 if UID has room in quarantine */
int tp_spool_room_for(struct tp_spool_reader *reader, uid_t uid);
/* ONE is in quarantine now. */
void tp_spool_room_taken(
	struct tp_spool_reader *reader, const struct tp_spool_share *one);

/* ---- spool_arrivals.c ---------------------------------------------------- */

#define TP_SPOOL_ARRIVALS_MAX 64
struct tp_spool_arrivals {
	struct {
		uid_t uid;
		char name[TP_QUEUE_ID_BYTES];
	} slots[TP_SPOOL_ARRIVALS_MAX]; /* the first came first */
	size_t count;
	int missed; /* something came that is not here */
	int told;   /* that there is something, since the pass began */
	/* the last names that the reader gave in this pass */
	char named[TP_SPOOL_ARRIVALS_MAX][TP_QUEUE_ID_BYTES];
	size_t named_count; /* also those before them */
};
/* @return 1, once in a pass, if something is here or was missed */
int tp_spool_arrivals_tell(struct tp_spool_arrivals *arrivals);
void tp_spool_arrivals_new_pass(struct tp_spool_arrivals *arrivals);
/* Reads what there is, without waiting. */
void tp_spool_arrivals_read(
	struct tp_spool_arrivals *arrivals, int inotify_fd, int incoming_fd);
/* @return 1: a name that was not given just now; 0: there is none */
int tp_spool_arrivals_next(
	struct tp_spool_arrivals *arrivals, char name_out[TP_QUEUE_ID_BYTES]);
/* NAME is given to the reader's owner. */
void tp_spool_arrivals_name(
	struct tp_spool_arrivals *arrivals, const char *name);
/* @return 1 if NAME was given in this pass; 0: it was not, or long ago */
int tp_spool_arrivals_named(
	const struct tp_spool_arrivals *arrivals, const char *name);

/* ---- spool_read.c -------------------------------------------------------- */

struct tp_spool_reader {
	char *spool;
	int spool_fd;
	int incoming_fd;
	int quarantine_fd;
	int done_fd;
	int lock_fd;
	int event_fd;
	int wake_fd;	/* -1: none */
	int inotify_fd; /* -1: none */
	int64_t data_max_bytes;
	struct tp_spool_room room;
	/* the pass that is under way */
	DIR *dir;	  /* NULL: none */
	int at_end;	  /* DIR has been read to its end */
	int64_t stuck_at; /* tp_mono_ms() when what cannot be moved was told;
			   * 0: never */
	int stuck_told;	  /* in this pass */
	unsigned stuck;	  /* entries of this pass that could not be moved */
	struct tp_spool_arrivals arrivals;
	struct tp_spool_names names;
};

#endif
