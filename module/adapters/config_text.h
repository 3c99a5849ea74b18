/*
 * config_text.h - configuration files as one text with a map of its lines
 *
 * JOB     Reads a file, puts the files named by @include in the place of the
 *         directive (relative to the directory of the main file), and
 *         remembers which line came from where and who can read each file.
 *         libconfig then only ever sees text: its own @include ends the
 *         process when it meets a directory, and it silently wraps numbers
 *         beyond 32 bits, so both are dealt with here.
 * LAYER   adapters; POSIX files.
 * BOUNDS  1 MiB of text, 100 files, includes 10 deep.
 * ERRORS  TP_ECONFIG with file:line, TP_EIO, TP_EPERM, TP_ETOOBIG, TP_ENOMEM.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_CONFIG_TEXT_H
#define TP_ADAPTERS_CONFIG_TEXT_H

#include "adapters/config_seen.h"
#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

#define TP_CONFIG_TEXT_MAX_BYTES ((size_t)1 << 20)
#define TP_CONFIG_FILES_MAX 100
#define TP_CONFIG_INCLUDE_DEPTH 10

struct tp_config_text_file {
	char *path;
	mode_t mode;
	uid_t owner;
	int has_secret; /* set by the loader when it meets one */
	int has_route;	/* likewise: part of a relay or a store */
};

struct tp_config_text_line {
	unsigned file;
	unsigned line; /* from 1 */
};

struct tp_config_text {
	struct tp_buf text;  /* what libconfig parses */
	struct tp_buf lines; /* of struct tp_config_text_line */
	struct tp_config_text_file *files;
	unsigned file_count;
};

/* @param includes 0: @include is an error
 * @param seen where to note the files; may be NULL
 * @return 0; TP_ENOTFOUND if the file itself does not exist; as above */
int tp_config_text_read(struct tp_config_text *text, const char *path,
	int includes, struct tp_config_seen *seen,
	struct tp_error *err) TP_USE_RESULT;

/* The same for bytes in memory, called NAME; no includes. */
int tp_config_text_from(struct tp_config_text *text, const char *data,
	size_t len, const char *name, struct tp_error *err) TP_USE_RESULT;

/* NULL-safe in its members: may be called on a zeroed struct. */
void tp_config_text_free(struct tp_config_text *text);

/* The file a line of the text came from, or the first file.
 * @param line from 1, as libconfig counts */
struct tp_config_text_file *tp_config_text_at(
	const struct tp_config_text *text, unsigned line, unsigned *line_out);

/* "path:line" */
#define TP_CONFIG_WHERE_BYTES 512
void tp_config_text_where(const struct tp_config_text *text, unsigned line,
	char out[TP_CONFIG_WHERE_BYTES]);

/* The end of WHERE that fits into a struct tp_error: the line number is at
 * the end, so of a long path the beginning goes. */
const char *tp_config_where_tail(const char *where);

#endif
