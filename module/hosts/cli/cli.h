/*
 * cli.h - what the subcommands of tillpost share
 *
 * JOB     Common options, loading and opening the plugin, errors, and the
 *         list of subcommands. Each subcommand is one cmd_*.c.
 * LAYER   hosts; libc, hosts/common and <tillpost/abi.h>.
 * THREADS A struct tp_cli belongs to main(); log lines come from any thread.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_H
#define TP_HOSTS_CLI_H

#include "common/args.h"
#include "common/loader.h"

#include <tillpost/abi.h>

#define TP_CLI_PROGRAM "tillpost"
#define TP_CLI_DEFAULT_CONFIG "/etc/tillpost/tillpost.conf"

#define TP_COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct tp_cli {
	const char *config_path; /* NULL: the default */
	const char *plugin_file; /* NULL: searched */
	int json;
	int help;
	int32_t log_level; /* most verbose TILLPOST_LOG_* to show */
	int log_times;	   /* 1: log lines begin with the local time */
	struct tp_plugin plugin;
	struct tillpost_host host;
	tillpost_handle *handle; /* NULL: not open */
	char **operands;	 /* what is left after the options */
	int operand_count;
};

/* Returned by functions that otherwise return an exit code. */
#define TP_CLI_GO_ON (-1)

/* Reads the options of a subcommand and the common ones. With --help it
 * prints HELP on standard output.
 * @param argv argv[0] is the name of the subcommand
 * @return TP_CLI_GO_ON, or the exit code to end with */
int tp_cli_parse(struct tp_cli *cli, const struct tp_arg *args, size_t count,
	const char *help, int argc, char **argv);

/* Loads the plugin. @return TP_CLI_GO_ON or an exit code, error printed */
int tp_cli_load(struct tp_cli *cli, uint64_t capabilities);

/* Opens a handle in the embedded role; the plugin is loaded.
 * @param config_path NULL: the default
 * @return what the plugin says, with ERR; nothing is printed */
int32_t tp_cli_try_open(struct tp_cli *cli, const char *config_path,
	uint32_t flags, struct tillpost_error *err);

/* Loads the plugin and opens a handle in the embedded role.
 * @param flags TILLPOST_OPEN_*
 * @return TP_CLI_GO_ON or an exit code, error printed */
int tp_cli_open(struct tp_cli *cli, uint32_t flags, uint64_t capabilities);

/* Loads the plugin and opens a handle in the role submit.
 * @param spool_path NULL: that of the configuration
 * @return as tp_cli_open() */
int tp_cli_open_submit(
	struct tp_cli *cli, const char *spool_path, uint64_t capabilities);

/* How a handle is opened that delivers nothing: also where the daemon's
 * secrets are not to be had. */
#define TP_CLI_LOOK (TILLPOST_OPEN_PASSIVE | TILLPOST_OPEN_NO_SECRETS)

/* As tp_cli_open() for commands that only show something. A user who may not
 * read the queue gets a handle in the role submit, which asks tillpostd, and
 * is told so. */
int tp_cli_open_to_look(struct tp_cli *cli, uint64_t capabilities);

/* Closes and unloads whatever is open. */
void tp_cli_close(struct tp_cli *cli);

/* Prints ERR. @return the exit code for its status */
int tp_cli_fail(const struct tillpost_error *err);

/* Prints "tillpost: WHERE: TEXT" and how to get help for COMMAND.
 * @return EX_USAGE */
int tp_cli_misused(const char *command, const char *where, const char *text);

/* "sent", "deferred", ... for TILLPOST_VERDICT_*; never NULL */
const char *tp_cli_verdict_name(int32_t verdict);

/* Unlike submit, a test asks whether the mail went out.
 * @return the exit code for TILLPOST_VERDICT_* of a test mail */
int tp_cli_test_code(int32_t verdict);

/* The subcommands. @return an exit code; help and errors are printed */
int tp_cmd_setup(struct tp_cli *cli, int argc, char **argv);
int tp_cmd_doctor(struct tp_cli *cli, int argc, char **argv);
int tp_cmd_import(struct tp_cli *cli, int argc, char **argv);
int tp_cmd_secret(struct tp_cli *cli, int argc, char **argv);
int tp_cmd_check(struct tp_cli *cli, int argc, char **argv);
int tp_cmd_submit(struct tp_cli *cli, int argc, char **argv);
int tp_cmd_run(struct tp_cli *cli, int argc, char **argv);
int tp_cmd_status(struct tp_cli *cli, int argc, char **argv);
int tp_cmd_queue(struct tp_cli *cli, int argc, char **argv);
int tp_cmd_spool(struct tp_cli *cli, int argc, char **argv);
int tp_cmd_log(struct tp_cli *cli, int argc, char **argv);
int tp_cmd_test(struct tp_cli *cli, int argc, char **argv);
int tp_cmd_route(struct tp_cli *cli, int argc, char **argv);
int tp_cmd_settings(struct tp_cli *cli, int argc, char **argv);

#endif
