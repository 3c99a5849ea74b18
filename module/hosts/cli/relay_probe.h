/*
 * relay_probe.h - a relay, step by step, in plain words
 *
 * JOB     What setup and doctor say about one relay: its name in the DNS, its
 *         port and the usual others, what the port says first, and, through
 *         the plugin, TLS and login. Each failure comes with its usual cause.
 * BOUNDS  A few seconds a step; see relay_probe.c.
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * THREADS main() only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_RELAY_PROBE_H
#define TP_HOSTS_CLI_RELAY_PROBE_H

#include "cli/cli.h"
#include "cli/finding.h"
#include "cli/provider_hints.h"

struct tp_relay_target {
	const char *relay; /* its name in the settings */
	const char *store; /* one that uses it; NULL: none */
	const char *host;
	int port;
	const char *tls; /* "implicit", "starttls", "none" */
	const struct tp_provider_hint *hint; /* NULL: nothing known */
};

/* DNS, ports, first bytes.
 * @return 1 if it makes sense to go on with TLS and login */
int tp_relay_probe(
	const struct tp_relay_target *target, struct tp_findings *findings);

/* TLS and login by the plugin; with RECIPIENT a mail too. The handle is open
 * and embedded.
 * @return the verdict of the mail (TILLPOST_VERDICT_*), 0 without RECIPIENT,
 *         or a TILLPOST_E*, which is a finding already */
int32_t tp_relay_login(struct tp_cli *cli, const struct tp_relay_target *target,
	const char *recipient, struct tp_findings *findings);

#endif
