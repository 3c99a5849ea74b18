/*
 * spawn.c - commands that start sendmail
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/spawn.h"

#include "php/lend.h"
#include "php/php_tillpost.h"
#include "php/server.h"
#include "php/words.h"

#include <zend_smart_str.h>

#include <string.h>

#define STORE_OPTION "--store"
/* Sets variables and then runs the rest of its arguments. */
#define ENV_PROGRAM "/usr/bin/env"

/* Where the sendmail interface is by convention. */
static const char *const standard_programs[] = { "/usr/sbin/sendmail",
	"/usr/lib/sendmail" };

/* Programs that are used in its place and understand the same arguments. */
static const char *const relatives[] = { "dma", "esmtp", "exim", "exim4",
	"msmtp", "ssmtp" };

/* sendmail_path may name anything, an interpreter too; only a program that is
 * known to be a sendmail may be replaced wherever it is started. */
static bool is_mail_program(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;
	size_t i;

	for (i = 0; i < sizeof(relatives) / sizeof(relatives[0]); i++)
		if (strcmp(name, relatives[i]) == 0)
			return true;
	return strstr(name, "sendmail") != NULL;
}

static bool is_configured_program(const char *program)
{
	const char *command = tp_php_sendmail_path();
	zend_string *configured = command ? tp_php_word(&command) : NULL;
	bool same = configured && strcmp(ZSTR_VAL(configured), program) == 0 &&
		    is_mail_program(program);

	if (configured)
		zend_string_release(configured);
	return same;
}

static bool is_sendmail(const char *program)
{
	size_t i;

	for (i = 0;
		i < sizeof(standard_programs) / sizeof(standard_programs[0]);
		i++)
		if (strcmp(program, standard_programs[i]) == 0)
			return true;
	return is_configured_program(program);
}

/* Options that sendmail does not have (of msmtp: --account, -a) would be
 * misunderstood. */
static bool is_foreign_option(const char *word)
{
	if (strncmp(word, STORE_OPTION, sizeof(STORE_OPTION) - 1) == 0)
		return false;
	return strcmp(word, "-a") == 0 ||
	       (strncmp(word, "--", 2) == 0 && word[2] != '\0');
}

/* What tillpost-sendmail is told besides its arguments, each as "NAME=value":
 * the environment of a web server's process knows nothing of the request. */
struct told {
	zend_string *items[5];
	uint32_t count;
	const char *store; /* first argument; NULL: none */
};

static void tell(struct told *told, const char *name, const char *value)
{
	if (value)
		told->items[told->count++] =
			zend_strpprintf(0, "%s=%s", name, value);
}

static void tell_variable(struct told *told, const char *name)
{
	zend_string *value = tp_php_server_variable(name);

	if (!value)
		return;
	tell(told, name, ZSTR_VAL(value));
	zend_string_release(value);
}

static struct told what_to_tell(void)
{
	const char *config = tp_php_given(TILLPOST_G(config));
	struct told told = { .store = tp_php_explicit_store() };

	if (config && strcmp(config, TILLPOST_CONFIG_PATH) == 0)
		config = NULL;
	tell(&told, "TILLPOST_CONFIG", config);
	tell(&told, "TILLPOST_PLUGIN", tp_php_given(TILLPOST_G(plugin)));
	tell(&told, "TILLPOST_SPOOL", tp_php_given(TILLPOST_G(spool)));
	if (!told.store) {
		tell_variable(&told, "MAGE_RUN_CODE");
		tell_variable(&told, "HTTP_HOST");
	}
	return told;
}

static void free_told(struct told *told)
{
	uint32_t i;

	for (i = 0; i < told->count; i++)
		zend_string_release(told->items[i]);
}

/* How many words at the beginning of the arguments name a store. */
static uint32_t store_words(const char *first)
{
	if (strncmp(first, STORE_OPTION, sizeof(STORE_OPTION) - 1) != 0)
		return 0;
	return first[sizeof(STORE_OPTION) - 1] == '\0' ? 2 : 1;
}

static bool options_fit(const char *at)
{
	zend_string *word;
	bool fit = true;

	while (fit && (word = tp_php_word(&at)) != NULL) {
		fit = !is_foreign_option(ZSTR_VAL(word));
		zend_string_release(word);
	}
	return fit;
}

/* The place in COMMAND where the program's name begins: behind blanks and
 * "exec", which some callers put before it. */
static const char *program_at(const char *command)
{
	command += strspn(command, " \t");
	if (strncmp(command, "exec", 4) == 0 &&
		(command[4] == ' ' || command[4] == '\t'))
		command += 4;
	return command + strspn(command, " \t");
}

/* REST without a store of its own: what the script says goes first. */
static const char *without_store(const char *rest)
{
	const char *at = rest;
	zend_string *word = tp_php_word(&at);
	uint32_t count = word ? store_words(ZSTR_VAL(word)) : 0;

	if (word)
		zend_string_release(word);
	if (count == 2 && (word = tp_php_word(&at)) != NULL)
		zend_string_release(word);
	return count > 0 ? at : rest;
}

static zend_string *swapped(
	const char *command, size_t before_len, const char *rest)
{
	struct told told = what_to_tell();
	smart_str out = { NULL, 0 };
	uint32_t i;

	smart_str_appendl(&out, command, before_len);
	if (told.count > 0)
		smart_str_appends(&out, ENV_PROGRAM " ");
	for (i = 0; i < told.count; i++) {
		tp_php_quote(&out, ZSTR_VAL(told.items[i]));
		smart_str_appendc(&out, ' ');
	}
	tp_php_quote(&out, TILLPOST_G(sendmail));
	if (told.store) {
		smart_str_appends(&out, " " STORE_OPTION "=");
		tp_php_quote(&out, told.store);
		rest = without_store(rest);
	}
	smart_str_appends(&out, rest);
	free_told(&told);
	return smart_str_extract(&out);
}

zend_string *tp_php_spawn_command(const zend_string *command)
{
	const char *program = program_at(ZSTR_VAL(command));
	const char *rest = program;
	zend_string *word;
	bool ours;

	if (strlen(ZSTR_VAL(command)) != ZSTR_LEN(command))
		return NULL;
	word = tp_php_word(&rest);
	if (!word)
		return NULL;
	ours = is_sendmail(ZSTR_VAL(word)) && options_fit(rest);
	zend_string_release(word);
	if (!ours)
		return NULL;
	return swapped(
		ZSTR_VAL(command), (size_t)(program - ZSTR_VAL(command)), rest);
}

/* Everything is a string, so nothing of a script has to run to know. */
static bool arguments_fit(zend_array *command)
{
	zval *argument;
	bool first = true;

	ZEND_HASH_FOREACH_VAL(command, argument)
	{
		ZVAL_DEREF(argument);
		if (Z_TYPE_P(argument) != IS_STRING ||
			strlen(Z_STRVAL_P(argument)) != Z_STRLEN_P(argument))
			return false;
		if (first ? !is_sendmail(Z_STRVAL_P(argument))
			  : is_foreign_option(Z_STRVAL_P(argument)))
			return false;
		first = false;
	}
	ZEND_HASH_FOREACH_END();
	return !first;
}

static void add_string(zend_array *out, zend_string *value)
{
	zval element;

	ZVAL_STR(&element, value);
	(void)zend_hash_next_index_insert(out, &element);
}

static void add_text(zend_array *out, const char *text)
{
	add_string(out, zend_string_init(text, strlen(text), 0));
}

/* Everything before the arguments of COMMAND. */
static void add_program(zend_array *out, const struct told *told)
{
	uint32_t i;

	if (told->count > 0)
		add_text(out, ENV_PROGRAM);
	for (i = 0; i < told->count; i++)
		add_string(out, zend_string_copy(told->items[i]));
	add_text(out, TILLPOST_G(sendmail));
	if (told->store)
		add_string(out,
			zend_strpprintf(0, "%s=%s", STORE_OPTION, told->store));
}

/* COMMAND without its first element, and without a store if it names one and
 * the script does too. */
static void add_arguments(
	zend_array *out, zend_array *command, const struct told *told)
{
	uint32_t index = 0;
	uint32_t from = 1;
	zval *argument;

	ZEND_HASH_FOREACH_VAL(command, argument)
	{
		ZVAL_DEREF(argument);
		if (index == 1 && told->store)
			from += store_words(Z_STRVAL_P(argument));
		if (index++ >= from)
			add_string(out, zend_string_copy(Z_STR_P(argument)));
	}
	ZEND_HASH_FOREACH_END();
}

zend_array *tp_php_spawn_arguments(zend_array *command)
{
	struct told told;
	zend_array *out;

	if (!arguments_fit(command))
		return NULL;
	told = what_to_tell();
	out = zend_new_array(zend_hash_num_elements(command) + 8);
	add_program(out, &told);
	add_arguments(out, command, &told);
	free_told(&told);
	return out;
}
