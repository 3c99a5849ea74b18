/*
 * disk.c - what the disk alone takes for one durable file
 *
 * JOB     disk DIR BYTES COUNT: COUNT times create, write, fdatasync, rename,
 *         fsync of the directory, as the spool does, without anything else.
 *         Prints one time in microseconds per line. The floor under every
 *         way of accepting a mail as a file.
 * LAYER   test program, libc only.
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int put(int directory, const char *data, size_t bytes, long number)
{
	char before[64];
	char after[64];
	int fd;
	int bad;

	(void)snprintf(
		before, sizeof(before), "t.%ld.%ld", (long)getpid(), number);
	(void)snprintf(
		after, sizeof(after), "d.%ld.%ld", (long)getpid(), number);
	fd = openat(directory, before, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		0600);
	if (fd < 0)
		return -1;
	bad = write(fd, data, bytes) != (ssize_t)bytes || fdatasync(fd) < 0;
	if (close(fd) < 0 || bad)
		return -1;
	return renameat(directory, before, directory, after) < 0 ||
			       fsync(directory) < 0
		       ? -1
		       : 0;
}

int main(int argc, char **argv)
{
	size_t bytes = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
	long count = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
	char *data = malloc(bytes + 1);
	int directory = argc > 3 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;
	long i;

	if (!data || directory < 0 || count <= 0) {
		(void)fputs("usage: disk DIR BYTES COUNT\n", stderr);
		return 64;
	}
	memset(data, 'x', bytes);
	for (i = 0; i < count; i++) {
		int64_t begin_us = now_us();

		if (put(directory, data, bytes, i) < 0) {
			perror("disk");
			return 1;
		}
		(void)printf("%lld\n", (long long)(now_us() - begin_us));
	}
	free(data);
	return close(directory) < 0;
}
