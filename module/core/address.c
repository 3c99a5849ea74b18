/*
 * address.c - strict parser for mail addresses
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/address.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/address_spec.h"

#include <string.h>

#define COMMENT_DEPTH_MAX 8

/* The one position that only moves forward: what makes the parser linear. */
struct cursor {
	const char *start;
	const char *at;
	const char *end;
	size_t number; /* of the address in the list, from 1 */
	const char *where;
	struct tp_error *err;
};

/* Words before '<', '@' or ':'. */
struct phrase {
	const char *start;
	const char *end; /* of the last word */
	size_t word_count;
	int only_name; /* holds what no local part may hold */
};

/* One mailbox as found. */
struct mailbox {
	struct tp_address_spec spec;
	const char *name; /* NULL if none */
	size_t name_len;
};

enum element { ELEMENT_EMPTY, ELEMENT_MAILBOX, ELEMENT_GROUP };

static int refuse(const struct cursor *cur, const char *why)
{
	return tp_fail(cur->err, TP_EADDRESS, cur->where,
		"address %zu (at byte %zu): %s", cur->number,
		(size_t)(cur->at - cur->start) + 1, why);
}

/* @return the next byte, or 0 at the end; a NUL in the text is refused by
 *         every caller because nothing accepts it */
static char peek(const struct cursor *cur)
{
	return cur->at < cur->end ? *cur->at : '\0';
}

static int blank(char c)
{
	return c == ' ' || c == '\t';
}

/* ---- white space and comments ------------------------------------------- */

/* Steps over CRLF or LF if a blank follows. @return 1 if it did */
static int skip_fold(struct cursor *cur)
{
	const char *at = cur->at;

	if (at < cur->end && *at == '\r')
		at++;
	if (at + 1 >= cur->end || *at != '\n' || !blank(at[1]))
		return 0;
	cur->at = at + 1;
	return 1;
}

static int skip_comment(struct cursor *cur)
{
	int depth = 0;

	do {
		unsigned char c = (unsigned char)peek(cur);

		if (cur->at >= cur->end)
			return refuse(cur, "comment is not closed");
		if ((c == '\r' || c == '\n') && skip_fold(cur))
			continue;
		if (c == '\\' && cur->at + 1 < cur->end)
			c = (unsigned char)*++cur->at;
		else if (c == '(' && ++depth > COMMENT_DEPTH_MAX)
			return refuse(cur, "comments nest too deeply");
		else if (c == ')')
			depth--;
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return refuse(cur, "control character in a comment");
		cur->at++;
	} while (depth > 0);
	return TP_OK;
}

static int skip_cfws(struct cursor *cur)
{
	for (;;) {
		char c = peek(cur);

		if (blank(c)) {
			cur->at++;
		} else if (c == '(') {
			if (skip_comment(cur) < 0)
				return TP_EADDRESS;
		} else if ((c != '\r' && c != '\n') || !skip_fold(cur)) {
			return TP_OK;
		}
	}
}

/* ---- words -------------------------------------------------------------- */

static int skip_quoted(struct cursor *cur)
{
	const char *why = "";
	const char *end = tp_address_quoted_end(cur->at, cur->end, 1, &why);

	if (!end)
		return refuse(cur, why);
	cur->at = end;
	return TP_OK;
}

static void skip_dot_atom(struct cursor *cur)
{
	while (cur->at < cur->end &&
		(tp_address_atext(*cur->at) || *cur->at == '.'))
		cur->at++;
}

/* One word of a phrase. @return 1, 0 if the next byte starts none */
static int skip_word(struct cursor *cur, struct phrase *phrase)
{
	char c = peek(cur);
	int rc = 1;

	if (c == '"') {
		if (skip_quoted(cur) < 0)
			return TP_EADDRESS;
	} else if (c == '.' || tp_address_atext(c)) {
		skip_dot_atom(cur);
	} else if (c == '[' || c == ']') {
		phrase->only_name = 1;
		cur->at++;
	} else {
		rc = 0;
	}
	if (rc == 1) {
		phrase->word_count++;
		phrase->end = cur->at;
	}
	return rc;
}

static int parse_phrase(struct cursor *cur, struct phrase *phrase)
{
	int rc;

	if (skip_cfws(cur) < 0)
		return TP_EADDRESS;
	*phrase = (struct phrase) { cur->at, cur->at, 0, 0 };
	while ((rc = skip_word(cur, phrase)) == 1)
		if (skip_cfws(cur) < 0)
			return TP_EADDRESS;
	return rc;
}

/* ---- mailboxes ---------------------------------------------------------- */

/* '@' and the domain, after the local part is in SPEC. */
static int parse_domain(struct cursor *cur, struct tp_address_spec *spec)
{
	const char *why = "";
	const char *start;

	cur->at++;
	if (skip_cfws(cur) < 0)
		return TP_EADDRESS;
	start = cur->at;
	if (peek(cur) == '[') {
		while (cur->at < cur->end && *cur->at != ']')
			cur->at++;
		if (cur->at < cur->end)
			cur->at++;
	} else {
		skip_dot_atom(cur);
	}
	if (tp_address_spec_domain(
		    spec, start, (size_t)(cur->at - start), &why) < 0)
		return refuse(cur, why);
	return TP_OK;
}

static int parse_local(struct cursor *cur, const struct phrase *word,
	struct tp_address_spec *spec)
{
	const char *why = "";

	if (word->word_count != 1 || word->only_name)
		return refuse(cur, word->word_count == 0
					   ? "nothing before '@'"
					   : "more than one word before '@'");
	if (tp_address_spec_local(spec, word->start,
		    (size_t)(word->end - word->start), &why) < 0)
		return refuse(cur, why);
	return TP_OK;
}

static int parse_angle(struct cursor *cur, struct tp_address_spec *spec)
{
	struct phrase word;

	cur->at++;
	if (parse_phrase(cur, &word) < 0)
		return TP_EADDRESS;
	if (word.word_count == 0 && peek(cur) == '@')
		return refuse(cur, "source routes are obsolete");
	if (word.word_count == 0 && peek(cur) == '>')
		return refuse(cur, "empty address");
	if (peek(cur) != '@')
		return refuse(cur, "expected local@domain between '<' and '>'");
	if (parse_local(cur, &word, spec) < 0 || parse_domain(cur, spec) < 0 ||
		skip_cfws(cur) < 0)
		return TP_EADDRESS;
	if (peek(cur) != '>')
		return refuse(cur, "expected '>'");
	cur->at++;
	return TP_OK;
}

/* "a@b <a@b>" is no address by the RFC, yet much used and clear; with two
 * different addresses readers would disagree on who is meant. */
static int parse_bare(
	struct cursor *cur, const struct phrase *word, struct mailbox *box)
{
	struct tp_address_spec bare;
	const char *end;

	if (parse_local(cur, word, &box->spec) < 0 ||
		parse_domain(cur, &box->spec) < 0)
		return TP_EADDRESS;
	end = cur->at;
	if (skip_cfws(cur) < 0)
		return TP_EADDRESS;
	if (peek(cur) != '<')
		return ELEMENT_MAILBOX;
	bare = box->spec;
	if (parse_angle(cur, &box->spec) < 0)
		return TP_EADDRESS;
	if (tp_address_compare(bare.text, box->spec.text) != 0)
		return refuse(
			cur, "the name is another address (put it in quotes)");
	box->name = word->start;
	box->name_len = (size_t)(end - word->start);
	return ELEMENT_MAILBOX;
}

static int parse_element(struct cursor *cur, struct mailbox *box)
{
	struct phrase phrase;

	box->name = NULL;
	if (parse_phrase(cur, &phrase) < 0)
		return TP_EADDRESS;
	switch (peek(cur)) {
	case '@':
		return parse_bare(cur, &phrase, box);
	case '<':
		if (phrase.word_count > 0) {
			box->name = phrase.start;
			box->name_len = (size_t)(phrase.end - phrase.start);
		}
		return parse_angle(cur, &box->spec) < 0 ? TP_EADDRESS
							: ELEMENT_MAILBOX;
	case ':':
		if (phrase.word_count == 0)
			return refuse(cur, "group without a name");
		cur->at++;
		return ELEMENT_GROUP;
	default:
		break;
	}
	if (phrase.word_count > 0)
		return refuse(cur, "no '@' (a name with a comma needs quotes)");
	return ELEMENT_EMPTY;
}

/* ---- lists -------------------------------------------------------------- */

/* The only line breaks inside a parsed name are folds. */
static char *unfolded(const char *s, size_t len)
{
	char *copy = tp_alloc(len + 1);
	size_t used = 0;
	size_t i;

	for (i = 0; copy && i < len; i++)
		if (s[i] != '\r' && s[i] != '\n')
			copy[used++] = s[i];
	return copy;
}

static int grow(struct tp_address_list *list)
{
	size_t cap = list->cap ? list->cap * 2 : 8;
	struct tp_address *items;

	if (list->count < list->cap)
		return TP_OK;
	items = tp_realloc(list->items, cap * sizeof(*items));
	if (!items)
		return TP_ENOMEM;
	list->items = items;
	list->cap = cap;
	return TP_OK;
}

static int append(struct cursor *cur, struct tp_address_list *list, size_t max,
	const struct mailbox *box)
{
	struct tp_address item = { NULL, NULL, box->spec.non_ascii };

	if (!list)
		return TP_OK;
	if (list->count >= max)
		return tp_fail(cur->err, TP_ETOOBIG, cur->where,
			"more than %zu addresses", max);
	item.addr = tp_strndup(box->spec.text, box->spec.len);
	if (box->name)
		item.name = unfolded(box->name, box->name_len);
	if (!item.addr || (box->name && !item.name) || grow(list) < 0) {
		tp_free(item.addr);
		tp_free(item.name);
		return tp_fail(
			cur->err, TP_ENOMEM, cur->where, "out of memory");
	}
	list->items[list->count++] = item;
	return TP_OK;
}

/* What may follow an element.
 * @return 1 to go on, 0 at the end */
static int parse_separator(struct cursor *cur, int *in_group)
{
	if (skip_cfws(cur) < 0)
		return TP_EADDRESS;
	if (peek(cur) == ';' && *in_group) {
		*in_group = 0;
		cur->at++;
		if (skip_cfws(cur) < 0)
			return TP_EADDRESS;
	}
	if (cur->at >= cur->end)
		return *in_group ? refuse(cur, "group is not closed by ';'")
				 : 0;
	if (*cur->at == ';')
		return refuse(cur, "';' outside a group (use a comma)");
	if (*cur->at != ',')
		return refuse(cur, "unexpected character");
	cur->at++;
	return 1;
}

int tp_address_list_parse(const char *value, size_t len, size_t max,
	const char *where, struct tp_address_list *list, struct tp_error *err)
{
	struct cursor cur = { value, value, value + len, 1, where, err };
	struct mailbox box;
	int in_group = 0;
	int found;
	int more = 1;

	while (more == 1) {
		int rc = parse_element(&cur, &box);

		if (rc == ELEMENT_GROUP) {
			if (in_group)
				return refuse(&cur, "group inside a group");
			in_group = 1;
			continue;
		}
		found = rc == ELEMENT_MAILBOX;
		if (found)
			rc = append(&cur, list, max, &box);
		if (rc < 0)
			return rc;
		more = parse_separator(&cur, &in_group);
		cur.number += found ? 1 : 0;
	}
	return more;
}

void tp_address_list_free(struct tp_address_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		tp_free(list->items[i].addr);
		tp_free(list->items[i].name);
	}
	tp_free(list->items);
	*list = (struct tp_address_list)TP_ADDRESS_LIST_INIT;
}

/* ---- envelope addresses ------------------------------------------------- */

/* @return NULL, or the reason to refuse */
static const char *check_plain(const char *addr, struct tp_address_spec *spec)
{
	const char *end = addr + strlen(addr);
	const char *at = addr;
	const char *why = "no '@'";

	if (addr[0] == '<')
		return "angle brackets do not belong here";
	if (addr[0] == '"')
		at = tp_address_quoted_end(addr, end, 0, &why);
	else
		while (at < end && *at != '@')
			at++;
	if (!at)
		return why;
	if (at == end || *at != '@')
		return "no '@' after the local part";
	if (tp_address_spec_local(spec, addr, (size_t)(at - addr), &why) < 0 ||
		tp_address_spec_domain(
			spec, at + 1, (size_t)(end - at - 1), &why) < 0)
		return why;
	return NULL;
}

int tp_address_check(const char *addr, int allow_null, const char *where,
	char **canonical_out, int *non_ascii_out, struct tp_error *err)
{
	struct tp_address_spec spec = { "", 0, 0 };
	const char *why = NULL;

	if (canonical_out)
		*canonical_out = NULL;
	if (addr[0] == '\0' && !allow_null)
		why = "empty address";
	else if (addr[0] != '\0')
		why = check_plain(addr, &spec);
	if (why)
		return tp_fail(err, TP_EADDRESS, where, "%s", why);
	if (non_ascii_out)
		*non_ascii_out = spec.non_ascii;
	if (canonical_out) {
		*canonical_out = tp_strndup(spec.text, spec.len);
		if (!*canonical_out)
			return tp_fail(err, TP_ENOMEM, where, "out of memory");
	}
	return TP_OK;
}

const char *tp_address_domain(const char *addr)
{
	const char *at = strrchr(addr, '@');

	return at ? at + 1 : "";
}

int tp_address_compare(const char *a, const char *b)
{
	const char *domain_a = tp_address_domain(a);
	const char *domain_b = tp_address_domain(b);
	size_t len_a = (size_t)(domain_a - a);
	size_t len_b = (size_t)(domain_b - b);
	int order = tp_strcasecmp(domain_a, domain_b);

	if (order != 0)
		return order;
	if (len_a != len_b)
		return len_a < len_b ? -1 : 1;
	return memcmp(a, b, len_a);
}

int tp_address_list_add(struct tp_address_list *list, const char *addr,
	const char *where, struct tp_error *err)
{
	struct tp_address item = { NULL, NULL, 0 };
	int rc = tp_address_check(
		addr, 0, where, &item.addr, &item.non_ascii, err);

	if (rc < 0)
		return rc;
	if (grow(list) < 0) {
		tp_free(item.addr);
		return tp_fail(err, TP_ENOMEM, where, "out of memory");
	}
	list->items[list->count++] = item;
	return TP_OK;
}
