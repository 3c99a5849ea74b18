/*
 * setup_draft.c - settings tried before they are put in place
 *
 * JOB     A directory that only its owner can enter, beside the
 *         configuration: the settings, the secret, a queue. From there the
 *         plugin reads them as it will later, connects and logs in. Whatever
 *         happens, the directory goes.
 * SPDX-License-Identifier: MIT
 */
#include "cli/setup.h"

#include "cli/files.h"
#include "cli/relay_probe.h"
#include "cli/signals.h"
#include "cli/values.h"

#include "common/exit_code.h"
#include "common/report.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* ---- files -------------------------------------------------------------- */

void tp_setup_keys_of(const struct tp_setup *setup, const char *secret_path,
	struct tp_setup_keys *keys)
{
	const char *relay = setup->relay_name;
	int clear = setup->tls && strcmp(setup->tls, "none") == 0;
	char port[16] = "";

	*keys = (struct tp_setup_keys) { .count = 0 };
	if (setup->port > 0)
		(void)snprintf(
			port, sizeof(port), "%u", (unsigned int)setup->port);
	tp_setup_add(keys, "relays", relay, "preset", setup->provider,
		TP_CONF_STRING);
	tp_setup_add(
		keys, "relays", relay, "region", setup->region, TP_CONF_STRING);
	tp_setup_add(
		keys, "relays", relay, "host", setup->host, TP_CONF_STRING);
	tp_setup_add(keys, "relays", relay, "port", port, TP_CONF_BARE);
	tp_setup_add(keys, "relays", relay, "tls", setup->tls, TP_CONF_STRING);
	tp_setup_add(keys, "relays", relay, "ca_file", setup->ca_file,
		TP_CONF_STRING);
	/* Before the login, which is an error without it. */
	if (clear && !setup->without_login)
		tp_setup_add(keys, "relays", relay, "allow_plaintext_auth",
			"true", TP_CONF_BARE);
	tp_setup_login_keys(setup, secret_path, keys);
	/* Added one by one, a store without a relay would be an error. */
	tp_setup_add(
		keys, "stores", setup->store, "relays", relay, TP_CONF_LIST);
	tp_setup_add(keys, "stores", setup->store, "from", setup->from,
		TP_CONF_STRING);
}

int tp_setup_write_file(const char *path, mode_t mode,
	const struct tp_setup_keys *keys, const struct tp_places *places,
	struct tillpost_error *err)
{
	struct tp_conf_text text;
	int rc;

	tp_conf_begin(&text, "setup");
	tp_setup_put(keys, &text);
	if (places)
		tp_places_put(places, &text);
	if (tp_conf_end(&text) < 0)
		rc = tp_report_set(err, TILLPOST_EINVAL, "settings",
			"a value is too long, or has control characters");
	else
		rc = tp_files_write(path, mode, text.bytes, text.len, err);
	tp_conf_free(&text);
	return rc;
}

/* ---- the directory ------------------------------------------------------ */

static void remove_directory(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
			strcmp(entry->d_name, "..") != 0)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		(void)closedir(dir);
	(void)rmdir(path);
}

static void remove_draft(const struct tp_setup *setup)
{
	char queue[PATH_MAX + 16];

	(void)snprintf(queue, sizeof(queue), "%s/queue", setup->draft);
	remove_directory(queue);
	remove_directory(setup->draft);
}

/* A thread and not a handler: the directory has to be listed. SIGUSR2 only
 * ends it. */
static void *watch_signals(void *arg)
{
	const struct tp_setup *setup = arg;
	sigset_t set;
	int number = 0;

	tp_signals_ending(&set);
	(void)sigaddset(&set, SIGUSR2);
	if (sigwait(&set, &number) != 0 || number == SIGUSR2)
		return NULL;
	remove_draft(setup);
	_exit(128 + number);
}

static int make_draft(struct tp_setup *setup, struct tillpost_error *err)
{
	char path[PATH_MAX];
	sigset_t own;
	int len = snprintf(path, sizeof(path), "%s/.setup.XXXXXX",
		setup->places.directory);

	if (len < 0 || (size_t)len >= sizeof(path) - 32)
		return tp_report_set(err, TILLPOST_EINVAL,
			setup->places.directory, "the path is too long");
	(void)sigemptyset(&own);
	(void)sigaddset(&own, SIGUSR2);
	tp_signals_hold(&setup->signals);
	(void)pthread_sigmask(SIG_BLOCK, &own, NULL);
	if (!mkdtemp(path)) {
		tp_signals_release(&setup->signals);
		return tp_files_failed(err, setup->places.directory,
			"nothing can be made in this directory");
	}
	/* Before the watcher looks at it. */
	(void)snprintf(setup->draft, sizeof(setup->draft), "%s", path);
	setup->watched = pthread_create(&setup->watcher, NULL, watch_signals,
				 setup) == 0;
	if (!setup->watched)
		return tp_report_set(
			err, TILLPOST_ENOMEM, "setup", "cannot start a thread");
	return TILLPOST_OK;
}

void tp_setup_draft_settle(struct tp_setup *setup)
{
	if (!setup->watched)
		return;
	(void)pthread_kill(setup->watcher, SIGUSR2);
	/* If a signal was first, the watcher ends the program meanwhile. */
	(void)pthread_join(setup->watcher, NULL);
	setup->watched = 0;
}

void tp_setup_draft_remove(struct tp_setup *setup)
{
	if (!setup->draft[0])
		return;
	tp_setup_draft_settle(setup);
	remove_draft(setup);
	setup->draft[0] = '\0';
	tp_signals_release(&setup->signals);
}

static int fill_draft(struct tp_setup *setup, char config[PATH_MAX],
	struct tillpost_error *err)
{
	const struct tp_places own = { .state_dir = setup->draft };
	struct tp_setup_keys keys;
	char path[PATH_MAX + 32];
	int rc = TILLPOST_OK;

	(void)snprintf(path, sizeof(path), "%s/queue", setup->draft);
	if (mkdir(path, 0700) != 0)
		return tp_files_failed(err, path, "cannot be made");
	(void)snprintf(path, sizeof(path), "%s/secret", setup->draft);
	if (setup->secret.data)
		rc = tp_files_write(
			path, 0600, setup->secret.data, setup->secret.len, err);
	if (rc < 0)
		return rc;
	tp_setup_keys_of(setup, path, &keys);
	/* Where it will be added to others, a default is among them. */
	if (setup->places.exists && !setup->force &&
		strcmp(setup->store, "default") != 0)
		tp_setup_add(&keys, "stores", "default", "relays",
			setup->relay_name, TP_CONF_LIST);
	(void)snprintf(config, PATH_MAX, "%.*s/tillpost.conf", PATH_MAX - 32,
		setup->draft);
	/* Below the draft's own queue and spool. */
	return tp_setup_write_file(config, 0600, &keys, &own, err);
}

/* ---- trying it ---------------------------------------------------------- */

static int open_draft(struct tp_setup *setup, const char *config)
{
	struct tp_cli *cli = setup->cli;
	struct tillpost_error err;

	if (tp_cli_try_open(cli, config, TILLPOST_OPEN_PASSIVE, &err) >= 0)
		return TP_CLI_GO_ON;
	/* The place in a file that will be gone helps nobody. */
	tp_report(TP_CLI_PROGRAM, "settings", "%s", err.text);
	return tp_exit_code(err.status);
}

static void fill_target(const struct tp_setup *setup,
	const struct tp_values *values, struct tp_relay_target *target)
{
	const char *relay = setup->relay_name;

	*target = (struct tp_relay_target) {
		.relay = relay,
		.store = setup->store,
		.host = tp_values_text(values, "relays", relay, "host"),
		.port = (int)strtol(
			tp_values_text(values, "relays", relay, "port"), NULL,
			10),
		.tls = tp_values_text(values, "relays", relay, "tls"),
		.hint = setup->hint,
	};
}

static int try_relay(struct tp_setup *setup)
{
	struct tp_relay_target target;
	struct tp_values values;
	struct tillpost_error err;
	int32_t rc = tp_values_load(
		setup->cli->plugin.api, setup->cli->handle, &values, &err);

	if (rc >= 0) {
		fill_target(setup, &values, &target);
		tp_find(&setup->findings, TP_FIND_OK, "settings",
			"relay %s: %s port %d, tls %s; store %s",
			setup->relay_name, target.host, target.port, target.tls,
			setup->store);
		if (setup->no_test)
			rc = TILLPOST_OK;
		else if (!tp_relay_probe(&target, &setup->findings))
			rc = TILLPOST_ECONNECT;
		else
			rc = tp_relay_login(
				setup->cli, &target, NULL, &setup->findings);
	} else {
		(void)tp_cli_fail(&err);
	}
	tp_values_free(&values);
	if (rc >= 0)
		return TP_CLI_GO_ON;
	if (tp_setup_confirm(setup, "Keep these settings all the same?"))
		return TP_CLI_GO_ON;
	tp_report(TP_CLI_PROGRAM, "setup",
		"nothing was written; --no-test writes settings untested");
	return tp_exit_code(rc);
}

int tp_setup_draft(struct tp_setup *setup)
{
	struct tp_cli *cli = setup->cli;
	char config[PATH_MAX];
	struct tillpost_error err;
	int rc;

	if (make_draft(setup, &err) < 0 || fill_draft(setup, config, &err) < 0)
		return tp_cli_fail(&err);
	rc = open_draft(setup, config);
	if (rc == TP_CLI_GO_ON)
		rc = try_relay(setup);
	if (cli->handle)
		cli->plugin.api->close(&cli->handle);
	return rc;
}
