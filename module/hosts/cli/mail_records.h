/*
 * mail_records.h - reading SPF, DMARC and DKIM records
 *
 * JOB     What the TXT records of a domain say about who may send its mail.
 *         Knows no network: the texts are given.
 * LAYER   hosts; libc.
 * THREADS safe.
 * SOURCES RFC 7208 (SPF), RFC 7489 (DMARC), RFC 6376 3.6.1 (DKIM keys).
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_MAIL_RECORDS_H
#define TP_HOSTS_CLI_MAIL_RECORDS_H

#include "cli/probe_dns.h"

#define TP_RECORD_NAME_BYTES 256

/* Is TEXT a record of the kind? For tp_dns_txt(). */
int tp_is_spf(const char *text);
int tp_is_dmarc(const char *text);
int tp_is_dkim(const char *text);

struct tp_spf {
	size_t count;	    /* of SPF records; receivers want one */
	const char *record; /* the first, borrowed; NULL if none */
	char all;	    /* qualifier of "all": - ~ ? +; 0: there is none */
	/* Where to go on at the end; "" if nowhere, as with an "all" */
	char redirect[TP_RECORD_NAME_BYTES];
};

void tp_spf_read(const struct tp_dns_texts *texts, struct tp_spf *spf_out);

/* A mechanism that makes receivers look another name up. */
struct tp_spf_term {
	int permits;			    /* its qualifier is "+" */
	char include[TP_RECORD_NAME_BYTES]; /* "" if it is no include */
};

/* The next of them in RECORD, up to "all", after which nothing counts.
 * @param at begins at RECORD; moves on
 * @return 0 when there is none left */
int tp_spf_next(const char **at, struct tp_spf_term *term_out);

struct tp_dmarc {
	size_t count;
	char policy[16];     /* p= as it is; "" if missing */
	char sub_policy[16]; /* sp= */
	int has_reports;     /* rua= with an address */
	int is_strict;	     /* aspf=s */
};

void tp_dmarc_read(
	const struct tp_dns_texts *texts, struct tp_dmarc *dmarc_out);

/* What receivers do, by RFC 7489 6.6.3.
 * @param is_subdomain the record is that of the organisational domain above
 * @return "none", "quarantine", "reject"; NULL: the record is as good as none
 */
const char *tp_dmarc_policy(const struct tp_dmarc *dmarc, int is_subdomain);

enum tp_dkim { TP_DKIM_NONE, TP_DKIM_KEY, TP_DKIM_REVOKED };

enum tp_dkim tp_dkim_read(const struct tp_dns_texts *texts);

/* The organisational domain of NAME, a part of it. Without the list of public
 * suffixes: the last two labels, or three under a country's "co", "com" and
 * the like. */
const char *tp_domain_org(const char *name);

/* The domain of "a@b.example" or "Name <a@b.example>".
 * @return 0 if there is none, or it does not fit */
int tp_domain_of(const char *address, char out[TP_RECORD_NAME_BYTES]);

#endif
