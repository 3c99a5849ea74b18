/*
 * program.c - what the name of a program tells
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/program.h"

#include "php/lend.h"
#include "php/php_tillpost.h"
#include "php/words.h"

#include "common/mail_catcher.h"

#include <string.h>
#include <sys/stat.h>

#define OUR_NAME "tillpost-sendmail"
#define SENDMAIL_MARK "sendmail"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Where the sendmail interface is by convention. */
static const char *const standard_programs[] = { "/usr/sbin/sendmail",
	"/usr/lib/sendmail" };

/* Programs that are used in its place and understand the same arguments. */
static const char *const relatives[] = { "dma", "esmtp", "exim", "exim4",
	"msmtp", "ssmtp" };

static const char *base_name(const char *program)
{
	const char *slash = strrchr(program, '/');

	return slash ? slash + 1 : program;
}

/* @return the entry of LIST, which is constant; NULL: none */
static const char *find(const char *const *list, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(list[i], name) == 0)
			return list[i];
	return NULL;
}

/* sendmail_path may name anything, an interpreter too; only a program that is
 * known to be a sendmail may be replaced wherever it is started. */
static bool is_mail_program(const char *program)
{
	const char *name = base_name(program);

	return find(relatives, COUNT(relatives), name) ||
	       strstr(name, SENDMAIL_MARK) != NULL;
}

/* @return its first word, to be released; NULL: none */
static zend_string *configured_program(void)
{
	const char *command = tp_php_sendmail_path();

	return command ? tp_php_word(&command) : NULL;
}

static bool is_configured_program(const char *program)
{
	zend_string *configured = configured_program();
	bool same = configured && strcmp(ZSTR_VAL(configured), program) == 0 &&
		    is_mail_program(program);

	if (configured)
		zend_string_release(configured);
	return same;
}

bool tp_php_is_sendmail(const char *program)
{
	return find(standard_programs, COUNT(standard_programs), program) ||
	       is_configured_program(program);
}

bool tp_php_may_mail(const char *text)
{
	zend_string *configured;
	bool has;

	if (strstr(text, SENDMAIL_MARK))
		return true;
	/* Only as a path: a bare name may be part of any other word. */
	configured = configured_program();
	has = configured && strchr(ZSTR_VAL(configured), '/') &&
	      strstr(text, ZSTR_VAL(configured));
	if (configured)
		zend_string_release(configured);
	return has;
}

bool tp_php_is_ours(const char *program)
{
	struct stat st;
	struct stat ours;

	if (strcmp(base_name(program), OUR_NAME) == 0)
		return true;
	return stat(program, &st) == 0 &&
	       stat(TILLPOST_G(sendmail), &ours) == 0 &&
	       st.st_dev == ours.st_dev && st.st_ino == ours.st_ino;
}

/* Whether a word may stand before the program: "A=b exec env C=d program". */
static bool goes_before(const char *word)
{
	return tp_php_variable_len(word) > 0 || tp_php_is_env(word) ||
	       strcmp(word, "exec") == 0;
}

const char *tp_php_mail_catcher(void)
{
	const char *at = tp_php_sendmail_path();
	const char *catcher = NULL;
	bool goes_on = at != NULL;
	zend_string *word;

	while (goes_on && (word = tp_php_word(&at)) != NULL) {
		goes_on = goes_before(ZSTR_VAL(word));
		if (!goes_on)
			catcher = tp_mail_catcher(ZSTR_VAL(word));
		zend_string_release(word);
	}
	return catcher;
}
