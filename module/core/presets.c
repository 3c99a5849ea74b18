/*
 * presets.c - lookups in what is known about mail providers
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/presets.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const char placeholder[] = "{region}";

const struct tp_preset *tp_preset_find(const char *name)
{
	size_t count;
	size_t i;
	const struct tp_preset *table = tp_presets_table(&count);

	for (i = 0; i < count; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

const struct tp_stale_host *tp_stale_host_find(const char *host)
{
	size_t count;
	size_t i;
	const struct tp_stale_host *table = tp_stale_hosts_table(&count);

	for (i = 0; i < count; i++)
		if (tp_strcasecmp(table[i].host, host) == 0)
			return &table[i];
	return NULL;
}

static const struct tp_preset_region *find_region(
	const struct tp_preset *preset, const char *region)
{
	const struct tp_preset_region *at;

	for (at = preset->regions; at->name; at++)
		if (strcmp(at->name, region) == 0)
			return at;
	return NULL;
}

static int region_error(const struct tp_preset *preset, const char *problem,
	struct tp_error *err)
{
	char names[400] = "";
	size_t used = 0;
	const struct tp_preset_region *at;

	if (!preset->regions[0].name)
		return tp_fail(err, TP_EINVAL, "region",
			"preset %s has no regions: remove the region",
			preset->name);
	for (at = preset->regions; at->name && used < sizeof(names); at++) {
		int n = snprintf(names + used, sizeof(names) - used, "%s%s",
			used > 0 ? ", " : "", at->name);

		used += n > 0 ? (size_t)n : 0;
	}
	return tp_fail(err, TP_EINVAL, "region", "preset %s: %s; known: %s",
		preset->name, problem, names);
}

/* A region becomes part of a host name, so it must not hold more. */
static int region_valid(const char *region)
{
	size_t len = strlen(region);

	return len > 0 && len <= 40 &&
	       strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len;
}

static int fill_host(const char *pattern, const char *region, char *out,
	size_t size, struct tp_error *err)
{
	const char *at = strstr(pattern, placeholder);
	int n;

	if (!at)
		n = snprintf(out, size, "%s", pattern);
	else
		n = snprintf(out, size, "%.*s%s%s", (int)(at - pattern),
			pattern, region, at + strlen(placeholder));
	if (n < 0 || (size_t)n >= size)
		return tp_fail(err, TP_ETOOBIG, "region", "host is too long");
	return TP_OK;
}

int tp_preset_host(const struct tp_preset *preset, const char *region,
	char *host_out, size_t size, int *known_out, struct tp_error *err)
{
	const struct tp_preset_region *at;

	*known_out = 1;
	if (!region && preset->region_required)
		return region_error(preset, "a region is needed", err);
	if (!region)
		region = preset->regions[0].name;
	if (!region)
		return fill_host(preset->host, "", host_out, size, err);
	at = find_region(preset, region);
	if (at && at->host)
		return fill_host(at->host, "", host_out, size, err);
	*known_out = at != NULL;
	if (!region_valid(region) ||
		(!at && !strstr(preset->host, placeholder)))
		return region_error(preset, "no such region", err);
	return fill_host(preset->host, region, host_out, size, err);
}

const struct tp_preset_port *tp_preset_port_find(
	const struct tp_preset *preset, int64_t port, int tls)
{
	const struct tp_preset_port *at;

	for (at = preset->ports; at->port; at++)
		if ((port == 0 || at->port == port) &&
			(tls < 0 || at->tls == tls))
			return at;
	return NULL;
}
