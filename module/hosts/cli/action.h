/*
 * action.h - commands that do one thing to each of several names
 *
 * JOB     "tillpost queue retry ID..." and "tillpost spool release NAME...":
 * all are tried, the result of each is shown, and the first failure decides the
 * exit code. LAYER   hosts; libc, jansson and <tillpost/abi.h>.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_ACTION_H
#define TP_HOSTS_CLI_ACTION_H

#include "cli/cli.h"

struct tp_action {
	const char *name;
	int32_t number; /* for the call */
};

/* One way to do things. */
struct tp_action_kind {
	const char *key; /* what a name is called in JSON */
	const struct tp_action *items;
	size_t count;
	int32_t (*call)(const struct tp_cli *cli, int32_t number,
		const char *name, struct tillpost_error *err);
};

/* @return NULL if KIND has no action VERB */
const struct tp_action *tp_action_find(
	const struct tp_action_kind *kind, const char *verb);

/* Does it to NAME and shows the result. @return an exit code */
int tp_action_do(const struct tp_cli *cli, const struct tp_action_kind *kind,
	const struct tp_action *action, const char *name);

/* Does it to all operands behind the first. @return an exit code */
int tp_action_do_operands(const struct tp_cli *cli,
	const struct tp_action_kind *kind, const struct tp_action *action);

#endif
