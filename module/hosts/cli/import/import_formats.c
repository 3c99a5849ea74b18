/*
 * import_formats.c - the formats, and what holds for all of them
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_products.h"
#include "cli/import/import_result.h"

#include "common/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct tp_import_format formats[] = {
	{ "wp-mail-smtp", "WP Mail SMTP", tp_import_wp_mail_smtp },
	{ "fluent-smtp", "FluentSMTP", tp_import_fluent_smtp },
	{ "post-smtp", "Post SMTP", tp_import_post_smtp },
	{ "mageplaza", "Mageplaza SMTP", tp_import_mageplaza },
	{ "magepal", "MagePal SMTP", tp_import_magepal },
	{ "magento", "Magento 2", tp_import_magento },
	{ "prestashop", "PrestaShop", tp_import_prestashop },
	{ "opencart", "OpenCart", tp_import_opencart },
	{ "msmtp", "msmtp", tp_import_msmtp },
	{ "postfix", "Postfix", tp_import_postfix },
};

const struct tp_import_format *tp_import_formats(size_t *count_out)
{
	*count_out = sizeof(formats) / sizeof(formats[0]);
	return formats;
}

const struct tp_import_format *tp_import_format_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

/* ---- errors ------------------------------------------------------------- */

/* The end of the name is what tells files apart. */
static const char *tail_of(const char *name)
{
	size_t len = strlen(name);

	return len > 60 ? name + len - 60 : name;
}

int32_t tp_import_bad_line(struct tillpost_error *err, const char *name,
	size_t line, const char *fmt, ...)
{
	char where[96];
	char text[400];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (line > 0)
		(void)snprintf(
			where, sizeof(where), "%s:%zu", tail_of(name), line);
	else
		(void)snprintf(where, sizeof(where), "%s", tail_of(name));
	return tp_report_set(err, TILLPOST_EINVAL, where, "%s", text);
}

int32_t tp_import_bad_offset(struct tillpost_error *err, const char *name,
	size_t offset, const char *fmt, ...)
{
	char where[96];
	char text[400];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	(void)snprintf(
		where, sizeof(where), "%s, byte %zu", tail_of(name), offset);
	return tp_report_set(err, TILLPOST_EINVAL, where, "%s", text);
}

int32_t tp_import_check_small(
	const struct tp_import_input *input, struct tillpost_error *err)
{
	if (input->len <= TP_IMPORT_SMALL_BYTES)
		return TILLPOST_OK;
	return tp_report_set(err, TILLPOST_ETOOBIG, tail_of(input->name),
		"is larger than %zu bytes", TP_IMPORT_SMALL_BYTES);
}

int32_t tp_import_no_memory(struct tillpost_error *err)
{
	return tp_report_set(err, TILLPOST_ENOMEM, "", "out of memory");
}

/* ---- all ---------------------------------------------------------------- */

/* Every configuration with stores has a default. */
static int32_t complete(
	struct tp_import_result *result, struct tillpost_error *err)
{
	int32_t store;

	if (tp_import_has_default(result))
		return TILLPOST_OK;
	store = tp_import_store_add(result, NULL, 0, err);
	if (store < 0)
		return store;
	return tp_import_say(result, TP_IMPORT_NOTE, err,
		result->stores[store].name,
		"nothing says by which relay other mail goes; now by %s",
		result->relays[0].name);
}

int32_t tp_import_run(const struct tp_import_request *request,
	struct tp_import_result *result_out, struct tillpost_error *err)
{
	const struct tp_import_format *format =
		tp_import_format_find(request->format);
	int32_t rc;

	*result_out = (struct tp_import_result) { .relay_count = 0 };
	if (!format)
		return tp_report_set(err, TILLPOST_EINVAL, request->format,
			"is no format that can be imported");
	result_out->relay_name =
		request->relay_name ? request->relay_name : format->name;
	result_out->store_name = request->store_name;
	rc = format->read(request, result_out, err);
	if (rc < 0)
		return rc;
	if (result_out->relay_count == 0)
		return tp_report_set(err, TILLPOST_ENOTFOUND,
			tail_of(request->main.name),
			"holds no SMTP connection that could be taken over");
	return complete(result_out, err);
}
