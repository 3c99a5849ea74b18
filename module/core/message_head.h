/*
 * message_head.h - which header fields go out, and in which form
 *
 * JOB     Reads the header block into a list of fields with a decision for
 *         each, and writes it again: kept byte for byte (line ends aside),
 *         dropped, merged or replaced. The rules are one table, message.h
 *         tells them in words.
 * LAYER   core; libc only. Used by message.c.
 * THREADS safe.
 * ERRORS  TP_EMESSAGE, TP_ETOOBIG, TP_ENOMEM, naming header and line.
 * SOURCES RFC 5322 3.6
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_MESSAGE_HEAD_H
#define TP_CORE_MESSAGE_HEAD_H

#include "base/buf.h"
#include "core/header.h"

#include <stddef.h>

/* The fields that somebody asks for by name. */
enum tp_message_head_id {
	TP_HEAD_FROM,
	TP_HEAD_DATE,
	TP_HEAD_MESSAGE_ID,
	TP_HEAD_TO,
	TP_HEAD_CC,
	TP_HEAD_BCC,
	TP_HEAD_REPLY_TO,
	TP_HEAD_SENDER,
	TP_HEAD_SUBJECT,
	TP_HEAD_IN_REPLY_TO,
	TP_HEAD_REFERENCES,
	TP_HEAD_DISPOSITION_NOTIFICATION_TO,
	TP_HEAD_RESENT_BCC,
	TP_HEAD_RETURN_PATH,
	TP_HEAD_ORIGINAL_RECIPIENT,
	TP_HEAD_RESENT_REPLY_TO,
	TP_HEAD_OTHER
};

struct tp_message_head_entry {
	struct tp_header_field field;
	enum tp_message_head_id id;
	int written; /* 0: dropped, or merged into an earlier one */
};

struct tp_message_head {
	struct tp_message_head_entry *entries;
	size_t count;
	size_t cap;
	size_t body_at;		     /* offset of the body in the data */
	size_t first[TP_HEAD_OTHER]; /* index + 1 of the first; 0: none */
	size_t seen[TP_HEAD_OTHER];  /* how many */
};

/* What tp_message_head_write() adds and changes. */
struct tp_message_head_plan {
	const char *date;	/* used if there is no Date */
	const char *message_id; /* used if there is no Message-ID */
	const char *from_name;	/* NULL: none */
	const char *from_addr;	/* NULL: From stays, or there is none */
	int reply_to;		/* 1: the old From becomes Reply-To */
};

/* @param store_header dropped; NULL: none
 * @owns HEAD points into DATA; tp_message_head_free() it, also after an error
 */
int tp_message_head_read(const char *data, size_t len, const char *store_header,
	struct tp_message_head *head_out, struct tp_error *err) TP_USE_RESULT;

/* @return NULL if there is none */
const struct tp_header_field *tp_message_head_find(
	const struct tp_message_head *head, enum tp_message_head_id id);

/* Appends the whole block with the empty line. */
int tp_message_head_write(const struct tp_message_head *head,
	const struct tp_message_head_plan *plan, struct tp_buf *out,
	struct tp_error *err) TP_USE_RESULT;

void tp_message_head_free(struct tp_message_head *head);

#endif
