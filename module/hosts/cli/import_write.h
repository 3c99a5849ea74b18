/*
 * import_write.h - putting what was imported in place
 *
 * JOB     With a configuration: relays and stores go into the managed file,
 *         through the plugin, one setting at a time; without one: a new file
 *         appears by one link, after the plugin has found no error in it.
 *         Secrets go first, each into a file of its own (mode 0600), which
 *         is never replaced. What fails on the way is taken back. Nothing is
 *         written while a relay lacks its secret. A signal waits until all
 *         is in place, or taken back.
 * LAYER   hosts/cli; libc and <tillpost/abi.h>. Root becomes the owner of the
 *         configuration first (become.h).
 * THREADS main() only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_IMPORT_WRITE_H
#define TP_HOSTS_CLI_IMPORT_WRITE_H

#include "cli/cli.h"
#include "cli/import/import_result.h"
#include "cli/places.h"

#include <limits.h>

struct tp_import_place {
	struct tp_places places;
	char directory[PATH_MAX]; /* absolute, of the configuration */
	char secrets[PATH_MAX];	  /* the directory of the secret files */
};

/* @return TP_CLI_GO_ON or an exit code, error printed; so all below */
int tp_import_place(struct tp_cli *cli, struct tp_import_place *place);

int tp_import_write(struct tp_cli *cli, struct tp_import_result *result,
	struct tp_import_place *place);

/* import_new.c: the text of a configuration, or what an existing one lacks.
 * @owns the caller, tp_conf_free(), also after a failure
 * @return as tp_conf_end() */
int tp_import_new_text(const struct tp_import_result *result,
	const struct tp_import_place *place, struct tp_conf_text *text_out);
int32_t tp_import_write_new(struct tp_cli *cli,
	const struct tp_import_result *result,
	const struct tp_import_place *place, struct tillpost_error *err);

/* import_secret.c: what is not in the export is looked for in its file, and
 * asked for on a terminal. Without one it is told how to put it there.
 * @return TP_CLI_GO_ON or an exit code */
int tp_import_find_secrets(
	struct tp_import_result *result, const struct tp_import_place *place);
/* Tells for each relay where its secret goes, or how to put it there. */
void tp_import_tell_secrets(const struct tp_import_result *result,
	const struct tp_import_place *place);

/* The secret files of all relays that have a secret. */
struct tp_import_secrets {
	char made[TP_IMPORT_RELAYS_MAX]; /* by number of the relay */
	int made_directory;
};
int32_t tp_import_write_secrets(const struct tp_import_result *result,
	const struct tp_import_place *place, struct tp_import_secrets *secrets,
	struct tillpost_error *err);
void tp_import_remove_secrets(const struct tp_import_result *result,
	const struct tp_import_place *place,
	const struct tp_import_secrets *secrets);

#endif
