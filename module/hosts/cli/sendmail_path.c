/*
 * sendmail_path.c - the program that PHP's sendmail_path starts
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/sendmail_path.h"

#include <stdlib.h>
#include <string.h>

/* With these the shell does something else than to start a program. */
#define SHELLS ";|&<>()\n#"

static const char *base_name(const char *program)
{
	const char *slash = strrchr(program, '/');

	return slash ? slash + 1 : program;
}

/* The next word at *AT, which moves on.
 * @return 0: there is none, or it does not fit */
static int next_word(const char **at, char out[PATH_MAX])
{
	const char *p = *at + strspn(*at, " \t");
	size_t len = 0;
	char quote = '\0';

	if (*p == '\0' || strchr(SHELLS, *p))
		return 0;
	for (; *p && (quote || !strchr(" \t" SHELLS, *p)); p++) {
		if (quote ? *p == quote : (*p == '\'' || *p == '"')) {
			quote = quote ? '\0' : *p;
			continue;
		}
		if (*p == '\\' && quote != '\'' && p[1])
			p++;
		if (len + 1 >= PATH_MAX)
			return 0;
		out[len++] = *p;
	}
	out[len] = '\0';
	*at = p;
	return 1;
}

/* Whether WORD may stand before the program: "A=b exec env C=d program". */
static int goes_before(const char *word)
{
	size_t len = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz"
				  "0123456789_");

	return (len > 0 && word[len] == '=') || strcmp(word, "exec") == 0 ||
	       strcmp(base_name(word), "env") == 0;
}

int tp_sendmail_path_program(const char *command, char out[PATH_MAX])
{
	int found;

	do
		found = next_word(&command, out);
	while (found && goes_before(out));
	return found;
}

int tp_sendmail_path_is_ours(const char *command)
{
	char program[PATH_MAX];
	char real[PATH_MAX];

	if (strstr(command, TP_SENDMAIL_PROGRAM))
		return 1;
	return tp_sendmail_path_program(command, program) &&
	       program[0] == '/' && realpath(program, real) &&
	       strcmp(base_name(real), TP_SENDMAIL_PROGRAM) == 0;
}
