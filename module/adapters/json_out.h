/*
 * json_out.h - a value of jansson as text in a buffer
 *
 * JOB     What the log of outcomes and the query socket write with jansson.
 * LAYER   adapters; jansson.
 * THREADS any; works on its arguments only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_JSON_OUT_H
#define TP_ADAPTERS_JSON_OUT_H

#include "base/buf.h"

#include <jansson.h>

/* Appends VALUE, without white space between its parts.
 * @param value freed, also on failure; NULL: there was no memory for it
 * @return 0, TP_ENOMEM, TP_ETOOBIG (OUT's bound); on failure OUT is as
 *         before */
int tp_json_out(struct tp_buf *out, json_t *value) TP_USE_RESULT;

#endif
