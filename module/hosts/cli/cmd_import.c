/*
 * cmd_import.c - tillpost import: take over another sender's settings
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/cli.h"
#include "cli/import/import_products.h"
#include "cli/import/import_text.h"
#include "cli/import_write.h"
#include "cli/input.h"
#include "cli/json.h"

#include "common/exit_code.h"
#include "common/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char help[] =
	"Usage: tillpost import FORMAT FILE [--write] [OPTION...]\n"
	"Takes over the mail settings of another program from FILE (\"-\": "
	"standard\ninput), repairs their TLS mistakes, and shows the result as "
	"a configuration.\nNothing is changed without --write.\n\n"
	"Formats: wp-mail-smtp, fluent-smtp, post-smtp, mageplaza, magepal,\n"
	"magento, prestashop, opencart, msmtp, postfix. How to export each, "
	"says\ntillpost-import(1).\n\n"
	"      --write          put it in place, the secrets into files of "
	"their own\n"
	"      --relay NAME     of the first relay (default FORMAT)\n"
	"      --store NAME     of the default store (default \"default\")\n"
	"      --sasl FILE      postfix: the text of smtp_sasl_password_maps\n"
	"      --senders FILE   postfix: that of "
	"sender_dependent_relayhost_maps\n"
	"      --wp-config FILE fluent-smtp: wp-config.php, which opens its "
	"passwords\n"
	"      --state-dir DIR  for a new configuration: queue and spool are "
	"below DIR\n"
	"      --user USER      whose configuration it is (default: its "
	"directory's owner)\n"
	"      --json           the result as one object\n"
	"  -c, --config FILE    the configuration\n"
	"      --plugin FILE    the tillpost.so to load\n"
	"  -h, --help           this text\n";

/* All that the command line says and the files hold. */
struct import {
	struct tp_cli *cli;
	struct tp_import_request request;
	struct tp_import_place place;
	const char *file;
	const char *sasl_file;
	const char *senders_file;
	const char *wp_config_file;
	int write;
	struct tp_input main;
	struct tp_input sasl;
	struct tp_input senders;
	struct tp_input wp_config;
	struct tp_import_result result;
};

/* ---- files -------------------------------------------------------------- */

/* @param missing_is_fine a file that is not there stays unread */
static int read_file(const char *path, int missing_is_fine,
	struct tp_input *input, struct tp_import_input *out)
{
	int from_stdin = strcmp(path, "-") == 0;
	int fd = from_stdin ? STDIN_FILENO
			    : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct tillpost_error err;
	int32_t rc;

	if (fd < 0 && missing_is_fine && errno == ENOENT)
		return TP_CLI_GO_ON;
	if (fd < 0) {
		(void)tp_report_set_errno(&err,
			errno == ENOENT			    ? TILLPOST_ENOTFOUND
			: errno == EACCES || errno == EPERM ? TILLPOST_EPERM
							    : TILLPOST_EIO,
			path, "cannot be read");
		return tp_cli_fail(&err);
	}
	rc = tp_input_read(fd, TP_IMPORT_FILE_BYTES, input, &err);
	if (!from_stdin)
		(void)close(fd);
	if (rc < 0) {
		tp_report(TP_CLI_PROGRAM, path, "%s", err.text);
		return tp_exit_code(err.status);
	}
	out->name = from_stdin ? "standard input" : path;
	out->text = input->data ? input->data : "";
	out->len = input->len;
	return TP_CLI_GO_ON;
}

/* A map that main.cf names, in the directory of main.cf: a file elsewhere
 * that some text names is not opened. */
static int read_map(const struct import *import, const char *given,
	const char *name, struct tp_input *input, struct tp_import_input *out)
{
	char path[PATH_MAX];
	struct tillpost_error err;

	if (given)
		return read_file(given, 0, input, out);
	if (name[0] == '\0' || strcmp(import->file, "-") == 0)
		return TP_CLI_GO_ON;
	if (tp_directory_of(import->file, path, sizeof(path) - 256, &err) < 0)
		return tp_cli_fail(&err);
	(void)snprintf(
		path + strlen(path), sizeof(path) - strlen(path), "/%s", name);
	if (read_file(path, 1, input, out) != TP_CLI_GO_ON)
		return EX_NOINPUT;
	/* The name has to outlive this function. */
	if (out->text)
		out->name = import->file;
	return TP_CLI_GO_ON;
}

static int read_maps(struct import *import)
{
	char sasl[256];
	char senders[256];
	struct tillpost_error err;
	int rc;

	if (tp_import_postfix_maps(&import->request.main, sasl, senders, &err) <
		0) {
		tp_report_print(TP_CLI_PROGRAM, &err);
		return EX_DATAERR;
	}
	rc = read_map(import, import->sasl_file, sasl, &import->sasl,
		&import->request.sasl);
	if (rc != TP_CLI_GO_ON)
		return rc;
	if (!import->sasl_file && import->request.sasl.text)
		import->request.sasl.name = "the map of passwords";
	rc = read_map(import, import->senders_file, senders, &import->senders,
		&import->request.senders);
	if (!import->senders_file && import->request.senders.text)
		import->request.senders.name = "the map of senders";
	return rc;
}

/* ---- showing ------------------------------------------------------------ */

static void show_messages(const struct tp_import_result *result)
{
	size_t i;

	for (i = 0; i < result->message_count; i++)
		tp_report(TP_CLI_PROGRAM, result->messages[i].where, "%s: %s",
			tp_import_level_name(result->messages[i].level),
			result->messages[i].text);
}

static int32_t add_json_field(
	void *ctx, const struct tp_import_setting *setting)
{
	tp_json_text(ctx, setting->key, setting->value);
	return TILLPOST_OK;
}

static void add_relays(struct tp_json *json, const struct import *import)
{
	const struct tp_import_result *result = &import->result;
	size_t i;

	tp_json_array(json, "relays");
	for (i = 0; i < result->relay_count; i++) {
		const struct tp_import_relay *relay = &result->relays[i];
		struct tp_import_bytes path = { .text = NULL };
		struct tp_json *child = tp_json_new();

		if (relay->secret || relay->wants_secret ||
			relay->secret_is_there)
			tp_import_secret_file(
				relay, import->place.secrets, &path);
		tp_json_text(child, "name", relay->name);
		(void)tp_import_relay_settings(
			relay, path.text, add_json_field, child);
		tp_json_bool(child, "secret_missing", relay->wants_secret);
		tp_json_add(json, "relays", &child);
		tp_import_bytes_free(&path);
	}
}

static void add_stores(
	struct tp_json *json, const struct tp_import_result *result)
{
	size_t i;

	tp_json_array(json, "stores");
	for (i = 0; i < result->store_count; i++) {
		struct tp_json *child = tp_json_new();

		tp_json_text(child, "name", result->stores[i].name);
		(void)tp_import_store_settings(
			result, &result->stores[i], add_json_field, child);
		tp_json_add(json, "stores", &child);
	}
}

static int show_json(const struct import *import, int written)
{
	const struct tp_import_result *result = &import->result;
	struct tp_json *json = tp_json_new();
	struct tillpost_error err;
	size_t i;

	tp_json_text(json, "format", import->request.format);
	tp_json_bool(json, "written", written);
	add_relays(json, import);
	add_stores(json, result);
	tp_json_array(json, "messages");
	for (i = 0; i < result->message_count; i++) {
		struct tp_json *child = tp_json_new();

		tp_json_text(child, "level",
			tp_import_level_name(result->messages[i].level));
		tp_json_text(child, "where", result->messages[i].where);
		tp_json_text(child, "text", result->messages[i].text);
		tp_json_add(json, "messages", &child);
	}
	return tp_json_print(&json, stdout, &err) < 0 ? tp_cli_fail(&err)
						      : EX_OK;
}

/* What --write would make, or what can be put into the existing one. */
static int show_text(const struct import *import)
{
	struct tp_conf_text text;
	int rc = tp_import_new_text(&import->result, &import->place, &text);

	if (rc >= 0)
		(void)fputs(text.bytes, stdout);
	tp_conf_free(&text);
	if (rc < 0) {
		tp_report(TP_CLI_PROGRAM, "import",
			"a value has control characters, or memory is short");
		return EX_DATAERR;
	}
	tp_import_tell_secrets(&import->result, &import->place);
	return EX_OK;
}

/* ---- order of things ---------------------------------------------------- */

static int is_name(const char *name)
{
	struct tp_import_result none = { .relay_count = 0 };
	char made[TP_IMPORT_NAME_BYTES];

	tp_import_name(&none, 0, name, made);
	return strcmp(made, name) == 0;
}

static int check_operands(struct import *import)
{
	struct tp_cli *cli = import->cli;
	struct tp_import_request *request = &import->request;

	if (cli->operand_count != 2)
		return tp_cli_misused("import", "", "which format and file?");
	request->format = cli->operands[0];
	import->file = cli->operands[1];
	if (!tp_import_format_find(request->format))
		return tp_cli_misused("import", request->format,
			"is no format that can be imported");
	if (request->relay_name && !is_name(request->relay_name))
		return tp_cli_misused("import", "--relay",
			"must begin with a letter and have letters, digits, "
			"\"-\" and \"_\"");
	if (request->store_name && !is_name(request->store_name))
		return tp_cli_misused("import", "--store",
			"must begin with a letter and have letters, digits, "
			"\"-\" and \"_\"");
	if ((import->sasl_file || import->senders_file) &&
		strcmp(request->format, "postfix") != 0)
		return tp_cli_misused("import", "--sasl, --senders",
			"are for the format postfix");
	if (import->wp_config_file &&
		strcmp(request->format, "fluent-smtp") != 0)
		return tp_cli_misused("import", "--wp-config",
			"is for the format fluent-smtp");
	return TP_CLI_GO_ON;
}

static int read_all(struct import *import)
{
	int rc = read_file(
		import->file, 0, &import->main, &import->request.main);

	if (rc == TP_CLI_GO_ON &&
		strcmp(import->request.format, "postfix") == 0)
		rc = read_maps(import);
	if (rc == TP_CLI_GO_ON && import->wp_config_file)
		rc = read_file(import->wp_config_file, 0, &import->wp_config,
			&import->request.wp_config);
	return rc;
}

static int map_all(struct import *import)
{
	struct tillpost_error err;
	int32_t rc;

	TILLPOST_INIT(&err);
	rc = tp_import_run(&import->request, &import->result, &err);
	if (!import->cli->json || rc < 0)
		show_messages(&import->result);
	if (rc >= 0)
		return TP_CLI_GO_ON;
	tp_report_print(TP_CLI_PROGRAM, &err);
	return rc == TILLPOST_ENOMEM ? EX_TEMPFAIL : EX_DATAERR;
}

static int finish(struct import *import)
{
	int rc;

	if (import->write) {
		rc = tp_import_write(
			import->cli, &import->result, &import->place);
		if (rc != TP_CLI_GO_ON)
			return rc;
		if (import->cli->json)
			return show_json(import, 1);
		tp_report(TP_CLI_PROGRAM, "import",
			"written; try it with tillpost check and tillpost "
			"test --to ADDRESS");
		return EX_OK;
	}
	return import->cli->json ? show_json(import, 0) : show_text(import);
}

int tp_cmd_import(struct tp_cli *cli, int argc, char **argv)
{
	struct import import = { .cli = cli };
	const struct tp_arg args[] = {
		{ .name = "write", .flag = &import.write },
		{ .name = "relay", .text = &import.request.relay_name },
		{ .name = "store", .text = &import.request.store_name },
		{ .name = "sasl", .text = &import.sasl_file },
		{ .name = "senders", .text = &import.senders_file },
		{ .name = "wp-config", .text = &import.wp_config_file },
		{ .name = "state-dir", .text = &import.place.places.state_dir },
		{ .name = "user", .text = &import.place.places.user },
		{ .name = "json", .flag = &cli->json },
	};
	int rc = tp_cli_parse(cli, args, TP_COUNT(args), help, argc, argv);

	if (rc == TP_CLI_GO_ON)
		rc = check_operands(&import);
	if (rc == TP_CLI_GO_ON)
		rc = tp_import_place(cli, &import.place);
	if (rc == TP_CLI_GO_ON)
		rc = read_all(&import);
	if (rc == TP_CLI_GO_ON)
		rc = map_all(&import);
	if (rc == TP_CLI_GO_ON)
		rc = finish(&import);
	tp_import_result_free(&import.result);
	tp_input_free(&import.main);
	tp_input_free(&import.sasl);
	tp_input_free(&import.senders);
	tp_input_free(&import.wp_config);
	return rc;
}
