/*
 * program_output.h - what another program prints
 *
 * JOB     Runs a program without input, and keeps its standard output.
 * BOUNDS  10 s, and the room that is given: a program with more to say fails.
 * LAYER   hosts; libc.
 * THREADS main() only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_PROGRAM_OUTPUT_H
#define TP_HOSTS_CLI_PROGRAM_OUTPUT_H

#include <stddef.h>

/* @param program a path, or a name that is searched in PATH
 * @return 0 and what it printed, or -1: no such program, or it failed */
int tp_program_output(
	const char *program, char *const argv[], char *out, size_t size);

#endif
