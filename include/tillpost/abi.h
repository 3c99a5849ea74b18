/*
 * tillpost/abi.h - the binary interface between a host and tillpost.so
 *
 * A host loads tillpost.so (dlopen with RTLD_NOW | RTLD_LOCAL), looks up the
 * one symbol it exports, TILLPOST_ENTRY, and calls it for the function table:
 *
 *     tillpost_entry_fn *entry = (tillpost_entry_fn *)dlsym(so,
 * TILLPOST_ENTRY); const struct tillpost_api *api = entry();
 *
 * VERSIONS  The major version is part of the symbol's name. Within a major
 *   version everything is append-only: structs and the function table only
 *   grow at the end. Every struct starts with its size, set by whoever fills
 *   it in (TILLPOST_INIT does it); whoever reads asks TILLPOST_HAS whether a
 *   field is there. So an older host works with a newer plugin, and a newer
 *   host with an older plugin, and finds out by TILLPOST_HAS and the
 *   capability bits what it can use. abi_history.txt lists what came when.
 * OWNERSHIP  Inputs are borrowed for the call. Outputs go into structs of the
 *   caller, or to a callback whose arguments are valid only while it runs.
 *   Nothing is freed across the boundary; only a handle is closed.
 * STRINGS  NUL-terminated UTF-8. A NULL input string means "not given".
 * TIMES  int64_t Unix milliseconds (_ms), or durations as the name says.
 * ERRORS  Functions return 0 or a positive count, or a negative TILLPOST_E*
 *   with the detail in the caller's struct tillpost_error (may be NULL).
 * THREADS  All functions may be called from any thread, on one handle at the
 *   same time too, except close(), after which the handle is gone. A handle
 *   belongs to the process that opened it: a forked child gets
 *   TILLPOST_ESTATE from every call except close(), and close() there only
 *   frees memory.
 *
 * The plugin never exits or aborts the process, prints, changes signal
 * handlers, locale, umask or directory; its threads block all signals.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TILLPOST_ABI_H
#define TILLPOST_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TILLPOST_ABI_MAJOR 1
#define TILLPOST_ABI_MINOR 1
#define TILLPOST_ENTRY "tillpost_plugin_v1"

/* Fills in the size and zeroes the rest: struct tillpost_message m;
 * TILLPOST_INIT(&m); */
#define TILLPOST_INIT(ptr)                                            \
	do {                                                          \
		unsigned char *tillpost_at_ = (unsigned char *)(ptr); \
		size_t tillpost_n_ = sizeof(*(ptr));                  \
		while (tillpost_n_ > 0)                               \
			tillpost_at_[--tillpost_n_] = 0;              \
		(ptr)->struct_size = (uint32_t)sizeof(*(ptr));        \
	} while (0)

/* 1 if the filler of *ptr knew FIELD of struct TYPE. */
#define TILLPOST_HAS(ptr, type, field) \
	((ptr)->struct_size >=         \
		offsetof(struct type, field) + sizeof((ptr)->field))

/* ---- status codes (append-only) ---------------------------------------- */

#define TILLPOST_OK 0
#define TILLPOST_ENOMEM (-1)
#define TILLPOST_EINVAL (-2)	    /* an argument is wrong */
#define TILLPOST_EIO (-3)	    /* file or system error */
#define TILLPOST_ECONFIG (-4)	    /* configuration error */
#define TILLPOST_EMESSAGE (-5)	    /* the message was refused */
#define TILLPOST_EADDRESS (-6)	    /* an address was refused */
#define TILLPOST_ETOOBIG (-7)	    /* over a limit */
#define TILLPOST_ENOSPC (-8)	    /* disk nearly full: nothing accepted */
#define TILLPOST_EQUEUE (-9)	    /* queue database error: not accepted */
#define TILLPOST_EBUSY (-10)	    /* try again soon */
#define TILLPOST_ENOTFOUND (-11)    /* no such store, key, queue id */
#define TILLPOST_EPERM (-12)	    /* file permissions or role forbid it */
#define TILLPOST_ELOCKED (-13)	    /* set by the main configuration file */
#define TILLPOST_ECONNECT (-14)	    /* cannot connect to the relay */
#define TILLPOST_ETLS (-15)	    /* TLS failure; nothing was sent */
#define TILLPOST_EAUTH (-16)	    /* the relay refused the login */
#define TILLPOST_EPROTO (-17)	    /* the relay broke the protocol */
#define TILLPOST_ETIMEOUT (-18)	    /* a deadline passed */
#define TILLPOST_EUNSUPPORTED (-19) /* not in this build or role */
#define TILLPOST_ECLOSED (-20)	    /* the relay closed the connection */
#define TILLPOST_ESTATE (-21)	    /* not possible now, or after fork */
#define TILLPOST_EUNCERTAIN (-22)   /* may have happened; see the log */

struct tillpost_error {
	uint32_t struct_size;
	int32_t status;	    /* TILLPOST_E* */
	int32_t sys_errno;  /* errno at the failing call, or 0 */
	int32_t lib_code;   /* code of the library that failed, or 0 */
	int32_t reply_code; /* SMTP reply code, or 0 */
	int32_t reserved;
	char where[96]; /* "file:line", key, header or field */
	char text[512]; /* what is wrong and what to do; never a secret */
};

/* ---- capabilities ------------------------------------------------------- */

#define TILLPOST_CAP_EMBEDDED UINT64_C(0x0001)	   /* role embedded */
#define TILLPOST_CAP_SUBMIT UINT64_C(0x0002)	   /* role submit (spool) */
#define TILLPOST_CAP_DELIVER_NOW UINT64_C(0x0004)  /* wait for first attempt */
#define TILLPOST_CAP_OUTCOMES UINT64_C(0x0008)	   /* outcome query */
#define TILLPOST_CAP_SETTINGS_SET UINT64_C(0x0010) /* managed settings */
#define TILLPOST_CAP_SASL UINT64_C(0x0020)	   /* SCRAM-SHA-256, CRAM-MD5 */
#define TILLPOST_CAP_SMTPUTF8 UINT64_C(0x0040)
#define TILLPOST_CAP_INTAKE UINT64_C(0x0080) /* 1.1: takes the spool in */

/* ---- what the host gives ------------------------------------------------ */

#define TILLPOST_LOG_ERROR 3
#define TILLPOST_LOG_WARNING 4
#define TILLPOST_LOG_INFO 6
#define TILLPOST_LOG_DEBUG 7

/* All callbacks are optional. They may be called from any thread of the
 * plugin, several at once, and must not call back into the handle. */
struct tillpost_host {
	uint32_t struct_size;
	uint32_t reserved;
	void *ctx; /* first argument of every callback */
	/* One line, without a newline; LEVEL as in syslog. EVENT is a stable
	 * name such as "relay-down". */
	void (*log)(
		void *ctx, int32_t level, const char *event, const char *text);
	/* Wall clock, Unix milliseconds; NULL: the system's. */
	int64_t (*now_ms)(void *ctx);
	/* Settings of the host's own store, asked when the configuration is
	 * loaded, for keys that no file sets. KEY is a full name such as
	 * "stores.default.from". Copies the value with its NUL into VALUE and
	 * returns its length; a negative number if it has none. */
	int32_t (*setting)(
		void *ctx, const char *key, char *value, uint32_t value_bytes);
};

/* ---- open --------------------------------------------------------------- */

#define TILLPOST_ROLE_EMBEDDED 1 /* queue and delivery in this process */
/* Only checks and writes the spool: holds no credential, opens no database,
 * starts no thread, keeps no descriptor, and so works after fork() too: the
 * one exception to the rule about forked children. If the configuration file
 * may be read, stores and limits are checked at once, else (and always, again)
 * by the process that takes the spool in. Calls that need the queue are
 * answered by that process (queue_list with a queue id, outcomes, status) or
 * are TILLPOST_EPERM. DELIVER_NOW is TILLPOST_EUNSUPPORTED. */
#define TILLPOST_ROLE_SUBMIT 2

/* No background delivery: submissions wait in the queue until run(), or
 * until another process delivers. */
#define TILLPOST_OPEN_PASSIVE 0x0001u
/* 1.1: this process takes the spool into its queue while it delivers, and
 * answers the processes that only submit. One process per spool and queue:
 * open() says TILLPOST_EBUSY to a second. */
#define TILLPOST_OPEN_INTAKE 0x0002u
/* 1.1, with OPEN_PASSIVE: passwords and tokens are not read, so that looking
 * works where they are not to be had, as they are the daemon's alone. Nothing
 * can log in: run(), test_send() and settings_set(), which proves what it
 * writes, are TILLPOST_EPERM. Implied by the role submit. */
#define TILLPOST_OPEN_NO_SECRETS 0x0004u

struct tillpost_open_options {
	uint32_t struct_size;
	int32_t role;	/* TILLPOST_ROLE_* */
	uint32_t flags; /* TILLPOST_OPEN_* */
	uint32_t reserved;
	const char *config_path; /* NULL: /etc/tillpost/tillpost.conf */
	const struct tillpost_host *host; /* NULL: none; copied */
	/* 1.1, role submit: the spool directory; NULL: spool.path of the
	 * configuration, or its default where that may not be read. */
	const char *spool_path;
};

typedef struct tillpost_handle tillpost_handle;

/* ---- submit ------------------------------------------------------------- */

/* Take recipients from To, Cc and Bcc too (sendmail -t). */
#define TILLPOST_SUBMIT_HEADER_RECIPIENTS 0x0001u
/* Wait until the first attempt is over, at most wait_ms. */
#define TILLPOST_SUBMIT_DELIVER_NOW 0x0002u

struct tillpost_message {
	uint32_t struct_size;
	uint32_t flags;	  /* TILLPOST_SUBMIT_* */
	const char *data; /* RFC 5322 message, CRLF or LF lines */
	uint64_t data_bytes;
	const char *sender; /* reverse-path without <>; NULL: the store's or
			     * From; "": null reverse-path */
	const char *const *recipients; /* addresses without <> */
	uint32_t recipient_count;
	uint32_t wait_ms;      /* for DELIVER_NOW; 0: 30,000 */
	const char *store;     /* NULL: found by header, From, run code, host */
	const char *run_code;  /* MAGE_RUN_CODE, if the host knows one */
	const char *http_host; /* as sent by the client: only names in the
				* configuration are believed */
	const char *dedup_key; /* a second submit to the same store with the
				* same key (within the queue's memory)
				* returns the first id */
	int64_t expires_ms;    /* not after this time (Unix ms); 0: the store's
				* lifetime */
};

/* What became of a message or a recipient. */
#define TILLPOST_VERDICT_QUEUED 1   /* accepted; not tried yet */
#define TILLPOST_VERDICT_SENT 2	    /* the relay took it */
#define TILLPOST_VERDICT_DEFERRED 3 /* will be tried again */
#define TILLPOST_VERDICT_FAILED 4   /* will not be tried again */
#define TILLPOST_VERDICT_HELD 5	    /* waits for a person */
#define TILLPOST_VERDICT_UNKNOWN 6  /* may have been delivered */
#define TILLPOST_VERDICT_PARTLY 7   /* recipients differ */

struct tillpost_receipt {
	uint32_t struct_size;
	int32_t verdict; /* QUEUED unless DELIVER_NOW saw more */
	char queue_id[24];
	char message_id[256]; /* with angle brackets; cut if longer; empty if
			       * duplicate */
	char store[64];
	char text[512];	   /* DELIVER_NOW: the relay's words */
	int32_t duplicate; /* 1: dedup_key was known, queue_id is the first's */
	int32_t reply_code; /* DELIVER_NOW: of the deciding reply; 0: none */
};

/* ---- run ---------------------------------------------------------------- */

#define TILLPOST_RUN_UNTIL_EMPTY 0x0001u /* return when nothing is waiting */
#define TILLPOST_RUN_DUE_ONLY 0x0002u	 /* return when nothing is due now */

struct tillpost_run_options {
	uint32_t struct_size;
	uint32_t flags;
	int64_t max_ms; /* return after this time; 0: no limit */
};

/* ---- status ------------------------------------------------------------- */

struct tillpost_status {
	uint32_t struct_size;
	int32_t delivering;   /* 1: workers are active in this handle, or (1.1)
			       * the daemon of its spool answers */
	int64_t queued_count; /* waiting, deferred ones included */
	int64_t active_count; /* in a worker's hands */
	int64_t held_count;
	int64_t oldest_ms;  /* when the oldest waiting one was accepted; 0 */
	int64_t body_bytes; /* of all messages in the queue */
	int64_t sent_count; /* recipients, since open */
	int64_t deferred_count;
	int64_t failed_count;
	int64_t unknown_count;
	int64_t connection_count; /* open relay connections */
	/* 1.1; -1 where the spool cannot be read or there is none */
	int64_t spooled_count;	   /* accepted, not yet in the queue */
	int64_t quarantined_count; /* in the spool, waiting for a person */
	int64_t taken_in_count;	   /* from the spool, since open */
};

/* One relay as the engine of this handle sees it; if that does not run, as the
 * daemon of its spool sees it (1.1). */
struct tillpost_relay_status {
	uint32_t struct_size;
	int32_t connections;
	const char *relay;
	const char *state;     /* "ready", "paused", "held"; 1.1: "stopped" (no
				* daemon answers), "unknown" */
	const char *reason;    /* "" when ready */
	int64_t retry_ms;      /* when it is tried again; 0: now */
	int64_t waiting_count; /* due now, counted up to 1,000; what waits for
				* a later try is not counted */
};
typedef int32_t tillpost_relay_status_fn(
	void *ctx, const struct tillpost_relay_status *relay);

/* ---- queue and outcomes ------------------------------------------------- */

struct tillpost_queue_filter {
	uint32_t struct_size;
	uint32_t limit; /* 0: all */
	const char *store;
	const char *queue_id;
	const char *state; /* "queued", "active", "held"; NULL: all */
};

/* In the role submit only a filter with a queue id is answered, for a message
 * of a store that this user may use; state is then also "spooled" (not yet
 * taken in), or "sent", "failed", "partly", "cancelled" (over); sender and
 * recipients are not told. */

struct tillpost_queue_entry {
	uint32_t struct_size;
	int32_t attempts;
	const char *queue_id;
	const char *store;
	const char *relay;
	const char *state; /* "queued", "active", "in-doubt", "held" */
	const char *sender;
	const char *message_id;
	const char *reason; /* "" if none */
	int64_t created_ms;
	int64_t next_try_ms;
	int64_t expires_ms;
	int64_t size_bytes;
	const char *const *recipients;	     /* recipient_count of each */
	const char *const *recipient_states; /* "open", "sent", ... */
	const char *const *recipient_texts;  /* last reply; "" if none */
	uint32_t recipient_count;
	uint32_t reserved;
};
/* A nonzero return ends the listing. */
typedef int32_t tillpost_queue_fn(
	void *ctx, const struct tillpost_queue_entry *entry);

#define TILLPOST_QUEUE_HOLD 1
#define TILLPOST_QUEUE_RELEASE 2
#define TILLPOST_QUEUE_RETRY 3
#define TILLPOST_QUEUE_CANCEL 4

struct tillpost_outcome_filter {
	uint32_t struct_size;
	uint32_t limit; /* the newest LIMIT, oldest first; 0: all */
	const char *store;
	const char *relay;
	const char *queue_id;
	const char *message_id;
	const char *recipient;
	const char *verdict; /* "sent", "deferred", "failed", ... */
	int64_t since_ms;
	int64_t until_ms;
	int64_t after_event_id; /* only newer events */
};

struct tillpost_outcome {
	uint32_t struct_size;
	int32_t attempt;
	int64_t event_id;
	int64_t time_ms;
	const char *store;
	const char *relay;
	const char *queue_id;
	const char *message_id;
	const char *sender;
	const char *recipient;
	const char *verdict; /* "sent", "deferred", "failed", "held",
			      * "unknown", "expired", "cancelled" */
	const char *cls;     /* "sent", "temporary", "throttled", "permanent",
			      * "credentials", "sender", "config", "unknown" */
	const char *step;    /* "connect", "mail", "rcpt", "dot", ... */
	const char *enhanced_code; /* "5.1.1" or "" */
	const char *text;
	const char *tls_version; /* "" without TLS */
	const char *tls_cipher;
	int32_t reply_code;
	int32_t last; /* 1: nothing further happens to this recipient */
	int64_t size_bytes;
	int64_t queued_ms;
	int64_t connect_us;
	int64_t tls_us;
	int64_t auth_us;
	int64_t send_us;
	int64_t next_try_ms; /* 0: none */
};
typedef int32_t tillpost_outcome_fn(
	void *ctx, const struct tillpost_outcome *outcome);

/* ---- spool (1.1) -------------------------------------------------------- */

struct tillpost_spool_entry {
	uint32_t struct_size;
	uint32_t uid; /* whose it is */
	const char *name;
	const char *state;  /* "spooled", "quarantined" */
	const char *reason; /* "" if spooled */
	int64_t size_bytes;
	int64_t modified_ms;
};
/* A nonzero return ends the listing. */
typedef int32_t tillpost_spool_fn(
	void *ctx, const struct tillpost_spool_entry *entry);

#define TILLPOST_SPOOL_RELEASE 1 /* quarantined: to be taken in again */
#define TILLPOST_SPOOL_DISCARD 2 /* quarantined: deleted for good */

/* ---- settings ----------------------------------------------------------- */

struct tillpost_setting {
	uint32_t struct_size;
	uint32_t flags;	   /* TILLPOST_SETTING_* */
	const char *scope; /* "queue", "relays.*", "stores.*", ... */
	const char *key;   /* name within the scope */
	const char *type;  /* "string", "int", "bool", "duration", "size",
			    * "enum", "list", "secret", "path" */
	const char *unit;  /* "" if none */
	const char *default_value;
	const char *range; /* "1..65535", "implicit|starttls|none", "" */
	const char *help;
	const char *since;
};
#define TILLPOST_SETTING_SECRET 0x0001u
#define TILLPOST_SETTING_REQUIRED 0x0002u
typedef int32_t tillpost_setting_fn(
	void *ctx, const struct tillpost_setting *setting);

/* The value of one key and where it comes from. Secrets have value "" and
 * TILLPOST_VALUE_SECRET. */
struct tillpost_value {
	uint32_t struct_size;
	uint32_t flags;	 /* TILLPOST_VALUE_* */
	const char *key; /* full: "stores.eu.from" */
	const char *value;
	const char *source; /* "main", "managed", "host", "preset", "default",
			     * "inherited" */
	const char *where;  /* file:line, store or preset name; "" */
};
#define TILLPOST_VALUE_SECRET 0x0001u /* is a secret; value is hidden */
#define TILLPOST_VALUE_SET 0x0002u    /* somebody set it */
#define TILLPOST_VALUE_LOCKED 0x0004u /* the main file wins; set() refuses */
typedef int32_t tillpost_value_fn(
	void *ctx, const struct tillpost_value *value);

/* ---- findings, test, route ---------------------------------------------- */

struct tillpost_finding {
	uint32_t struct_size;
	int32_t level;	   /* TILLPOST_LOG_ERROR or _WARNING */
	const char *where; /* file:line or path */
	const char *text;  /* what is wrong and what to do */
};
typedef int32_t tillpost_finding_fn(
	void *ctx, const struct tillpost_finding *finding);

/* One step of a test send, in order. */
struct tillpost_step {
	uint32_t struct_size;
	int32_t status;	  /* TILLPOST_OK or TILLPOST_E* */
	const char *step; /* "route", "resolve", "connect", "tls", "auth", ...*/
	const char *text;
	int64_t duration_us;
};
typedef int32_t tillpost_step_fn(void *ctx, const struct tillpost_step *step);

struct tillpost_test_options {
	uint32_t struct_size;
	uint32_t wait_ms;  /* 0: 30,000 */
	const char *store; /* NULL: "default" */
	/* 1.1: NULL: connect, TLS and login, and then no mail. */
	const char *recipient;
};

/* One line of the explanation of a route, in order. */
struct tillpost_route_fact {
	uint32_t struct_size;
	int32_t reserved;
	const char *name; /* "store", "why", "relay", "server", "login", ... */
	const char *value;
};
typedef int32_t tillpost_route_fn(
	void *ctx, const struct tillpost_route_fact *fact);

/* ---- the function table (append-only) ----------------------------------- */

struct tillpost_api {
	uint32_t struct_size;
	uint32_t abi_minor;
	uint64_t capabilities; /* TILLPOST_CAP_* */
	const char *version;   /* of the plugin, e.g. "0.1.0" */

	/* Loads the configuration and opens the queue. In the embedded role
	 * without TILLPOST_OPEN_PASSIVE delivery starts in the background.
	 * @thread blocks for file access only */
	int32_t (*open)(const struct tillpost_open_options *options,
		tillpost_handle **handle_out, struct tillpost_error *err);
	/* Stops delivery (each worker ends its message or abandons it within
	 * its deadline), closes, frees, sets *handle to NULL. NULL-safe. */
	void (*close)(tillpost_handle **handle);

	/* Accepts one message: on success it is durable. With DELIVER_NOW it
	 * then waits for the first attempt; a temporary failure is success
	 * with verdict DEFERRED, a refusal is success with verdict FAILED:
	 * the message was accepted and its fate is on record. */
	int32_t (*submit)(tillpost_handle *handle,
		const struct tillpost_message *message,
		struct tillpost_receipt *receipt, struct tillpost_error *err);

	/* Delivers in the foreground until stop(), max_ms, or as flags say.
	 * In a handle that delivers in the background it only waits. */
	int32_t (*run)(tillpost_handle *handle,
		const struct tillpost_run_options *options,
		struct tillpost_error *err);
	/* Makes run() return soon. Async-signal-safe. */
	void (*stop)(tillpost_handle *handle);

	/* STATUS is filled before RELAY is called. Either may be NULL. */
	int32_t (*status)(tillpost_handle *handle,
		struct tillpost_status *status, tillpost_relay_status_fn *relay,
		void *ctx, struct tillpost_error *err);

	/* @return how many entries were shown */
	int32_t (*queue_list)(tillpost_handle *handle,
		const struct tillpost_queue_filter *filter,
		tillpost_queue_fn *entry, void *ctx,
		struct tillpost_error *err);
	int32_t (*queue_action)(tillpost_handle *handle, int32_t action,
		const char *queue_id, struct tillpost_error *err);
	int32_t (*outcomes)(tillpost_handle *handle,
		const struct tillpost_outcome_filter *filter,
		tillpost_outcome_fn *outcome, void *ctx,
		struct tillpost_error *err);

	/* HANDLE may be NULL: the table needs none. */
	int32_t (*settings_schema)(tillpost_handle *handle,
		tillpost_setting_fn *setting, void *ctx,
		struct tillpost_error *err);
	/* All values whose full name equals KEY or starts with "KEY."; NULL:
	 * all. TILLPOST_VALUE_SET tells which somebody set. */
	int32_t (*settings_get)(tillpost_handle *handle, const char *key,
		tillpost_value_fn *value, void *ctx,
		struct tillpost_error *err);
	/* Writes the managed file and reloads. VALUE NULL removes the key.
	 * Nothing is written if the result would not load. */
	int32_t (*settings_set)(tillpost_handle *handle, const char *key,
		const char *value, struct tillpost_error *err);

	/* Sends a real mail through the real path, each step shown. */
	int32_t (*test_send)(tillpost_handle *handle,
		const struct tillpost_test_options *options,
		tillpost_step_fn *step, void *ctx,
		struct tillpost_receipt *receipt, struct tillpost_error *err);
	/* Shows what submit() would do with this message, and why. */
	int32_t (*route_explain)(tillpost_handle *handle,
		const struct tillpost_message *message, tillpost_route_fn *fact,
		void *ctx, struct tillpost_error *err);

	/* Reads the configuration again. On error the old one stays. */
	int32_t (*reload)(tillpost_handle *handle, struct tillpost_error *err);

	/* Checks a configuration and the files it names without a handle.
	 * @return the number of errors found (warnings not counted) */
	int32_t (*check)(const char *config_path,
		const struct tillpost_host *host, tillpost_finding_fn *finding,
		void *ctx, struct tillpost_error *err);

	/* 1.1. What is in the spool, for those who may read it.
	 * @return how many entries were shown */
	int32_t (*spool_list)(tillpost_handle *handle, tillpost_spool_fn *entry,
		void *ctx, struct tillpost_error *err);
	/* 1.1. ACTION is a TILLPOST_SPOOL_*, NAME as listed. */
	int32_t (*spool_action)(tillpost_handle *handle, int32_t action,
		const char *name, struct tillpost_error *err);
};

typedef const struct tillpost_api *tillpost_entry_fn(void);

#ifdef __cplusplus
}
#endif

#endif
