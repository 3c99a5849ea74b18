/*
 * setup.h - the parts of tillpost setup
 *
 * JOB     What the steps of a first run hand on: the answers, whose files
 *         they will be, the draft in which they are tried. cmd_setup.c has
 *         the order; each step is one setup_*.c.
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * THREADS main(); a second one removes the draft if a signal ends the
 *         command.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_SETUP_H
#define TP_HOSTS_CLI_SETUP_H

#include "cli/cli.h"
#include "cli/finding.h"
#include "cli/input.h"
#include "cli/places.h"
#include "cli/provider_hints.h"
#include "cli/setup_text.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>

#define TP_SETUP_ANSWERS_MAX 64
#define TP_SETUP_COMPLAINT_BYTES 640

struct tp_setup {
	struct tp_cli *cli;
	/* As given or answered; NULL: not given. */
	const char *provider;
	const char *region;
	const char *host;
	uint32_t port;
	const char *tls;
	const char *username;
	const char *from;
	const char *store;
	const char *relay;
	const char *test_to;
	const char *ca_file;
	const char *password_file;
	const char *password_env; /* the name of a variable */
	const char *token_env;
	const char *token_file; /* used where it is */
	int password_stdin;
	int oauth; /* the secret is a token */
	int force; /* also set for a configuration that says nothing */
	int no_test;
	/* Worked out. */
	int interactive;
	int without_login; /* neither user name nor secret */
	struct tp_places places;
	char relay_name[64];
	struct tp_input secret;
	const struct tp_provider_hint *hint;
	struct tp_findings findings;
	char *answers[TP_SETUP_ANSWERS_MAX]; /* to be freed */
	size_t answer_count;
	char draft[PATH_MAX];	    /* "" while there is none */
	char secret_path[PATH_MAX]; /* its last place; "" before */
	pthread_t watcher;
	int watched;	  /* it runs */
	sigset_t signals; /* the mask of before, while there is a draft */
};

/* setup_ask.c: what is not given is asked for, or is an error.
 * @return TP_CLI_GO_ON or an exit code, error printed; so all below */
int tp_setup_ask(struct tp_setup *setup);
void tp_setup_list_providers(void);
/* What was typed, or USUAL for an empty line ("": nothing usual is shown).
 * @return NULL at the end of the input, which is said, or for an empty line
 *         where USUAL is NULL */
const char *tp_setup_question(
	struct tp_setup *setup, const char *question, const char *usual);
/* Keeps TEXT, which was allocated, until the end. */
const char *tp_setup_keep(struct tp_setup *setup, char *text);
/* A question with yes or no; NO where nobody can be asked. */
int tp_setup_confirm(const struct tp_setup *setup, const char *question);

/* setup_judge.c: what the plugin says against an answer; "" if nothing. */
void tp_setup_judge_provider(const struct tp_setup *setup, const char *provider,
	char out[TP_SETUP_COMPLAINT_BYTES]);
void tp_setup_judge_region(const struct tp_setup *setup, const char *region,
	char out[TP_SETUP_COMPLAINT_BYTES]);
void tp_setup_judge_host(const struct tp_setup *setup, const char *host,
	char out[TP_SETUP_COMPLAINT_BYTES]);
void tp_setup_judge_from(const struct tp_setup *setup, const char *from,
	char out[TP_SETUP_COMPLAINT_BYTES]);
/* The regions of the provider, with commas.
 * @param needed_out 1: there is no usual one
 * @return 0 if it has none */
int tp_setup_regions(const struct tp_setup *setup,
	char out[TP_SETUP_COMPLAINT_BYTES], int *needed_out);

/* setup_login.c: password or token, and where it comes from. */
int tp_setup_check_login(struct tp_setup *setup);
int tp_setup_ask_login(struct tp_setup *setup);
int tp_setup_has_secret(const struct tp_setup *setup);
void tp_setup_login_keys(const struct tp_setup *setup, const char *secret_path,
	struct tp_setup_keys *keys);

/* setup_place.c: directories and their owner, who the process then is. */
int tp_setup_place(struct tp_setup *setup);

/* setup_draft.c: the settings in a directory of their own, tried from there.
 * A signal that ends the command removes it first. The caller ends with
 * tp_setup_draft_remove(). */
int tp_setup_draft(struct tp_setup *setup);
/* From here on a signal waits until tp_setup_draft_remove(): what is put in
 * place is put there as a whole. */
void tp_setup_draft_settle(struct tp_setup *setup);
void tp_setup_draft_remove(struct tp_setup *setup);

/* The settings as keys, without those of the places of queue and spool.
 * @param secret_path the file that holds the secret */
void tp_setup_keys_of(const struct tp_setup *setup, const char *secret_path,
	struct tp_setup_keys *keys_out);

/* Writes them, and with PLACES those of its places, into a new file. */
int tp_setup_write_file(const char *path, mode_t mode,
	const struct tp_setup_keys *keys, const struct tp_places *places,
	struct tillpost_error *err);

/* setup_commit.c: puts it in place, as a whole or not at all. */
int tp_setup_commit(struct tp_setup *setup);
/* Is there room for the relay and the store in an existing one? */
int tp_setup_can_add(struct tp_setup *setup);
/* "tillpost.conf" has "tillpost.managed.conf" beside it. */
void tp_setup_managed_path(const char *config, char *out, size_t size);

#endif
