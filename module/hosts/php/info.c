/*
 * info.c - the section of phpinfo()
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/info.h"

#include "common/report.h"
#include "php/handle.h"
#include "php/hooks.h"
#include "php/say.h"
#include "php/store.h"

#include <ext/standard/info.h>

#include <stdio.h>
#include <unistd.h>

#define LINE_BYTES 700

static void say_error(char line[LINE_BYTES], const struct tillpost_error *err)
{
	char reason[TP_REPORT_LINE_BYTES];

	(void)snprintf(line, LINE_BYTES, "not usable: %s",
		tp_report_line(err, reason, sizeof(reason)));
}

static void say_spool(const struct tillpost_api *api, tillpost_handle *handle,
	char line[LINE_BYTES])
{
	struct tillpost_status status;
	struct tillpost_error err;
	char reason[TP_REPORT_LINE_BYTES];

	TILLPOST_INIT(&status);
	TILLPOST_INIT(&err);
	if (api->status(handle, &status, NULL, NULL, &err) < 0)
		(void)snprintf(line, LINE_BYTES, "state not known: %s",
			tp_report_line(&err, reason, sizeof(reason)));
	else if (status.spooled_count < 0)
		(void)snprintf(line, LINE_BYTES, "cannot be read by this user");
	else
		(void)snprintf(line, LINE_BYTES,
			"%lld waiting, %lld in quarantine",
			(long long)status.spooled_count,
			(long long)status.quarantined_count);
}

static void show_hooks(void)
{
	char state[TP_PHP_HOOK_STATE_BYTES];
	int i;

	php_info_print_table_start();
	php_info_print_table_header(2, "Function", "Hook");
	for (i = 0; i < TP_PHP_HOOK_COUNT; i++) {
		tp_php_hook_state((enum tp_php_hook)i, state);
		php_info_print_table_row(
			2, tp_php_hook_name((enum tp_php_hook)i), state);
	}
	php_info_print_table_end();
}

static void show_plugin(void)
{
	const struct tillpost_api *api = NULL;
	tillpost_handle *handle = NULL;
	struct tillpost_error err;
	char line[LINE_BYTES];
	int32_t rc = tp_php_open(&api, &handle, &err);

	if (!api) {
		say_error(line, &err);
		php_info_print_table_row(2, "Plugin", line);
		return;
	}
	php_info_print_table_row(2, "Plugin version", api->version);
	if (rc < 0)
		say_error(line, &err);
	else
		say_spool(api, handle, line);
	tp_php_say_kept();
	php_info_print_table_row(2, "Spool", line);
}

static void show_files(void)
{
	const char *config = tp_php_given(TILLPOST_G(config));
	const char *store = tp_php_known_store();

	if (!config)
		config = TILLPOST_CONFIG_PATH;
	php_info_print_table_row(2, "Configuration", config);
	php_info_print_table_row(2, "Configuration readable here",
		access(config, R_OK) == 0
			? "yes"
			: "no: stores are checked when the spool is taken in");
	php_info_print_table_row(
		2, "Program in place of sendmail", TILLPOST_G(sendmail));
	php_info_print_table_row(2, "Program can be run",
		access(TILLPOST_G(sendmail), X_OK) == 0 ? "yes" : "no");
	php_info_print_table_row(
		2, "Store", store ? store : "found out for each message");
}

void tp_php_info(void)
{
	php_info_print_table_start();
	php_info_print_table_row(
		2, "tillpost", TILLPOST_G(enable) ? "enabled" : "switched off");
	php_info_print_table_row(2, "Extension version", TILLPOST_VERSION);
	show_plugin();
	show_files();
	php_info_print_table_end();
	show_hooks();
}
