/*
 * settings.h - the one typed table of all settings
 *
 * JOB     Every key with its type, unit, default, range, help and version of
 *         introduction. The loader, the example file, tillpost.conf(5) and
 *         the settings calls of the ABI are driven by it; nothing else knows
 *         which keys exist.
 * LAYER   core; libc only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_SETTINGS_H
#define TP_CORE_SETTINGS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum tp_setting_type {
	TP_SETTING_STRING,
	TP_SETTING_PATH,
	TP_SETTING_INT,
	TP_SETTING_BOOL,
	TP_SETTING_DURATION, /* stored in ms */
	TP_SETTING_SIZE,     /* stored in bytes */
	TP_SETTING_ENUM,     /* stored as int */
	TP_SETTING_LIST,     /* list of strings */
	TP_SETTING_SECRET
};

enum tp_setting_scope {
	TP_SETTINGS_QUEUE,
	TP_SETTINGS_SPOOL,
	TP_SETTINGS_LOG,
	TP_SETTINGS_SUBMIT,
	TP_SETTINGS_RELAY, /* relays.NAME.KEY */
	TP_SETTINGS_STORE, /* stores.NAME.KEY */
	TP_SETTINGS_MATCH  /* stores.NAME.match.KEY */
};

struct tp_setting {
	enum tp_setting_scope scope;
	const char *key;
	enum tp_setting_type type;
	const char *unit;	   /* of a plain number: "s", "bytes", "" */
	const char *default_value; /* as text; NULL: none */
	int64_t min;		   /* INT, DURATION, SIZE */
	int64_t max;
	const char *const *choices; /* ENUM: NULL-terminated, index = value */
	size_t offset; /* of the field in tp_config, tp_relay or tp_store;
			* TP_SETTING_NO_FIELD: read by the loader itself */
	const char *help;
	const char *since;
	int required;
	const char *example; /* a sample value for the documents */
	/* Another key of the same scope that this one stands in for: at most
	 * one of them may be set ("password_file" for "password"). */
	const char *instead_of;
	/* 1: connections made with different values are not interchangeable */
	int identity;
};
#define TP_SETTING_NO_FIELD ((size_t)-1)

/* Bounds of what a configuration may hold. */
#define TP_SETTING_STRING_MAX_BYTES 4096
#define TP_SETTING_SECRET_MAX_BYTES 65536
#define TP_SETTING_LIST_MAX_COUNT 1000
#define TP_SETTING_NAME_MAX_BYTES 63 /* of a relay or a store */
#define TP_SETTING_KEY_BYTES 160     /* a full key with its NUL */

const struct tp_setting *tp_settings_table(size_t *count_out);
/* "queue", "relays.*", "stores.*.match" ... */
const char *tp_setting_scope_name(enum tp_setting_scope scope);
const char *tp_setting_type_name(enum tp_setting_type type);
/* "1..65535", "implicit|starttls|none", "" ; at most SIZE bytes. */
void tp_setting_range(const struct tp_setting *setting, char *out, size_t size);

/* NULL if the scope has no such key. */
const struct tp_setting *tp_setting_find(
	enum tp_setting_scope scope, const char *key);
/* Position in the table: the index into a record's origins. */
size_t tp_setting_index(const struct tp_setting *setting);

/* 1 if A and B are the same setting or stand in for the same one. */
int tp_setting_same_family(
	const struct tp_setting *a, const struct tp_setting *b);

/* 1 if NAME can name a relay or a store: letters, digits, '-' and '_',
 * beginning with a letter, at most TP_SETTING_NAME_MAX_BYTES. */
int tp_setting_name_valid(const char *name);

/* "queue.path", "relays.ses.port", "stores.eu.match.from".
 * @param name of the relay or store; ignored for other scopes */
void tp_setting_full_key(const struct tp_setting *setting, const char *name,
	char out[TP_SETTING_KEY_BYTES]);
/* The reverse. NAME_OUT is "" for scopes without names.
 * @return 0; TP_ENOTFOUND, with a suggestion where one is near */
int tp_setting_resolve(const char *full_key,
	const struct tp_setting **setting_out,
	char name_out[TP_SETTING_NAME_MAX_BYTES + 1],
	struct tp_error *err) TP_USE_RESULT;

#endif
