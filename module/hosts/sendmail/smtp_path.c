/*
 * smtp_path.c - the paths of MAIL and RCPT
 *
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/smtp_path.h"

#include <stddef.h>
#include <string.h>

#define LOCAL_MAX_BYTES 64
#define ADDRESS_MAX_BYTES 254

static int is_8bit(char c)
{
	return (unsigned char)c >= 0x80;
}

static int is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* atext and the dot (RFC 5322 3.2.3), UTF-8 (RFC 6531 3.3) */
static int is_local(char c)
{
	return is_alnum(c) || is_8bit(c) ||
	       (c != '\0' && strchr(".!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static int is_domain(char c)
{
	return is_alnum(c) || is_8bit(c) || c == '.' || c == '-' || c == '_';
}

static int is_literal(char c)
{
	return is_alnum(c) || c == '.' || c == ':' || c == '-';
}

static const char *skip_while(const char *at, int (*is)(char))
{
	while (is(*at))
		at++;
	return at;
}

/* @return behind the closing mark, or NULL */
static const char *skip_quoted(const char *at)
{
	for (at++; *at != '\0' && *at != '"'; at++) {
		if (*at == '\\')
			at++;
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return NULL;
	}
	return *at == '"' ? at + 1 : NULL;
}

static const char *skip_literal(const char *at)
{
	at = skip_while(at + 1, is_literal);
	return *at == ']' ? at + 1 : NULL;
}

/* @return behind the address, or NULL */
static const char *skip_address(const char *start)
{
	const char *at = *start == '"' ? skip_quoted(start)
				       : skip_while(start, is_local);
	const char *domain;

	if (!at || at == start || at - start > LOCAL_MAX_BYTES)
		return NULL;
	if (*at != '@')
		return at;
	domain = ++at;
	at = *at == '[' ? skip_literal(at) : skip_while(at, is_domain);
	return at == domain ? NULL : at;
}

int tp_smtp_path_read(const char **at, char path_out[TP_SMTP_PATH_BYTES])
{
	const char *start = *at + 1;
	const char *end = start;

	path_out[0] = '\0';
	if (**at != '<')
		return -1;
	if (*start != '>')
		end = skip_address(start);
	if (!end || *end != '>' || end - start > ADDRESS_MAX_BYTES)
		return -1;
	memcpy(path_out, start, (size_t)(end - start));
	path_out[end - start] = '\0';
	*at = end + 1;
	return 0;
}

int tp_smtp_path_8bit(const char *s)
{
	for (; *s != '\0'; s++)
		if (is_8bit(*s))
			return 1;
	return 0;
}
