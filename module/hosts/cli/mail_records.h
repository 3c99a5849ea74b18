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

struct tp_spf {
	size_t count;	    /* of records that begin with v=spf1 */
	const char *record; /* the first, borrowed; NULL if none */
	char all;	    /* qualifier of "all": - ~ ? +; 0: there is none */
};

void tp_spf_read(const struct tp_dns_texts *texts, struct tp_spf *spf_out);

/* The next term of RECORD that makes receivers look another name up.
 * @param at begins at RECORD; moves on
 * @param target_out the name of an include or redirect, else ""
 * @return 0 when there is none left */
int tp_spf_next(const char **at, char target_out[TP_RECORD_NAME_BYTES]);

struct tp_dmarc {
	size_t count;
	char policy[16]; /* "none", "quarantine", "reject"; "" if missing */
	int has_reports; /* rua= */
};

void tp_dmarc_read(
	const struct tp_dns_texts *texts, struct tp_dmarc *dmarc_out);

enum tp_dkim { TP_DKIM_NONE, TP_DKIM_KEY, TP_DKIM_REVOKED };

enum tp_dkim tp_dkim_read(const struct tp_dns_texts *texts);

/* The domain of "a@b.example" or "Name <a@b.example>".
 * @return 0 if there is none, or it does not fit */
int tp_domain_of(const char *address, char out[TP_RECORD_NAME_BYTES]);

#endif
