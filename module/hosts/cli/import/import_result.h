/*
 * import_result.h - what an import found, in tillpost's words
 *
 * JOB     The neutral record that all products end in: relays, stores, and
 *         messages about what was repaired, what could not be taken over and
 *         what is to be done by hand. Names are valid and unique.
 * LAYER   hosts/cli; libc.
 * THREADS one result, one thread.
 * ERRORS  ENOMEM, ETOOBIG.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_IMPORT_RESULT_H
#define TP_HOSTS_CLI_IMPORT_RESULT_H

#include "cli/import/import.h"

enum tp_import_tls { TP_IMPORT_IMPLICIT, TP_IMPORT_STARTTLS, TP_IMPORT_CLEAR };

struct tp_import_relay {
	char name[TP_IMPORT_NAME_BYTES];
	char *host;
	int port;	     /* never 0 */
	int tls;	     /* enum tp_import_tls */
	const char *auth;    /* as the setting; static */
	char *username;	     /* NULL: no login */
	char *secret;	     /* NULL: none, or to be entered by hand */
	int is_token;	     /* the secret is an OAuth token */
	int wants_secret;    /* 1: a login without the secret that it needs */
	int secret_is_there; /* in its file, put there by hand */
	int plaintext;	     /* allow_plaintext_auth */
	char *tls_name;
	char *ca_file;
	char *client_cert;
	char *client_key;
	char *fingerprint;
	char *helo_name;
};

struct tp_import_list {
	char **items;
	size_t count;
};

struct tp_import_store {
	char name[TP_IMPORT_NAME_BYTES];
	size_t relay; /* index */
	char *from;
	int replace_from; /* from_policy = "replace" */
	char *envelope_from;
	char *bcc_archive;
	struct tp_import_list match_from;
	struct tp_import_list match_host;
	struct tp_import_list match_run_code;
};

enum tp_import_level {
	TP_IMPORT_REPAIRED, /* was wrong, is now right */
	TP_IMPORT_NOTE,	    /* is different now, or was left out */
	TP_IMPORT_TODO	    /* needs a person */
};

struct tp_import_message {
	int level;
	char *where; /* "relays.shop", "line 12" */
	char *text;
};

struct tp_import_result {
	struct tp_import_relay relays[TP_IMPORT_RELAYS_MAX];
	size_t relay_count;
	struct tp_import_store stores[TP_IMPORT_STORES_MAX];
	size_t store_count;
	struct tp_import_message *messages;
	size_t message_count;
	const char *relay_name; /* of the first one */
	const char *store_name; /* of the default */
};

/* An empty store for RELAY. NAME is made a valid, unused one; NULL: the
 * default store's, which must not be there yet.
 * @return its index, ETOOBIG */
int32_t tp_import_store_add(struct tp_import_result *result, const char *name,
	size_t relay, struct tillpost_error *err);
int tp_import_has_default(const struct tp_import_result *result);

/* "Name <address>", or the address if NAME is NULL or empty. An address that
 * is none leaves no From, and a message.
 * @param where whose it is */
int32_t tp_import_store_from(struct tp_import_result *result, size_t store,
	const char *name, const char *address, struct tillpost_error *err);

/* Adds VALUE to a list of matches, unless some store has it already. An entry
 * that is no address, "@domain" or host name is left out.
 * @return 1 if it was added, 0 */
enum tp_import_match {
	TP_IMPORT_MATCH_FROM,
	TP_IMPORT_MATCH_HOST,
	TP_IMPORT_MATCH_RUN_CODE
};
int32_t tp_import_store_match(struct tp_import_result *result, size_t store,
	enum tp_import_match kind, const char *value,
	struct tillpost_error *err);

/* Copies VALUE into FIELD; "" or NULL clears it. */
int32_t tp_import_set(
	char **field, const char *value, struct tillpost_error *err);

/* Never with a secret in it. */
int32_t tp_import_say(struct tp_import_result *result,
	enum tp_import_level level, struct tillpost_error *err,
	const char *where, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
const char *tp_import_level_name(int level);

/* Makes NAME_OUT of WISH: letters, digits, "-" and "_", beginning with a
 * letter, and no other TAKEN by relays (or stores) of RESULT. */
void tp_import_name(const struct tp_import_result *result, int of_store,
	const char *wish, char name_out[TP_IMPORT_NAME_BYTES]);

/* "a@b" or, with DOMAINS, "@b": of plain characters */
int tp_import_is_address(const char *text, int domains);
int tp_import_is_host(const char *text);

/* Wipes and frees. */
void tp_import_result_free(struct tp_import_result *result);

#endif
