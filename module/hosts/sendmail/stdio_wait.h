/*
 * stdio_wait.h - standard input and output that never wait for ever
 *
 * JOB     Reads and writes with a deadline for every bit of progress: a
 *         parent that died or forgot the other end of a pipe costs one
 *         deadline, not a process for ever; one that makes progress byte by
 *         byte costs TP_STDIO_WHOLE deadlines in all. The descriptors stay
 *         blocking, since they may be shared with other programs: nothing is
 *         read or written before poll() says that it will not block. Works
 *         without signals, whatever became of them in the parent.
 * BOUNDS  Where several programs write to one pipe, another one may take the
 *         room between poll() and write(): then write() waits for the reader.
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * THREADS safe on different descriptors. SIGPIPE should be ignored.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_STDIO_WAIT_H
#define TP_HOSTS_STDIO_WAIT_H

#include <tillpost/abi.h>

#include <stddef.h>

#define TP_STDIO_WHOLE 12

/* How long one piece of work may take, such as reading a message. */
struct tp_stdio_limit {
	int64_t step_ms; /* without progress */
	int64_t end_ms;	 /* of the monotonic clock */
};

/* From now on STEP_MS for each step and TP_STDIO_WHOLE times that in all. */
void tp_stdio_limit_start(struct tp_stdio_limit *limit, int64_t step_ms);

/* @return bytes read, at most INT32_MAX; 0 at the end; TILLPOST_ETIMEOUT:
 *         over the limit; TILLPOST_EIO */
int32_t tp_stdio_read(int fd, char *data, size_t bytes,
	const struct tp_stdio_limit *limit, struct tillpost_error *err);

/* All or nothing that counts, within a limit of its own that begins now.
 * @param timeout_ms 0: nothing is waited for
 * @return 0; TILLPOST_ETIMEOUT; TILLPOST_EIO */
int32_t tp_stdio_write(int fd, const char *data, size_t len, int64_t timeout_ms,
	struct tillpost_error *err);

#endif
