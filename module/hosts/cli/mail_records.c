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
int tp_is_spf(const char *text)
{
	static const char version[] = "v=spf1";
	size_t len = sizeof(version) - 1;

	return strncasecmp(text, version, len) == 0 &&
	       (text[len] == ' ' || text[len] == '\0');
}

/* The term at *AT without its qualifier, which is '+' if there is none.
 * @return its length, 0 at the end */
static size_t next_term(const char **at, const char **term_out, char *sign_out)
{
	const char *term = skip_blanks(*at);
	size_t len = strcspn(term, " \t");

	*at = term + len;
	*sign_out = '+';
	if (len > 1 && strchr("+-~?", *term)) {
		*sign_out = *term++;
		len--;
	}
	*term_out = term;
	return len;
}

/* Does the term of LEN begin with the mechanism NAME, as a whole? */
static int is_term(const char *term, size_t len, const char *name)
{
	size_t want = strlen(name);

	return len >= want && strncasecmp(term, name, want) == 0 &&
	       (len == want || strchr(":=/", term[want]));
}

static int is_all(const char *term, size_t len)
{
	return len == 3 && strncasecmp(term, "all", 3) == 0;
}

/* What is behind the ":" or "="; "" if it is nothing, or too long */
static void copy_target(const char *term, size_t len, char *out)
{
	size_t skip = strcspn(term, ":=") + 1;

	out[0] = '\0';
	if (skip < len && len - skip < TP_RECORD_NAME_BYTES)
		(void)snprintf(out, TP_RECORD_NAME_BYTES, "%.*s",
			(int)(len - skip), term + skip);
}

static void read_record(const char *record, struct tp_spf *spf_out)
{
	const char *at = record;
	const char *term;
	size_t len;
	char sign;

	spf_out->record = record;
	while ((len = next_term(&at, &term, &sign)) > 0) {
		if (is_all(term, len) && !spf_out->all)
			spf_out->all = sign;
		if (is_term(term, len, "redirect"))
			copy_target(term, len, spf_out->redirect);
	}
	if (spf_out->all)
		spf_out->redirect[0] = '\0';
}

void tp_spf_read(const struct tp_dns_texts *texts, struct tp_spf *spf_out)
{
	size_t i;

	*spf_out = (struct tp_spf) { .count = 0 };
	for (i = 0; i < texts->count; i++)
		if (tp_is_spf(texts->items[i]) && spf_out->count++ == 0)
			read_record(texts->items[i], spf_out);
}

static int looks_up(const char *term, size_t len)
{
	static const char *const names[] = { "include", "a", "mx", "ptr",
		"exists" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_term(term, len, names[i]))
			return 1;
	return 0;
}

int tp_spf_next(const char **at, struct tp_spf_term *term_out)
{
	const char *term;
	size_t len;
	char sign;

	while ((len = next_term(at, &term, &sign)) > 0 && !is_all(term, len)) {
		if (!looks_up(term, len))
			continue;
		term_out->permits = sign == '+';
		term_out->include[0] = '\0';
		if (is_term(term, len, "include"))
			copy_target(term, len, term_out->include);
		return 1;
	}
	return 0;
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

/* The version is the first tag; "v=DMARC10" is something else. */
int tp_is_dmarc(const char *text)
{
	static const char version[] = "v=DMARC1";
	size_t len = sizeof(version) - 1;

	if (strncasecmp(text, version, len) != 0)
		return 0;
	text = skip_blanks(text + len);
	return *text == ';' || *text == '\0';
}

static void copy_tag(const char *text, const char *tag, char *out, size_t size)
{
	size_t len = 0;
	const char *value = tag_value(text, tag, &len);

	(void)snprintf(out, size, "%.*s", (int)len, value ? value : "");
}

void tp_dmarc_read(const struct tp_dns_texts *texts, struct tp_dmarc *dmarc_out)
{
	size_t i;

	*dmarc_out = (struct tp_dmarc) { .count = 0 };
	for (i = 0; i < texts->count; i++) {
		const char *text = texts->items[i];
		char value[16];

		if (!tp_is_dmarc(text) || dmarc_out->count++ > 0)
			continue;
		copy_tag(text, "p", dmarc_out->policy,
			sizeof(dmarc_out->policy));
		copy_tag(text, "sp", dmarc_out->sub_policy,
			sizeof(dmarc_out->sub_policy));
		copy_tag(text, "rua", value, sizeof(value));
		dmarc_out->has_reports = strchr(value, ':') != NULL;
		copy_tag(text, "aspf", value, sizeof(value));
		dmarc_out->is_strict = strcasecmp(value, "s") == 0;
	}
}

/* @return the policy as it is spelt in RFC 7489, NULL if TEXT is none */
static const char *policy_of(const char *text)
{
	static const char *const names[] = { "none", "quarantine", "reject" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(text, names[i]) == 0)
			return names[i];
	return NULL;
}

const char *tp_dmarc_policy(const struct tp_dmarc *dmarc, int is_subdomain)
{
	const char *policy = policy_of(dmarc->policy);
	const char *below = policy_of(dmarc->sub_policy);

	if (policy && (below || !dmarc->sub_policy[0]))
		return is_subdomain && below ? below : policy;
	return dmarc->has_reports ? "none" : NULL;
}

/* A key needs no version, but another one is something else. */
int tp_is_dkim(const char *text)
{
	size_t len;
	const char *version = tag_value(text, "v", &len);

	if (version && (len != 5 || strncmp(version, "DKIM1", len) != 0))
		return 0;
	return tag_value(text, "p", &len) != NULL;
}

enum tp_dkim tp_dkim_read(const struct tp_dns_texts *texts)
{
	enum tp_dkim found = TP_DKIM_NONE;
	size_t len;
	size_t i;

	for (i = 0; i < texts->count; i++) {
		if (!tp_is_dkim(texts->items[i]))
			continue;
		(void)tag_value(texts->items[i], "p", &len);
		if (len > 0)
			return TP_DKIM_KEY;
		found = TP_DKIM_REVOKED;
	}
	return found;
}

/* ---- domains ---------------------------------------------------------- */

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

/* Labels under which registries of countries sell names, as in "co.uk". */
static int is_registry_label(const char *label, size_t len)
{
	static const char *const names[] = { "ac", "asn", "asso", "co", "com",
		"edu", "firm", "gen", "go", "gob", "gouv", "gov", "govt", "gv",
		"id", "idv", "ind", "ltd", "mil", "ne", "net", "nhs", "nic",
		"nom", "or", "org", "plc", "police", "res", "sch", "school" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len &&
			strncasecmp(label, names[i], len) == 0)
			return 1;
	return 0;
}

/* The beginning of the label that ends before END */
static const char *label_before(const char *name, const char *end)
{
	while (end > name && end[-1] != '.')
		end--;
	return end;
}

const char *tp_domain_org(const char *name)
{
	const char *end = name + strlen(name);
	const char *top;
	const char *second;

	if (end > name && end[-1] == '.')
		end--;
	top = label_before(name, end);
	if (top == name)
		return name;
	second = label_before(name, top - 1);
	if (second == name || end - top != 2 ||
		!is_registry_label(second, (size_t)(top - 1 - second)))
		return second;
	return label_before(name, second - 1);
}
