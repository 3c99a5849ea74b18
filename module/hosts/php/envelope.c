/*
 * envelope.c - sender and recipients in the options of a sendmail command
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/envelope.h"

#include "php/lend.h"
#include "php/words.h"

#include <string.h>

#define STORE_OPTION "--store"
/* Not a letter: --store waits for its value. */
#define PENDING_STORE '-'

/* The letters of sendmail options that have a value, attached or following. */
static bool has_value(char letter)
{
	return letter != '\0' && strchr("ABCFLNORVXbdfhopqr", letter) != NULL;
}

/* "<a@b>" and "a@b" are the same address. */
static zend_string *without_brackets(const char *address)
{
	size_t len = strlen(address);

	if (len >= 2 && address[0] == '<' && address[len - 1] == '>')
		return zend_string_init(address + 1, len - 2, 0);
	return zend_string_init(address, len, 0);
}

static void replace(zend_string **at, zend_string *value)
{
	if (*at)
		zend_string_release(*at);
	*at = value;
}

/* The name of a user of the system is no sender that a relay would take. */
static void take_sender(struct tp_php_options *options, const char *value)
{
	zend_string *sender = without_brackets(value);

	if (ZSTR_LEN(sender) > 0 && !strchr(ZSTR_VAL(sender), '@')) {
		zend_string_release(sender);
		sender = NULL;
	}
	replace(&options->envelope->sender, sender);
}

static void take_value(
	struct tp_php_options *options, char letter, const char *value)
{
	if (letter == 'f' || letter == 'r')
		take_sender(options, value);
	else if (letter == PENDING_STORE)
		replace(&options->envelope->store,
			zend_string_init(value, strlen(value), 0));
}

static void take_recipient(struct tp_php_options *options, const char *word)
{
	struct tp_php_envelope *envelope = options->envelope;

	if (!options->recipients || word[0] == '\0')
		return;
	envelope->recipients = safe_erealloc((void *)envelope->recipients,
		envelope->recipient_count + 1, sizeof(char *), 0);
	envelope->recipients[envelope->recipient_count++] = estrdup(word);
}

static void long_option(struct tp_php_options *options, const char *word)
{
	size_t len = sizeof(STORE_OPTION) - 1;

	if (strncmp(word, STORE_OPTION, len) != 0)
		return;
	if (word[len] == '=')
		take_value(options, PENDING_STORE, word + len + 1);
	else if (word[len] == '\0')
		options->pending = PENDING_STORE;
}

/* "-ti", "-fa@b", "-tf" with the value in the next word */
static void letters(struct tp_php_options *options, const char *at)
{
	while (*at != '\0' && !has_value(*at))
		at++;
	if (*at == '\0')
		return;
	if (at[1] == '\0')
		options->pending = *at;
	else
		take_value(options, *at, at + 1);
}

void tp_php_options_word(struct tp_php_options *options, const char *word)
{
	if (options->pending) {
		take_value(options, options->pending, word);
		options->pending = '\0';
	} else if (options->over || word[0] != '-' || word[1] == '\0') {
		take_recipient(options, word);
	} else if (strcmp(word, "--") == 0) {
		options->over = true;
	} else if (word[1] == '-') {
		long_option(options, word);
	} else {
		letters(options, word + 1);
	}
}

static void read_words(struct tp_php_options *options, const char *at)
{
	zend_string *word;

	while ((word = tp_php_word(&at)) != NULL) {
		tp_php_options_word(options, ZSTR_VAL(word));
		zend_string_release(word);
	}
}

void tp_php_envelope_read(
	struct tp_php_envelope *envelope_out, const char *parameters)
{
	struct tp_php_options options = { .envelope = envelope_out };
	const char *command = tp_php_sendmail_path();
	zend_string *program;

	*envelope_out = (struct tp_php_envelope) { .sender = NULL };
	if (command) {
		program = tp_php_word(&command);
		if (program)
			zend_string_release(program);
		read_words(&options, command);
	}
	options.recipients = true;
	if (parameters)
		read_words(&options, parameters);
}

void tp_php_envelope_free(struct tp_php_envelope *envelope)
{
	uint32_t i;

	replace(&envelope->sender, NULL);
	replace(&envelope->store, NULL);
	for (i = 0; i < envelope->recipient_count; i++)
		efree((void *)envelope->recipients[i]);
	if (envelope->recipients)
		efree((void *)envelope->recipients);
	*envelope = (struct tp_php_envelope) { .sender = NULL };
}
