/*
 * cmd_setup.c - tillpost setup: from an account to a first mail
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/setup.h"

#include "cli/relay_probe.h"

#include "common/exit_code.h"
#include "common/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char help[] =
	"Usage: tillpost setup [OPTION...]\n"
	"Asks for provider, account, secret and From address, tries them step "
	"by step, and\nwrites the configuration. Options answer questions "
	"beforehand.\n\n"
	"      --provider NAME       a known provider; --list shows them\n"
	"      --region NAME         its region, where there are several\n"
	"      --host NAME           another server, with\n"
	"      --port NUMBER         and\n"
	"      --tls MODE            implicit, starttls or none\n"
	"      --ca-file FILE        a private authority of its certificate\n"
	"  -u, --username NAME       the login\n"
	"      --password-file FILE  holds the secret; or\n"
	"      --password-stdin      the secret is on standard input\n"
	"      --password-env NAME   the environment variable that has it, "
	"here and later\n"
	"                            for tillpostd\n"
	"      --oauth               it is an OAuth 2 access token\n"
	"      --token-file FILE     a file in which a program of yours renews "
	"a token\n"
	"      --token-env NAME      as --password-env, for a token\n"
	"      --from ADDRESS        the shop's address\n"
	"  -s, --store NAME          the store (default \"default\")\n"
	"      --relay NAME          how to call the relay in the settings\n"
	"      --test-to ADDRESS     send a test mail\n"
	"      --no-test             write without trying\n"
	"      --user NAME           who is to own the secrets, and runs "
	"tillpostd\n"
	"      --state-dir DIR       queue and spool below it (new "
	"configurations)\n"
	"      --force               replace a configuration; a backup stays\n"
	"  -y, --yes, --non-interactive   ask nothing\n"
	"      --list                the providers\n"
	"  -c, --config FILE         the configuration to write\n"
	"      --plugin FILE         the tillpost.so to load\n"
	"  -h, --help                this text\n";

/* As the caller, who may read what the owner of the result may not. */
static int read_secret(struct tp_setup *setup)
{
	struct tillpost_error err;
	int fd = STDIN_FILENO;
	int32_t rc;

	if (setup->password_stdin) {
		rc = tp_input_value("Password", &setup->secret, &err);
	} else if (setup->password_file) {
		fd = open(setup->password_file, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			(void)tp_report_set_errno(&err, TILLPOST_EIO,
				setup->password_file, "cannot be read");
			return tp_cli_fail(&err);
		}
		rc = tp_input_read(
			fd, TP_INPUT_VALUE_BYTES, &setup->secret, &err);
		(void)close(fd);
	} else {
		return TP_CLI_GO_ON;
	}
	if (rc < 0)
		return tp_cli_fail(&err);
	while (setup->secret.len > 0 &&
		strchr("\r\n", setup->secret.data[setup->secret.len - 1]))
		setup->secret.data[--setup->secret.len] = '\0';
	if (setup->secret.len == 0)
		return tp_cli_misused("setup", "password", "is empty");
	return TP_CLI_GO_ON;
}

/* Through the configuration as it now is, so the mail is in its log. */
static int send_test(struct tp_setup *setup)
{
	struct tp_relay_target target = {
		.relay = setup->relay_name,
		.store = setup->store,
		.host = setup->host ? setup->host : setup->provider,
		.hint = setup->hint,
	};
	int32_t verdict;
	int rc = tp_cli_open(
		setup->cli, TILLPOST_OPEN_PASSIVE, TILLPOST_CAP_DELIVER_NOW);

	if (rc != TP_CLI_GO_ON)
		return rc;
	verdict = tp_relay_login(
		setup->cli, &target, setup->test_to, &setup->findings);
	if (verdict < 0)
		return tp_exit_code(verdict);
	return tp_cli_test_code(verdict);
}

static void say_next(const struct tp_setup *setup)
{
	const char *config = setup->places.config_path;
	const char *variable =
		setup->password_env ? setup->password_env : setup->token_env;
	int usual = strcmp(config, TP_CLI_DEFAULT_CONFIG) == 0;

	if (variable)
		(void)printf("\ntillpostd needs %s in its environment too.\n",
			variable);
	if (strcmp(setup->store, "default") != 0)
		(void)printf("\nStore %s gets no mail until its 'match' says "
			     "which, for example match = { from = "
			     "[\"@shop.example\"]; };\nsee "
			     "tillpost.conf(5), and try it with 'tillpost "
			     "route'.\n",
			setup->store);
	(void)printf("\nNext: %s, then 'tillpost doctor%s%s'.\n",
		usual ? "'systemctl enable --now tillpostd' (or 'systemctl "
			"reload tillpostd' if it runs)"
		      : "start tillpostd, or let it reload",
		usual ? "" : " -c ", usual ? "" : config);
}

static int run(struct tp_setup *setup)
{
	int rc = read_secret(setup);

	if (rc == TP_CLI_GO_ON)
		rc = tp_setup_place(setup);
	if (rc == TP_CLI_GO_ON)
		rc = tp_cli_load(setup->cli, TILLPOST_CAP_DELIVER_NOW);
	if (rc == TP_CLI_GO_ON)
		rc = tp_setup_ask(setup);
	if (rc == TP_CLI_GO_ON)
		rc = tp_setup_can_add(setup);
	if (rc == TP_CLI_GO_ON)
		rc = tp_setup_draft(setup);
	if (rc == TP_CLI_GO_ON) {
		tp_setup_draft_settle(setup);
		rc = tp_setup_commit(setup);
	}
	tp_setup_draft_remove(setup);
	if (rc != TP_CLI_GO_ON)
		return rc;
	rc = setup->test_to ? send_test(setup) : EX_OK;
	say_next(setup);
	return rc;
}

static void forget(struct tp_setup *setup)
{
	size_t i;

	tp_input_free(&setup->secret);
	for (i = 0; i < setup->answer_count; i++)
		free(setup->answers[i]);
}

int tp_cmd_setup(struct tp_cli *cli, int argc, char **argv)
{
	struct tp_setup setup = { .cli = cli, .store = "default" };
	int yes = 0;
	int list = 0;
	const struct tp_arg args[] = {
		{ .name = "provider", .text = &setup.provider },
		{ .name = "region", .text = &setup.region },
		{ .name = "host", .text = &setup.host },
		{ .name = "port", .count = &setup.port },
		{ .name = "tls", .text = &setup.tls },
		{ .name = "ca-file", .text = &setup.ca_file },
		{ .letter = 'u', .name = "username", .text = &setup.username },
		{ .name = "password-file", .text = &setup.password_file },
		{ .name = "password-stdin", .flag = &setup.password_stdin },
		{ .name = "password-env", .text = &setup.password_env },
		{ .name = "oauth", .flag = &setup.oauth },
		{ .name = "token-file", .text = &setup.token_file },
		{ .name = "token-env", .text = &setup.token_env },
		{ .name = "from", .text = &setup.from },
		{ .letter = 's', .name = "store", .text = &setup.store },
		{ .name = "relay", .text = &setup.relay },
		{ .name = "test-to", .text = &setup.test_to },
		{ .name = "no-test", .flag = &setup.no_test },
		{ .name = "user", .text = &setup.places.user },
		{ .name = "state-dir", .text = &setup.places.state_dir },
		{ .name = "force", .flag = &setup.force },
		{ .letter = 'y', .name = "yes", .flag = &yes },
		{ .name = "non-interactive", .flag = &yes },
		{ .name = "list", .flag = &list },
	};
	int rc = tp_cli_parse(cli, args, TP_COUNT(args), help, argc, argv);

	if (rc != TP_CLI_GO_ON)
		return rc;
	if (cli->operand_count > 0)
		return tp_cli_misused("setup", cli->operands[0],
			"not expected here; secrets and answers have options");
	if (list) {
		tp_setup_list_providers();
		return EX_OK;
	}
	/* The check of what is put in place tells all that the plugin would
	 * warn of at each step. */
	cli->log_level = 0;
	setup.interactive =
		!yes && !setup.password_stdin && isatty(STDIN_FILENO);
	rc = run(&setup);
	forget(&setup);
	return rc;
}
