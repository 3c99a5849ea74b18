/*
 * setup_ask.c - the questions of tillpost setup
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/setup.h"

#include "common/report.h"
#include "common/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#define OTHER "smtp"

void tp_setup_list_providers(void)
{
	size_t count;
	size_t i;
	const struct tp_provider_hint *hints = tp_provider_hints(&count);

	for (i = 0; i < count; i++)
		(void)printf("  %-24s%s\n", hints[i].preset, hints[i].title);
	(void)printf("  %-24s%s\n", OTHER, "another server, by its host name");
	(void)printf("More are listed in tillpost.conf(5).\n");
}

/* ---- one question ------------------------------------------------------- */

/* Keeps TEXT, which was allocated, until the end. */
static const char *keep(struct tp_setup *setup, char *text)
{
	if (!text || setup->answer_count == TP_SETUP_ANSWERS_MAX) {
		free(text);
		return NULL;
	}
	setup->answers[setup->answer_count++] = text;
	return text;
}

/* @return what was typed, or USUAL (may be NULL) for an empty line; NULL at
 *         the end of the input */
static const char *ask(
	struct tp_setup *setup, const char *question, const char *usual)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	(void)printf("%s%s%s%s: ", question, usual ? " [" : "",
		usual ? usual : "", usual ? "]" : "");
	(void)fflush(stdout);
	len = getline(&line, &cap, stdin);
	while (len > 0 && strchr("\r\n \t", line[len - 1]))
		line[--len] = '\0';
	if (len > 0)
		return keep(setup, line);
	free(line);
	return len < 0 ? NULL : usual;
}

int tp_setup_confirm(const struct tp_setup *setup, const char *question)
{
	char line[16];

	if (!setup->interactive)
		return 0;
	(void)printf("%s [y/N]: ", question);
	(void)fflush(stdout);
	return fgets(line, sizeof(line), stdin) &&
	       strncasecmp(line, "y", 1) == 0;
}

static int needed(const char *option, const char *what)
{
	return tp_cli_misused("setup", option, what);
}

/* ---- the questions ------------------------------------------------------ */

static int ask_provider(struct tp_setup *setup)
{
	const char *answer;

	if (setup->provider || setup->host)
		return TP_CLI_GO_ON;
	if (!setup->interactive)
		return needed("--provider", "or --host is needed; --list shows "
					    "the providers");
	(void)printf("Who sends your mail?\n");
	tp_setup_list_providers();
	answer = ask(setup, "Provider", NULL);
	if (!answer)
		return needed("provider", "no answer");
	if (strcmp(answer, OTHER) != 0) {
		setup->provider = answer;
		return TP_CLI_GO_ON;
	}
	setup->host = ask(setup, "Host name of the server", NULL);
	return setup->host ? TP_CLI_GO_ON : needed("host", "no answer");
}

static int ask_server(struct tp_setup *setup)
{
	if (!setup->interactive)
		return TP_CLI_GO_ON;
	if (setup->hint && setup->hint->needs_region && !setup->region) {
		setup->region = ask(setup, "Region of the account", NULL);
		if (!setup->region)
			return needed("region", "no answer");
	}
	if (!setup->provider && !setup->tls && setup->port == 0)
		setup->tls = ask(setup,
			"TLS: implicit (port 465), starttls (port 587) or none",
			"implicit");
	return TP_CLI_GO_ON;
}

static int ask_from(struct tp_setup *setup)
{
	if (!setup->from && setup->interactive)
		setup->from = ask(setup,
			"The shop's From address, as shop@example.com or "
			"Shop <shop@example.com>",
			NULL);
	if (!setup->from)
		return needed("--from", "is needed: the address that the "
					"shop's mail comes from");
	return TP_CLI_GO_ON;
}

static int asks_user(const struct tp_setup *setup)
{
	return !setup->hint || setup->hint->user_kind == TP_HINT_USER_ASK;
}

static void say_rule(const struct tp_setup *setup)
{
	if (!setup->hint || !setup->hint->rule[0])
		return;
	(void)printf("%s: ", setup->hint->title);
	tp_text_put(stdout, setup->hint->rule);
	(void)fputs(".\n", stdout);
}

static int ask_username(struct tp_setup *setup)
{
	char question[256];

	if (setup->username || !asks_user(setup) || !setup->interactive)
		return TP_CLI_GO_ON;
	(void)snprintf(question, sizeof(question), "User name%s%s%s",
		setup->hint ? " (" : "", setup->hint ? setup->hint->user : "",
		setup->hint ? ")" : ", or an empty line for no login");
	setup->username = ask(setup, question, NULL);
	return TP_CLI_GO_ON;
}

static int ask_secret(struct tp_setup *setup)
{
	struct tillpost_error err;
	char prompt[160];

	setup->without_login =
		!setup->username && !setup->secret.data && asks_user(setup);
	if (setup->secret.data || setup->without_login)
		return TP_CLI_GO_ON;
	if (!setup->interactive)
		return needed("--password-file", "or --password-stdin is "
						 "needed; secrets are not "
						 "taken from the command line");
	(void)snprintf(prompt, sizeof(prompt), "%s (not shown)",
		setup->oauth  ? "OAuth 2 access token"
		: setup->hint ? setup->hint->secret
			      : "Password");
	(void)fflush(stdout);
	if (tp_input_value(prompt, &setup->secret, &err) < 0)
		return tp_cli_fail(&err);
	if (setup->secret.len == 0)
		return needed("password", "is empty");
	return TP_CLI_GO_ON;
}

static void ask_test(struct tp_setup *setup)
{
	if (setup->interactive && !setup->test_to && !setup->no_test)
		setup->test_to = ask(setup,
			"Send a test mail to (an empty line: to nobody)", NULL);
}

/* ---- what fits together ------------------------------------------------- */

static int check_choice(const struct tp_setup *setup)
{
	static const char *const modes[] = { "implicit", "starttls", "none" };
	size_t i;

	if (setup->provider && setup->host)
		return needed("--host", "comes with the provider: give one of "
					"--provider and --host");
	if (setup->password_file && setup->password_stdin)
		return needed("--password-stdin",
			"give one of --password-file and --password-stdin");
	if (setup->no_test && setup->test_to)
		return needed("--no-test", "and --test-to exclude each other");
	if (setup->port > 65535)
		return needed("--port", "is not a port number");
	for (i = 0; setup->tls && i < TP_COUNT(modes); i++)
		if (strcmp(setup->tls, modes[i]) == 0)
			return TP_CLI_GO_ON;
	return setup->tls
		       ? needed("--tls",
				 "must be implicit (called SSL or SSL/TLS "
				 "elsewhere), starttls (called TLS elsewhere) "
				 "or none")
		       : TP_CLI_GO_ON;
}

static int check_login(const struct tp_setup *setup)
{
	const struct tp_provider_hint *hint = setup->hint;

	if (setup->username && hint && setup->provider &&
		hint->user_kind == TP_HINT_USER_FIXED &&
		strcmp(setup->username, hint->user) != 0) {
		tp_report(TP_CLI_PROGRAM, "--username",
			"%s: the user name is literally \"%s\"; leave it out",
			hint->title, hint->user);
		return EX_USAGE;
	}
	if (setup->username && hint && setup->provider &&
		hint->user_kind == TP_HINT_USER_TOKEN)
		return needed("--username",
			"is not used with this provider: the token is both");
	/* What is not in the table here, the plugin's presets judge. */
	if (setup->provider && !hint)
		return TP_CLI_GO_ON;
	if (!setup->username && asks_user(setup) && !setup->without_login)
		return needed("--username", "is needed with a password");
	if (setup->without_login && setup->provider && hint)
		return needed("--username", "is needed: this provider wants a "
					    "login");
	return TP_CLI_GO_ON;
}

static void name_relay(struct tp_setup *setup)
{
	const char *from = setup->relay	     ? setup->relay
			   : setup->provider ? setup->provider
					     : "relay";

	tp_setup_name(from, setup->relay_name, sizeof(setup->relay_name));
}

int tp_setup_ask(struct tp_setup *setup)
{
	int rc = check_choice(setup);

	if (rc == TP_CLI_GO_ON)
		rc = ask_provider(setup);
	if (rc != TP_CLI_GO_ON)
		return rc;
	setup->hint = tp_provider_hint_find(setup->provider, setup->host);
	if (setup->hint && setup->hint->token_only)
		setup->oauth = 1;
	if (setup->interactive)
		say_rule(setup);
	rc = ask_server(setup);
	if (rc == TP_CLI_GO_ON)
		rc = ask_from(setup);
	if (rc == TP_CLI_GO_ON)
		rc = ask_username(setup);
	if (rc == TP_CLI_GO_ON)
		rc = ask_secret(setup);
	if (rc == TP_CLI_GO_ON)
		rc = check_choice(setup);
	if (rc == TP_CLI_GO_ON)
		rc = check_login(setup);
	if (rc != TP_CLI_GO_ON)
		return rc;
	ask_test(setup);
	name_relay(setup);
	return TP_CLI_GO_ON;
}
