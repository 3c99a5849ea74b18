/*
 * import.h - settings of other mail senders, read and repaired
 *
 * JOB     What the parts of "tillpost import" share: the input, its limits,
 *         errors, and the one function that does it all. An import goes one
 *         way: a reader (json, php, rows, msmtprc, main.cf) turns the text
 *         into entries (import_entries.h); a product's mapping turns entries
 *         into connections (import_connection.h), which are repaired on the
 *         way into a result (import_result.h); import_text.c writes that as a
 *         configuration. Nothing in this folder opens a file or runs
 *         anything, whatever the input says.
 * BOUNDS  The input is untrusted: TP_IMPORT_* below. All readers take time
 *         in proportion to the input.
 * LAYER   hosts/cli; libc, hosts/common and <tillpost/abi.h>.
 * THREADS one import, one thread.
 * ERRORS  TILLPOST_EINVAL for an input that cannot be read, with file and
 *         line or offset; TILLPOST_ENOTFOUND if it holds nothing to take over;
 *         TILLPOST_ETOOBIG; TILLPOST_ENOMEM. No error holds a value of the
 *         input that could be a secret.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_IMPORT_H
#define TP_HOSTS_CLI_IMPORT_H

#include <tillpost/abi.h>

#include <stddef.h>

#define TP_IMPORT_FILE_BYTES ((size_t)32 << 20)
#define TP_IMPORT_SMALL_BYTES ((size_t)1 << 20) /* a file written by hand */
#define TP_IMPORT_ENTRIES_MAX 20000
#define TP_IMPORT_DEPTH_MAX 16 /* of nested arrays */
#define TP_IMPORT_KEY_BYTES 512
#define TP_IMPORT_VALUE_BYTES 262144 /* more is no setting of ours */
#define TP_IMPORT_COLUMNS_MAX 32     /* of a table */
#define TP_IMPORT_RELAYS_MAX 64
#define TP_IMPORT_STORES_MAX 64
#define TP_IMPORT_MESSAGES_MAX 500
#define TP_IMPORT_NAME_BYTES 64 /* of a relay or a store, with NUL */

/* One file as the host read it. */
struct tp_import_input {
	const char *name; /* for messages */
	const char *text; /* followed by a NUL; NULL: there is no such file */
	size_t len;
};

struct tp_import_result;

struct tp_import_request {
	const char *format;		  /* a name of tp_import_formats() */
	struct tp_import_input main;	  /* FILE */
	struct tp_import_input sasl;	  /* postfix: smtp_sasl_password_maps */
	struct tp_import_input senders;	  /* postfix:
					     sender_dependent_relayhost_maps */
	struct tp_import_input wp_config; /* fluent-smtp: wp-config.php */
	const char *relay_name;		  /* of the first relay; NULL: FORMAT */
	const char *store_name;		  /* of the default; NULL: "default" */
};

struct tp_import_format {
	const char *name;
	const char *title;
	int32_t (*read)(const struct tp_import_request *request,
		struct tp_import_result *result, struct tillpost_error *err);
};

const struct tp_import_format *tp_import_formats(size_t *count_out);
/* @return NULL if there is none */
const struct tp_import_format *tp_import_format_find(const char *name);

/* Reads and maps REQUEST.
 * @owns the caller, *result_out with tp_import_result_free(), also after a
 *       failure */
int32_t tp_import_run(const struct tp_import_request *request,
	struct tp_import_result *result_out, struct tillpost_error *err);

/* An error about LINE (0: none) of the input called NAME. @return EINVAL */
int32_t tp_import_bad_line(struct tillpost_error *err, const char *name,
	size_t line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* An error about the byte OFFSET of the input called NAME. @return EINVAL */
int32_t tp_import_bad_offset(struct tillpost_error *err, const char *name,
	size_t offset, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* @return ETOOBIG if INPUT is over TP_IMPORT_SMALL_BYTES */
int32_t tp_import_check_small(
	const struct tp_import_input *input, struct tillpost_error *err);
/* @return TILLPOST_ENOMEM */
int32_t tp_import_no_memory(struct tillpost_error *err);

#endif
