/*
 * ehlo.c - what a server says it can do
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/ehlo.h"

#include "base/text.h"
#include "core/auth_choice.h"

#include <string.h>

struct word {
	const char *at;
	size_t len;
};

static int word_is(struct word word, const char *name)
{
	return word.len == strlen(name) &&
	       tp_strncasecmp(word.at, name, word.len) == 0;
}

/* The next run of bytes that are neither space nor tab; len 0 at the end.
 * *at moves behind it. */
static struct word next_word(const char **at, const char *end)
{
	struct word word;

	while (*at < end && (**at == ' ' || **at == '\t'))
		(*at)++;
	word.at = *at;
	while (*at < end && **at != ' ' && **at != '\t')
		(*at)++;
	word.len = (size_t)(*at - word.at);
	return word;
}

static int64_t parse_size(struct word word)
{
	int64_t value = 0;
	size_t i;

	for (i = 0; i < word.len; i++) {
		char c = word.at[i];

		if (c < '0' || c > '9')
			return 0;
		if (value > (INT64_MAX - 9) / 10)
			return INT64_MAX;
		value = value * 10 + (c - '0');
	}
	return value;
}

/* sasl-mech of RFC 4422 3.1: what may safely be shown as it is. */
static int is_mechanism(struct word word)
{
	size_t i;

	if (word.len > 20)
		return 0;
	for (i = 0; i < word.len; i++) {
		int c = tp_ascii_lower((unsigned char)word.at[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
			c != '-' && c != '_')
			return 0;
	}
	return 1;
}

static void remember_offer(struct tp_ehlo *ehlo, struct word word)
{
	size_t used = strlen(ehlo->auth_offered);

	if (used + 1 + word.len >= sizeof(ehlo->auth_offered))
		return;
	if (used > 0)
		ehlo->auth_offered[used++] = ' ';
	memcpy(ehlo->auth_offered + used, word.at, word.len);
	ehlo->auth_offered[used + word.len] = '\0';
}

static void parse_auth(struct tp_ehlo *ehlo, const char *at, const char *end)
{
	struct word word;
	int mode;

	while ((word = next_word(&at, end)).len > 0) {
		if (!is_mechanism(word))
			continue;
		for (mode = TP_AUTH_PLAIN; mode <= TP_AUTH_OAUTHBEARER; mode++)
			if (word_is(word, tp_auth_mechanism(mode)))
				ehlo->auth_mask |= TP_EHLO_AUTH(mode);
		remember_offer(ehlo, word);
	}
}

static void parse_keyword(struct tp_ehlo *ehlo, const char *at, const char *end)
{
	struct word word = next_word(&at, end);

	if (word_is(word, "STARTTLS"))
		ehlo->starttls = 1;
	else if (word_is(word, "8BITMIME"))
		ehlo->eight_bit_mime = 1;
	else if (word_is(word, "SMTPUTF8"))
		ehlo->smtputf8 = 1;
	else if (word_is(word, "PIPELINING"))
		ehlo->pipelining = 1;
	else if (word_is(word, "SIZE"))
		ehlo->size_max_bytes = parse_size(next_word(&at, end));
	else if (word_is(word, "AUTH"))
		parse_auth(ehlo, at, end);
	else if (word.len > 5 && tp_strncasecmp(word.at, "AUTH=", 5) == 0)
		/* The form that was in use before RFC 2554 was published;
		 * some servers still show only this one. */
		parse_auth(ehlo, word.at + 5, end);
}

int tp_ehlo_parse(const char *lines, size_t len, struct tp_ehlo *ehlo_out,
	struct tp_error *err)
{
	const char *at = lines;
	const char *end = lines + len;
	int count;

	memset(ehlo_out, 0, sizeof(*ehlo_out));
	for (count = 0; at < end; count++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		if (count > TP_EHLO_KEYWORDS_MAX)
			return tp_fail(err, TP_EPROTO, "ehlo",
				"the server announces more than %d keywords",
				TP_EHLO_KEYWORDS_MAX);
		if (!stop)
			stop = end;
		if (count > 0)
			parse_keyword(ehlo_out, at, stop);
		at = stop + (stop < end);
	}
	return TP_OK;
}
