/*
 * main.c - the tillpost command: finds the subcommand
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/cli.h"

#include "common/report.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

struct command {
	const char *name;
	int (*run)(struct tp_cli *cli, int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
	{ "setup", tp_cmd_setup, "a first configuration, asked for and tried" },
	{ "doctor", tp_cmd_doctor, "what is wrong, and what to do" },
	{ "import", tp_cmd_import, "take over another sender's settings" },
	{ "secret", tp_cmd_secret, "put a password or token into its file" },
	{ "check", tp_cmd_check, "check the configuration and its files" },
	{ "submit", tp_cmd_submit, "accept a message from standard input" },
	{ "run", tp_cmd_run, "deliver in the foreground" },
	{ "status", tp_cmd_status, "show counts and relays" },
	{ "queue", tp_cmd_queue, "list, show, hold, release, retry, cancel" },
	{ "spool", tp_cmd_spool, "list, release, discard what is spooled" },
	{ "log", tp_cmd_log, "show what became of messages" },
	{ "test", tp_cmd_test, "send a test mail, each step shown" },
	{ "route", tp_cmd_route, "show the store and relay of a message" },
	{ "settings", tp_cmd_settings, "show and change settings" },
};

static void print_help(void)
{
	size_t i;

	(void)printf("Usage: tillpost COMMAND [OPTION...] [ARGUMENT...]\n"
		     "Sends each store's mail through its own relay.\n\n"
		     "Commands:\n");
	for (i = 0; i < TP_COUNT(commands); i++)
		(void)printf(
			"  %-9s %s\n", commands[i].name, commands[i].summary);
	(void)printf(
		"\nOptions of all commands:\n"
		"  -c, --config FILE  the configuration (default " TP_CLI_DEFAULT_CONFIG
		")\n"
		"      --plugin FILE  the tillpost.so to load\n"
		"  -h, --help         help for the command\n"
		"\ntillpost --version shows the plugin's version.\n"
		"See tillpost(1) for everything else.\n");
}

static int print_version(struct tp_cli *cli)
{
	int rc = tp_cli_load(cli, 0);

	if (rc != TP_CLI_GO_ON)
		return rc;
	(void)printf("tillpost %s (interface %d.%u)\n",
		cli->plugin.api->version, TILLPOST_ABI_MAJOR,
		(unsigned int)cli->plugin.api->abi_minor);
	return EX_OK;
}

static int dispatch(struct tp_cli *cli, int argc, char **argv)
{
	size_t i;

	for (i = 0; i < TP_COUNT(commands); i++)
		if (strcmp(argv[0], commands[i].name) == 0)
			return commands[i].run(cli, argc, argv);
	return tp_cli_misused("", argv[0], "no such command");
}

static int start(struct tp_cli *cli, int argc, char **argv)
{
	int version = 0;
	const struct tp_arg args[] = {
		{ .letter = 'c', .name = "config", .text = &cli->config_path },
		{ .name = "plugin", .text = &cli->plugin_file },
		{ .letter = 'h', .name = "help", .flag = &cli->help },
		{ .letter = 'V', .name = "version", .flag = &version },
	};
	struct tillpost_error err;
	int32_t first =
		tp_args_parse(args, TP_COUNT(args), 1, argc, argv, &err);

	if (first < 0)
		return tp_cli_misused("", err.where, err.text);
	if (cli->help) {
		print_help();
		return EX_OK;
	}
	if (version)
		return print_version(cli);
	if (first >= argc)
		return tp_cli_misused("", "", "which command?");
	return dispatch(cli, argc - first, argv + first);
}

int main(int argc, char **argv)
{
	struct tp_cli cli = { .log_level = TILLPOST_LOG_WARNING };
	const struct rlimit no_core = { .rlim_cur = 0, .rlim_max = 0 };
	int rc;

	/* A core file would hold relay credentials. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	rc = start(&cli, argc, argv);
	tp_cli_close(&cli);
	if ((fflush(stdout) != 0 || ferror(stdout)) && rc == EX_OK) {
		tp_report(TP_CLI_PROGRAM, "standard output", "%s",
			"could not be written");
		rc = EX_IOERR;
	}
	return rc;
}
