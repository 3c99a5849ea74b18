/*
 * import_wp_mail_smtp.c - the option wp_mail_smtp of WP Mail SMTP
 *
 * JOB     One connection: groups "mail" and "smtp". Since 2.5 the password is
 *         encrypted where PHP has sodium; a text that cannot be that was
 *         stored in clear.
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_products.h"

#include "cli/import/import_bytes.h"
#include "cli/import/import_connection.h"
#include "cli/import/import_wordpress.h"
#include "common/report.h"

#include <stdlib.h>
#include <string.h>

#define OPTION "wp_mail_smtp"
#define MAIL "mail" TP_IMPORT_SEP
#define SMTP "smtp" TP_IMPORT_SEP
/* Of sodium's secretbox: a nonce and a tag stand before the text. */
#define SEALED_BYTES (24 + 16)

/* WordPress puts backslashes before quotes when it takes a form in. */
static void unslash(struct tp_import_entries *entries)
{
	size_t i;

	for (i = 0; i < entries->count; i++)
		tp_import_backslashes(entries->items[i].value);
}

static int is_sealed(const char *password)
{
	size_t len = strlen(password);
	char *room = malloc(len + 1);
	size_t used;

	/* Out of memory: better ask for it than use a wrong one. */
	if (!room)
		return 1;
	used = tp_import_base64(password, len, room);
	explicit_bzero(room, len + 1);
	free(room);
	return used > SEALED_BYTES;
}

static int32_t add_store(struct tp_import_result *result,
	const struct tp_import_entries *entries, size_t relay,
	struct tillpost_error *err)
{
	const char *address =
		tp_import_entries_get(entries, OPTION, MAIL "from_email");
	int32_t store = tp_import_store_add(result, NULL, relay, err);
	int32_t rc;

	if (store < 0)
		return store;
	rc = tp_import_store_from(result, (size_t)store,
		tp_import_entries_get(entries, OPTION, MAIL "from_name"),
		address, err);
	if (tp_import_yes(tp_import_entries_get(
		    entries, OPTION, MAIL "from_email_force")))
		result->stores[store].replace_from = 1;
	/* Return-Path is the From address. */
	if (rc >= 0 && address && tp_import_is_address(address, 0) &&
		tp_import_yes(tp_import_entries_get(
			entries, OPTION, MAIL "return_path")))
		rc = tp_import_set(
			&result->stores[store].envelope_from, address, err);
	return rc;
}

static int32_t take(const struct tp_import_request *request,
	const struct tp_import_entries *entries,
	struct tp_import_result *result, struct tillpost_error *err)
{
	const char *auth = tp_import_entries_get(entries, OPTION, SMTP "auth");
	const char *pass = tp_import_entries_get(entries, OPTION, SMTP "pass");
	const struct tp_import_connection connection = {
		.where = request->main.name,
		.host = tp_import_entries_get(entries, OPTION, SMTP "host"),
		.port = tp_import_entries_get(entries, OPTION, SMTP "port"),
		.encryption = tp_import_entries_get(
			entries, OPTION, SMTP "encryption"),
		.optional_tls = tp_import_yes(
			tp_import_entries_get(entries, OPTION, SMTP "autotls")),
		.auth = tp_import_yes(auth) ? "yes" : "no",
		.username = tp_import_entries_get(entries, OPTION, SMTP "user"),
		.secret = pass,
		.encrypted =
			pass && is_sealed(pass)
				? "it is encrypted with the key in the "
				  "constant WPMS_CRYPTO_KEY, or in the option "
				  "wp_mail_smtp_mail_key"
				: NULL,
	};
	int32_t relay = tp_import_connect(result, &connection, err);

	return relay < 0 ? relay
			 : add_store(result, entries, (size_t)relay, err);
}

int32_t tp_import_wp_mail_smtp(const struct tp_import_request *request,
	struct tp_import_result *result, struct tillpost_error *err)
{
	static const char *const names[] = { OPTION, NULL };
	struct tp_import_entries entries = { .items = NULL };
	const char *mailer;
	int32_t rc = tp_import_wordpress(&request->main, names, &entries, err);

	if (rc < 0)
		goto out;
	unslash(&entries);
	mailer = tp_import_entries_get(&entries, OPTION, MAIL "mailer");
	if (!mailer)
		rc = tp_report_set(err, TILLPOST_ENOTFOUND, request->main.name,
			"is not the option " OPTION
			" (there is no mail.mailer in it)");
	else if (strcmp(mailer, "smtp") == 0)
		rc = take(request, &entries, result, err);
	else
		rc = tp_import_not_smtp(result, OPTION, mailer, err);
out:
	tp_import_entries_free(&entries);
	return rc;
}
