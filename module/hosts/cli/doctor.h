/*
 * doctor.h - the parts of tillpost doctor
 *
 * JOB     What the examinations share: the settings in force, whose
 *         installation it is, where findings go. cmd_doctor.c has the order;
 *         each part is one doctor_*.c and looks at one thing.
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * THREADS main() only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_DOCTOR_H
#define TP_HOSTS_CLI_DOCTOR_H

#include "cli/become.h"
#include "cli/cli.h"
#include "cli/finding.h"
#include "cli/provider_hints.h"
#include "cli/values.h"

#include <limits.h>

struct tp_doctor {
	struct tp_cli *cli;
	/* As given; NULL: not given. */
	const char *store;
	const char *recipient;
	const char *resolver;
	const char *selector;
	const char *php;
	const char *php_fpm;
	const char *sendmail;
	const char *unit;
	const char *user;
	/* Worked out. */
	const char *config_path;
	char directory[PATH_MAX]; /* of the configuration */
	struct tp_user owner;
	/* Why no login can be tried; "": one can. */
	char no_login[TP_FIND_TEXT_BYTES];
	struct tp_values values; /* empty if the settings cannot be used */
	struct tp_findings findings;
};

/* doctor_files.c: owners and modes. */
void tp_doctor_config_file(struct tp_doctor *doctor);
void tp_doctor_secrets(struct tp_doctor *doctor);
void tp_doctor_queue_files(struct tp_doctor *doctor);
void tp_doctor_spool(struct tp_doctor *doctor);
void tp_doctor_log(struct tp_doctor *doctor);

/* doctor_state.c: this machine and what waits. */
void tp_doctor_clock(struct tp_doctor *doctor, int64_t now_ms);
/* Against when queue and log were written. */
void tp_doctor_times(struct tp_doctor *doctor, int64_t now_ms);
void tp_doctor_disk(struct tp_doctor *doctor);
void tp_doctor_daemon(struct tp_doctor *doctor);
void tp_doctor_queue(struct tp_doctor *doctor);

/* doctor_unit.c: what the service could not reach. */
void tp_doctor_unit(struct tp_doctor *doctor);

/* doctor_programs.c, doctor_fpm.c: what hands mail over. */
void tp_doctor_php(struct tp_doctor *doctor);
void tp_doctor_fpm(struct tp_doctor *doctor);
void tp_doctor_sendmail(struct tp_doctor *doctor);

/* doctor_stores.c: relays and domains, each once. */
void tp_doctor_stores(struct tp_doctor *doctor);

/* Whose mail a relay sends. */
struct tp_doctor_sender {
	const char *from_domain;
	const char
		*envelope_domain; /* of MAIL FROM; From's, if it is not set */
	const char *preset;	  /* of the relay; "" if it has none */
	const char *host;
	const struct tp_provider_hint *hint; /* NULL: nothing known */
};

/* doctor_domain.c: SPF, DKIM, DMARC, MX. */
void tp_doctor_domain(
	struct tp_doctor *doctor, const struct tp_doctor_sender *sender);

#endif
