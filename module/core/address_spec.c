/*
 * address_spec.c - the strict half of the address parser: one addr-spec
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/address_spec.h"

#include "base/text.h"

#include <stdint.h>
#include <string.h>

#define LOCAL_MAX 64
#define LABEL_MAX 63
#define DOMAIN_MAX 255

/* Characters that have no glyph, break lines in some reader, or that IDNA
 * mapping (UTS 46) and compatibility forms turn into ASCII. */
static const struct {
	uint32_t first;
	uint32_t last;
} refused_points[] = {
	{ 0x0080, 0x00a0 }, /* C1, no-break space */
	{ 0x00ad, 0x00ad }, /* soft hyphen */
	{ 0x034f, 0x034f }, /* grapheme joiner */
	{ 0x061c, 0x061c }, /* bidi mark */
	{ 0x1680, 0x1680 }, /* ogham space */
	{ 0x180e, 0x180e }, /* vowel separator */
	{ 0x2000, 0x200b }, /* spaces */
	{ 0x200e, 0x200f }, /* bidi marks */
	{ 0x2024, 0x2026 }, /* dot leaders */
	{ 0x2028, 0x202f }, /* line separators, bidi embeddings */
	{ 0x205f, 0x206f }, /* invisible operators, bidi isolates */
	{ 0x3000, 0x3002 }, /* ideographic space and full stop */
	{ 0xfe50, 0xfe6b }, /* small forms */
	{ 0xfeff, 0xfeff }, /* byte order mark */
	{ 0xff01, 0xff61 }, /* full-width ASCII, half-width full stop */
	{ 0xfff0, 0xffff }, /* specials */
};

static int fail(const char **why_out, const char *why)
{
	*why_out = why;
	return TP_EADDRESS;
}

static int alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

static int high(char c)
{
	return ((unsigned char)c & 0x80) != 0;
}

int tp_address_atext(char c)
{
	return alnum(c) || high(c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static uint32_t code_point(const char *s, size_t step)
{
	uint32_t point = (unsigned char)s[0];
	size_t i;

	if (step > 1)
		point &= 0x7fU >> step;
	for (i = 1; i < step; i++)
		point = point << 6 | ((unsigned char)s[i] & 0x3fU);
	return point;
}

static int point_refused(uint32_t point)
{
	size_t i;

	for (i = 0; i < sizeof(refused_points) / sizeof(refused_points[0]); i++)
		if (point >= refused_points[i].first &&
			point <= refused_points[i].last)
			return 1;
	return 0;
}

static int check_unicode(
	const char *s, size_t len, int *non_ascii, const char **why_out)
{
	while (len > 0) {
		size_t step = tp_utf8_sequence(s, len);

		if (step == 0)
			return fail(why_out, "not valid UTF-8");
		if (step > 1) {
			*non_ascii = 1;
			if (point_refused(code_point(s, step)))
				return fail(why_out,
					"invisible or look-alike character");
		}
		s += step;
		len -= step;
	}
	return TP_OK;
}

/* ---- local part --------------------------------------------------------- */

const char *tp_address_quoted_end(
	const char *s, const char *end, int fold, const char **why_out)
{
	for (s++; s < end && *s != '"'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\\') {
			if (s + 1 == end)
				break;
			c = (unsigned char)*++s;
		} else if (fold && (c == '\r' || c == '\n')) {
			if (c == '\r' && s + 1 < end && s[1] == '\n')
				s++;
			if (*s == '\n' && s + 1 < end &&
				(s[1] == ' ' || s[1] == '\t'))
				continue;
		}
		if ((c < 0x20 && c != '\t') || c == 0x7f) {
			*why_out = "control character in a quoted string";
			return NULL;
		}
	}
	if (s < end && *s == '"')
		return s + 1;
	*why_out = "quotation mark is not closed";
	return NULL;
}

static int dot_atom(const char *s, size_t len)
{
	size_t i;

	if (len == 0 || s[0] == '.' || s[len - 1] == '.')
		return 0;
	for (i = 0; i < len; i++)
		if (!tp_address_atext(s[i]) && (s[i] != '.' || s[i - 1] == '.'))
			return 0;
	return 1;
}

/* The content of a quoted string, without folds and escapes. */
static int unquote(const char *s, size_t len, char *out, size_t *out_len,
	const char **why_out)
{
	size_t i;

	*out_len = 0;
	for (i = 1; i + 1 < len; i++) {
		if (s[i] == '\r' || s[i] == '\n')
			continue;
		if (s[i] == '\\')
			i++;
		if (s[i] == '\t')
			return fail(why_out, "TAB in the local part");
		if (*out_len == LOCAL_MAX)
			return fail(
				why_out, "local part is longer than 64 octets");
		out[(*out_len)++] = s[i];
	}
	return TP_OK;
}

static int put(struct tp_address_spec *spec, char c)
{
	if (spec->len == TP_ADDRESS_MAX_BYTES)
		return TP_EADDRESS;
	spec->text[spec->len++] = c;
	spec->text[spec->len] = '\0';
	return TP_OK;
}

static int put_local(struct tp_address_spec *spec, const char *s, size_t len)
{
	int quote = !dot_atom(s, len);
	int rc = TP_OK;
	size_t i;

	if (quote)
		rc = put(spec, '"');
	for (i = 0; i < len && rc >= 0; i++) {
		if (quote && (s[i] == '"' || s[i] == '\\'))
			rc = put(spec, '\\');
		if (rc >= 0)
			rc = put(spec, s[i]);
	}
	if (quote && rc >= 0)
		rc = put(spec, '"');
	return rc;
}

int tp_address_spec_local(struct tp_address_spec *spec, const char *s,
	size_t len, const char **why_out)
{
	char content[LOCAL_MAX];

	spec->len = 0;
	spec->text[0] = '\0';
	spec->non_ascii = 0;
	if (len > 0 && s[0] == '"') {
		if (unquote(s, len, content, &len, why_out) < 0)
			return TP_EADDRESS;
		s = content;
	} else if (len > 0 && !dot_atom(s, len)) {
		return fail(why_out, "local part is not a dot-atom (quote it)");
	}
	if (len == 0)
		return fail(why_out, "local part is empty");
	if (s[0] == '-')
		return fail(why_out, "local part starts with '-'");
	if (check_unicode(s, len, &spec->non_ascii, why_out) < 0)
		return TP_EADDRESS;
	if (put_local(spec, s, len) < 0 || spec->len > LOCAL_MAX)
		return fail(why_out, "local part is longer than 64 octets");
	return TP_OK;
}

/* ---- domain ------------------------------------------------------------- */

/* Dotted decimal, no leading zeros, nothing after it. */
static int ipv4(const char *s, size_t len)
{
	size_t at = 0;
	int part;

	for (part = 0; part < 4; part++) {
		int value = 0;
		size_t start = at;

		if (part > 0 && (at >= len || s[at++] != '.'))
			return 0;
		start = at;
		while (at < len && s[at] >= '0' && s[at] <= '9' &&
			at - start < 3)
			value = value * 10 + (s[at++] - '0');
		if (at == start || value > 255 ||
			(at - start > 1 && s[start] == '0'))
			return 0;
	}
	return at == len;
}

static int hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

/* RFC 4291 2.2: eight groups, or fewer with one "::"; the last two groups
 * may be an IPv4 address. */
static int ipv6(const char *s, size_t len)
{
	size_t at = 0;
	int groups = 0;
	int gap = 0;

	if (len >= 2 && s[0] == ':' && s[1] == ':') {
		gap = 1;
		at = 2;
	}
	while (at < len) {
		size_t start = at;

		while (at < len && hex(s[at]))
			at++;
		if (at < len && s[at] == '.') {
			groups += 2;
			if (!ipv4(s + start, len - start))
				return 0;
			break;
		}
		if (at == start || at - start > 4)
			return 0;
		groups++;
		if (at == len)
			break;
		if (s[at++] != ':' || at == len)
			return 0;
		if (s[at] == ':') {
			if (gap++)
				return 0;
			at++;
		}
	}
	return gap ? groups <= 7 : groups == 8;
}

static int literal(const char *s, size_t len)
{
	if (len < 3 || s[len - 1] != ']')
		return 0;
	s++;
	len -= 2;
	if (len > 5 && tp_strncasecmp(s, "IPv6:", 5) == 0)
		return ipv6(s + 5, len - 5);
	return ipv4(s, len);
}

static int label(const char *s, size_t len, const char **why_out)
{
	int ascii = 1;
	size_t i;

	if (len == 0)
		return fail(why_out, "domain has an empty label");
	for (i = 0; i < len; i++) {
		if (high(s[i]))
			ascii = 0;
		else if (!alnum(s[i]) && s[i] != '-')
			return fail(
				why_out, "character not allowed in a domain");
	}
	if (s[0] == '-' || s[len - 1] == '-')
		return fail(why_out, "domain label starts or ends with '-'");
	/* The limit of a U-label is that of its A-label, not of its octets. */
	if (ascii && len > LABEL_MAX)
		return fail(why_out, "domain label is longer than 63 octets");
	return TP_OK;
}

static int check_domain(
	const char *s, size_t len, int *non_ascii, const char **why_out)
{
	size_t start = 0;
	size_t at;

	if (len == 0)
		return fail(why_out, "domain is empty");
	if (len > DOMAIN_MAX)
		return fail(why_out, "domain is longer than 255 octets");
	if (s[0] == '[')
		return literal(s, len) ? TP_OK
				       : fail(why_out, "address literal is not "
						       "[IPv4] or [IPv6:...]");
	if (ipv4(s, len))
		return fail(why_out, "IP address without brackets");
	for (at = 0; at <= len; at++) {
		if (at < len && s[at] != '.')
			continue;
		if (label(s + start, at - start, why_out) < 0)
			return TP_EADDRESS;
		start = at + 1;
	}
	return check_unicode(s, len, non_ascii, why_out);
}

int tp_address_spec_domain(struct tp_address_spec *spec, const char *s,
	size_t len, const char **why_out)
{
	if (check_domain(s, len, &spec->non_ascii, why_out) < 0)
		return TP_EADDRESS;
	if (spec->len + 1 + len > TP_ADDRESS_MAX_BYTES)
		return fail(why_out, "address is longer than 254 octets");
	spec->text[spec->len++] = '@';
	memcpy(spec->text + spec->len, s, len);
	spec->len += len;
	spec->text[spec->len] = '\0';
	return TP_OK;
}

int tp_domain_valid(const char *domain, size_t len)
{
	const char *why;
	int non_ascii = 0;

	return check_domain(domain, len, &non_ascii, &why) == TP_OK &&
	       !non_ascii;
}
