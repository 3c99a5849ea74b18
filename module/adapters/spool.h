/*
 * spool.h - the spool directory: layout, writing, taking in
 *
 * JOB     Any number of unprivileged processes hand mail over without being
 *         able to see, replace or delete each other's:
 *
 *             <spool>/             0755  the daemon's user
 *               incoming/          3733  others may make files and nothing
 *                                        else: no list (no r), no touching of
 *                                        other users' files (sticky); new
 *                                        files get the daemon's group (setgid)
 *                 t.<queue id>     being written
 *                 <queue id>       accepted, mode 0440
 *               quarantine/        0700  what could not be taken in, with
 *                                        <name>.reason beside it
 *               done/              0700  taken in, being deleted
 *               wake               datagram socket, 0666: "look now"
 *               query              stream socket, 0666 (query.h)
 *               lock               held by the one process that takes in
 *
 *         Accepted means: written, fdatasync, renamed, directory fsync. Who
 *         may not list incoming cannot get a descriptor of it that could be
 *         synced: he syncs the file once more after the rename, which commits
 *         the rename too on ext4, XFS and Btrfs, and elsewhere the whole file
 *         system. The owner of the file is who submitted it; the kernel says
 *         so.
 * LAYER   adapters; libc (checksum: zlib, in spool_checksum.c alone).
 * THREADS tp_spool_write: any, also after fork: it keeps nothing. A reader
 *         belongs to one thread, except _wake() and _purge().
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_SPOOL_H
#define TP_ADAPTERS_SPOOL_H

#include "core/spool_record.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

uint32_t tp_spool_checksum(uint32_t checksum, const void *data, size_t len);

/* ---- spool_write.c ------------------------------------------------------- */

/* Durable on success; then the daemon is woken, if there is one. Refuses
 * (TP_EPERM, naming the directory and the command that mends it) a spool that
 * would show the mail to others: incoming must belong to the owner of the
 * spool directory, must not be readable by others, and must be sticky if
 * others may write.
 * @param free_reserve_bytes  refuse (TP_ENOSPC) if less would be left
 * @return 0; TP_ENOTFOUND (no spool there), TP_EPERM, TP_ENOSPC, TP_EIO;
 *         TP_EBUSY (the queue id is taken: use another); TP_EINVAL, TP_ETOOBIG
 *         (the record cannot be spelled); TP_ENOMEM. After these nothing of it
 *         is left; but where only the last sync failed (TP_EIO, TP_ENOSPC) it
 *         had its name for a moment, and a daemon that was quick has read it
 *         and will send it. TP_EUNCERTAIN: that sync failed and it could not be
 *         taken back, so it may be sent. */
int tp_spool_write(const char *spool, int64_t free_reserve_bytes,
	const struct tp_spool_record *record,
	struct tp_error *err) TP_USE_RESULT;

/* @return 1: QUEUE_ID waits in the spool; 0: it does not; TP_EINVAL (no queue
 *         id), TP_EIO, TP_EPERM */
int tp_spool_waits(const char *spool, const char *queue_id,
	struct tp_error *err) TP_USE_RESULT;

/* ---- spool_read.c -------------------------------------------------------- */

struct tp_spool_reader;

/* Makes what is missing of the directories, takes the lock, opens the wake
 * socket and inotify (without either it goes on: then the slow scan finds
 * everything).
 * @return 0; TP_EBUSY (another process takes in; names its pid); TP_EPERM
 *         (owner or modes are wrong; says what to run); TP_EIO */
int tp_spool_reader_open(const char *spool, struct tp_spool_reader **reader_out,
	struct tp_error *err) TP_USE_RESULT;
void tp_spool_reader_close(struct tp_spool_reader **reader);
/* In a forked child, instead of close: only closes the child's copies of the
 * descriptors. The lock lives as long as a copy of it is open. NULL-safe. */
void tp_spool_reader_abandon(struct tp_spool_reader **reader);

/* Sleeps until something may have come, tp_spool_reader_wake(), or
 * TIMEOUT_MS. */
void tp_spool_reader_wait(struct tp_spool_reader *reader, int timeout_ms);
/* @thread any */
void tp_spool_reader_wake(struct tp_spool_reader *reader);

/* One file of the spool, whole in memory. */
struct tp_spool_file {
	char name[TP_QUEUE_ID_BYTES]; /* of an accepted file: its queue id */
	uid_t owner;
	int64_t changed_ms;	       /* by the kernel's word (ctime) */
	struct tp_spool_record record; /* borrows from bytes */
	char *bytes;
	size_t len;
};
void tp_spool_file_free(struct tp_spool_file *file);

/* What a reader tells its owner about, besides files. */
typedef void tp_spool_note_fn(
	void *ctx, int level, const char *event, const char *text);

/* The names of accepted files, in the order of their ids within a bounded
 * number of names. What is foreign (not a regular file, not a queue id) or left
 * over (a "t." file unchanged for an hour) is dealt with on the way: rejected
 * or removed, and told to NOTE. Each file that was there when a pass began is
 * named in it. What comes meanwhile is named between the others, a few names of
 * each user: so who leaves many files does not delay the new ones of others. A
 * name may come twice then.
 * @return 1: a name; TP_SPOOL_NONE_YET: much was looked at, and there will be
 *         more; 0: the pass is over, the next call starts a new one; TP_EIO */
#define TP_SPOOL_NONE_YET 2
int tp_spool_reader_next(struct tp_spool_reader *reader, tp_spool_note_fn *note,
	void *ctx, char name_out[TP_QUEUE_ID_BYTES],
	struct tp_error *err) TP_USE_RESULT;

/* Files with more data than this are damaged; at first it is
 * TP_SPOOL_DATA_MAX_BYTES, which is also the most. */
void tp_spool_reader_limit(
	struct tp_spool_reader *reader, int64_t data_max_bytes);

/* Opens without following links, checks type, links, owner, size and
 * checksum, and that the record's queue id is the name.
 * @return 0; TP_SPOOL_NO_MAIL: no mail ever was like this; it is rejected as
 *         by tp_spool_reader_reject() (ERR says why); TP_SPOOL_UNFIT: it may
 *         be a mail, but not one that can be taken in as it is (ERR says why,
 *         the file its owner); it is where it was; TP_ENOTFOUND: it is gone;
 *         TP_EBUSY: its owner keeps others from opening it; TP_EIO, TP_ENOMEM:
 *         try again later */
#define TP_SPOOL_NO_MAIL 1
#define TP_SPOOL_UNFIT 2
int tp_spool_reader_load(struct tp_spool_reader *reader, const char *name,
	struct tp_spool_file *file_out, struct tp_error *err) TP_USE_RESULT;

/* After the messages are durable elsewhere. Nobody sees the file any more, but
 * its space is freed by tp_spool_reader_purge(). @return 0, TP_EIO */
int tp_spool_reader_remove(struct tp_spool_reader *reader, const char *name,
	struct tp_error *err) TP_USE_RESULT;
/* Makes the removals durable. */
int tp_spool_reader_sync(
	struct tp_spool_reader *reader, struct tp_error *err) TP_USE_RESULT;
/* Frees the space of up to MOST removed files, which on some disks takes
 * longer than taking them in: for a thread of its own.
 * @thread any @return how many; 0: nothing is left, or it cannot be done */
unsigned tp_spool_reader_purge(struct tp_spool_reader *reader, unsigned most);

/* 1 if writers still find the directory that READER reads; 0: it was replaced,
 * or mounted over, and READER must be closed and opened again. */
int tp_spool_reader_current(const struct tp_spool_reader *reader);

/* Anybody can fill quarantine, so each user has a part of it. Where many users
 * have something there, some of them share one; and where it holds very much
 * in all, nobody has a part. */
#define TP_SPOOL_QUARANTINE_MAX_COUNT 1000
#define TP_SPOOL_QUARANTINE_MAX_BYTES (INT64_C(256) << 20)
#define TP_SPOOL_QUARANTINE_ALL_MAX_COUNT 100000

/* Moves NAME to quarantine, however full that is; REASON goes into
 * NAME.reason.
 * @return 0; TP_ENOTFOUND (gone); TP_EPERM (its owner has put something in its
 *         place that nobody else can move); TP_EINVAL, TP_EIO */
int tp_spool_reader_quarantine(struct tp_spool_reader *reader, const char *name,
	const char *reason, struct tp_error *err) TP_USE_RESULT;
/* The same as long as its owner's part is not full; then deletes NAME. For what
 * could never be sent.
 * @return as above, or TP_SPOOL_DELETED */
int tp_spool_reader_reject(struct tp_spool_reader *reader, const char *name,
	const char *reason, struct tp_error *err) TP_USE_RESULT;
#define TP_SPOOL_DELETED 1
#define TP_SPOOL_DELETED_TEXT \
	"; deleted, for its owner's part of quarantine is full"

/* ---- spool_list.c -------------------------------------------------------- */

struct tp_spool_entry {
	const char *name;
	int quarantined;
	const char *reason; /* "" if it waits */
	uid_t owner;
	int64_t size_bytes;
	int64_t modified_ms;
};
/* A nonzero return ends the listing. */
typedef int tp_spool_entry_fn(void *ctx, const struct tp_spool_entry *entry);

/* @return how many were shown; TP_ENOTFOUND, TP_EPERM, TP_EIO */
int tp_spool_list(const char *spool, tp_spool_entry_fn *cb, void *ctx,
	struct tp_error *err) TP_USE_RESULT;
/* Counts, up to TP_SPOOL_COUNT_MAX of each: cheaply enough for a status call.
 * A directory that may not be read is an error. */
#define TP_SPOOL_COUNT_MAX 100000
int tp_spool_count(const char *spool, int64_t *waiting_out,
	int64_t *quarantined_out, struct tp_error *err) TP_USE_RESULT;
/* Puts a quarantined file back, to be taken in again. Only what has the name
 * of a queue id. @return 0; TP_ENOTFOUND, TP_ESTATE, TP_EPERM, TP_EIO */
int tp_spool_release(const char *spool, const char *name,
	struct tp_error *err) TP_USE_RESULT;
/* Deletes a quarantined file and its reason. Never what waits. */
int tp_spool_discard(const char *spool, const char *name,
	struct tp_error *err) TP_USE_RESULT;

#endif
