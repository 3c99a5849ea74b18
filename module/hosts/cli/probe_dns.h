/*
 * probe_dns.h - TXT and other records of a domain
 *
 * JOB     Asks the system's name servers, or one that is given, for TXT
 *         records, and whether a name has any record of a type.
 * BOUNDS  16 strings of 1,023 bytes; 3 s a try, 2 tries.
 * LAYER   hosts; libc's resolver (-lresolv).
 * THREADS one struct tp_dns, one thread.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_PROBE_DNS_H
#define TP_HOSTS_CLI_PROBE_DNS_H

#include <tillpost/abi.h>

#include <stddef.h>

#define TP_DNS_STRINGS_MAX 16
#define TP_DNS_STRING_BYTES 1024

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

/* Each record's strings are joined. */
enum tp_dns_result tp_dns_txt(
	struct tp_dns *dns, const char *name, struct tp_dns_texts *texts_out);
/* TXT records, or an alias that leads to a name with or without them. */
enum tp_dns_result tp_dns_mx(struct tp_dns *dns, const char *name);

#endif
