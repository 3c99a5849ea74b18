/*
 * php_hook.c - does a PHP send through tillpost?
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/php_hook.h"

#include "cli/sendmail_path.h"

#include "common/mail_catcher.h"

#include <string.h>
#include <strings.h>

/* @return the program that keeps what mail() sends; NULL: none */
static const char *catcher_of(const struct tp_php_hook *hook)
{
	char program[PATH_MAX];

	return tp_sendmail_path_program(hook->sendmail_path, program)
		       ? tp_mail_catcher(program)
		       : NULL;
}

static void say_catcher(const struct tp_php_hook *hook, const char *catcher,
	const char *topic, const char *who, struct tp_findings *findings)
{
	tp_find(findings, TP_FIND_NOTE, topic,
		"%s sends nothing: mail() stays with %s; sendmail_path is "
		"\"%s\"",
		who, catcher, hook->sendmail_path);
	tp_find_why(findings,
		"the extension leaves mail() alone there, so that a copy for "
		"tests does not write to customers");
	tp_find_do(findings,
		"if customers are to get its mail, take that sendmail_path "
		"away and restart PHP");
}

static void say_no_hook(const struct tp_php_hook *hook, int level,
	const char *topic, const char *who, struct tp_findings *findings)
{
	tp_find(findings, level, topic,
		"%s does not send through tillpost: %s; sendmail_path is "
		"\"%s\"",
		who,
		hook->loaded ? "the extension is there, but tillpost.enable "
			       "is off"
			     : "the extension is not loaded",
		hook->sendmail_path);
	tp_find_why(findings, "mail() of PHP goes to that program, or nowhere");
	tp_find_do(findings,
		"phpenmod tillpost and restart PHP-FPM (package php-tillpost), "
		"or set sendmail_path = \"/usr/bin/tillpost-sendmail -t -i\"");
}

void tp_php_hook_judge(const struct tp_php_hook *hook, int level,
	const char *topic, const char *who, struct tp_findings *findings)
{
	const char *catcher = catcher_of(hook);

	if (catcher)
		say_catcher(hook, catcher, topic, who, findings);
	else if (hook->loaded && hook->enabled)
		tp_find(findings, TP_FIND_OK, topic, "%s has the extension",
			who);
	else if (tp_sendmail_path_is_ours(hook->sendmail_path))
		tp_find(findings, TP_FIND_OK, topic, "%s sends by \"%s\"", who,
			hook->sendmail_path);
	else
		say_no_hook(hook, level, topic, who, findings);
}

/* ---- phpinfo() ---------------------------------------------------------- */

int tp_phpinfo_value(
	const char *phpinfo, const char *key, char *out, size_t size)
{
	static const char arrow[] = " => ";
	size_t len = strlen(key);
	const char *line = phpinfo;
	int fits;

	while (line && !(strncmp(line, key, len) == 0 &&
			       strncmp(line + len, arrow, 4) == 0)) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	out[0] = '\0';
	if (!line)
		return 0;
	line += len + 4;
	len = strcspn(line, "\n");
	fits = snprintf(out, size, "%.*s", (int)len, line) < (int)size;
	/* "in force => of the server" */
	if (strstr(out, arrow))
		*strstr(out, arrow) = '\0';
	return fits;
}

static int is_on(const char *value)
{
	return strcasecmp(value, "on") == 0 || strcasecmp(value, "yes") == 0 ||
	       strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0;
}

void tp_php_hook_read(const char *phpinfo, struct tp_php_hook *hook_out)
{
	char word[16];

	(void)tp_phpinfo_value(phpinfo, "PHP Version", hook_out->version,
		sizeof(hook_out->version));
	(void)tp_phpinfo_value(phpinfo, "sendmail_path",
		hook_out->sendmail_path, sizeof(hook_out->sendmail_path));
	hook_out->loaded = tp_phpinfo_value(
		phpinfo, "tillpost.enable", word, sizeof(word));
	hook_out->enabled = is_on(word);
}

/* ---- pool files --------------------------------------------------------- */

/* "php_admin_value[KEY] = value", "php_flag[KEY] = value" and the like.
 * @return the value, without quotes, in LINE; NULL if it is no such line */
static char *pool_value(char *line, const char *key)
{
	static const char *const kinds[] = { "php_value[", "php_flag[",
		"php_admin_value[", "php_admin_flag[" };
	char *value = NULL;
	size_t i;

	line += strspn(line, " \t");
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(line, kinds[i], strlen(kinds[i])) == 0)
			value = line + strlen(kinds[i]);
	if (!value || strncmp(value, key, strlen(key)) != 0 ||
		value[strlen(key)] != ']')
		return NULL;
	value += strlen(key) + 1;
	value += strspn(value, " \t=\"'");
	value[strcspn(value, "\"'\r\n;")] = '\0';
	for (i = strlen(value); i > 0 && strchr(" \t", value[i - 1]); i--)
		value[i - 1] = '\0';
	return value;
}

void tp_php_hook_read_pool(FILE *pool, struct tp_php_hook *hook)
{
	char line[PATH_MAX + 64];

	while (fgets(line, sizeof(line), pool)) {
		const char *value = pool_value(line, "sendmail_path");

		if (value)
			(void)snprintf(hook->sendmail_path,
				sizeof(hook->sendmail_path), "%s", value);
		value = pool_value(line, "tillpost.enable");
		if (value)
			hook->enabled = is_on(value);
	}
}
