/*
 * import_repair.h - what a label such as "ssl" on port 587 has to mean
 *
 * JOB     Pure functions over a table: the mode and the port that can work
 *         with what was configured, and why they differ from it. Settings
 *         that let a password go in clear text become ones that do not.
 * LAYER   hosts/cli; libc.
 * THREADS safe.
 * SOURCES RFC 8314 (465 and 587), the manuals of the products for what their
 *         labels mean.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_IMPORT_REPAIR_H
#define TP_HOSTS_CLI_IMPORT_REPAIR_H

/* What a product's word for encryption says. */
enum tp_import_label {
	TP_IMPORT_LABEL_NONE,	  /* "", "none", "off" */
	TP_IMPORT_LABEL_SSL,	  /* TLS from the first byte */
	TP_IMPORT_LABEL_TLS,	  /* "tls": STARTTLS, or what it is taken for */
	TP_IMPORT_LABEL_OPTIONAL, /* STARTTLS if the server offers it */
	TP_IMPORT_LABEL_UNKNOWN
};

struct tp_import_facts {
	int label; /* enum tp_import_label */
	int port;  /* 0: not set */
	int login; /* 1: a user name is sent */
	int loopback;
	int tls_is_implicit; /* 1: the product takes "tls" for TLS from the
			      * first byte */
};

struct tp_import_choice {
	int tls; /* enum tp_import_tls of import_result.h */
	int port;
	const char *repaired; /* what was wrong; NULL: nothing */
	const char *note;     /* what is different now; NULL: nothing */
};

struct tp_import_choice tp_import_repair_tls(
	const struct tp_import_facts *facts);

/* The label that WORD is: "ssl", "tls", "starttls", "off", ... */
int tp_import_label_of(const char *word);

/* The setting `auth` for a product's WORD; "auto" for one that is not
 * supported here, and then *why_out says so, else it is NULL. */
const char *tp_import_repair_auth(const char *word, const char **why_out);

#endif
