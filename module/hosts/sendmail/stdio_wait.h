/*
 * stdio_wait.h - standard input and output that never wait for ever
 *
 * JOB     Reads and writes with a deadline for every bit of progress: a
 *         parent that died or forgot the other end of a pipe costs one
 *         deadline, not a process for ever. The descriptors stay blocking,
 *         since they may be shared with other programs: nothing is read or
 *         written before poll() says that it will not block.
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * THREADS safe on different descriptors. SIGPIPE should be ignored.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_STDIO_WAIT_H
#define TP_HOSTS_STDIO_WAIT_H

#include <tillpost/abi.h>

#include <stddef.h>

/* @return bytes read, at most INT32_MAX; 0 at the end; TILLPOST_ETIMEOUT:
 *         nothing came for TIMEOUT_MS; TILLPOST_EIO */
int32_t tp_stdio_read(int fd, char *data, size_t bytes, int64_t timeout_ms,
	struct tillpost_error *err);

/* All or nothing that counts.
 * @return 0; TILLPOST_ETIMEOUT: nothing was taken for TIMEOUT_MS;
 *         TILLPOST_EIO */
int32_t tp_stdio_write(int fd, const char *data, size_t len, int64_t timeout_ms,
	struct tillpost_error *err);

#endif
