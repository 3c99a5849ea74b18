/*
 * probe_dns.h - TXT and other records of a domain
 *
 * JOB     Asks the system's name servers, or one that is given, for TXT
 *         records, and where a domain takes mail.
 * BOUNDS  Answers of 16 KiB; a larger one counts as a failure. 4 records of
 *         the kind that is asked for. 3 s a try, 2 tries.
 * LAYER   hosts; libc's resolver (-lresolv).
 * THREADS one struct tp_dns, one thread.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_PROBE_DNS_H
#define TP_HOSTS_CLI_PROBE_DNS_H

#include <tillpost/abi.h>

#include <stddef.h>

#define TP_DNS_ANSWER_BYTES 16384
#define TP_DNS_STRINGS_MAX 4
/* No record is longer than the answer that it is in. */
#define TP_DNS_STRING_BYTES TP_DNS_ANSWER_BYTES

struct tp_dns_texts {
	size_t count;
	char items[TP_DNS_STRINGS_MAX][TP_DNS_STRING_BYTES];
};

enum tp_dns_result {
	TP_DNS_FOUND,
	TP_DNS_NONE,	/* the name exists, without such records */
	TP_DNS_NO_NAME, /* there is no such name */
	TP_DNS_FAILED	/* nobody knows: no answer, or an error */
};

struct tp_dns;

/* @param server "127.0.0.1:5353" or "192.0.2.1"; NULL: the system's
 * @return 0 or TILLPOST_EINVAL, EIO, ENOMEM */
int32_t tp_dns_open(const char *server, struct tp_dns **dns_out,
	struct tillpost_error *err);
/* NULL-safe; sets *dns to NULL. */
void tp_dns_close(struct tp_dns **dns);

/* Is a text of the kind that is looked for? */
typedef int tp_dns_kind_fn(const char *text);

/* The TXT records of a kind, of however many; each one's strings are joined. */
enum tp_dns_result tp_dns_txt(struct tp_dns *dns, const char *name,
	tp_dns_kind_fn *is_kind, struct tp_dns_texts *texts_out);

enum tp_dns_mail {
	TP_DNS_MAIL_HERE,    /* MX, or an address in its place (RFC 5321 5.1) */
	TP_DNS_MAIL_REFUSED, /* the null MX of RFC 7505 */
	TP_DNS_MAIL_NOWHERE,
	TP_DNS_MAIL_UNKNOWN
};

enum tp_dns_mail tp_dns_mail(struct tp_dns *dns, const char *name);

#endif
