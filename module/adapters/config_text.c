/*
 * config_text.c - configuration files as one text with a map of its lines
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/config_text.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the scanner is: only outside strings and comments is an @include a
 * directive and a number a number. The states are libconfig's. */
enum state { PLAIN, STRING, LINE_COMMENT, BLOCK_COMMENT };

struct reader {
	struct tp_config_text *text;
	const char *main_path;
	int includes;
	struct tp_config_seen *seen;
	int depth;
	enum state state;
	struct tp_error *err;
};

static int read_file(struct reader *reader, const char *path);

const char *tp_config_where_tail(const char *where)
{
	size_t len = strlen(where);

	return len < TP_ERROR_WHERE_BYTES
		       ? where
		       : where + len - (TP_ERROR_WHERE_BYTES - 1);
}

static void format_where(
	const char *path, unsigned line, char out[TP_CONFIG_WHERE_BYTES])
{
	const size_t path_max = TP_CONFIG_WHERE_BYTES - 16;
	size_t len = strlen(path);

	if (len > path_max)
		path += len - path_max;
	(void)snprintf(out, TP_CONFIG_WHERE_BYTES, "%s:%u", path, line);
}

static int out_of_memory(struct tp_error *err)
{
	return tp_fail(err, TP_ENOMEM, "configuration", "out of memory");
}

static int fail_at(struct reader *reader, int code, unsigned file,
	unsigned line, const char *problem)
{
	char where[TP_CONFIG_WHERE_BYTES];

	format_where(reader->text->files[file].path, line, where);
	return tp_fail(
		reader->err, code, tp_config_where_tail(where), "%s", problem);
}

static int add_file(struct reader *reader, const char *path,
	const struct stat *st, unsigned *file_out)
{
	struct tp_config_text *text = reader->text;
	struct tp_config_text_file *grown;

	if (text->file_count >= TP_CONFIG_FILES_MAX)
		return tp_fail(reader->err, TP_ETOOBIG, path,
			"more than %d files", TP_CONFIG_FILES_MAX);
	grown = tp_realloc(
		text->files, (text->file_count + 1) * sizeof(*grown));
	if (!grown)
		return out_of_memory(reader->err);
	text->files = grown;
	grown[text->file_count] = (struct tp_config_text_file) {
		.path = tp_strdup(path),
		.mode = st ? st->st_mode : 0600,
		.owner = st ? st->st_uid : geteuid(),
	};
	if (!grown[text->file_count].path)
		return out_of_memory(reader->err);
	*file_out = text->file_count++;
	return TP_OK;
}

static int is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '*' ||
	       c == '.';
}

static int is_number(const char *word, size_t len)
{
	if (len > 1 && word[0] == '-')
		word++;
	return word[0] >= '0' && word[0] <= '9';
}

/* libconfig wraps what does not fit: 4294967761 would become port 465. */
static int number_fits(const char *word, size_t len)
{
	char digits[24];
	const char *sign_end = word + (word[0] == '-');
	int hex = len > 2 && sign_end[0] == '0' &&
		  (sign_end[1] == 'x' || sign_end[1] == 'X');
	char *end;
	long long value;

	if (len >= sizeof(digits))
		return 0;
	memcpy(digits, word, len);
	digits[len] = '\0';
	errno = 0;
	value = strtoll(digits, &end, hex ? 16 : 10);
	if (errno == ERANGE)
		return 0;
	return *end == 'L' || *end == '.' || *end == 'e' || *end == 'E' ||
	       (value >= INT_MIN && value <= INT_MAX);
}

/* Scans one line to find the state after it. @return 0, or -1 at a number
 * that is too large */
static int scan_line(enum state *state, const char *line, size_t len)
{
	size_t i = 0;

	while (i < len) {
		const char *at = line + i;
		int pair = i + 1 < len;
		size_t step = 1;

		if (*state == STRING) {
			if (*at == '"')
				*state = PLAIN;
			else if (pair && at[0] == '\\' &&
				 (at[1] == '\\' || at[1] == '"'))
				step = 2;
		} else if (*state == BLOCK_COMMENT) {
			if (pair && memcmp(at, "*/", 2) == 0) {
				*state = PLAIN;
				step = 2;
			}
		} else if (*at == '#' || (pair && memcmp(at, "//", 2) == 0)) {
			return 0;
		} else if (pair && memcmp(at, "/*", 2) == 0) {
			*state = BLOCK_COMMENT;
			step = 2;
		} else if (*at == '"') {
			*state = STRING;
		} else if (is_name_byte(*at)) {
			while (i + step < len && is_name_byte(at[step]))
				step++;
			if (is_number(at, step) && !number_fits(at, step))
				return -1;
		}
		i += step;
	}
	return 0;
}

/* @return length of the file name in `@include "name"`, whose start is put
 *         into *name_out; 0 if the line is none */
static size_t find_include(const char *line, size_t len, const char **name_out)
{
	static const char word[] = "@include";
	const size_t word_len = sizeof(word) - 1;
	const char *end = line + len;
	const char *at = line;
	const char *gap;

	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	if ((size_t)(end - at) < word_len || memcmp(at, word, word_len) != 0)
		return 0;
	gap = at += word_len;
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	if (at == gap || at == end || *at != '"')
		return 0;
	*name_out = ++at;
	while (at < end && *at != '"')
		at++;
	return at < end ? (size_t)(at - *name_out) : 0;
}

static int include(struct reader *reader, const char *name, size_t len,
	unsigned file, unsigned line)
{
	const char *slash = strrchr(reader->main_path, '/');
	struct tp_buf path = TP_BUF_INIT(PATH_MAX);
	char problem[PATH_MAX + 64];
	int rc = TP_OK;

	if (!reader->includes)
		return fail_at(reader, TP_ECONFIG, file, line,
			"@include is not possible here");
	if (reader->depth >= TP_CONFIG_INCLUDE_DEPTH)
		return fail_at(reader, TP_ECONFIG, file, line,
			"@include is nested too deep; does a file include "
			"itself?");
	if (name[0] != '/' && slash)
		rc = tp_buf_add(&path, reader->main_path,
			(size_t)(slash + 1 - reader->main_path));
	if (rc >= 0)
		rc = tp_buf_add(&path, name, len);
	if (rc >= 0) {
		reader->depth++;
		rc = read_file(reader, tp_buf_str(&path));
		reader->depth--;
	}
	if (rc == TP_ENOTFOUND) {
		(void)snprintf(problem, sizeof(problem),
			"the included file %s does not exist",
			tp_buf_str(&path));
		rc = fail_at(reader, TP_ECONFIG, file, line, problem);
	}
	tp_buf_free(&path);
	if (rc < 0)
		return tp_fail(reader->err, rc, "configuration", "%s",
			tp_err_text(rc));
	return TP_OK;
}

static int keep_line(struct reader *reader, const char *line, size_t len,
	unsigned file, unsigned number)
{
	struct tp_config_text_line origin = { .file = file, .line = number };
	int rc = tp_buf_add(&reader->text->text, line, len);

	/* A comment that ends without a newline is a syntax error to
	 * libconfig, so the last line always gets one. */
	if (rc >= 0)
		rc = tp_buf_char(&reader->text->text, '\n');
	if (rc >= 0)
		rc = tp_buf_add(&reader->text->lines, &origin, sizeof(origin));
	if (rc == TP_ETOOBIG)
		return fail_at(reader, rc, file, number,
			"the configuration is larger than 1 MiB");
	return rc < 0 ? out_of_memory(reader->err) : TP_OK;
}

static int take_line(struct reader *reader, const char *line, size_t len,
	unsigned file, unsigned number)
{
	const char *name = NULL;
	size_t name_len = 0;

	if (memchr(line, '\0', len))
		return fail_at(reader, TP_ECONFIG, file, number,
			"the file holds a NUL byte");
	if (reader->state == PLAIN)
		name_len = find_include(line, len, &name);
	if (name_len > 0)
		return include(reader, name, name_len, file, number);
	if (scan_line(&reader->state, line, len) < 0)
		return fail_at(reader, TP_ECONFIG, file, number,
			"the number is too large");
	return keep_line(reader, line, len, file, number);
}

static int take_text(
	struct reader *reader, const char *data, size_t len, unsigned file)
{
	unsigned number = 0;
	int rc = TP_OK;

	while (len > 0 && rc >= 0) {
		const char *end = memchr(data, '\n', len);
		size_t line_len = end ? (size_t)(end - data) : len;

		rc = take_line(reader, data, line_len, file, ++number);
		line_len += end ? 1 : 0;
		data += line_len;
		len -= line_len;
	}
	if (rc < 0)
		return rc;
	if (reader->state == STRING)
		return fail_at(reader, TP_ECONFIG, file, number,
			"the file ends inside a string");
	if (reader->state == BLOCK_COMMENT)
		return fail_at(reader, TP_ECONFIG, file, number,
			"the file ends inside a comment");
	return TP_OK;
}

/* The whole file into DATA, which has room for one byte more than a file may
 * have. */
static int read_all(int fd, struct tp_buf *data)
{
	while (data->len < data->max) {
		ssize_t got =
			read(fd, data->data + data->len, data->max - data->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return TP_EIO;
		if (got == 0) {
			data->data[data->len] = '\0';
			return TP_OK;
		}
		data->len += (size_t)got;
	}
	return TP_ETOOBIG;
}

static int cannot_open(const char *path, struct tp_error *err)
{
	int code = errno == EACCES || errno == EPERM ? TP_EPERM : TP_EIO;

	if (errno == ENOENT)
		return TP_ENOTFOUND;
	return tp_fail_errno(
		err, code, tp_config_where_tail(path), "cannot open");
}

static int open_file(struct reader *reader, const char *path, struct stat *st)
{
	/* O_NONBLOCK: a FIFO must not block; it is then refused. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int error = errno;
	int known = fd >= 0 && fstat(fd, st) == 0;

	tp_config_seen_add(reader->seen, path, known ? st : NULL);
	errno = error;
	if (fd < 0)
		return cannot_open(path, reader->err);
	if (known && S_ISREG(st->st_mode))
		return fd;
	(void)close(fd);
	return tp_fail(reader->err, TP_EIO, tp_config_where_tail(path),
		"is not a regular file");
}

static int read_file(struct reader *reader, const char *path)
{
	struct tp_buf data = TP_BUF_INIT(TP_CONFIG_TEXT_MAX_BYTES + 1);
	struct stat st;
	unsigned file = 0;
	int fd = open_file(reader, path, &st);
	int rc = fd;

	if (fd < 0)
		return rc;
	rc = add_file(reader, path, &st, &file);
	if (rc < 0)
		goto out;
	/* All room at once: growing would leave copies of passwords behind.
	 * What is not used costs no memory. */
	rc = tp_buf_reserve(&data, data.max);
	if (rc >= 0)
		rc = read_all(fd, &data);
	if (rc == TP_EIO)
		rc = tp_fail_errno(reader->err, TP_EIO,
			tp_config_where_tail(path), "cannot read");
	else if (rc == TP_ETOOBIG)
		rc = tp_fail(reader->err, rc, tp_config_where_tail(path),
			"the configuration is larger than 1 MiB");
	else if (rc < 0)
		rc = out_of_memory(reader->err);
	else
		rc = take_text(reader, tp_buf_str(&data), data.len, file);
out:
	/* It may hold passwords. */
	tp_wipe(data.data, data.len);
	tp_buf_free(&data);
	(void)close(fd);
	return rc;
}

/* @param bytes that the text is going to need: like those of a file it may
 *        hold passwords, and does not grow */
static int init(struct tp_config_text *text, size_t bytes, struct tp_error *err)
{
	*text = (struct tp_config_text) { .file_count = 0 };
	tp_buf_init(&text->text, TP_CONFIG_TEXT_MAX_BYTES);
	/* At most one entry for each byte of text. */
	tp_buf_init(&text->lines,
		TP_CONFIG_TEXT_MAX_BYTES * sizeof(struct tp_config_text_line));
	if (bytes > TP_CONFIG_TEXT_MAX_BYTES)
		bytes = TP_CONFIG_TEXT_MAX_BYTES;
	return tp_buf_reserve(&text->text, bytes) < 0 ? out_of_memory(err)
						      : TP_OK;
}

int tp_config_text_read(struct tp_config_text *text, const char *path,
	int includes, struct tp_config_seen *seen, struct tp_error *err)
{
	struct reader reader = { .text = text,
		.main_path = path,
		.includes = includes,
		.seen = seen,
		.err = err };
	int rc = init(text, TP_CONFIG_TEXT_MAX_BYTES, err);

	return rc < 0 ? rc : read_file(&reader, path);
}

int tp_config_text_from(struct tp_config_text *text, const char *data,
	size_t len, const char *name, struct tp_error *err)
{
	struct reader reader = { .text = text, .main_path = name, .err = err };
	unsigned file = 0;
	int rc = init(text, len + 1, err);

	if (rc >= 0)
		rc = add_file(&reader, name, NULL, &file);
	return rc < 0 ? rc : take_text(&reader, data, len, file);
}

void tp_config_text_free(struct tp_config_text *text)
{
	unsigned i;

	for (i = 0; i < text->file_count; i++)
		tp_free(text->files[i].path);
	tp_free(text->files);
	tp_wipe(text->text.data, text->text.len);
	tp_buf_free(&text->text);
	tp_buf_free(&text->lines);
	*text = (struct tp_config_text) { .file_count = 0 };
}

struct tp_config_text_file *tp_config_text_at(
	const struct tp_config_text *text, unsigned line, unsigned *line_out)
{
	const struct tp_config_text_line *lines =
		(const void *)text->lines.data;
	size_t count = text->lines.len / sizeof(*lines);

	*line_out = 0;
	if (text->file_count == 0)
		return NULL;
	if (count == 0)
		return &text->files[0];
	if (line > count) /* an error at the end of the text */
		line = (unsigned)count;
	if (line == 0)
		line = 1;
	*line_out = lines[line - 1].line;
	return &text->files[lines[line - 1].file];
}

void tp_config_text_where(const struct tp_config_text *text, unsigned line,
	char out[TP_CONFIG_WHERE_BYTES])
{
	unsigned at;
	const struct tp_config_text_file *file =
		tp_config_text_at(text, line, &at);

	if (!file)
		out[0] = '\0';
	else if (at == 0)
		(void)snprintf(out, TP_CONFIG_WHERE_BYTES, "%s", file->path);
	else
		format_where(file->path, at, out);
}
