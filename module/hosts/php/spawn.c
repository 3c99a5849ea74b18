/*
 * spawn.c - commands that start sendmail
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/spawn.h"

#include "common/sendmail_options.h"
#include "php/lend.h"
#include "php/php_tillpost.h"
#include "php/say.h"
#include "php/server.h"
#include "php/store.h"
#include "php/text.h"
#include "php/words.h"

#include <string.h>
#include <sys/stat.h>

#define OUR_NAME "tillpost-sendmail"
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

static struct told tell_store(void)
{
	struct told told = { .store = tp_php_named_store() };

	if (!told.store) {
		tell_variable(&told, "MAGE_RUN_CODE");
		tell_variable(&told, "HTTP_HOST");
	}
	return told;
}

static struct told tell_all(void)
{
	const char *config = tp_php_given(TILLPOST_G(config));
	struct told told = tell_store();

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

zend_string *tp_php_spawn_command(const zend_string *command)
{
	zend_string *other = NULL;
	struct parts parts;
	struct told told;

	if (!cut(command, &parts))
		return NULL;
	if (is_sendmail(ZSTR_VAL(parts.program)) &&
		options_fit(ZSTR_VAL(parts.program), parts.rest)) {
		told = tell_all();
		other = put_together(&parts, TILLPOST_G(sendmail), &told);
	}
	zend_string_release(parts.program);
	return other;
}

/* Whether PROGRAM is tillpost-sendmail, perhaps under another name. */
static bool is_ours(const char *program)
{
	const char *slash = strrchr(program, '/');
	struct stat st;
	struct stat ours;

	if (strcmp(slash ? slash + 1 : program, OUR_NAME) == 0)
		return true;
	return stat(program, &st) == 0 &&
	       stat(TILLPOST_G(sendmail), &ours) == 0 &&
	       st.st_dev == ours.st_dev && st.st_ino == ours.st_ino;
}

bool tp_php_spawn_with_store(
	const zend_string *command, zend_string **other_out)
{
	bool possible = true;
	struct parts parts;
	struct told told;

	*other_out = NULL;
	if (!cut(command, &parts))
		return true;
	if (is_ours(ZSTR_VAL(parts.program)) &&
		options_fit(ZSTR_VAL(parts.program), parts.rest)) {
		told = tell_store();
		*other_out =
			put_together(&parts, ZSTR_VAL(parts.program), &told);
	} else if (tp_php_named_store()) {
		/* Started in some way that is not understood? */
		possible = !strstr(ZSTR_VAL(command), OUR_NAME);
	}
	zend_string_release(parts.program);
	return possible;
}

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
		if (!is_sendmail(program))
			return false;
	}
	ZEND_HASH_FOREACH_END();
	return program && fits(&fitting, program);
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
	told = tell_all();
	out = zend_new_array(zend_hash_num_elements(command) + 8);
	add_program(out, &told);
	add_arguments(out, command, &told);
	free_told(&told);
	return out;
}
