/*
 * route.h - which store sent a message
 *
 * JOB     One pure function with the fixed order: explicit name; store
 *         header; From address map; run code; host name that is in the
 *         configuration; "default".
 * LAYER   core; libc only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_ROUTE_H
#define TP_CORE_ROUTE_H

#include "core/config.h"

struct tp_route_hints {
	const char *store;	  /* explicit; NULL: none */
	const char *store_header; /* value of the store header; NULL: none */
	const char *from_address; /* addr-spec of From; NULL: none */
	const char *run_code;	  /* MAGE_RUN_CODE; NULL: none */
	const char *host;	  /* HTTP host name, with or without :port */
};

struct tp_route {
	const struct tp_store *store; /* borrowed from the config */
	char reason[192]; /* "From address shop@eu.example.com matches ..." */
};

/* An explicit name or header naming an unknown store is an error
 * (TP_ENOTFOUND): guessing would send with another store's credentials.
 * @return 0, TP_ENOTFOUND */
int tp_route_find(const struct tp_config *config,
	const struct tp_route_hints *hints, struct tp_route *route_out,
	struct tp_error *err) TP_USE_RESULT;

/* A user of the system. */
struct tp_user {
	uint32_t uid;
	const char *name; /* NULL: the system knows no name */
};
/* Whether USER may submit as STORE: the superuser always; if `users` is empty
 * everybody; else who is listed by name or number. What consists of digits is
 * a number, never a name. */
int tp_store_admits(const struct tp_store *store, const struct tp_user *user);
/* @return 1 if some user is admitted whose name must be known for it */
int tp_store_admits_by_name(const struct tp_store *store);
/* Whether `users` of STORE names USER: who may see what became of its mail. The
 * superuser always. */
int tp_store_names(const struct tp_store *store, const struct tp_user *user);

/* 1 if ENTRY can stand in `users`: a number below 2^32 - 1, or at most 255
 * letters, digits, '.', '_', '-' and '$', not beginning with '-'. */
int tp_route_user_valid(const char *entry);

/* 1 if A and B are one host name: case, a trailing dot and :port ignored. */
int tp_route_host_same(const char *a, const char *b);

#endif
