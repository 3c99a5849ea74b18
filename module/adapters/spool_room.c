/*
 * spool_room.c - how much of quarantine each user has filled
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/spool_private.h"

#include "base/clock.h"

#include <fcntl.h>
#include <string.h>

#define COUNT_EVERY_MS 60000
#define NOBODYS ((uid_t)-1)

struct tp_spool_share tp_spool_look(
	int fd, const char *name, unsigned char type)
{
	struct tp_spool_share look = { .uid = NOBODYS, .count = 1 };
	struct stat st;

	if (type == DT_DIR || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return look;
	look.uid = st.st_uid;
	/* What it takes on the disk, which for a file with holes is not its
	 * size. */
	look.bytes = (int64_t)st.st_blocks * 512;
	return look;
}

static struct tp_spool_share *share_of(struct tp_spool_room *room, uid_t uid)
{
	size_t i;

	for (i = 0; i < room->user_count; i++)
		if (room->shares[i].uid == uid)
			return &room->shares[i];
	if (uid == NOBODYS || room->user_count == TP_SPOOL_ROOM_USERS)
		return &room->shares[TP_SPOOL_ROOM_USERS];
	room->shares[room->user_count].uid = uid;
	return &room->shares[room->user_count++];
}

static void add(struct tp_spool_room *room, const struct tp_spool_share *more)
{
	struct tp_spool_share *share = share_of(room, more->uid);

	share->count += more->count;
	share->bytes += more->bytes;
	room->count += more->count;
}

/* People empty it, so it is counted again from time to time. */
static void count_kept(struct tp_spool_room *room, int quarantine_fd)
{
	DIR *dir = tp_spool_stream(quarantine_fd);
	const struct dirent *entry;

	memset(room, 0, sizeof(*room));
	room->counted_ms = tp_mono_ms();
	while (dir && room->count < TP_SPOOL_QUARANTINE_ALL_MAX_COUNT &&
		(entry = readdir(dir)) != NULL) {
		struct tp_spool_share one;

		if (entry->d_name[0] == '.' ||
			tp_spool_is_reason(entry->d_name))
			continue;
		one = tp_spool_look(
			quarantine_fd, entry->d_name, entry->d_type);
		add(room, &one);
	}
	if (dir)
		(void)closedir(dir);
}

int tp_spool_room_for(struct tp_spool_reader *reader, uid_t uid)
{
	struct tp_spool_room *room = &reader->room;
	const struct tp_spool_share *share;

	if (room->counted_ms == 0 ||
		tp_mono_ms() - room->counted_ms >= COUNT_EVERY_MS)
		count_kept(room, reader->quarantine_fd);
	share = share_of(room, uid);
	return room->count < TP_SPOOL_QUARANTINE_ALL_MAX_COUNT &&
	       share->count < TP_SPOOL_QUARANTINE_MAX_COUNT &&
	       share->bytes < TP_SPOOL_QUARANTINE_MAX_BYTES;
}

void tp_spool_room_taken(
	struct tp_spool_reader *reader, const struct tp_spool_share *one)
{
	/* Before the first count everything is counted with it. */
	if (reader->room.counted_ms != 0)
		add(&reader->room, one);
}
