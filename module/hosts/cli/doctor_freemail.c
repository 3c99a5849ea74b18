/*
 * doctor_freemail.c - a From at a mailbox provider, sent by somebody else
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/doctor_domain.h"

#include <string.h>
#include <strings.h>

/* ".*" at the end: under any top-level domain. Only for names that nobody else
 * has anywhere. */
struct freemail {
	const char *domains[12];
	const char *presets[3]; /* the relays that may send it */
	const char *hosts[5];	/* ends of their servers' names */
};

static const struct freemail freemails[] = {
	{ { "gmail.com", "googlemail.com" }, { "gmail" },
		{ "gmail.com", "googlemail.com" } },
	{ { "outlook.com", "outlook.de", "outlook.fr", "outlook.es",
		  "outlook.it", "live.com", "live.de", "live.fr", "live.nl",
		  "live.co.uk", "msn.com" },
		{ "outlook", "microsoft365" },
		{ "outlook.com", "office365.com", "hotmail.com", "live.com" } },
	{ { "hotmail.*" }, { "outlook", "microsoft365" },
		{ "outlook.com", "office365.com", "hotmail.com", "live.com" } },
	{ { "yahoo.*", "ymail.com", "rocketmail.com" }, { "yahoo" },
		{ "yahoo.com", "yahoo.co.jp" } },
	{ { "aol.*", "aim.com", "verizon.net" }, { "aol", "verizon" },
		{ "aol.com", "verizon.net" } },
	{ { "icloud.com", "me.com", "mac.com" }, { "icloud" },
		{ "me.com", "icloud.com" } },
	{ { "gmx.*" }, { "gmx" }, { "gmx.net", "gmx.com", "gmx.de" } },
	{ { "web.de" }, { "webde" }, { "web.de" } },
	{ { "mail.com" }, { "mailcom" }, { "mail.com" } },
	{ { "t-online.de" }, { "t-online" }, { "t-online.de" } },
	{ { "proton.me", "protonmail.com", "pm.me" }, { "proton" },
		{ "protonmail.ch", "proton.me" } },
	{ { "mail.ru", "inbox.ru", "list.ru", "bk.ru" }, { "mailru" },
		{ "mail.ru" } },
	{ { "yandex.*", "ya.ru" }, { "yandex" },
		{ "yandex.ru", "yandex.com", "yandex.net" } },
	{ { "qq.com", "foxmail.com" }, { "qq" }, { "qq.com" } },
	{ { "163.com" }, { "163" }, { "163.com" } },
	{ { "126.com" }, { "126" }, { "126.com" } },
};

static int is_domain(const char *name, const char *pattern)
{
	size_t len = strlen(pattern);

	if (len < 2 || strcmp(pattern + len - 2, ".*") != 0)
		return strcasecmp(name, pattern) == 0;
	/* "yahoo.fr", "yahoo.co.uk", and not "shop.yahoo.fr" */
	return strncasecmp(name, pattern, len - 1) == 0 &&
	       tp_domain_org(name) == name;
}

static int is_of(const struct freemail *row, const char *name)
{
	size_t i;

	for (i = 0; i < TP_COUNT(row->domains) && row->domains[i]; i++)
		if (is_domain(name, row->domains[i]))
			return 1;
	return 0;
}

static int may_send(
	const struct freemail *row, const struct tp_doctor_sender *sender)
{
	size_t i;

	for (i = 0; i < TP_COUNT(row->presets) && row->presets[i]; i++)
		if (strcmp(sender->preset, row->presets[i]) == 0)
			return 1;
	for (i = 0; i < TP_COUNT(row->hosts) && row->hosts[i]; i++)
		if (tp_host_ends_in(sender->host, row->hosts[i]))
			return 1;
	return 0;
}

int tp_domain_freemail(
	struct tp_doctor *doctor, const struct tp_doctor_sender *sender)
{
	size_t i;

	for (i = 0; i < TP_COUNT(freemails); i++)
		if (is_of(&freemails[i], sender->from_domain))
			break;
	if (i == TP_COUNT(freemails))
		return 0;
	if (may_send(&freemails[i], sender)) {
		tp_find(&doctor->findings, TP_FIND_OK, "domain",
			"%s is sent by its own provider", sender->from_domain);
		return 1;
	}
	tp_find(&doctor->findings, TP_FIND_ERROR, "domain",
		"the shop's From is at %s, but another relay sends it",
		sender->from_domain);
	tp_find_why(&doctor->findings,
		"its owner lets receivers refuse such mail (DMARC)");
	tp_find_do(&doctor->findings,
		"use an address of a domain of your own as the store's from");
	return 1;
}
