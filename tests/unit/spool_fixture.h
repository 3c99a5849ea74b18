/*
 * spool_fixture.h - a spool of its own for each test
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_TESTS_UNIT_SPOOL_FIXTURE_H
#define TP_TESTS_UNIT_SPOOL_FIXTURE_H

#include "adapters/spool.h"

#include <sys/types.h>

#define SPOOL_NOTES_MAX 64

struct spool_place {
	char base[64];
	char spool[96]; /* does not exist at first */
	char incoming[128];
	char quarantine[128];
	struct tp_spool_reader *reader; /* NULL until spool_open() */
	/* for what runs as another user */
	char known_id[TP_QUEUE_ID_BYTES];
	uid_t owner;
	/* what the reader told in all passes */
	int note_count;
	char events[SPOOL_NOTES_MAX][32];
	char notes[SPOOL_NOTES_MAX][512];
};

/* For cmocka_unit_test_setup_teardown(). */
int spool_place_make(void **state);
int spool_place_remove(void **state);

void spool_open(struct spool_place *place);
/* A record with a fresh id and BYTES of data; valid until the next call of
 * the same thread. */
struct tp_spool_record spool_record(size_t bytes);
/* Writes one of BYTES; it must succeed. */
void spool_put(struct spool_place *place, size_t bytes,
	char id_out[TP_QUEUE_ID_BYTES]);
/* One pass. @return the number of names, each in *NAMES_OUT if not NULL */
int spool_pass(struct spool_place *place, char (*names_out)[TP_QUEUE_ID_BYTES],
	int names_max);
/* @return 1 if some note has TEXT in it */
int spool_told(const struct spool_place *place, const char *text);

/* Makes DIR/NAME with mode 0600. */
void spool_plant(
	const char *dir, const char *name, const void *data, size_t len);
/* How many entries DIR has; reasons do not count. */
int spool_entries(const char *dir);
/* @return 1 if DIR/NAME is there, whatever it is */
int spool_there(const char *dir, const char *name);

/* Runs FN in a child as a user without privileges (if this is root; else as
 * this user). @return what FN returned, 0 to 100; fails if the child died. */
int spool_as_other(
	int (*fn)(struct spool_place *place), struct spool_place *place);

#endif
