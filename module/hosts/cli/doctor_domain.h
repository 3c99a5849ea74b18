/*
 * doctor_domain.h - what the looks at one domain share
 *
 * JOB     doctor_domain.c looks at the From domain; its parts are
 *         doctor_spf.c, which looks at the domain of the envelope, and
 *         doctor_freemail.c.
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * THREADS main() only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_DOCTOR_DOMAIN_H
#define TP_HOSTS_CLI_DOCTOR_DOMAIN_H

#include "cli/doctor.h"
#include "cli/mail_records.h"
#include "cli/probe_dns.h"

struct tp_domain {
	struct tp_doctor *doctor;
	struct tp_dns *dns;
	const struct tp_doctor_sender *sender;
	struct tp_dns_texts *texts; /* room for one answer */
};

/* A finding: nobody tells about NAME. */
void tp_domain_no_answer(
	const struct tp_domain *domain, const char *topic, const char *name);

/* doctor_spf.c: of the envelope's domain.
 * @return 0 if there is no such domain, and it is From's too */
int tp_domain_spf(const struct tp_domain *domain);

/* doctor_freemail.c: a mailbox provider's own domain.
 * @return 1 if the domain is one, and has been judged */
int tp_domain_freemail(
	struct tp_doctor *doctor, const struct tp_doctor_sender *sender);

#endif
