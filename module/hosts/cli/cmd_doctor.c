/*
 * cmd_doctor.c - tillpost doctor: what is wrong, and what to do
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/doctor.h"

#include "cli/probe_dns.h"

#include "common/report.h"
#include "common/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static const char help[] =
	"Usage: tillpost doctor [OPTION...]\n"
	"Looks at configuration, files, clock, disk, tillpostd, queue, PHP, "
	"relays and the\nrecords of the From domains, and says what to do. "
	"Changes nothing. Root becomes\nthe user of tillpostd for it. The exit "
	"code is 0 if nothing is an error.\n\n"
	"  -s, --store NAME     only this store and its relay\n"
	"      --to ADDRESS     send a test mail too\n"
	"      --selector NAME  the DKIM selector, if it is not the "
	"provider's usual one\n"
	"      --resolver ADDRESS[:PORT]  the name server to ask for records\n"
	"      --php FILE       the php to ask (default: php, if there is "
	"one)\n"
	"      --php-fpm FILE   the PHP-FPM to ask (default: all in "
	"/usr/sbin)\n"
	"      --sendmail FILE  instead of /usr/sbin/sendmail\n"
	"      --unit FILE      the systemd unit of tillpostd, if it has "
	"another name\n"
	"      --user NAME      the user of tillpostd\n"
	"      --json           one object per finding\n"
	"  -c, --config FILE    the configuration\n"
	"      --plugin FILE    the tillpost.so to load\n"
	"  -h, --help           this text\n";

/* ---- configuration ------------------------------------------------------ */

static int32_t show_finding(void *ctx, const struct tillpost_finding *finding)
{
	struct tp_findings *findings = ctx;
	int is_error = finding->level <= TILLPOST_LOG_ERROR;

	tp_find(findings, is_error ? TP_FIND_ERROR : TP_FIND_WARNING,
		"configuration", "%s%s%s", finding->where,
		finding->where[0] ? ": " : "", finding->text);
	return 0;
}

/* @return 1 if the plugin can use it */
static int check_config(struct tp_doctor *doctor)
{
	struct tp_cli *cli = doctor->cli;
	struct tillpost_error err;
	int32_t found;

	TILLPOST_INIT(&err);
	found = cli->plugin.api->check(cli->config_path, &cli->host,
		show_finding, &doctor->findings, &err);
	if (found < 0)
		tp_find(&doctor->findings, TP_FIND_ERROR, "configuration",
			"%s: %s", err.where, err.text);
	else if (found == 0)
		tp_find(&doctor->findings, TP_FIND_OK, "configuration",
			"%s has no errors", doctor->config_path);
	return found == 0;
}

/* Without the secrets, if they are what is missing: check() has found no
 * error, so that they are missing where only the service has them. */
static int32_t open_at_all(struct tp_doctor *doctor, struct tillpost_error *err)
{
	struct tp_cli *cli = doctor->cli;
	int32_t log_level = cli->log_level;
	int32_t rc;

	/* What it says of the secrets are findings already. */
	cli->log_level = TILLPOST_LOG_ERROR - 1;
	rc = tp_cli_try_open(cli, cli->config_path, TILLPOST_OPEN_PASSIVE, err);
	cli->log_level = log_level;
	if (rc != TILLPOST_ECONFIG && rc != TILLPOST_EPERM)
		return rc;
	(void)snprintf(doctor->no_login, sizeof(doctor->no_login), "%s%s%s",
		err->where, err->where[0] ? ": " : "", err->text);
	return tp_cli_try_open(cli, cli->config_path, TP_CLI_LOOK, err);
}

/* @return 1 if there is a handle and the settings are known */
static int open_handle(struct tp_doctor *doctor)
{
	struct tp_cli *cli = doctor->cli;
	struct tillpost_error err;

	if (open_at_all(doctor, &err) < 0) {
		tp_find(&doctor->findings, TP_FIND_ERROR, "queue", "%s: %s",
			err.where, err.text);
		tp_find_why(&doctor->findings,
			"tillpostd cannot start with it either");
		return 0;
	}
	if (tp_values_load(
		    cli->plugin.api, cli->handle, &doctor->values, &err) >= 0)
		return 1;
	tp_find(&doctor->findings, TP_FIND_ERROR, "configuration", "%s",
		err.text);
	return 0;
}

/* ---- all of it ---------------------------------------------------------- */

/* Whoever may not read the secrets sees failures that are none. */
static void check_self(struct tp_doctor *doctor)
{
	struct stat st;

	if (geteuid() == 0 || stat(doctor->directory, &st) != 0 ||
		st.st_uid == geteuid())
		return;
	tp_find(&doctor->findings, TP_FIND_NOTE, "doctor",
		"%s belongs to user %lu and not to %s: run this as root to "
		"see what tillpostd sees",
		doctor->directory, (unsigned long)st.st_uid,
		doctor->owner.name);
}

static void examine(struct tp_doctor *doctor)
{
	check_self(doctor);
	tp_doctor_clock(doctor, tp_when_now_ms());
	tp_doctor_config_file(doctor);
	if (check_config(doctor) && open_handle(doctor)) {
		tp_doctor_secrets(doctor);
		tp_doctor_queue_files(doctor);
		tp_doctor_spool(doctor);
		tp_doctor_log(doctor);
		tp_doctor_times(doctor, tp_when_now_ms());
		tp_doctor_unit(doctor);
		tp_doctor_disk(doctor);
		tp_doctor_daemon(doctor);
		tp_doctor_queue(doctor);
		tp_doctor_stores(doctor);
	} else {
		tp_find(&doctor->findings, TP_FIND_NOTE, "doctor",
			"files, queue, tillpostd and relays were not looked at "
			"until this is mended");
	}
	tp_doctor_php(doctor);
	tp_doctor_fpm(doctor);
	tp_doctor_sendmail(doctor);
}

static int prepare(struct tp_doctor *doctor)
{
	struct tillpost_error err;
	struct tp_dns *dns;

	/* Only to see that the name server can be meant. */
	if (tp_dns_open(doctor->resolver, &dns, &err) < 0)
		return tp_cli_fail(&err);
	tp_dns_close(&dns);
	doctor->config_path = doctor->cli->config_path
				      ? doctor->cli->config_path
				      : TP_CLI_DEFAULT_CONFIG;
	if (tp_directory_of(doctor->config_path, doctor->directory,
		    sizeof(doctor->directory), &err) < 0 ||
		tp_become_choose(doctor->config_path, doctor->user,
			&doctor->owner, &err) < 0 ||
		tp_become(&doctor->owner, &err) < 0)
		return tp_cli_fail(&err);
	/* Warnings of the plugin are findings of check() already. */
	doctor->cli->log_level = TILLPOST_LOG_ERROR;
	return tp_cli_load(doctor->cli, TILLPOST_CAP_DELIVER_NOW);
}

int tp_cmd_doctor(struct tp_cli *cli, int argc, char **argv)
{
	struct tp_doctor doctor = { .cli = cli };
	const struct tp_arg args[] = {
		{ .letter = 's', .name = "store", .text = &doctor.store },
		{ .name = "to", .text = &doctor.recipient },
		{ .name = "selector", .text = &doctor.selector },
		{ .name = "resolver", .text = &doctor.resolver },
		{ .name = "php", .text = &doctor.php },
		{ .name = "php-fpm", .text = &doctor.php_fpm },
		{ .name = "sendmail", .text = &doctor.sendmail },
		{ .name = "unit", .text = &doctor.unit },
		{ .name = "user", .text = &doctor.user },
		{ .name = "json", .flag = &cli->json },
	};
	int rc = tp_cli_parse(cli, args, TP_COUNT(args), help, argc, argv);

	if (rc != TP_CLI_GO_ON)
		return rc;
	if (cli->operand_count > 0)
		return tp_cli_misused(
			"doctor", cli->operands[0], "not expected here");
	rc = prepare(&doctor);
	if (rc != TP_CLI_GO_ON)
		return rc;
	doctor.findings.json = cli->json;
	examine(&doctor);
	tp_values_free(&doctor.values);
	if (tp_findings_end(&doctor.findings) < 0)
		return tp_cli_fail(&doctor.findings.err);
	return doctor.findings.counts[TP_FIND_ERROR] > 0 ? EX_CONFIG : EX_OK;
}
