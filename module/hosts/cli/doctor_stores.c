/*
 * doctor_stores.c - the relays of each store, and the domains it sends for
 *
 * JOB     Of each store all relays are looked at, and the domains of From and
 *         envelope with each. The first relay is the one in use: only there
 *         a login is tried, and where the secrets are to be had.
 * SPDX-License-Identifier: MIT
 */
#include "cli/doctor.h"

#include "cli/mail_records.h"
#include "cli/relay_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What has been looked at for an earlier store. */
struct seen {
	char *keys[256];
	size_t count;
};

/* @return 1 if no such three have been seen before */
static int is_new(struct seen *seen, const char *relay, const char *from,
	const char *envelope)
{
	char key[TP_VALUES_KEY_BYTES + 2 * TP_RECORD_NAME_BYTES];
	size_t i;

	(void)snprintf(key, sizeof(key), "%s %s %s", relay, from, envelope);
	for (i = 0; i < seen->count; i++)
		if (strcmp(seen->keys[i], key) == 0)
			return 0;
	if (seen->count < TP_COUNT(seen->keys) &&
		(seen->keys[seen->count] = strdup(key)) != NULL)
		seen->count++;
	return 1;
}

static void forget(struct seen *seen)
{
	while (seen->count > 0)
		free(seen->keys[--seen->count]);
}

static const char *of_relay(
	const struct tp_doctor *doctor, const char *relay, const char *key)
{
	return tp_values_text(&doctor->values, "relays", relay, key);
}

static const struct tp_provider_hint *hint_of(
	const struct tp_doctor *doctor, const char *relay)
{
	return tp_provider_hint_find(of_relay(doctor, relay, "preset"),
		of_relay(doctor, relay, "host"));
}

static void try_login(
	struct tp_doctor *doctor, const struct tp_relay_target *target)
{
	if (!doctor->no_login[0]) {
		(void)tp_relay_login(doctor->cli, target, doctor->recipient,
			&doctor->findings);
		return;
	}
	tp_find(&doctor->findings, TP_FIND_NOTE, "login",
		"%s: not tried, nor its certificate looked at%s, as not all "
		"secrets are to be had here",
		target->relay,
		doctor->recipient ? ", nor a test mail sent" : "");
	tp_find_why(&doctor->findings, "%s", doctor->no_login);
}

/* @param in_use whether the store sends through it */
static void check_relay(struct tp_doctor *doctor, const char *store,
	const char *relay, int in_use)
{
	const struct tp_relay_target target = {
		.relay = relay,
		.store = store,
		.host = of_relay(doctor, relay, "host"),
		.port = (int)strtol(of_relay(doctor, relay, "port"), NULL, 10),
		.tls = of_relay(doctor, relay, "tls"),
		.hint = hint_of(doctor, relay),
	};

	if (!doctor->findings.json)
		(void)printf("relay %s, store %s%s:\n", relay, store,
			in_use ? "" : " (not in use: no login is tried)");
	if (tp_relay_probe(&target, &doctor->findings) && in_use)
		try_login(doctor, &target);
}

static void check_domain(struct tp_doctor *doctor, const char *store,
	const char *relay, struct seen *seen)
{
	const struct tp_values *values = &doctor->values;
	char from[TP_RECORD_NAME_BYTES];
	char envelope[TP_RECORD_NAME_BYTES];
	const struct tp_doctor_sender sender = {
		.from_domain = from,
		.envelope_domain = envelope,
		.preset = of_relay(doctor, relay, "preset"),
		.host = of_relay(doctor, relay, "host"),
		.hint = hint_of(doctor, relay),
	};

	if (!tp_domain_of(
		    tp_values_text(values, "stores", store, "from"), from))
		return;
	if (!tp_domain_of(
		    tp_values_text(values, "stores", store, "envelope_from"),
		    envelope))
		(void)snprintf(envelope, sizeof(envelope), "%s", from);
	if (is_new(seen, relay, from, envelope))
		tp_doctor_domain(doctor, &sender);
}

/* The next name of a list such as "a,b".
 * @param list moves on
 * @return 0 when there is none left */
static int next_of(const char **list, char *out, size_t size)
{
	size_t len;

	*list += strspn(*list, ", ");
	len = strcspn(*list, ", ");
	(void)snprintf(out, size, "%.*s", (int)len, *list);
	*list += len;
	return len > 0;
}

/* @return how many relays the store has */
static int check_store(
	struct tp_doctor *doctor, const char *store, struct seen *seen)
{
	const char *list =
		tp_values_text(&doctor->values, "stores", store, "relays");
	char relay[TP_VALUES_KEY_BYTES];
	int count = 0;

	for (; next_of(&list, relay, sizeof(relay)); count++) {
		int in_use = count == 0;

		if (is_new(seen, relay, in_use ? "in use" : "spare", ""))
			check_relay(doctor, store, relay, in_use);
		check_domain(doctor, store, relay, seen);
	}
	return count;
}

void tp_doctor_stores(struct tp_doctor *doctor)
{
	char store[TP_VALUES_KEY_BYTES];
	struct seen seen = { .count = 0 };
	size_t at = 0;
	int relays = 0;

	while (tp_values_next(&doctor->values, "stores", &at, store))
		if (!doctor->store || strcmp(doctor->store, store) == 0)
			relays += check_store(doctor, store, &seen);
	forget(&seen);
	if (relays > 0)
		return;
	tp_find(&doctor->findings, TP_FIND_ERROR, "stores", "%s%s",
		doctor->store ? "there is no store with a relay named "
			      : "no store has a relay, so nothing can be sent",
		doctor->store ? doctor->store : "");
	tp_find_do(&doctor->findings, "run 'tillpost setup'");
}
