/*
 * envelope.c - what goes along with the text of a message
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/envelope.h"

#include "common/address_list.h"
#include "php/lend.h"
#include "php/server.h"
#include "php/store.h"
#include "php/words.h"

#include <string.h>

#define STORE_OPTION "--store"
#define VARIABLES "TILLPOST_"

static void replace(zend_string **at, zend_string *value)
{
	if (*at)
		zend_string_release(*at);
	*at = value;
}

/* ---- addresses ---------------------------------------------------------- */

/* The name of a user of the system is no sender that a relay would take. */
static void take_sender(struct tp_php_envelope *envelope, const char *value)
{
	char *address = emalloc(strlen(value) + 1);
	zend_string *sender = ZSTR_EMPTY_ALLOC();
	enum tp_address found = tp_address_next(&value, address);

	if (found == TP_ADDRESS_ONE) {
		sender = tp_address_qualified(address) || address[0] == '\0'
				 ? zend_string_init(address, strlen(address), 0)
				 : NULL;
		found = tp_address_next(&value, address);
	}
	if (found != TP_ADDRESS_END)
		envelope->unclear = "the sender is not one address";
	efree(address);
	replace(&envelope->sender, sender);
}

static void add_recipient(struct tp_php_envelope *envelope, const char *address)
{
	envelope->recipients = safe_erealloc((void *)envelope->recipients,
		envelope->recipient_count + 1, sizeof(char *), 0);
	envelope->recipients[envelope->recipient_count++] = estrdup(address);
}

static void take_recipients(struct tp_php_envelope *envelope, const char *word)
{
	char *address = emalloc(strlen(word) + 1);
	enum tp_address found = tp_address_next(&word, address);

	for (; found == TP_ADDRESS_ONE; found = tp_address_next(&word, address))
		add_recipient(envelope, address);
	if (found != TP_ADDRESS_END)
		envelope->unclear = "a recipient is no address";
	efree(address);
}

/* ---- options ------------------------------------------------------------ */

static void take_store(struct tp_php_envelope *envelope, const char *value)
{
	replace(&envelope->store, zend_string_init(value, strlen(value), 0));
}

static void long_option(struct tp_php_options *options, const char *word)
{
	size_t len = sizeof(STORE_OPTION) - 1;

	if (options->in_parameters || strncmp(word, STORE_OPTION, len) != 0)
		return;
	if (word[len] == '=')
		take_store(options->envelope, word + len + 1);
	else if (word[len] == '\0')
		options->store_waits = true;
}

static void recipient(struct tp_php_options *options, const char *word)
{
	if (options->in_parameters)
		take_recipients(options->envelope, word);
	else
		options->words.over = 0;
}

void tp_php_options_word(struct tp_php_options *options, const char *word)
{
	struct tp_sendmail_words *words = &options->words;

	if (options->store_waits) {
		options->store_waits = false;
		take_store(options->envelope, word);
		return;
	}
	switch (tp_sendmail_words_read(words, word)) {
	case TP_SENDMAIL_WORD_RECIPIENT:
		recipient(options, word);
		break;
	case TP_SENDMAIL_WORD_LONG:
		long_option(options, word);
		break;
	default:
		if (words->value &&
			(words->letter == 'f' || words->letter == 'r'))
			take_sender(options->envelope, words->value);
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

/* ---- the beginning of sendmail_path ------------------------------------- */

/* Variables that are ours mean another store, spool or configuration: the
 * first is understood if the shell has nothing to do to it. */
static void take_variable(struct tp_php_envelope *envelope, const char *word)
{
	size_t len = sizeof(TP_PHP_STORE_VARIABLE) - 1;
	zend_string *value;

	if (strncmp(word, VARIABLES, sizeof(VARIABLES) - 1) != 0)
		return;
	if (tp_php_variable_len(word) == len &&
		strncmp(word, TP_PHP_STORE_VARIABLE, len) == 0) {
		value = zend_string_init(
			word + len + 1, strlen(word + len + 1), 0);
		if (tp_php_is_store_name(value)) {
			replace(&envelope->store, value);
			return;
		}
		zend_string_release(value);
	}
	envelope->unclear = "sendmail_path sets variables of tillpost";
}

/* Reads up to the program: "NAME=VALUE env NAME=VALUE program".
 * @return behind it */
static const char *read_program(
	struct tp_php_envelope *envelope, const char *command)
{
	const char *at = command;
	bool goes_on = true;
	zend_string *word;

	while (goes_on && (word = tp_php_word(&at)) != NULL) {
		if (tp_php_variable_len(ZSTR_VAL(word)) > 0)
			take_variable(envelope, ZSTR_VAL(word));
		else
			goes_on = tp_php_is_env(ZSTR_VAL(word));
		zend_string_release(word);
		if (goes_on)
			command = at;
	}
	/* Set by a shell, by options of env, or who knows how. */
	if (strstr(command, VARIABLES))
		envelope->unclear = "sendmail_path sets variables of tillpost";
	return at;
}

/* ---- the whole ---------------------------------------------------------- */

void tp_php_options_begin(struct tp_php_options *options_out,
	struct tp_php_envelope *envelope_out)
{
	const char *command = tp_php_sendmail_path();

	*envelope_out = (struct tp_php_envelope) { .sender = NULL };
	envelope_out->run_code = tp_php_server_variable("MAGE_RUN_CODE");
	envelope_out->http_host = tp_php_server_variable("HTTP_HOST");
	*options_out = (struct tp_php_options) { .envelope = envelope_out };
	if (command)
		read_words(options_out, read_program(envelope_out, command));
	options_out->in_parameters = true;
}

void tp_php_envelope_read(
	struct tp_php_envelope *envelope_out, const char *parameters)
{
	struct tp_php_options options;

	tp_php_options_begin(&options, envelope_out);
	if (parameters)
		read_words(&options, parameters);
}

void tp_php_envelope_free(struct tp_php_envelope *envelope)
{
	uint32_t i;

	replace(&envelope->sender, NULL);
	replace(&envelope->store, NULL);
	replace(&envelope->run_code, NULL);
	replace(&envelope->http_host, NULL);
	for (i = 0; i < envelope->recipient_count; i++)
		efree((void *)envelope->recipients[i]);
	if (envelope->recipients)
		efree((void *)envelope->recipients);
	*envelope = (struct tp_php_envelope) { .sender = NULL };
}
