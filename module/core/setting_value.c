/*
 * setting_value.c - one field of a record, by its row in the settings table
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/setting_value.h"

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "core/config.h"
#include "core/suggest.h"

#include <string.h>

/* The field, whatever its type: the row says which it is. */
static void *field(const struct tp_setting *setting, void *record)
{
	return (char *)record + setting->offset;
}

static const void *const_field(
	const struct tp_setting *setting, const void *record)
{
	return (const char *)record + setting->offset;
}

static int bad_value(const struct tp_setting *setting, const char *text,
	const char *where, struct tp_error *err)
{
	char range[160];
	char near[TP_SUGGEST_TEXT_BYTES] = "";

	tp_setting_range(setting, range, sizeof(range));
	if (setting->type == TP_SETTING_ENUM) {
		struct tp_suggest suggest;
		size_t i;

		tp_suggest_init(&suggest, text);
		for (i = 0; setting->choices[i]; i++)
			tp_suggest_try(&suggest, setting->choices[i]);
		tp_suggest_text(&suggest, near);
	}
	return tp_fail(err, TP_EINVAL, where,
		"%s = \"%.100s\" is not a valid %s (%s)%s", setting->key, text,
		tp_setting_type_name(setting->type), range, near);
}

static int put_number(const struct tp_setting *setting, void *record,
	const char *text, const char *where, struct tp_error *err)
{
	int64_t value = 0;
	int rc;

	if (setting->type == TP_SETTING_DURATION)
		rc = tp_parse_duration(text, 1000, &value);
	else if (setting->type == TP_SETTING_SIZE)
		rc = tp_parse_size(text, &value);
	else /* a count is a duration whose unit is 1 and never written */
		rc = strspn(text, "0123456789") == strlen(text)
			     ? tp_parse_duration(text, 1, &value)
			     : TP_EINVAL;
	if (rc < 0 || value < setting->min || value > setting->max)
		return bad_value(setting, text, where, err);
	*(int64_t *)field(setting, record) = value;
	return TP_OK;
}

static int put_bool(const struct tp_setting *setting, void *record,
	const char *text, const char *where, struct tp_error *err)
{
	static const char *const words[] = { "false", "true", "no", "yes",
		"off", "on", "0", "1" };
	int i;

	for (i = 0; i < 8; i++)
		if (tp_strcasecmp(text, words[i]) == 0) {
			*(int *)field(setting, record) = i % 2;
			return TP_OK;
		}
	return bad_value(setting, text, where, err);
}

static int put_enum(const struct tp_setting *setting, void *record,
	const char *text, const char *where, struct tp_error *err)
{
	int i;

	for (i = 0; setting->choices[i]; i++)
		if (tp_strcasecmp(text, setting->choices[i]) == 0) {
			*(int *)field(setting, record) = i;
			return TP_OK;
		}
	return bad_value(setting, text, where, err);
}

/* Text that may reach a header, a command or a log: one line of UTF-8. */
static int check_text(const struct tp_setting *setting, const char *text,
	size_t len, const char *where, struct tp_error *err)
{
	size_t i;

	if (len > TP_SETTING_STRING_MAX_BYTES)
		return tp_fail(err, TP_EINVAL, where,
			"%s is longer than %d bytes", setting->key,
			TP_SETTING_STRING_MAX_BYTES);
	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return tp_fail(err, TP_EINVAL, where,
				"%s holds a control character", setting->key);
	if (!tp_utf8_valid(text, len))
		return tp_fail(
			err, TP_EINVAL, where, "%s is not UTF-8", setting->key);
	return TP_OK;
}

static int put_string(const struct tp_setting *setting, void *record,
	const char *text, const char *where, struct tp_error *err)
{
	char **at = field(setting, record);
	char *copy = NULL;
	int rc = check_text(setting, text, strlen(text), where, err);

	if (rc < 0)
		return rc;
	if (text[0] != '\0') {
		copy = tp_strdup(text);
		if (!copy)
			return tp_fail(err, TP_ENOMEM, where, "out of memory");
	} else if (setting->required) {
		return tp_fail(err, TP_EINVAL, where, "%s must not be empty",
			setting->key);
	}
	tp_free(*at);
	*at = copy;
	return TP_OK;
}

static int put_secret(const struct tp_setting *setting, void *record,
	const char *text, const char *where, struct tp_error *err)
{
	struct tp_secret **at = field(setting, record);
	struct tp_secret *copy;
	size_t len = strlen(text);

	if (len > TP_SETTING_SECRET_MAX_BYTES)
		return tp_fail(err, TP_EINVAL, where,
			"%s is longer than %d bytes", setting->key,
			TP_SETTING_SECRET_MAX_BYTES);
	if (len == 0)
		return tp_fail(err, TP_EINVAL, where, "%s must not be empty",
			setting->key);
	copy = tp_secret_new(text, len);
	if (!copy)
		return tp_fail(err, TP_ENOMEM, where, "out of memory");
	tp_secret_destroy(at);
	*at = copy;
	return TP_OK;
}

static void free_list(struct tp_string_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		tp_free(list->items[i]);
	tp_free(list->items);
	*list = (struct tp_string_list) { NULL, 0 };
}

static int add_item(const struct tp_setting *setting,
	struct tp_string_list *list, const char *item, size_t len,
	const char *where, struct tp_error *err)
{
	int rc;

	while (len > 0 && (item[0] == ' ' || item[0] == '\t')) {
		item++;
		len--;
	}
	while (len > 0 && (item[len - 1] == ' ' || item[len - 1] == '\t'))
		len--;
	if (len == 0)
		return tp_fail(err, TP_EINVAL, where, "%s has an empty entry",
			setting->key);
	rc = check_text(setting, item, len, where, err);
	if (rc < 0)
		return rc;
	list->items[list->count] = tp_strndup(item, len);
	if (!list->items[list->count])
		return tp_fail(err, TP_ENOMEM, where, "out of memory");
	list->count++;
	return TP_OK;
}

static int new_list(const struct tp_setting *setting, size_t count,
	struct tp_string_list *list, const char *where, struct tp_error *err)
{
	if (count > TP_SETTING_LIST_MAX_COUNT)
		return tp_fail(err, TP_EINVAL, where,
			"%s has more than %d entries", setting->key,
			TP_SETTING_LIST_MAX_COUNT);
	if (count == 0 && setting->required)
		return tp_fail(err, TP_EINVAL, where, "%s must not be empty",
			setting->key);
	if (count == 0)
		return TP_OK;
	list->items = tp_calloc(count, sizeof(*list->items));
	if (!list->items)
		return tp_fail(err, TP_ENOMEM, where, "out of memory");
	return TP_OK;
}

static void replace_list(const struct tp_setting *setting, void *record,
	struct tp_string_list *list)
{
	struct tp_string_list *at = field(setting, record);

	free_list(at);
	*at = *list;
}

int tp_setting_put_list(const struct tp_setting *setting, void *record,
	const char *const *items, size_t count, const char *where,
	struct tp_error *err)
{
	struct tp_string_list list = { NULL, 0 };
	size_t i;
	int rc = new_list(setting, count, &list, where, err);

	for (i = 0; i < count && rc >= 0; i++)
		rc = add_item(
			setting, &list, items[i], strlen(items[i]), where, err);
	if (rc < 0)
		free_list(&list);
	else
		replace_list(setting, record, &list);
	return rc;
}

static int put_list_text(const struct tp_setting *setting, void *record,
	const char *text, const char *where, struct tp_error *err)
{
	struct tp_string_list list = { NULL, 0 };
	size_t count = text[strspn(text, " \t")] != '\0';
	const char *at;
	int rc;

	for (at = text; *at; at++)
		count += *at == ',';
	rc = new_list(setting, count, &list, where, err);
	for (at = text; count > 0 && rc >= 0; count--) {
		size_t len = strcspn(at, ",");

		rc = add_item(setting, &list, at, len, where, err);
		at += len + 1;
	}
	if (rc < 0)
		free_list(&list);
	else
		replace_list(setting, record, &list);
	return rc;
}

int tp_setting_put(const struct tp_setting *setting, void *record,
	const char *text, const char *where, struct tp_error *err)
{
	switch (setting->type) {
	case TP_SETTING_INT:
	case TP_SETTING_DURATION:
	case TP_SETTING_SIZE:
		return put_number(setting, record, text, where, err);
	case TP_SETTING_BOOL:
		return put_bool(setting, record, text, where, err);
	case TP_SETTING_ENUM:
		return put_enum(setting, record, text, where, err);
	case TP_SETTING_STRING:
	case TP_SETTING_PATH:
		return put_string(setting, record, text, where, err);
	case TP_SETTING_SECRET:
		return put_secret(setting, record, text, where, err);
	case TP_SETTING_LIST:
		return put_list_text(setting, record, text, where, err);
	}
	return tp_fail(err, TP_EINVAL, where, "%s: unknown type", setting->key);
}

static int copy_string(char **to, const char *from)
{
	char *copy = tp_strdup(from);

	if (from && !copy)
		return TP_ENOMEM;
	tp_free(*to);
	*to = copy;
	return TP_OK;
}

static int copy_secret(struct tp_secret **to, const struct tp_secret *from)
{
	struct tp_secret *copy = tp_secret_copy(from);

	if (from && !copy)
		return TP_ENOMEM;
	tp_secret_destroy(to);
	*to = copy;
	return TP_OK;
}

int tp_setting_copy(
	const struct tp_setting *setting, void *to, const void *from)
{
	void *at = field(setting, to);
	const void *value = const_field(setting, from);

	switch (setting->type) {
	case TP_SETTING_INT:
	case TP_SETTING_DURATION:
	case TP_SETTING_SIZE:
		*(int64_t *)at = *(const int64_t *)value;
		return TP_OK;
	case TP_SETTING_BOOL:
	case TP_SETTING_ENUM:
		*(int *)at = *(const int *)value;
		return TP_OK;
	case TP_SETTING_STRING:
	case TP_SETTING_PATH:
		return copy_string(at, *(char *const *)value);
	case TP_SETTING_SECRET:
		return copy_secret(at, *(struct tp_secret *const *)value);
	case TP_SETTING_LIST: {
		const struct tp_string_list *list = value;

		if (list->count == 0) {
			free_list(at);
			return TP_OK;
		}
		return tp_setting_put_list(setting, to,
			(const char *const *)list->items, list->count, "",
			NULL);
	}
	}
	return TP_EINVAL;
}

void tp_setting_clear(const struct tp_setting *setting, void *record)
{
	void *at = field(setting, record);

	switch (setting->type) {
	case TP_SETTING_INT:
	case TP_SETTING_DURATION:
	case TP_SETTING_SIZE:
		*(int64_t *)at = 0;
		break;
	case TP_SETTING_BOOL:
	case TP_SETTING_ENUM:
		*(int *)at = 0;
		break;
	case TP_SETTING_STRING:
	case TP_SETTING_PATH:
		tp_free(*(char **)at);
		*(char **)at = NULL;
		break;
	case TP_SETTING_SECRET:
		tp_secret_destroy(at);
		break;
	case TP_SETTING_LIST:
		free_list(at);
		break;
	}
}

static int same_secret(const struct tp_secret *a, const struct tp_secret *b)
{
	size_t a_len;
	size_t b_len;
	const char *a_bytes = tp_secret_reveal(a, &a_len);
	const char *b_bytes = tp_secret_reveal(b, &b_len);

	return !a == !b && a_len == b_len &&
	       memcmp(a_bytes, b_bytes, a_len) == 0;
}

static int same_list(
	const struct tp_string_list *a, const struct tp_string_list *b)
{
	size_t i;

	if (a->count != b->count)
		return 0;
	for (i = 0; i < a->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return 0;
	return 1;
}

int tp_setting_same(
	const struct tp_setting *setting, const void *a, const void *b)
{
	const void *x = const_field(setting, a);
	const void *y = const_field(setting, b);

	switch (setting->type) {
	case TP_SETTING_INT:
	case TP_SETTING_DURATION:
	case TP_SETTING_SIZE:
		return *(const int64_t *)x == *(const int64_t *)y;
	case TP_SETTING_BOOL:
	case TP_SETTING_ENUM:
		return *(const int *)x == *(const int *)y;
	case TP_SETTING_STRING:
	case TP_SETTING_PATH:
		return tp_streq(*(char *const *)x, *(char *const *)y);
	case TP_SETTING_SECRET:
		return same_secret(*(struct tp_secret *const *)x,
			*(struct tp_secret *const *)y);
	case TP_SETTING_LIST:
		return same_list(x, y);
	}
	return 0;
}

static int format_list(const struct tp_string_list *list, struct tp_buf *out)
{
	int rc = TP_OK;
	size_t i;

	for (i = 0; i < list->count && rc >= 0; i++)
		rc = tp_buf_printf(
			out, "%s%s", i > 0 ? ", " : "", list->items[i]);
	return rc;
}

static int format_number(
	const struct tp_setting *setting, int64_t value, struct tp_buf *out)
{
	char text[32];

	if (setting->type == TP_SETTING_DURATION)
		tp_format_duration(value, text);
	else if (setting->type == TP_SETTING_SIZE)
		tp_format_size(value, text);
	else
		return tp_buf_printf(out, "%lld", (long long)value);
	return tp_buf_str_add(out, text);
}

int tp_setting_format(const struct tp_setting *setting, const void *record,
	struct tp_buf *out)
{
	const void *at = const_field(setting, record);
	const char *text = NULL;

	switch (setting->type) {
	case TP_SETTING_INT:
	case TP_SETTING_DURATION:
	case TP_SETTING_SIZE:
		return format_number(setting, *(const int64_t *)at, out);
	case TP_SETTING_BOOL:
		text = *(const int *)at ? "true" : "false";
		break;
	case TP_SETTING_ENUM:
		text = setting->choices[*(const int *)at];
		break;
	case TP_SETTING_STRING:
	case TP_SETTING_PATH:
		text = *(char *const *)at;
		break;
	case TP_SETTING_LIST:
		return format_list(at, out);
	case TP_SETTING_SECRET:
		break;
	}
	return text ? tp_buf_str_add(out, text) : TP_OK;
}
