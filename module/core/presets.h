/*
 * presets.h - what is known about mail providers
 *
 * JOB     A versioned table of providers: servers, TLS modes, what the user
 *         name must be, limits, and where each fact is from. Data only: the
 *         loader merges it, `tillpost test` may try the alternate ports, the
 *         manual page prints it. The table is in presets_data.c.
 * LAYER   core; libc only.
 * THREADS constant data.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_PRESETS_H
#define TP_CORE_PRESETS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Raised with every change of the data. */
#define TP_PRESETS_VERSION 2

#define TP_PRESET_PORTS_MAX 6
#define TP_PRESET_REGIONS_MAX 32

/* One way in. verified 0: general knowledge, not from the named source. */
struct tp_preset_port {
	int port; /* 0 ends the list */
	int tls;  /* enum tp_tls_mode */
	int verified;
};

/* host NULL: the region replaces {region} in the preset's host. */
struct tp_preset_region {
	const char *name; /* NULL ends the list */
	const char *host;
	int verified;
};

enum tp_preset_user {
	TP_USER_ANY,	    /* as the provider gave it */
	TP_USER_MAILBOX,    /* the whole address */
	TP_USER_LOCAL_PART, /* the part before the @ */
	TP_USER_FIXED,	    /* always `username` */
	TP_USER_TOKEN	    /* the password again */
};

struct tp_preset {
	const char *name;  /* as in preset = "..." */
	const char *title; /* for people */
	const char *host;  /* may hold {region} */
	struct tp_preset_port ports[TP_PRESET_PORTS_MAX + 1]; /* best first */
	struct tp_preset_region regions[TP_PRESET_REGIONS_MAX + 1];
	int region_required;   /* 0: not set means the first */
	int auth;	       /* enum tp_auth_mode; AUTO: what is offered */
	const char *auth_note; /* which password: "app password"; "" */
	enum tp_preset_user user;
	const char *username; /* TP_USER_FIXED */
	int login_optional;   /* 1: the address may be enough */
	const char *limits;   /* in words; "" if no figure is known */
	int max_connections;  /* most that the provider allows; 0: unknown */
	int messages_per_connection; /* likewise */
	int recipients_max;	     /* per message, likewise */
	int64_t idle_max_ms; /* it closes an idle connection then; 0: unknown */
	const char *dialect; /* policy.h; "" : standard */
	const char *notes;   /* traps, in words; "" */
	const char *source;
	const char *date; /* when the facts were gathered */
	int verified;	  /* 0: parts are general knowledge, see notes */
};

/* A host that providers have retired. */
struct tp_stale_host {
	const char *host;
	const char *use;    /* the right one */
	const char *preset; /* its preset */
};

const struct tp_preset *tp_presets_table(size_t *count_out);
const struct tp_stale_host *tp_stale_hosts_table(size_t *count_out);

/* NULL if there is none of that name. */
const struct tp_preset *tp_preset_find(const char *name);

/* NULL if the host is not known to be retired. */
const struct tp_stale_host *tp_stale_host_find(const char *host);

/* The server's name for a region.
 * @param region NULL: the first one, or none
 * @param known_out 0 if the region is not in the list but could be one (its
 *        host is then made from the pattern)
 * @return 0; TP_EINVAL: a region is needed, not possible, or unknown; the
 *         text lists what there is. TP_ETOOBIG if SIZE is too small */
int tp_preset_host(const struct tp_preset *preset, const char *region,
	char *host_out, size_t size, int *known_out,
	struct tp_error *err) TP_USE_RESULT;

/* The first entry of the preset's ports that fits what is already set.
 * @param port 0: any; @param tls -1: any
 * @return NULL if none fits */
const struct tp_preset_port *tp_preset_port_find(
	const struct tp_preset *preset, int64_t port, int tls);

#endif
