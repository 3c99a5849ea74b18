/*
 * setting_value.h - one field of a record, by its row in the settings table
 *
 * JOB     Parses, copies, compares, releases and spells a value knowing only
 *         its row: the loader never names a key. RECORD is the struct that
 *         the row's offset belongs to (struct tp_record.base).
 * LAYER   core; libc only.
 * ERRORS  TP_EINVAL with a reason that holds the value (never a secret's) and
 *         the allowed range; TP_ENOMEM. On failure the field is unchanged.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_SETTING_VALUE_H
#define TP_CORE_SETTING_VALUE_H

#include "base/buf.h"
#include "base/err.h"
#include "core/settings.h"

#include <stddef.h>

/* Sets the field from text: "465", "30s", "25M", "true", "implicit". A list
 * is separated by commas. An empty text means none, and is refused for
 * numbers, secrets and what is required.
 * @param where for the error */
int tp_setting_put(const struct tp_setting *setting, void *record,
	const char *text, const char *where,
	struct tp_error *err) TP_USE_RESULT;

/* Sets a LIST from its items. */
int tp_setting_put_list(const struct tp_setting *setting, void *record,
	const char *const *items, size_t count, const char *where,
	struct tp_error *err) TP_USE_RESULT;

/* Copies the field of FROM into TO. @return 0, TP_ENOMEM */
int tp_setting_copy(const struct tp_setting *setting, void *to,
	const void *from) TP_USE_RESULT;

/* Releases the field and makes it empty; wipes a secret. */
void tp_setting_clear(const struct tp_setting *setting, void *record);

/* 1 if both records hold the same value. */
int tp_setting_same(
	const struct tp_setting *setting, const void *a, const void *b);

/* Appends the value as tp_setting_put() would read it; a secret as "".
 * @return 0, TP_ENOMEM, TP_ETOOBIG */
int tp_setting_format(const struct tp_setting *setting, const void *record,
	struct tp_buf *out) TP_USE_RESULT;

#endif
