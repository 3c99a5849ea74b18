/*
 * settings_doc.h - documents from the settings table
 *
 * JOB     Renders the example configuration, and the parts of
 *         tillpost.conf(5) that list settings and presets. Pure: config/
 *         gen_docs.c does the files.
 * LAYER   core; libc only.
 * ERRORS  TP_ENOMEM, TP_ETOOBIG.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_SETTINGS_DOC_H
#define TP_CORE_SETTINGS_DOC_H

#include "base/buf.h"

/* tillpost.conf.example. Settings are commented out with "#" and no space,
 * explanations with "# ": with every such "#" removed it loads too. */
int tp_settings_doc_example(struct tp_buf *out) TP_USE_RESULT;

/* The settings as man(7) macros: one .SS for each group. */
int tp_settings_doc_man(struct tp_buf *out) TP_USE_RESULT;

/* The presets as man(7) macros. */
int tp_settings_doc_man_presets(struct tp_buf *out) TP_USE_RESULT;

#endif
