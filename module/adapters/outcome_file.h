/*
 * outcome_file.h - the log file: one line of JSON per outcome, appended
 *
 * JOB     A tp_outcome_sink over one file, opened O_APPEND and written with
 *         one write(2) per line, so that several processes may share it. The
 *         file is a convenience: the record is the queue database, so nothing
 *         here is fsynced and no failure reaches a delivery. What could not
 *         be written is counted and reported.
 *
 *         Rotation by others (logrotate, mv, rm): at most once a second, and
 *         then before a write, the path is compared with the open file, and
 *         opened anew if it is gone or another file. A line written between
 *         is in the old file; only rm loses those lines.
 *         Rotation by itself: a line that would take the file past
 *         retention_bytes makes PATH become PATH.1 (replacing the one
 *         before), and a new file is begun; so at most twice retention_bytes
 *         are on disk. PATH.1 is removed when nothing was written to it for
 *         retention_ms: looked at on opening and once an hour.
 *         Who uses logrotate sets retention_bytes to 0: then no file is ever
 *         renamed or removed here, whatever its age.
 * LAYER   adapters; libc only (files).
 * THREADS safe: a mutex around each line.
 * BOUNDS  one line: TP_OUTCOME_LINE_MAX_BYTES.
 * ERRORS  TP_EIO, TP_EPERM (not a regular file with one link, or a symbolic
 *         link), TP_EINVAL, TP_ENOMEM.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_OUTCOME_FILE_H
#define TP_ADAPTERS_OUTCOME_FILE_H

#include "base/clock.h"
#include "base/err.h"
#include "core/outcome.h"

#include <stdint.h>

/* ERR: there is trouble: lines are being lost, or go on into a file that was
 * renamed or is too big because a new one cannot be opened. Told once. ERR
 * NULL: that is over; LOST_COUNT lines are missing (0: none).
 * Called under the file's lock: must not call back. */
typedef void tp_outcome_file_report_fn(
	void *ctx, const struct tp_error *err, uint64_t lost_count);

struct tp_outcome_file_options {
	const char *path;	 /* copied */
	int64_t retention_bytes; /* 0: never rotated or removed by itself */
	int64_t retention_ms;	 /* 0: PATH.1 is kept */
	const struct tp_clock *clock; /* compared with file times; NULL: the
				       * machine's; must outlive the file */
	tp_outcome_file_report_fn *report; /* NULL: none */
	void *report_ctx;
};

struct tp_outcome_file;

/* Opens or makes the file (0640, less the umask).
 * @owns the caller: tp_outcome_file_close() */
int tp_outcome_file_open(const struct tp_outcome_file_options *options,
	struct tp_outcome_file **file_out, struct tp_error *err) TP_USE_RESULT;

/* The sink that writes to FILE; valid as long as FILE. */
struct tp_outcome_sink tp_outcome_file_sink(struct tp_outcome_file *file);

/* NULL-safe; sets *file to NULL. */
void tp_outcome_file_close(struct tp_outcome_file **file);

#endif
