/*
 * import_php.c - settings as PHP's serialize() writes them
 *
 * JOB     WordPress keeps an option that is an array in this form:
 *         a:2:{s:4:"host";s:4:"mail";s:4:"port";i:25;}. Lengths are counted
 *         in bytes, so what they say is checked against what is there, and
 *         nothing is allocated because of a number in the input.
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_nested.h"

#include <stdio.h>
#include <string.h>

struct reader {
	struct tp_import_path path;
	const struct tp_import_input *input;
	const char *scope;
	struct tp_import_entries *entries;
	struct tillpost_error *err;
	size_t at;
	int depth;
};

struct piece {
	const char *text;
	size_t len;
};

static int32_t bad(struct reader *reader, const char *what)
{
	return tp_import_bad_offset(reader->err, reader->input->name,
		reader->at, "is not a value of PHP's serialize(): %s", what);
}

static int take(struct reader *reader, char c)
{
	if (reader->at >= reader->input->len ||
		reader->input->text[reader->at] != c)
		return 0;
	reader->at++;
	return 1;
}

/* At most the number of bytes that are left, which bounds all loops. */
static int take_count(struct reader *reader, size_t *count_out)
{
	size_t count = 0;
	size_t start = reader->at;

	while (reader->at < reader->input->len &&
		reader->input->text[reader->at] >= '0' &&
		reader->input->text[reader->at] <= '9') {
		count = 10 * count +
			(size_t)(reader->input->text[reader->at] - '0');
		if (count > reader->input->len)
			return 0;
		reader->at++;
	}
	*count_out = count;
	return reader->at > start;
}

/* ...:"text", without the semicolon */
static int32_t take_string(struct reader *reader, struct piece *piece)
{
	if (!take_count(reader, &piece->len) || !take(reader, ':') ||
		!take(reader, '"'))
		return bad(reader, "a string has no length or no quote");
	if (piece->len > reader->input->len - reader->at)
		return bad(reader, "a string is longer than what is left; was "
				   "the export cut, or changed by an editor?");
	piece->text = reader->input->text + reader->at;
	reader->at += piece->len;
	if (!take(reader, '"'))
		return bad(reader, "a string does not end where its length "
				   "says; was the export changed?");
	return TILLPOST_OK;
}

/* A number up to the semicolon: what i, b and d have. */
static int32_t take_number(struct reader *reader, struct piece *piece)
{
	static const char allowed[] = "0123456789+-.eEINFAninfa";

	piece->text = reader->input->text + reader->at;
	piece->len = 0;
	while (reader->at < reader->input->len && piece->len < 40 &&
		reader->input->text[reader->at] != '\0' &&
		strchr(allowed, reader->input->text[reader->at])) {
		reader->at++;
		piece->len++;
	}
	return piece->len > 0 ? TILLPOST_OK
			      : bad(reader, "a number is missing");
}

/* A value that is no array. TYPE and the colon are read. */
static int32_t take_scalar(
	struct reader *reader, char type, struct piece *piece)
{
	int32_t rc;

	if (type == 's')
		rc = take_string(reader, piece);
	else if (type == 'i' || type == 'b' || type == 'd')
		rc = take_number(reader, piece);
	else
		return bad(reader, "an object, reference or unknown type");
	if (rc >= 0 && !take(reader, ';'))
		return bad(reader, "a semicolon is missing");
	if (rc >= 0 && type == 'b' && piece->text[0] == '0')
		piece->len = 0;
	return rc;
}

static int32_t read_value(struct reader *reader);

/* One key with its value. */
static int32_t read_element(struct reader *reader)
{
	struct piece key = { .len = 0 };
	char type = reader->at < reader->input->len
			    ? reader->input->text[reader->at]
			    : '\0';
	int before;
	int32_t rc;

	if (type != 's' && type != 'i')
		return bad(reader, "an array has no key here");
	reader->at++;
	if (!take(reader, ':'))
		return bad(reader, "a colon is missing");
	rc = take_scalar(reader, type, &key);
	if (rc < 0)
		return rc;
	before = tp_import_path_push(&reader->path, key.text, key.len);
	if (before < 0)
		return bad(reader, "a key is too long, or has a control "
				   "character");
	rc = read_value(reader);
	tp_import_path_cut(&reader->path, before);
	return rc;
}

static int32_t read_array(struct reader *reader)
{
	size_t count;
	int32_t rc = TILLPOST_OK;

	if (!take_count(reader, &count) || !take(reader, ':') ||
		!take(reader, '{'))
		return bad(reader, "an array has no length or no brace");
	if (reader->depth >= TP_IMPORT_DEPTH_MAX)
		return bad(reader, "arrays are nested too deep");
	reader->depth++;
	for (; count > 0 && rc >= 0; count--)
		rc = read_element(reader);
	reader->depth--;
	if (rc >= 0 && !take(reader, '}'))
		return bad(reader, "an array does not end where its length "
				   "says");
	return rc;
}

static int32_t read_value(struct reader *reader)
{
	struct piece piece = { .len = 0, .text = "" };
	int32_t rc = TILLPOST_OK;
	char type;

	if (reader->at >= reader->input->len)
		return bad(reader, "it ends too early");
	type = reader->input->text[reader->at++];
	if (type == 'N') {
		if (!take(reader, ';'))
			return bad(reader, "a semicolon is missing");
	} else if (!take(reader, ':')) {
		return bad(reader, "a colon is missing");
	} else if (type == 'a') {
		return read_array(reader);
	} else {
		rc = take_scalar(reader, type, &piece);
	}
	if (rc < 0)
		return rc;
	return tp_import_entries_add(reader->entries, reader->scope,
		reader->path.text, piece.text, piece.len, 0, reader->err);
}

static void skip_blanks(struct reader *reader)
{
	while (take(reader, ' ') || take(reader, '\n') || take(reader, '\r') ||
		take(reader, '\t'))
		;
}

int32_t tp_import_php(const struct tp_import_input *input, const char *scope,
	struct tp_import_entries *entries, struct tillpost_error *err)
{
	struct reader reader = {
		.input = input, .scope = scope, .entries = entries, .err = err
	};
	int32_t rc;

	if (input->len >= 3 && memcmp(input->text, "\xef\xbb\xbf", 3) == 0)
		reader.at = 3;
	skip_blanks(&reader);
	if (reader.at + 1 < input->len && input->text[reader.at] != 'a')
		return bad(&reader, "it must be an array");
	rc = read_value(&reader);
	if (rc < 0)
		return rc;
	skip_blanks(&reader);
	return reader.at == input->len
		       ? TILLPOST_OK
		       : bad(&reader, "something follows the array");
}
