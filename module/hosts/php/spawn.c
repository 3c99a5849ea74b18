/*
 * spawn.c - commands that start sendmail
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/spawn.h"

#include "common/sendmail_options.h"
#include "php/php_tillpost.h"
#include "php/program.h"
#include "php/say.h"
#include "php/server.h"
#include "php/store.h"
#include "php/text.h"
#include "php/words.h"

#include <string.h>

#define STORE_OPTION "--store"
/* Sets variables and then runs the rest of its arguments. */
#define ENV_PROGRAM "/usr/bin/env"

/* How many words at the beginning of the arguments name a store. */
static uint32_t store_words(const char *first)
{
	if (strcmp(first, STORE_OPTION) == 0)
		return 2;
	return strncmp(first, STORE_OPTION "=", sizeof(STORE_OPTION)) == 0;
}

/* Whether the arguments of a command are such that tillpost-sendmail does with
 * them what is meant. Start with zeroes. */
struct fitting {
	struct tp_sendmail_words words;
	uint32_t count;	  /* of words so far */
	bool store_waits; /* the next word is the value of --store */
	bool unfit;
};

static bool is_fit(struct fitting *fitting, const char *word)
{
	struct tp_sendmail_words *words = &fitting->words;
	bool first = fitting->count++ == 0;

	if (first && store_words(word) > 0) {
		fitting->store_waits = store_words(word) == 2;
		return true;
	}
	if (fitting->store_waits) {
		fitting->store_waits = false;
		return true;
	}
	switch (tp_sendmail_words_read(words, word)) {
	case TP_SENDMAIL_WORD_LONG:
		return false;
	case TP_SENDMAIL_WORD_RECIPIENT:
		return word[0] != '-';
	default:
		return true;
	}
}

static void fit(struct fitting *fitting, const char *word)
{
	if (!is_fit(fitting, word))
		fitting->unfit = true;
}

/* @return whether all of it fits; if not, the log says so once */
static bool fits(const struct fitting *fitting, const char *program)
{
	if (!fitting->unfit && !fitting->store_waits &&
		tp_sendmail_words_fit(&fitting->words))
		return true;
	if (!TILLPOST_G(said_foreign))
		tp_php_log("tillpost: %s is started with options that "
			   "tillpost-sendmail does not have; such commands "
			   "are left as they are",
			program);
	TILLPOST_G(said_foreign) = true;
	return false;
}

/* What tillpost-sendmail is told besides its arguments, each as "NAME=value":
 * the environment of a web server's process knows nothing of the request. */
struct told {
	HashTable *env; /* of the caller, which goes first; NULL: none */
	zend_string *items[6];
	uint32_t count;
	const char *store; /* first argument; NULL: none */
};

/* Elements without a key are "NAME=value" themselves. */
static bool is_in_env(HashTable *env, const char *name)
{
	size_t len = strlen(name);
	zval *element;

	if (!env)
		return false;
	if (zend_hash_str_exists(env, name, len))
		return true;
	ZEND_HASH_FOREACH_VAL(env, element)
	{
		ZVAL_DEREF(element);
		if (Z_TYPE_P(element) == IS_STRING &&
			strncmp(Z_STRVAL_P(element), name, len) == 0 &&
			Z_STRVAL_P(element)[len] == '=')
			return true;
	}
	ZEND_HASH_FOREACH_END();
	return false;
}

static void tell(struct told *told, const char *name, const char *value)
{
	if (value && !is_in_env(told->env, name))
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

/* Without an environment of the caller the program gets that of the process,
 * but not what the web server has added to it. */
static struct told tell_store(HashTable *env)
{
	struct told told = { .env = env, .store = tp_php_named_store() };

	if (!told.store) {
		tell_variable(&told, "MAGE_RUN_CODE");
		tell_variable(&told, "HTTP_HOST");
		tell(&told, TP_PHP_STORE_VARIABLE,
			env ? tp_php_environment_store()
			    : tp_php_server_store());
	}
	return told;
}

static struct told tell_all(HashTable *env)
{
	const char *config = tp_php_given(TILLPOST_G(config));
	struct told told = tell_store(env);

	if (config && strcmp(config, TILLPOST_CONFIG_PATH) == 0)
		config = NULL;
	tell(&told, "TILLPOST_CONFIG", config);
	tell(&told, "TILLPOST_PLUGIN", tp_php_given(TILLPOST_G(plugin)));
	tell(&told, "TILLPOST_SPOOL", tp_php_given(TILLPOST_G(spool)));
	return told;
}

static void free_told(struct told *told)
{
	uint32_t i;

	for (i = 0; i < told->count; i++)
		zend_string_release(told->items[i]);
}

static bool options_fit(const char *program, const char *at)
{
	struct fitting fitting = { .count = 0 };
	zend_string *word;

	while ((word = tp_php_word(&at)) != NULL) {
		fit(&fitting, ZSTR_VAL(word));
		zend_string_release(word);
	}
	return fits(&fitting, program);
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

/* A command cut in three. */
struct parts {
	const char *command;
	size_t before_len;    /* of what stands before the program */
	zend_string *program; /* unquoted */
	const char *rest;     /* behind it */
};

/* @return false: there is no program. Else release parts_out->program. */
static bool cut(const zend_string *command, struct parts *parts_out)
{
	const char *program = program_at(ZSTR_VAL(command));

	if (strlen(ZSTR_VAL(command)) != ZSTR_LEN(command))
		return false;
	*parts_out = (struct parts) { .command = ZSTR_VAL(command),
		.before_len = (size_t)(program - ZSTR_VAL(command)),
		.rest = program };
	parts_out->program = tp_php_word(&parts_out->rest);
	return parts_out->program != NULL;
}

/* @param program instead of that of PARTS
 * @param told    is freed */
static zend_string *put_together(
	const struct parts *parts, const char *program, struct told *told)
{
	const char *rest = parts->rest;
	struct tp_php_text out = { NULL, 0 };
	uint32_t i;

	tp_php_text_add(&out, parts->command, parts->before_len);
	if (told->count > 0)
		tp_php_text_adds(&out, ENV_PROGRAM " ");
	for (i = 0; i < told->count; i++) {
		tp_php_quote(&out, ZSTR_VAL(told->items[i]));
		tp_php_text_addc(&out, ' ');
	}
	tp_php_quote(&out, program);
	if (told->store) {
		tp_php_text_adds(&out, " " STORE_OPTION "=");
		tp_php_quote(&out, told->store);
		rest = without_store(rest);
	}
	tp_php_text_adds(&out, rest);
	free_told(told);
	return tp_php_text_take(&out);
}

zend_string *tp_php_spawn_command(const zend_string *command, HashTable *env)
{
	zend_string *other = NULL;
	struct parts parts;
	struct told told;

	if (!cut(command, &parts))
		return NULL;
	if (tp_php_is_sendmail(ZSTR_VAL(parts.program)) &&
		options_fit(ZSTR_VAL(parts.program), parts.rest)) {
		told = tell_all(env);
		other = put_together(&parts, TILLPOST_G(sendmail), &told);
	}
	zend_string_release(parts.program);
	return other;
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

/* ---- a store for commands that stay as they are ------------------------- */

/* What the program would not know by itself, nor by the caller's ENV, which
 * may be NULL. */
static const char *store_to_carry(HashTable *env)
{
	const char *store = tp_php_named_store();

	if (store || is_in_env(env, TP_PHP_STORE_VARIABLE))
		return store;
	return tp_php_server_store();
}

/* A store that COMMAND names itself, by the option or the variable, counts
 * more for tillpost-sendmail than what is exported before it. */
static zend_string *carry_by_shell(const zend_string *command, HashTable *env)
{
	const char *store = store_to_carry(env);
	struct tp_php_text out = { NULL, 0 };

	if (!store || strlen(ZSTR_VAL(command)) != ZSTR_LEN(command))
		return NULL;
	tp_php_text_adds(&out, "export " TP_PHP_STORE_VARIABLE "=");
	tp_php_quote(&out, store);
	tp_php_text_adds(&out, "; ");
	tp_php_text_add_string(&out, command);
	return tp_php_text_take(&out);
}

/* What an object is as a string only its script can tell. */
static bool list_may_mail(zend_array *command)
{
	bool found = false;
	zval *argument;

	ZEND_HASH_FOREACH_VAL(command, argument)
	{
		ZVAL_DEREF(argument);
		if (Z_TYPE_P(argument) == IS_OBJECT)
			found = true;
		if (Z_TYPE_P(argument) != IS_STRING)
			continue;
		/* The original refuses a NUL and tells where it is. */
		if (strlen(Z_STRVAL_P(argument)) != Z_STRLEN_P(argument))
			return false;
		if (tp_php_may_mail(Z_STRVAL_P(argument)))
			found = true;
	}
	ZEND_HASH_FOREACH_END();
	return found;
}

static zend_array *carry_by_env(zend_array *command, HashTable *env)
{
	const char *store = store_to_carry(env);
	zend_array *out;
	zval *argument;

	if (!store || !list_may_mail(command))
		return NULL;
	out = zend_new_array(zend_hash_num_elements(command) + 2);
	add_text(out, ENV_PROGRAM);
	add_string(
		out, zend_strpprintf(0, "%s=%s", TP_PHP_STORE_VARIABLE, store));
	ZEND_HASH_FOREACH_VAL(command, argument)
	{
		ZVAL_DEREF(argument);
		Z_TRY_ADDREF_P(argument);
		(void)zend_hash_next_index_insert(out, argument);
	}
	ZEND_HASH_FOREACH_END();
	return out;
}

bool tp_php_spawn_carry_store(
	const zval *command, bool lists, HashTable *env, zval *other_out)
{
	zend_string *string = NULL;
	zend_array *list = NULL;

	if (Z_TYPE_P(command) == IS_STRING &&
		tp_php_may_mail(Z_STRVAL_P(command)))
		string = carry_by_shell(Z_STR_P(command), env);
	else if (lists && Z_TYPE_P(command) == IS_ARRAY)
		list = carry_by_env(Z_ARRVAL_P(command), env);
	if (string)
		ZVAL_STR(other_out, string);
	else if (list)
		ZVAL_ARR(other_out, list);
	return string || list;
}

/* Whether COMMAND has --store as a word, or sets the variable. */
static bool names_store(const char *command)
{
	const char *at = command;
	char before;
	char after;

	if (strstr(command, TP_PHP_STORE_VARIABLE "="))
		return true;
	while ((at = strstr(at, STORE_OPTION)) != NULL) {
		before = at > command ? at[-1] : ' ';
		at += strlen(STORE_OPTION);
		after = *at;
		if (strchr(" \t'\"", before) && strchr("= \t'\"", after))
			return true;
	}
	return false;
}

bool tp_php_spawn_with_store(
	const zend_string *command, zend_string **other_out)
{
	struct parts parts;
	struct told told;

	*other_out = NULL;
	if (cut(command, &parts)) {
		if (tp_php_is_ours(ZSTR_VAL(parts.program)) &&
			options_fit(ZSTR_VAL(parts.program), parts.rest)) {
			told = tell_store(NULL);
			*other_out = put_together(
				&parts, ZSTR_VAL(parts.program), &told);
		}
		zend_string_release(parts.program);
	}
	if (*other_out)
		return true;
	if (tp_php_named_store() && names_store(ZSTR_VAL(command)))
		return false;
	*other_out = carry_by_shell(command, NULL);
	return *other_out || !tp_php_named_store();
}

/* ---- lists -------------------------------------------------------------- */

/* Everything is a string, so nothing of a script has to run to know. */
static bool arguments_fit(zend_array *command)
{
	struct fitting fitting = { .count = 0 };
	const char *program = NULL;
	zval *argument;

	ZEND_HASH_FOREACH_VAL(command, argument)
	{
		ZVAL_DEREF(argument);
		if (Z_TYPE_P(argument) != IS_STRING ||
			strlen(Z_STRVAL_P(argument)) != Z_STRLEN_P(argument))
			return false;
		if (program) {
			fit(&fitting, Z_STRVAL_P(argument));
			continue;
		}
		program = Z_STRVAL_P(argument);
		if (!tp_php_is_sendmail(program))
			return false;
	}
	ZEND_HASH_FOREACH_END();
	return program && fits(&fitting, program);
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

zend_array *tp_php_spawn_arguments(zend_array *command, HashTable *env)
{
	struct told told;
	zend_array *out;

	if (!arguments_fit(command))
		return NULL;
	told = tell_all(env);
	out = zend_new_array(zend_hash_num_elements(command) + 8);
	add_program(out, &told);
	add_arguments(out, command, &told);
	free_told(&told);
	return out;
}
