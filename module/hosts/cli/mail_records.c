/*
 * mail_records.c - reading SPF, DMARC and DKIM records
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/mail_records.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- SPF ---------------------------------------------------------------- */

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/* The version is a whole term: "v=spf10" is something else. */
static int is_spf(const char *text)
{
	static const char version[] = "v=spf1";
	size_t len = sizeof(version) - 1;

	return strncasecmp(text, version, len) == 0 &&
	       (text[len] == ' ' || text[len] == '\0');
}

static char all_of(const char *record)
{
	const char *at = record;

	for (;;) {
		size_t len;

		at = skip_blanks(at);
		len = strcspn(at, " \t");
		if (len == 0)
			return 0;
		if (len == 3 && strncasecmp(at, "all", 3) == 0)
			return '+';
		if (len == 4 && strchr("+-~?", *at) &&
			strncasecmp(at + 1, "all", 3) == 0)
			return *at;
		at += len;
	}
}

void tp_spf_read(const struct tp_dns_texts *texts, struct tp_spf *spf_out)
{
	size_t i;

	*spf_out = (struct tp_spf) { .count = 0 };
	for (i = 0; i < texts->count; i++) {
		if (!is_spf(texts->items[i]))
			continue;
		if (spf_out->count++ == 0) {
			spf_out->record = texts->items[i];
			spf_out->all = all_of(texts->items[i]);
		}
	}
}

/* Does the term of LEN begin with the mechanism NAME, as a whole? */
static int is_term(const char *term, size_t len, const char *name)
{
	size_t want = strlen(name);

	return len >= want && strncasecmp(term, name, want) == 0 &&
	       (len == want || strchr(":=/", term[want]));
}

static int looks_up(const char *term, size_t len)
{
	static const char *const names[] = { "include", "a", "mx", "ptr",
		"exists", "redirect" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_term(term, len, names[i]))
			return 1;
	return 0;
}

static void copy_target(const char *term, size_t len, char *out)
{
	size_t skip;

	out[0] = '\0';
	if (!is_term(term, len, "include") && !is_term(term, len, "redirect"))
		return;
	skip = strcspn(term, ":=") + 1;
	if (skip < len && len - skip < TP_RECORD_NAME_BYTES)
		(void)snprintf(out, TP_RECORD_NAME_BYTES, "%.*s",
			(int)(len - skip), term + skip);
}

int tp_spf_next(const char **at, char target_out[TP_RECORD_NAME_BYTES])
{
	for (;;) {
		const char *term = skip_blanks(*at);
		size_t len = strcspn(term, " \t");

		*at = term + len;
		if (len == 0)
			return 0;
		if (strchr("+-~?", *term)) {
			term++;
			len--;
		}
		if (looks_up(term, len)) {
			copy_target(term, len, target_out);
			return 1;
		}
	}
}

/* ---- tag lists: DMARC and DKIM ------------------------------------------ */

/* @return the value of TAG in "a=b; c=d", with its length; NULL if absent */
static const char *tag_value(const char *text, const char *tag, size_t *len_out)
{
	size_t want = strlen(tag);

	while (*text) {
		const char *end = text + strcspn(text, ";");
		const char *value;

		text += strspn(text, " \t\r\n");
		value = text + strcspn(text, "=;");
		if (*value == '=' && (size_t)(value - text) >= want &&
			strncasecmp(text, tag, want) == 0 &&
			strspn(text + want, " \t") ==
				(size_t)(value - text) - want) {
			value = skip_blanks(value + 1);
			while (end > value && isspace((unsigned char)end[-1]))
				end--;
			*len_out = (size_t)(end - value);
			return value;
		}
		text = *end ? end + 1 : end;
	}
	return NULL;
}

void tp_dmarc_read(const struct tp_dns_texts *texts, struct tp_dmarc *dmarc_out)
{
	size_t i;
	size_t len;

	*dmarc_out = (struct tp_dmarc) { .count = 0 };
	for (i = 0; i < texts->count; i++) {
		const char *text = texts->items[i];
		const char *value;

		if (strncasecmp(text, "v=DMARC1", 8) != 0)
			continue;
		if (dmarc_out->count++ > 0)
			continue;
		value = tag_value(text, "p", &len);
		if (value)
			(void)snprintf(dmarc_out->policy,
				sizeof(dmarc_out->policy), "%.*s", (int)len,
				value);
		dmarc_out->has_reports = tag_value(text, "rua", &len) != NULL;
	}
}

enum tp_dkim tp_dkim_read(const struct tp_dns_texts *texts)
{
	size_t i;
	size_t len;

	for (i = 0; i < texts->count; i++) {
		const char *key = tag_value(texts->items[i], "p", &len);

		if (key)
			return len > 0 ? TP_DKIM_KEY : TP_DKIM_REVOKED;
	}
	return TP_DKIM_NONE;
}

/* ---- addresses ---------------------------------------------------------- */

int tp_domain_of(const char *address, char out[TP_RECORD_NAME_BYTES])
{
	const char *at = strrchr(address, '@');
	size_t len;

	if (!at)
		return 0;
	len = strcspn(++at, "> \t");
	if (len == 0 || len >= TP_RECORD_NAME_BYTES)
		return 0;
	(void)snprintf(out, TP_RECORD_NAME_BYTES, "%.*s", (int)len, at);
	return 1;
}
