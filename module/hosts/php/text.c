/*
 * text.c - a string that is put together piece by piece
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/text.h"

#include <string.h>

/* Not twice as much each time: a mail may be large, and PHP's memory limit
 * counts what is unused. */
#define STEP_BYTES 4096
#define FIRST_BYTES 200

static void make_room(struct tp_php_text *text, size_t more)
{
	size_t used = text->s ? ZSTR_LEN(text->s) : 0;
	size_t needed = zend_safe_address_guarded(1, used, more);

	if (text->s && needed <= text->cap)
		return;
	text->cap = needed <= FIRST_BYTES
			    ? FIRST_BYTES
			    : zend_safe_address_guarded(
				      needed / STEP_BYTES + 1, STEP_BYTES, 0);
	text->s = text->s ? zend_string_extend(text->s, text->cap, 0)
			  : zend_string_alloc(text->cap, 0);
	ZSTR_LEN(text->s) = used;
}

void tp_php_text_add(struct tp_php_text *text, const char *more, size_t len)
{
	make_room(text, len);
	memcpy(ZSTR_VAL(text->s) + ZSTR_LEN(text->s), more, len);
	ZSTR_LEN(text->s) += len;
}

void tp_php_text_adds(struct tp_php_text *text, const char *more)
{
	tp_php_text_add(text, more, strlen(more));
}

void tp_php_text_addc(struct tp_php_text *text, char c)
{
	tp_php_text_add(text, &c, 1);
}

void tp_php_text_add_string(struct tp_php_text *text, const zend_string *more)
{
	tp_php_text_add(text, ZSTR_VAL(more), ZSTR_LEN(more));
}

void tp_php_text_add_long(struct tp_php_text *text, zend_long number)
{
	char digits[32];

	(void)snprintf(digits, sizeof(digits), "%lld", (long long)number);
	tp_php_text_adds(text, digits);
}

zend_string *tp_php_text_take(struct tp_php_text *text)
{
	zend_string *s = text->s;

	if (!s)
		return ZSTR_EMPTY_ALLOC();
	*text = (struct tp_php_text) { NULL, 0 };
	s = zend_string_realloc(s, ZSTR_LEN(s), 0);
	ZSTR_VAL(s)[ZSTR_LEN(s)] = '\0';
	return s;
}
