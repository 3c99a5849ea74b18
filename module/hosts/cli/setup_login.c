/*
 * setup_login.c - how tillpost setup logs in: with a password or a token
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/setup.h"

#include "common/report.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* Providers that take both, and at which passwords come to an end.
 * Sources: learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/
 * deprecation-of-basic-authentication-exchange-online;
 * support.google.com/a/answer/14114704 */
struct choice {
	const char *preset;
	const char *why;
};

static const struct choice choices[] = {
	{ "microsoft365",
		"Password logins (basic authentication) end here: Microsoft "
		"switches them off by default for existing tenants at the end "
		"of December 2026, with no date for the final end before the "
		"second half of 2027; new tenants do not have them. An OAuth 2 "
		"token stays." },
	{ "gmail",
		"Since 1 May 2025 Google needs an app password or an OAuth 2 "
		"token; the account's own password does not work." },
	{ "google-workspace-relay",
		"Since 1 May 2025 Google needs an app password or an OAuth 2 "
		"token; the account's own password does not work." },
};

static const struct choice *choice_of(const struct tp_setup *setup)
{
	size_t i;

	for (i = 0; setup->hint && i < TP_COUNT(choices); i++)
		if (strcmp(choices[i].preset, setup->hint->preset) == 0)
			return &choices[i];
	return NULL;
}

int tp_setup_has_secret(const struct tp_setup *setup)
{
	return setup->secret.data || setup->password_env || setup->token_env ||
	       setup->token_file;
}

int tp_setup_check_login(struct tp_setup *setup)
{
	int count = (setup->password_file != NULL) + setup->password_stdin +
		    (setup->password_env != NULL) + (setup->token_env != NULL) +
		    (setup->token_file != NULL);

	if (count > 1)
		return tp_cli_misused("setup", "--password-file",
			"give one of --password-file, --password-stdin, "
			"--password-env, --token-file and --token-env");
	if (setup->oauth && setup->password_env)
		return tp_cli_misused("setup", "--password-env",
			"for a token there is --token-env");
	if (setup->token_file || setup->token_env)
		setup->oauth = 1;
	return TP_CLI_GO_ON;
}

/* @return NULL if PATH can be used as it stands */
static const char *judge_token_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *wrong = NULL;

	if (fd < 0)
		return errno == ENOENT ? "there is no such file"
				       : "the user of tillpostd cannot read it";
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		wrong = "is not a regular file";
	else if ((st.st_mode & 077) != 0)
		wrong = "others may read it: run chmod 600 on it";
	else if (st.st_size == 0)
		wrong = "is empty";
	(void)close(fd);
	return wrong;
}

/* Whatever renews the file goes on to do so: it is used where it is. */
static int use_token_file(struct tp_setup *setup, const char *given)
{
	const char *wrong = judge_token_file(given);
	char *full = wrong ? NULL : realpath(given, NULL);

	if (!full) {
		tp_report(TP_CLI_PROGRAM, given, "%s",
			wrong ? wrong : "cannot be found");
		return 0;
	}
	setup->token_file = tp_setup_keep(setup, full);
	setup->oauth = 1;
	return setup->token_file != NULL;
}

static int ask_token(struct tp_setup *setup)
{
	const char *answer;

	do {
		answer = tp_setup_question(setup,
			"File of the token, which a program of yours renews "
			"(an empty line: type a token)",
			"");
		if (!answer)
			return EX_USAGE;
		setup->oauth = 1;
	} while (answer[0] && !use_token_file(setup, answer));
	return TP_CLI_GO_ON;
}

static int ask_which(struct tp_setup *setup, const struct choice *choice)
{
	const char *answer;

	(void)printf("%s\n", choice->why);
	do {
		answer = tp_setup_question(
			setup, "Log in with password or token", "password");
		if (!answer)
			return EX_USAGE;
	} while (strcasecmp(answer, "password") != 0 &&
		 strcasecmp(answer, "token") != 0);
	return strcasecmp(answer, "token") == 0 ? ask_token(setup)
						: TP_CLI_GO_ON;
}

int tp_setup_ask_login(struct tp_setup *setup)
{
	const struct choice *choice = choice_of(setup);

	if (setup->token_file && !use_token_file(setup, setup->token_file))
		return EX_USAGE;
	if (!setup->interactive || tp_setup_has_secret(setup))
		return TP_CLI_GO_ON;
	if (setup->oauth)
		return ask_token(setup);
	return choice ? ask_which(setup, choice) : TP_CLI_GO_ON;
}

static void add(const struct tp_setup *setup, struct tp_setup_keys *keys,
	const char *key, const char *value)
{
	tp_setup_add(
		keys, "relays", setup->relay_name, key, value, TP_CONF_STRING);
}

void tp_setup_login_keys(const struct tp_setup *setup, const char *secret_path,
	struct tp_setup_keys *keys)
{
	const char *file = setup->secret.data ? secret_path : NULL;

	if (setup->without_login) {
		add(setup, keys, "auth", "none");
		return;
	}
	add(setup, keys, "username", setup->username);
	add(setup, keys, "password_env", setup->password_env);
	add(setup, keys, "token_env", setup->token_env);
	add(setup, keys, "token_file", setup->token_file);
	add(setup, keys, setup->oauth ? "token_file" : "password_file", file);
	if (setup->oauth)
		add(setup, keys, "auth", "xoauth2");
}
