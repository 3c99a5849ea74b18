/*
 * mail_catcher.c - programs that take sendmail's place and send nothing
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/mail_catcher.h"

#include <stddef.h>
#include <string.h>

static const char *const catchers[] = { ":", "MailHog", "catchmail", "false",
	"mailhog", "mailpit", "mhsendmail", "true" };

const char *tp_mail_catcher(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;
	size_t i;

	for (i = 0; i < sizeof(catchers) / sizeof(catchers[0]); i++)
		if (strcmp(catchers[i], name) == 0)
			return catchers[i];
	return NULL;
}
