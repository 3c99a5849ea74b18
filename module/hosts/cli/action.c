/*
 * action.c - commands that do one thing to each of several names
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/action.h"

#include "cli/json.h"
#include "common/exit_code.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

const struct tp_action *tp_action_find(
	const struct tp_action_kind *kind, const char *verb)
{
	size_t i;

	for (i = 0; i < kind->count; i++)
		if (strcmp(verb, kind->items[i].name) == 0)
			return &kind->items[i];
	return NULL;
}

static int32_t print(const struct tp_action_kind *kind, const char *action,
	const char *name, const struct tillpost_error *result,
	struct tillpost_error *err)
{
	struct tp_json *json = tp_json_new();

	tp_json_text(json, kind->key, name);
	tp_json_text(json, "action", action);
	tp_json_bool(json, "ok", result->status == TILLPOST_OK);
	tp_json_number(json, "status", result->status);
	tp_json_text(json, "where", result->where);
	tp_json_text(json, "text", result->text);
	return tp_json_print(&json, stdout, err);
}

int tp_action_do(const struct tp_cli *cli, const struct tp_action_kind *kind,
	const struct tp_action *action, const char *name)
{
	struct tillpost_error err;
	struct tillpost_error print_err;
	int32_t rc;

	TILLPOST_INIT(&err);
	rc = kind->call(cli, action->number, name, &err);
	err.status = rc < 0 ? rc : TILLPOST_OK;
	if (cli->json) {
		if (print(kind, action->name, name, &err, &print_err) < 0)
			return tp_cli_fail(&print_err);
		return tp_exit_code(rc);
	}
	if (rc >= 0)
		return EX_OK;
	if (err.where[0] == '\0')
		(void)snprintf(err.where, sizeof(err.where), "%s", name);
	return tp_cli_fail(&err);
}

int tp_action_do_operands(const struct tp_cli *cli,
	const struct tp_action_kind *kind, const struct tp_action *action)
{
	int first = EX_OK;
	int i;

	for (i = 1; i < cli->operand_count; i++) {
		int rc = tp_action_do(cli, kind, action, cli->operands[i]);

		if (first == EX_OK)
			first = rc;
	}
	return first;
}
