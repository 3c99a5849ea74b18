/*
 * text.h - text from servers and files, made fit for a terminal
 *
 * JOB     Control characters, characters that change the direction of text,
 *         and bytes that are not UTF-8 become \xNN or \uNNNN, so that no
 *         server can move the cursor, recolour or reorder what an
 *         administrator reads. Widths are counted in code points.
 * LAYER   hosts; libc only. Independent of the locale.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_TEXT_H
#define TP_HOSTS_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* Most bytes, with the NUL, that one step writes. */
#define TP_TEXT_STEP_BYTES 8

/* Writes the printable form of the first character of S, which is not empty.
 * @return how many bytes of S it took, 1 to 4 */
size_t tp_text_step(const char *s, char out[TP_TEXT_STEP_BYTES]);

/* Writes the printable form of S. NULL writes nothing. */
void tp_text_put(FILE *out, const char *s);

/* The printable form of S, "" for NULL. @owns the caller, free()
 * @return NULL if out of memory */
char *tp_text_printable(const char *s);

/* Code points in S, which is valid UTF-8. */
size_t tp_text_width(const char *s);

/* Shortens S, which is valid UTF-8, to at most WIDTH >= 3 code points, the
 * last three being "..." if anything was cut. */
void tp_text_cut(char *s, size_t width);

#endif
