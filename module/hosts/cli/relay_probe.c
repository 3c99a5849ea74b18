/*
 * relay_probe.c - a relay, step by step, in plain words
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/relay_probe.h"

#include "cli/probe_banner.h"
#include "cli/probe_tcp.h"

#include "common/report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_MS 6000
#define GREETING_MS 8000	/* some servers let a client wait on purpose */
#define IMPLICIT_SILENCE_MS 700 /* here silence is right */
#define ANSWER_MS 4000

/* ---- ports -------------------------------------------------------------- */

static const int usual_ports[] = { 465, 587, 2525, 2587, 25 };

static size_t list_ports(const struct tp_relay_target *target,
	struct tp_probe_port ports[TP_PROBE_PORTS_MAX])
{
	size_t count = 0;
	size_t i;

	ports[count++] = (struct tp_probe_port) { .port = target->port };
	for (i = 0; i < TP_COUNT(usual_ports); i++)
		if (usual_ports[i] != target->port)
			ports[count++] = (struct tp_probe_port) {
				.port = usual_ports[i]
			};
	return count;
}

static void name_open(const struct tp_probe_port *ports, size_t count,
	char out[TP_PROBE_TEXT_BYTES])
{
	size_t i;

	out[0] = '\0';
	for (i = 1; i < count; i++) {
		size_t used = strlen(out);

		if (ports[i].open)
			(void)snprintf(out + used, TP_PROBE_TEXT_BYTES - used,
				"%s%d", used ? ", " : "", ports[i].port);
	}
}

static void say_closed(const struct tp_relay_target *target,
	const struct tp_probe_port *ports, size_t count,
	struct tp_findings *findings)
{
	char others[TP_PROBE_TEXT_BYTES];
	char reason[128];
	int refused = ports[0].error == ECONNREFUSED;

	name_open(ports, count, others);
	if (strerror_r(ports[0].error, reason, sizeof(reason)) != 0)
		reason[0] = '\0';
	tp_find(findings, TP_FIND_ERROR, "port",
		"%s port %d cannot be reached: %s", target->host, target->port,
		reason);
	if (target->port == 25)
		tp_find_why(findings,
			"hosters block port 25 for most machines, and it is "
			"meant for mail between servers; for a login there are "
			"587 (starttls) and 465 (implicit)");
	else if (refused)
		tp_find_why(findings,
			"the machine answers, but no program listens on this "
			"port, or a firewall says so");
	else
		tp_find_why(findings,
			"no answer at all usually means a firewall, here or "
			"at the hoster");
	if (others[0])
		tp_find_do(findings,
			"of the usual ports these can be reached: %s; take one "
			"that the provider offers (465: implicit; 587, 2525, "
			"2587: starttls)",
			others);
	else
		tp_find_do(findings,
			"check host and port, and let the firewall pass "
			"connections to %s",
			target->host);
}

/* ---- the first bytes ---------------------------------------------------- */

static void say_tls_here(
	const struct tp_relay_target *target, struct tp_findings *findings)
{
	tp_find(findings, TP_FIND_ERROR, "tls mode",
		"port %d speaks TLS from the first byte, but tls is \"%s\"",
		target->port, target->tls);
	tp_find_why(findings,
		"tillpost would wait for a greeting that this port never "
		"sends; other programs name the two modes differently (\"SSL\" "
		"is implicit, \"TLS\" may be either)");
	tp_find_do(
		findings, "set tls to \"implicit\" for port %d", target->port);
}

static void say_clear_here(const struct tp_relay_target *target,
	const char *line, struct tp_findings *findings)
{
	tp_find(findings, TP_FIND_ERROR, "tls mode",
		"port %d greets in clear text (%s), but tls is \"implicit\"",
		target->port, line);
	tp_find_why(findings,
		"a TLS handshake would fail there with \"wrong version "
		"number\"; this port begins in clear text and changes to TLS "
		"by STARTTLS");
	tp_find_do(
		findings, "set tls to \"starttls\" for port %d", target->port);
}

static void say_refused(const struct tp_relay_target *target, const char *line,
	struct tp_findings *findings)
{
	tp_find(findings, TP_FIND_ERROR, "greeting",
		"%s port %d turns this machine away: %s", target->host,
		target->port, line);
	tp_find_why(findings,
		"a server that greets with an error does not like the address "
		"of this machine, or is overloaded");
	tp_find_do(findings,
		"if it goes on, ask the provider, or look the address up in "
		"blocking lists");
}

static void say_odd(const struct tp_relay_target *target,
	const struct tp_banner *banner, struct tp_findings *findings)
{
	const char *what = "does not say anything";

	if (banner->kind == TP_BANNER_CLOSED)
		what = "closes the connection without a word";
	else if (banner->kind == TP_BANNER_OTHER)
		what = "is not a mail server; it says:";
	tp_find(findings, TP_FIND_ERROR, "greeting", "%s port %d %s %s",
		target->host, target->port, what, banner->text);
	tp_find_why(findings,
		"neither a greeting (220) nor TLS came; a firewall or a proxy "
		"may stand between, or it is another service's port");
	tp_find_do(findings, "check host and port");
}

/* @return 1 if the port fits the mode */
static int judge_banner(const struct tp_relay_target *target,
	const struct tp_banner *banner, struct tp_findings *findings)
{
	int implicit = strcmp(target->tls, "implicit") == 0;

	switch (banner->kind) {
	case TP_BANNER_TLS:
		if (implicit)
			return 1;
		say_tls_here(target, findings);
		return 0;
	case TP_BANNER_SMTP:
		if (!implicit)
			return 1;
		say_clear_here(target, banner->text, findings);
		return 0;
	case TP_BANNER_REFUSES:
		say_refused(target, banner->text, findings);
		return 0;
	default:
		say_odd(target, banner, findings);
		return 0;
	}
}

static int probe_banner(const struct tp_relay_target *target,
	const struct addrinfo *list, struct tp_findings *findings)
{
	int implicit = strcmp(target->tls, "implicit") == 0;
	struct tp_banner banner;
	int fd = tp_probe_connect(list, target->port, CONNECT_MS);

	if (fd < 0) {
		tp_find(findings, TP_FIND_ERROR, "port",
			"%s port %d could be reached once, and then not",
			target->host, target->port);
		return 0;
	}
	tp_banner_read(fd, implicit ? IMPLICIT_SILENCE_MS : GREETING_MS,
		ANSWER_MS, &banner);
	if (!judge_banner(target, &banner, findings))
		return 0;
	if (implicit)
		tp_find(findings, TP_FIND_OK, "tls mode",
			"port %d speaks TLS from the first byte, as set",
			target->port);
	else
		tp_find(findings, TP_FIND_OK, "greeting", "%s", banner.text);
	return 1;
}

/* ---- DNS ---------------------------------------------------------------- */

static int is_address(const char *host)
{
	unsigned char room[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, room) == 1 ||
	       inet_pton(AF_INET6, host, room) == 1;
}

static int probe_name(const struct tp_relay_target *target,
	struct addrinfo **list_out, struct tp_findings *findings)
{
	char text[TP_PROBE_TEXT_BYTES];

	if (tp_probe_resolve(target->host, list_out, text) != 0) {
		tp_find(findings, TP_FIND_ERROR, "dns", "%s has no address: %s",
			target->host, text);
		tp_find_why(findings,
			"without an address there is nothing to connect to");
		tp_find_do(findings,
			"check the spelling of the host; if it is right, check "
			"the name servers in /etc/resolv.conf");
		return 0;
	}
	if (!is_address(target->host))
		tp_find(findings, TP_FIND_OK, "dns", "%s is %s", target->host,
			text);
	return 1;
}

int tp_relay_probe(
	const struct tp_relay_target *target, struct tp_findings *findings)
{
	struct tp_probe_port ports[TP_PROBE_PORTS_MAX];
	struct addrinfo *list = NULL;
	char others[TP_PROBE_TEXT_BYTES];
	size_t count = list_ports(target, ports);
	int good;

	if (!probe_name(target, &list, findings))
		return 0;
	tp_probe_ports(list, ports, 1, CONNECT_MS);
	/* The others only matter when they are needed. */
	if (!ports[0].open)
		tp_probe_ports(list, ports + 1, count - 1, CONNECT_MS / 2);
	name_open(ports, count, others);
	if (ports[0].open)
		tp_find(findings, TP_FIND_OK, "port",
			"%s port %d can be reached", target->host,
			target->port);
	else
		say_closed(target, ports, count, findings);
	good = ports[0].open && probe_banner(target, list, findings);
	freeaddrinfo(list);
	return good;
}

/* ---- TLS and login ------------------------------------------------------ */

struct steps {
	const struct tp_relay_target *target;
	struct tp_findings *findings;
	int failed; /* a step was shown as a failure */
};

static void explain_login(const struct tp_relay_target *target,
	const char *text, struct tp_findings *findings)
{
	const struct tp_reply_hint *reply =
		tp_reply_hint_find(text, target->host);
	const struct tp_provider_hint *hint = target->hint;

	if (reply) {
		tp_find_why(findings, "%s", reply->meaning);
		tp_find_do(findings, "%s (%s)", reply->todo, reply->source);
		return;
	}
	tp_find_why(findings,
		"the server refuses this user name with this password; it "
		"does not tell which of them is wrong");
	if (!hint) {
		tp_find_do(findings,
			"check both; many providers want an app password or an "
			"SMTP key instead of the account's password or an API "
			"key");
		return;
	}
	tp_find_do(findings, "%s: user name %s, password: %s. Mind: %s (%s)",
		hint->title, hint->user, hint->secret, hint->rule,
		hint->source);
}

static void explain_tls(const struct tp_relay_target *target, const char *text,
	struct tp_findings *findings)
{
	if (strstr(text, "STARTTLS")) {
		tp_find_why(findings,
			"without STARTTLS the password would cross the network "
			"in clear text; tillpost does not do that");
		tp_find_do(findings,
			"use port 465 with tls \"implicit\", or another host");
		return;
	}
	tp_find_why(findings,
		"without a valid certificate nobody knows who would get the "
		"password and the mail, so nothing was sent");
	tp_find_do(findings,
		"use the host name that the certificate of %s is for; check "
		"the clock; for a private authority set ca_file; see that "
		"ca-certificates is installed",
		target->host);
}

static int32_t show_step(void *ctx, const struct tillpost_step *step)
{
	struct steps *steps = ctx;
	struct tp_findings *findings = steps->findings;
	int by_probe = strcmp(step->step, "route") == 0 ||
		       strcmp(step->step, "connect") == 0 ||
		       strcmp(step->step, "send") == 0;

	if (step->status >= 0) {
		if (!by_probe)
			tp_find(findings, TP_FIND_OK,
				strcmp(step->step, "auth") == 0 ? "login"
								: step->step,
				"%s", step->text);
		return 0;
	}
	if (strcmp(step->step, "send") == 0)
		return 0; /* the verdict is told instead */
	steps->failed = 1;
	tp_find(findings, TP_FIND_ERROR,
		strcmp(step->step, "auth") == 0 ? "login" : step->step, "%s",
		step->text);
	if (step->status == TILLPOST_EAUTH)
		explain_login(steps->target, step->text, findings);
	else if (step->status == TILLPOST_ETLS ||
		 strcmp(step->step, "starttls") == 0 ||
		 strcmp(step->step, "tls") == 0)
		explain_tls(steps->target, step->text, findings);
	return 0;
}

static void show_verdict(const struct tillpost_receipt *receipt,
	const char *recipient, struct tp_findings *findings)
{
	switch (receipt->verdict) {
	case TILLPOST_VERDICT_SENT:
		tp_find(findings, TP_FIND_OK, "test mail",
			"the relay took the mail to %s: %s (queue id %s)",
			recipient, receipt->text, receipt->queue_id);
		return;
	case TILLPOST_VERDICT_QUEUED:
	case TILLPOST_VERDICT_DEFERRED:
	case TILLPOST_VERDICT_UNKNOWN:
		tp_find(findings, TP_FIND_WARNING, "test mail",
			"not sent yet: %s (queue id %s)", receipt->text,
			receipt->queue_id);
		tp_find_why(findings,
			"the relay put it off, as some do with new senders");
		tp_find_do(findings,
			"it stays in the queue and is tried again; see "
			"'tillpost log --id %s'",
			receipt->queue_id);
		return;
	default:
		tp_find(findings, TP_FIND_ERROR, "test mail",
			"the relay refused it: %s (queue id %s)", receipt->text,
			receipt->queue_id);
		tp_find_why(findings,
			"the login works, but this sender or recipient is not "
			"accepted; most relays want a verified From address");
		tp_find_do(findings,
			"check the store's from and the provider's list of "
			"verified senders or domains");
	}
}

int32_t tp_relay_login(struct tp_cli *cli, const struct tp_relay_target *target,
	const char *recipient, struct tp_findings *findings)
{
	struct steps steps = { target, findings, 0 };
	struct tillpost_test_options options;
	struct tillpost_receipt receipt;
	struct tillpost_error err;
	int32_t rc;

	TILLPOST_INIT(&options);
	TILLPOST_INIT(&receipt);
	TILLPOST_INIT(&err);
	options.store = target->store;
	options.recipient = recipient;
	rc = cli->plugin.api->test_send(
		cli->handle, &options, show_step, &steps, &receipt, &err);
	if (rc < 0 && !steps.failed)
		tp_find(findings, TP_FIND_ERROR, "test", "%s%s%s", err.where,
			err.where[0] ? ": " : "", err.text);
	if (rc < 0)
		return rc;
	if (!recipient)
		return 0;
	show_verdict(&receipt, recipient, findings);
	return receipt.verdict;
}
