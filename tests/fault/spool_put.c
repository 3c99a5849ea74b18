/*
 * spool_put.c - one mail into a spool, or a look at what is in it
 *
 * JOB     spool_put open SPOOL           makes the directories
 *         spool_put put SPOOL ID [MOST]  hands over one mail of 5,000 bytes;
 *                                        the exit status is the receipt: 0
 *                                        accepted, 2 uncertain, else not.
 *                                        MOST: no write takes more bytes
 *         spool_put other SPOOL ID       the same as an unprivileged user
 *         spool_put check SPOOL          prints the ids of all mails that
 *                                        would be taken in; fails if one is
 *                                        not whole, or something is foreign
 *         For spool_syscalls.sh, which makes system calls fail.
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* setgroups */

#include "adapters/spool.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define DATA_BYTES 5000
#define NOBODY 65534

static size_t most_bytes; /* 0: no bound */

ssize_t writev(int fd, const struct iovec *part, int count);

/* In the place of libc's, so that writes can be short. */
ssize_t writev(int fd, const struct iovec *part, int count)
{
	while (most_bytes > 0 && count > 0 && part->iov_len == 0) {
		part++;
		count--;
	}
	if (most_bytes > 0 && count > 0)
		return write(fd, part->iov_base,
			part->iov_len < most_bytes ? part->iov_len
						   : most_bytes);
	return syscall(SYS_writev, fd, part, count);
}

static int complain(const struct tp_error *err)
{
	fprintf(stderr, "spool_put: %s: %s\n", err->where, err->text);
	return 1;
}

static void make_data(char data[DATA_BYTES])
{
	int i;

	for (i = 0; i < DATA_BYTES; i++)
		data[i] = i % 70 == 69 ? '\n' : (char)('a' + i % 23);
}

static int put(const char *spool, const char *id)
{
	static const char *const to[] = { "buyer@example.org" };
	static char data[DATA_BYTES];
	struct tp_spool_record record = {
		.accepted_ms = 1763757000123,
		.message_id = "<1@example.com>",
		.sender = "shop@example.com",
		.recipients = to,
		.recipient_count = 1,
		.data = data,
		.data_bytes = DATA_BYTES,
	};
	struct tp_error err = TP_ERROR_INIT;
	int rc;

	make_data(data);
	(void)snprintf(record.queue_id, sizeof(record.queue_id), "%s", id);
	rc = tp_spool_write(spool, 1024, &record, &err);
	if (rc == TP_OK)
		return 0;
	(void)complain(&err);
	return rc == TP_EUNCERTAIN ? 2 : 1;
}

static int other(const char *spool, const char *id)
{
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 ||
				      setuid(NOBODY) < 0)) {
		perror("spool_put: cannot become another user");
		return 1;
	}
	return put(spool, id);
}

static void on_note(void *ctx, int level, const char *event, const char *text)
{
	(void)level;
	fprintf(stderr, "spool_put: %s: %s\n", event, text);
	*(int *)ctx = 1;
}

static int check_file(struct tp_spool_reader *reader, const char *name)
{
	static char data[DATA_BYTES];
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_file file;
	int bad;

	if (tp_spool_reader_load(reader, name, &file, &err) != TP_OK)
		return complain(&err);
	make_data(data);
	bad = file.record.data_bytes != DATA_BYTES ||
	      memcmp(file.record.data, data, DATA_BYTES) != 0;
	if (bad)
		fprintf(stderr, "spool_put: %s has other data\n", name);
	else
		printf("%s\n", name);
	tp_spool_file_free(&file);
	return bad;
}

static int check(const char *spool)
{
	struct tp_spool_reader *reader;
	struct tp_error err = TP_ERROR_INIT;
	char name[TP_QUEUE_ID_BYTES];
	int bad = 0;
	int rc;

	if (tp_spool_reader_open(spool, &reader, &err) < 0)
		return complain(&err);
	while ((rc = tp_spool_reader_next(reader, on_note, &bad, name, &err)) >
		0)
		if (rc != TP_SPOOL_NONE_YET)
			bad |= check_file(reader, name);
	tp_spool_reader_close(&reader);
	return rc < 0 ? complain(&err) : bad;
}

static int make(const char *spool)
{
	struct tp_spool_reader *reader;
	struct tp_error err = TP_ERROR_INIT;

	if (tp_spool_reader_open(spool, &reader, &err) < 0)
		return complain(&err);
	tp_spool_reader_close(&reader);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 4)
		most_bytes = strtoul(argv[4], NULL, 10);
	if (argc == 3 && strcmp(argv[1], "open") == 0)
		return make(argv[2]);
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return check(argv[2]);
	if (argc >= 4 && strcmp(argv[1], "put") == 0)
		return put(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "other") == 0)
		return other(argv[2], argv[3]);
	fprintf(stderr, "usage: spool_put open|check SPOOL\n"
			"       spool_put put|other SPOOL ID [MOST]\n");
	return 64;
}
