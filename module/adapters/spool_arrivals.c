/*
 * spool_arrivals.c - who has just left mail, by name
 *
 * A pass takes as long as there are files, whoever left them. The names that
 * inotify tells are served beside it, a few of each user: so the mail of one
 * does not wait for the thousands of another. What does not fit here is found
 * by the next pass.
 *
 * SOURCES inotify(7).
 * SPDX-License-Identifier: MIT
 */
#include "adapters/spool_private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define PER_USER_MAX 8
/* Each time, so that who leaves mail quickly does not keep us reading. */
#define READS_MAX 8
#define READ_BYTES 16384

static size_t count_of(const struct tp_spool_arrivals *arrivals, uid_t uid)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < arrivals->count; i++)
		count += arrivals->slots[i].uid == uid;
	return count;
}

static void drop_first(struct tp_spool_arrivals *arrivals)
{
	arrivals->count--;
	memmove(arrivals->slots, arrivals->slots + 1,
		arrivals->count * sizeof(arrivals->slots[0]));
}

static void add(struct tp_spool_arrivals *arrivals, int incoming_fd,
	const struct inotify_event *event)
{
	struct stat st;

	if ((event->mask & (IN_MOVED_TO | IN_ISDIR)) != IN_MOVED_TO ||
		!tp_queue_id_valid(event->name)) {
		arrivals->missed = 1;
		return;
	}
	/* A pass may have been quicker. */
	if (fstatat(incoming_fd, event->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (count_of(arrivals, st.st_uid) == PER_USER_MAX) {
		arrivals->missed = 1;
		return;
	}
	if (arrivals->count == TP_SPOOL_ARRIVALS_MAX) {
		arrivals->missed = 1;
		drop_first(arrivals);
	}
	arrivals->slots[arrivals->count].uid = st.st_uid;
	memcpy(arrivals->slots[arrivals->count].name, event->name,
		TP_QUEUE_ID_BYTES);
	arrivals->count++;
}

void tp_spool_arrivals_read(
	struct tp_spool_arrivals *arrivals, int inotify_fd, int incoming_fd)
{
	_Alignas(struct inotify_event) char bytes[READ_BYTES];
	int i;

	for (i = 0; i < READS_MAX; i++) {
		ssize_t got = read(inotify_fd, bytes, sizeof(bytes));
		const char *at = bytes;

		while (got > 0 && at < bytes + got) {
			const struct inotify_event *event = (const void *)at;

			add(arrivals, incoming_fd, event);
			at += sizeof(*event) + event->len;
		}
		if (got <= 0)
			return;
	}
}

int tp_spool_arrivals_next(
	struct tp_spool_arrivals *arrivals, char name_out[TP_QUEUE_ID_BYTES])
{
	while (arrivals->count > 0) {
		memcpy(name_out, arrivals->slots[0].name, TP_QUEUE_ID_BYTES);
		drop_first(arrivals);
		if (!tp_spool_arrivals_named(arrivals, name_out))
			return 1;
		/* It may have come again since. */
		arrivals->missed = 1;
	}
	return 0;
}

void tp_spool_arrivals_name(
	struct tp_spool_arrivals *arrivals, const char *name)
{
	memcpy(arrivals->named[arrivals->named_count % TP_SPOOL_ARRIVALS_MAX],
		name, TP_QUEUE_ID_BYTES);
	arrivals->named_count++;
}

int tp_spool_arrivals_named(
	const struct tp_spool_arrivals *arrivals, const char *name)
{
	size_t i;

	for (i = 0; i < TP_SPOOL_ARRIVALS_MAX && i < arrivals->named_count; i++)
		if (strcmp(arrivals->named[i], name) == 0)
			return 1;
	return 0;
}

int tp_spool_arrivals_tell(struct tp_spool_arrivals *arrivals)
{
	int tell = !arrivals->told && (arrivals->count > 0 || arrivals->missed);

	arrivals->told |= tell;
	return tell;
}

void tp_spool_arrivals_new_pass(struct tp_spool_arrivals *arrivals)
{
	arrivals->missed = 0;
	arrivals->told = 0;
	arrivals->named_count = 0;
}
