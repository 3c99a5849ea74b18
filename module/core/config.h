/*
 * config.h - the resolved configuration: what a relay and a store are
 *
 * JOB     Plain typed records, filled from the settings table (settings.h) by
 *         the configuration loader. A tp_config is immutable once loaded;
 *         reload makes a new one. Presets are already merged into relays and
 *         inheritance into stores: readers never look further than one record.
 * LAYER   core; libc only.
 * THREADS read-only after load, so any number of readers. Reference counted.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_CONFIG_H
#define TP_CORE_CONFIG_H

#include "base/err.h"
#include "base/secret.h"
#include "core/settings.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum tp_tls_mode { TP_TLS_IMPLICIT, TP_TLS_STARTTLS, TP_TLS_NONE };

enum tp_auth_mode {
	TP_AUTH_AUTO,
	TP_AUTH_NONE,
	TP_AUTH_PLAIN,
	TP_AUTH_LOGIN,
	TP_AUTH_CRAM_MD5,
	TP_AUTH_SCRAM_SHA_256,
	TP_AUTH_XOAUTH2,
	TP_AUTH_OAUTHBEARER
};

enum tp_from_policy { TP_FROM_KEEP, TP_FROM_REPLACE };

struct tp_string_list {
	char **items;
	size_t count;
};

/* Who gave a value. In a conflict the later one of this list wins. */
enum tp_source {
	TP_SOURCE_NONE,
	TP_SOURCE_DEFAULT,
	TP_SOURCE_INHERITED,
	TP_SOURCE_PRESET,
	TP_SOURCE_HOST,
	TP_SOURCE_MANAGED,
	TP_SOURCE_MAIN
};

/* Where one value came from. */
struct tp_origin {
	enum tp_source source;
	char *where; /* "file:line", a preset or a store; NULL: nothing to say
		      */
};

/* How to reach one server, with which credentials. */
struct tp_relay {
	char *name;   /* key in `relays` */
	char *preset; /* NULL if none */
	char *region; /* replaces {region} in a preset's host; NULL if none */
	char *host;   /* DNS name or IP literal (IPv6 without brackets) */
	int64_t port; /* 1-65535; the TLS mode's default if not set */
	int tls;      /* enum tp_tls_mode */
	int auth;     /* enum tp_auth_mode */
	char *username;
	struct tp_secret *password;
	struct tp_secret *token;  /* OAuth 2 access token */
	int allow_plaintext_auth; /* honoured only for a loopback address */
	char *tls_name;	   /* name to verify and send as SNI; NULL: host */
	char *ca_file;	   /* PEM; NULL: the system's store */
	char *ca_path;	   /* hashed directory; NULL: the system's store */
	char *client_cert; /* PEM chain; NULL: none */
	char *client_key;  /* PEM; NULL: in client_cert */
	char *fingerprint; /* SHA-256 of the leaf certificate, 64 lower-case
			    * hex digits; NULL: none. In addition to the chain
			    * unless the chain cannot be verified (pinning a
			    * self-signed certificate). */
	char *helo_name;   /* NULL: the machine's name */
	int64_t connect_timeout_ms; /* per address, and for DNS */
	int64_t tls_timeout_ms;
	int64_t reply_timeout_ms; /* greeting, EHLO, AUTH, MAIL, RCPT, DATA */
	int64_t data_timeout_ms;  /* no progress in writing the body */
	int64_t final_timeout_ms; /* the reply after the dot */
	int64_t idle_timeout_ms;  /* keep an unused connection this long */
	int64_t max_connections;
	int64_t messages_per_connection;
	char *dialect; /* reply dialect (policy.h); NULL or "" : standard */

	/* Where the secrets come from; already read into the fields above. */
	char *password_file;
	char *password_env;
	char *token_file;
	char *token_env;
	/* 1: the server takes the secret as user name too (Postmark), so
	 * `username` must not be shown or logged. */
	int username_is_secret;
	char *where; /* where it is defined; NULL if made by hand */
	struct tp_origin *origins; /* one per row of the settings table; NULL
				    * if made by hand */
};

/* Who is sending. */
struct tp_store {
	char *name;		      /* key in `stores` */
	char *inherits;		      /* NULL for default */
	struct tp_string_list relays; /* names; the first is used */
	char *from;	     /* address, or "Name <address>"; NULL: none */
	int from_policy;     /* enum tp_from_policy */
	char *envelope_from; /* enforced reverse-path; NULL: as submitted */
	char *bcc_archive;   /* extra envelope recipient; NULL: none */
	int bounce;	     /* send a DSN to the envelope sender */
	int64_t lifetime_ms;
	int64_t message_max_bytes;
	int64_t recipients_max;
	struct tp_string_list users;	  /* who may submit as this store: user
					   * names or numbers; none: everybody */
	struct tp_string_list match_from; /* "a@b" or "@b" */
	struct tp_string_list match_host;
	struct tp_string_list match_run_code;
	const struct tp_relay *relay; /* relays.items[0] resolved; borrowed */
	char *where;		      /* as in struct tp_relay */
	struct tp_origin *origins;
};

struct tp_config {
	/* queue */
	char *queue_path;
	int64_t queue_lifetime_ms;
	int64_t retry_base_ms;		 /* first delay; doubles */
	int64_t retry_cap_ms;		 /* longest delay */
	int64_t unknown_retry_ms;	 /* wait after an unknown outcome */
	int64_t unknown_retry_max_count; /* then fail */
	int64_t auth_probe_ms; /* between attempts while credentials fail */
	int64_t lease_ms;
	int64_t free_reserve_bytes; /* refuse to accept below this */
	/* spool */
	char *spool_path;
	/* log */
	char *log_path; /* JSON lines; NULL: only the database */
	int64_t log_retention_ms;
	int64_t log_retention_bytes;
	/* submit */
	char *store_header; /* header that names the store; removed */

	struct tp_relay *relays;
	size_t relay_count;
	struct tp_store *stores;
	size_t store_count;
	char *path;  /* the main file */
	int partial; /* 1: not all of it could be read, so that what it does
		      * not say means nothing. It has a store "default" with
		      * limits, but relays are not resolved and nothing is
		      * inherited. Only for_submitter. */
	struct tp_origin *origins; /* as in struct tp_relay */
	atomic_uint refs;
};

/* NULL if there is none of that name. */
const struct tp_relay *tp_config_relay(
	const struct tp_config *config, const char *name);
const struct tp_store *tp_config_store(
	const struct tp_config *config, const char *name);

/* An empty configuration with one reference, and new entries in it, for the
 * loader. Adding moves the array: pointers to earlier entries die.
 * @return NULL if out of memory */
struct tp_config *tp_config_new(void) TP_USE_RESULT;
struct tp_relay *tp_config_relay_add(struct tp_config *config, const char *name,
	const char *where) TP_USE_RESULT;
struct tp_store *tp_config_store_add(struct tp_config *config, const char *name,
	const char *where) TP_USE_RESULT;

/* One record as the settings table sees it: what a row's offset is relative
 * to. */
struct tp_record {
	enum tp_setting_scope scope;
	void *base;		   /* tp_config, tp_relay or tp_store */
	struct tp_origin *origins; /* of that record; may be NULL */
	const char *name;	   /* of the relay or store; NULL */
};
/* Every record, one scope after the other; a store appears twice, as STORE
 * and as MATCH.
 * @return 1, or 0 when INDEX is past the last */
int tp_config_record(const struct tp_config *config, size_t index,
	struct tp_record *record_out);
struct tp_record tp_relay_record(const struct tp_relay *relay);
struct tp_record tp_store_record(const struct tp_store *store);

/* Notes who gave the value of SETTING. @return 0, TP_ENOMEM */
int tp_origin_set(const struct tp_record *record,
	const struct tp_setting *setting, enum tp_source source,
	const char *where) TP_USE_RESULT;
/* @return the origin, or NULL if the record keeps none */
struct tp_origin *tp_origin_of(
	const struct tp_record *record, const struct tp_setting *setting);

/* Takes / drops one reference. Destroys at zero, wiping secrets.
 * @thread any */
struct tp_config *tp_config_ref(struct tp_config *config);
void tp_config_unref(struct tp_config **config);

/* Compares every field that decides where a connection goes and as whom,
 * secrets included. Names are not compared: a connection belongs to what it
 * was made with, so after a reload it lives on only if nothing changed.
 * @return 1 if a connection made for A may serve B */
int tp_relay_same(const struct tp_relay *a, const struct tp_relay *b);

#endif
