/*
 * probe_dns.c - TXT and other records of a domain
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/probe_dns.h"

#include "common/report.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRY_S 3
#define TRIES 2

struct tp_dns {
	struct __res_state state;
	unsigned char answer[TP_DNS_ANSWER_BYTES];
};

/* "ADDRESS" or "ADDRESS:PORT", IPv4. */
static int set_server(struct tp_dns *dns, const char *server)
{
	char address[INET_ADDRSTRLEN];
	struct sockaddr_in *to = &dns->state.nsaddr_list[0];
	size_t len = strcspn(server, ":");
	char *end;
	long port = 53;

	if (len >= sizeof(address))
		return -1;
	(void)snprintf(address, sizeof(address), "%.*s", (int)len, server);
	if (server[len] == ':') {
		errno = 0;
		port = strtol(server + len + 1, &end, 10);
		if (end == server + len + 1 || *end != '\0' || errno != 0)
			return -1;
	}
	if (port < 1 || port > 65535)
		return -1;
	*to = (struct sockaddr_in) { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	dns->state.nscount = 1;
	return inet_pton(AF_INET, address, &to->sin_addr) == 1 ? 0 : -1;
}

int32_t tp_dns_open(
	const char *server, struct tp_dns **dns_out, struct tillpost_error *err)
{
	struct tp_dns *dns = calloc(1, sizeof(*dns));

	*dns_out = NULL;
	if (!dns)
		return tp_report_set(
			err, TILLPOST_ENOMEM, "DNS", "out of memory");
	if (res_ninit(&dns->state) != 0) {
		free(dns);
		return tp_report_set(err, TILLPOST_EIO, "DNS",
			"the resolver cannot be set up");
	}
	*dns_out = dns;
	dns->state.retrans = TRY_S;
	dns->state.retry = TRIES;
	if (!server || set_server(dns, server) == 0)
		return TILLPOST_OK;
	tp_dns_close(dns_out);
	return tp_report_set(err, TILLPOST_EINVAL, "--resolver",
		"\"%.60s\" is not an IPv4 address, or one with a port as in "
		"127.0.0.1:5353",
		server);
}

void tp_dns_close(struct tp_dns **dns)
{
	if (!dns || !*dns)
		return;
	res_nclose(&(*dns)->state);
	free(*dns);
	*dns = NULL;
}

static enum tp_dns_result ask(
	struct tp_dns *dns, const char *name, int type, ns_msg *message_out)
{
	int len = res_nquery(&dns->state, name, ns_c_in, type, dns->answer,
		(int)sizeof(dns->answer));

	if (len < 0) {
		switch (dns->state.res_h_errno) {
		case HOST_NOT_FOUND:
			return TP_DNS_NO_NAME;
		case NO_DATA:
			return TP_DNS_NONE;
		default:
			return TP_DNS_FAILED;
		}
	}
	if (len > (int)sizeof(dns->answer) ||
		ns_initparse(dns->answer, len, message_out) != 0)
		return TP_DNS_FAILED;
	return TP_DNS_FOUND;
}

/* The strings of one TXT record, joined; what does not fit is cut. */
static void join_strings(const ns_rr *record, char out[TP_DNS_STRING_BYTES])
{
	const unsigned char *at = ns_rr_rdata(*record);
	const unsigned char *end = at + ns_rr_rdlen(*record);
	size_t used = 0;

	while (at < end) {
		size_t len = *at++;

		if (len > (size_t)(end - at))
			len = (size_t)(end - at);
		if (len > TP_DNS_STRING_BYTES - 1 - used)
			len = TP_DNS_STRING_BYTES - 1 - used;
		memcpy(out + used, at, len);
		used += len;
		at += len;
		if (used == TP_DNS_STRING_BYTES - 1)
			break;
	}
	out[used] = '\0';
}

enum tp_dns_result tp_dns_txt(struct tp_dns *dns, const char *name,
	tp_dns_kind_fn *is_kind, struct tp_dns_texts *texts_out)
{
	ns_msg message;
	enum tp_dns_result result = ask(dns, name, ns_t_txt, &message);
	int count;
	int i;

	texts_out->count = 0;
	if (result != TP_DNS_FOUND)
		return result;
	count = ns_msg_count(message, ns_s_an);
	for (i = 0; i < count && texts_out->count < TP_DNS_STRINGS_MAX; i++) {
		char *text = texts_out->items[texts_out->count];
		ns_rr record;

		if (ns_parserr(&message, ns_s_an, i, &record) != 0)
			return TP_DNS_FAILED;
		if (ns_rr_type(record) != ns_t_txt)
			continue;
		join_strings(&record, text);
		if (is_kind(text))
			texts_out->count++;
	}
	return texts_out->count > 0 ? TP_DNS_FOUND : TP_DNS_NONE;
}

/* ---- where mail goes ---------------------------------------------------- */

/* Is the exchange the root, which stands for nobody? */
static int is_null_mx(const ns_msg *message, const ns_rr *record)
{
	char exchange[NS_MAXDNAME];
	const unsigned char *at = ns_rr_rdata(*record);

	if (ns_rr_rdlen(*record) <= NS_INT16SZ)
		return 0;
	return ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message),
		       at + NS_INT16SZ, exchange, sizeof(exchange)) >= 0 &&
	       (exchange[0] == '\0' || strcmp(exchange, ".") == 0);
}

static enum tp_dns_mail judge_mx(ns_msg *message)
{
	enum tp_dns_mail mail = TP_DNS_MAIL_NOWHERE;
	int count = ns_msg_count(*message, ns_s_an);
	int i;

	for (i = 0; i < count; i++) {
		ns_rr record;

		if (ns_parserr(message, ns_s_an, i, &record) != 0)
			return TP_DNS_MAIL_UNKNOWN;
		if (ns_rr_type(record) != ns_t_mx)
			continue;
		if (!is_null_mx(message, &record))
			return TP_DNS_MAIL_HERE;
		mail = TP_DNS_MAIL_REFUSED;
	}
	return mail;
}

/* @return FOUND only if there is a record of the very type */
static enum tp_dns_result has(struct tp_dns *dns, const char *name, int type)
{
	ns_msg message;
	enum tp_dns_result result = ask(dns, name, type, &message);
	int i;

	if (result != TP_DNS_FOUND)
		return result;
	for (i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		ns_rr record;

		if (ns_parserr(&message, ns_s_an, i, &record) != 0)
			return TP_DNS_FAILED;
		if ((int)ns_rr_type(record) == type)
			return TP_DNS_FOUND;
	}
	return TP_DNS_NONE;
}

enum tp_dns_mail tp_dns_mail(struct tp_dns *dns, const char *name)
{
	ns_msg message;
	enum tp_dns_result result = ask(dns, name, ns_t_mx, &message);
	enum tp_dns_mail mail = TP_DNS_MAIL_NOWHERE;

	if (result == TP_DNS_FAILED)
		return TP_DNS_MAIL_UNKNOWN;
	if (result == TP_DNS_FOUND)
		mail = judge_mx(&message);
	if (mail != TP_DNS_MAIL_NOWHERE)
		return mail;
	result = has(dns, name, ns_t_a);
	if (result != TP_DNS_FOUND && result != TP_DNS_FAILED)
		result = has(dns, name, ns_t_aaaa);
	if (result == TP_DNS_FAILED)
		return TP_DNS_MAIL_UNKNOWN;
	return result == TP_DNS_FOUND ? TP_DNS_MAIL_HERE : TP_DNS_MAIL_NOWHERE;
}
