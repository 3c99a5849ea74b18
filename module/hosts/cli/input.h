/*
 * input.h - what comes in on standard input
 *
 * JOB     Reads a message, or a setting's value, into memory with a bound:
 *         too much input is an error long before memory runs out.
 * LAYER   hosts; libc.
 * THREADS main() only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_INPUT_H
#define TP_HOSTS_CLI_INPUT_H

#include <tillpost/abi.h>

/* The most that stores.*.message_max can allow, and a byte to notice more;
 * the plugin refuses what is over the store's own limit. */
#define TP_INPUT_MESSAGE_BYTES (((size_t)256 << 20) + 1)
#define TP_INPUT_VALUE_BYTES ((size_t)64 << 10)

struct tp_input {
	char *data; /* followed by a NUL that is not counted */
	size_t len;
	size_t cap;
};

/* Reads file descriptor FD to its end; blocks as long as the other side does.
 * @owns the caller, tp_input_free(), also after a failure
 * @return 0, TILLPOST_ETOOBIG (more than MAX_BYTES), ENOMEM, EIO */
int32_t tp_input_read(int fd, size_t max_bytes, struct tp_input *input_out,
	struct tillpost_error *err);

/* Reads a value from standard input: all of it, or with a terminal one line
 * that is not shown while it is typed. One line end at its end is dropped.
 * @param prompt shown on a terminal
 * @return as tp_input_read(); EINVAL if it has a NUL or a line break inside */
int32_t tp_input_value(const char *prompt, struct tp_input *input_out,
	struct tillpost_error *err);

/* Wipes and frees. */
void tp_input_free(struct tp_input *input);

#endif
