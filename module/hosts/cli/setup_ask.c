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
#define MODES                                                                   \
	"must be implicit (called SSL or SSL/TLS elsewhere), starttls (called " \
	"TLS elsewhere) or none"

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

static int needed(const char *option, const char *what)
{
	return tp_cli_misused("setup", option, what);
}

/* ---- one question ------------------------------------------------------- */

const char *tp_setup_keep(struct tp_setup *setup, char *text)
{
	if (!text || setup->answer_count == TP_SETUP_ANSWERS_MAX) {
		free(text);
		return NULL;
	}
	setup->answers[setup->answer_count++] = text;
	return text;
}

const char *tp_setup_question(
	struct tp_setup *setup, const char *question, const char *usual)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	int shown = usual && usual[0];

	(void)printf("%s%s%s%s: ", question, shown ? " [" : "",
		shown ? usual : "", shown ? "]" : "");
	(void)fflush(stdout);
	len = getline(&line, &cap, stdin);
	while (len > 0 && strchr("\r\n \t", line[len - 1]))
		line[--len] = '\0';
	if (len > 0)
		return tp_setup_keep(setup, line);
	free(line);
	if (len < 0) {
		(void)putchar('\n');
		tp_report(TP_CLI_PROGRAM, question, "no answer");
	}
	return len < 0 ? NULL : usual;
}

typedef void judge_fn(const struct tp_setup *setup, const char *answer,
	char out[TP_SETUP_COMPLAINT_BYTES]);

/* Asks until there is an answer that can be used.
 * @return NULL at the end of the input, or after too many */
static const char *ask(struct tp_setup *setup, const char *question,
	const char *usual, judge_fn *judge)
{
	char complaint[TP_SETUP_COMPLAINT_BYTES];
	const char *answer;

	for (;;) {
		answer = tp_setup_question(setup, question, usual ? usual : "");
		if (!answer)
			return NULL;
		if (!answer[0])
			continue;
		judge(setup, answer, complaint);
		if (!complaint[0])
			return answer;
		(void)fputs("  ", stdout);
		tp_text_put(stdout, complaint);
		(void)fputc('\n', stdout);
	}
}

/* What an option says is judged before anything is asked that would be typed
 * in vain. @return TP_CLI_GO_ON or EX_CONFIG */
static int judge_given(struct tp_setup *setup, const char *option,
	const char *value, judge_fn *judge)
{
	char complaint[TP_SETUP_COMPLAINT_BYTES];

	judge(setup, value, complaint);
	if (!complaint[0])
		return TP_CLI_GO_ON;
	tp_report(TP_CLI_PROGRAM, option, "%s", complaint);
	return EX_CONFIG;
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

/* ---- the questions ------------------------------------------------------ */

/* "Amazon SES" is amazon-ses. */
static const char *as_preset(struct tp_setup *setup, const char *name)
{
	char *text = strdup(name);
	char *at;

	for (at = text; at && *at; at++) {
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
		else if (*at == ' ' || *at == '_')
			*at = '-';
	}
	return tp_setup_keep(setup, text);
}

static void judge_provider(const struct tp_setup *setup, const char *answer,
	char out[TP_SETUP_COMPLAINT_BYTES])
{
	/* As it will be used; the copy is the caller's business. */
	char name[128];
	size_t i;

	(void)snprintf(name, sizeof(name), "%s", answer);
	for (i = 0; name[i]; i++)
		name[i] = name[i] == ' ' || name[i] == '_' ? '-'
			  : name[i] >= 'A' && name[i] <= 'Z'
				  ? (char)(name[i] - 'A' + 'a')
				  : name[i];
	out[0] = '\0';
	if (strcmp(name, OTHER) != 0)
		tp_setup_judge_provider(setup, name, out);
}

static int ask_provider(struct tp_setup *setup)
{
	const char *answer;

	if (setup->provider)
		setup->provider = as_preset(setup, setup->provider);
	if (setup->provider && setup->interactive)
		return judge_given(setup, "--provider", setup->provider,
			tp_setup_judge_provider);
	if (setup->provider || setup->host)
		return TP_CLI_GO_ON;
	if (!setup->interactive)
		return needed("--provider", "or --host is needed; --list shows "
					    "the providers");
	(void)printf("Who sends your mail?\n");
	tp_setup_list_providers();
	answer = ask(setup, "Provider", NULL, judge_provider);
	answer = answer ? as_preset(setup, answer) : NULL;
	if (!answer)
		return EX_USAGE;
	if (strcmp(answer, OTHER) != 0) {
		setup->provider = answer;
		return TP_CLI_GO_ON;
	}
	setup->host = ask(
		setup, "Host name of the server", NULL, tp_setup_judge_host);
	return setup->host ? TP_CLI_GO_ON : EX_USAGE;
}

/* Only some providers have several. */
static int ask_region(struct tp_setup *setup)
{
	char regions[TP_SETUP_COMPLAINT_BYTES];
	char first[64];
	int none_usual;

	if (setup->region)
		return judge_given(setup, "--region", setup->region,
			tp_setup_judge_region);
	if (!tp_setup_regions(setup, regions, &none_usual))
		return TP_CLI_GO_ON;
	(void)printf("Regions: %s\n", regions);
	(void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(regions, ","),
		regions);
	setup->region = ask(setup, "Region of the account",
		none_usual ? NULL : first, tp_setup_judge_region);
	/* FIRST is only ours. */
	if (setup->region == first)
		setup->region = tp_setup_keep(setup, strdup(first));
	return setup->region ? TP_CLI_GO_ON : EX_USAGE;
}

static int is_mode(const char *text)
{
	return strcmp(text, "implicit") == 0 || strcmp(text, "starttls") == 0 ||
	       strcmp(text, "none") == 0;
}

static void judge_mode(const struct tp_setup *setup, const char *answer,
	char out[TP_SETUP_COMPLAINT_BYTES])
{
	(void)setup;
	(void)snprintf(out, TP_SETUP_COMPLAINT_BYTES, "%s",
		is_mode(answer) ? "" : MODES);
}

static int ask_server(struct tp_setup *setup)
{
	if (!setup->interactive)
		return TP_CLI_GO_ON;
	if (setup->provider)
		return ask_region(setup);
	if (setup->tls || setup->port != 0)
		return TP_CLI_GO_ON;
	setup->tls = ask(setup,
		"TLS: implicit (port 465), starttls (port 587) or none",
		"implicit", judge_mode);
	return setup->tls ? TP_CLI_GO_ON : EX_USAGE;
}

static int ask_from(struct tp_setup *setup)
{
	if (setup->from)
		return judge_given(
			setup, "--from", setup->from, tp_setup_judge_from);
	if (!setup->interactive)
		return needed("--from", "is needed: the address that the "
					"shop's mail comes from");
	setup->from = ask(setup,
		"The shop's From address, as shop@example.com or "
		"Shop <shop@example.com>",
		NULL, tp_setup_judge_from);
	return setup->from ? TP_CLI_GO_ON : EX_USAGE;
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
	do {
		setup->username = tp_setup_question(setup, question, "");
		if (!setup->username)
			return EX_USAGE;
	} while (!setup->username[0] && setup->provider && setup->hint);
	if (!setup->username[0])
		setup->username = NULL;
	return TP_CLI_GO_ON;
}

static int ask_secret(struct tp_setup *setup)
{
	struct tillpost_error err;
	char prompt[160];

	setup->without_login = !setup->username &&
			       !tp_setup_has_secret(setup) && asks_user(setup);
	if (tp_setup_has_secret(setup) || setup->without_login)
		return TP_CLI_GO_ON;
	if (!setup->interactive)
		return needed("--password-file",
			"or --password-stdin, --password-env, --token-file, "
			"--token-env is needed; secrets are not taken from the "
			"command line");
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

static void judge_recipient(const struct tp_setup *setup, const char *answer,
	char out[TP_SETUP_COMPLAINT_BYTES])
{
	tp_setup_judge_from(setup, answer, out);
	if (out[0] || strpbrk(answer, "<> "))
		(void)snprintf(out, TP_SETUP_COMPLAINT_BYTES,
			"must be one address, as you@example.com");
}

static void ask_test(struct tp_setup *setup)
{
	static const char question[] =
		"Send a test mail to (an empty line: to nobody)";
	char complaint[TP_SETUP_COMPLAINT_BYTES] = "";
	const char *answer;

	if (!setup->interactive || setup->test_to || setup->no_test)
		return;
	do {
		answer = tp_setup_question(setup, question, "");
		if (!answer || !answer[0])
			return;
		judge_recipient(setup, answer, complaint);
		if (complaint[0])
			(void)printf("  %s\n", complaint);
	} while (complaint[0]);
	setup->test_to = answer;
}

/* ---- what fits together ------------------------------------------------- */

static int check_choice(struct tp_setup *setup)
{
	if (setup->provider && setup->host)
		return needed("--host", "comes with the provider: give one of "
					"--provider and --host");
	if (setup->no_test && setup->test_to)
		return needed("--no-test", "and --test-to exclude each other");
	if (setup->port > 65535)
		return needed("--port", "is not a port number");
	if (setup->tls && !is_mode(setup->tls))
		return needed("--tls", MODES);
	return tp_setup_check_login(setup);
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
		rc = tp_setup_ask_login(setup);
	if (rc == TP_CLI_GO_ON)
		rc = ask_secret(setup);
	if (rc == TP_CLI_GO_ON)
		rc = check_login(setup);
	if (rc != TP_CLI_GO_ON)
		return rc;
	ask_test(setup);
	name_relay(setup);
	return TP_CLI_GO_ON;
}
