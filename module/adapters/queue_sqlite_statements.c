/*
 * queue_sqlite_statements.c - every SQL text of the queue, as data
 *
 * States are spelled as numbers; queue_sqlite_schema.c asserts them:
 * 0 queued, 1 leased, 2 in doubt, 3 held, 4 done; recipients: 0 open,
 * 3 cancelled. The conditions repeat those of the partial indexes word for
 * word, because that is how SQLite knows that it may use them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/queue_sqlite_db.h"

/* As read by tp_queue_read_item(). */
#define ITEM_COLUMNS                                                        \
	"id, queue_id, store, relay, sender, message_id, dedup_key,"        \
	" eight_bit, smtputf8, bounce, body_bytes, created_ms, expires_ms," \
	" next_try_ms, attempts, unknown_count, state, reason"

#define LEASE_COLUMNS "owner_slot, owner_token, lease_until_ms"
#define NO_LEASE "owner_slot = NULL, owner_token = NULL, lease_until_ms = NULL"

/* Parameters 1-8 of every search in the events. */
#define EVENT_FILTER                                         \
	" id > ?1 AND (?2 = 0 OR time_ms <= ?2)"             \
	" AND (?3 IS NULL OR store = ?3)"                    \
	" AND (?4 IS NULL OR relay = ?4)"                    \
	" AND (?5 IS NULL OR message_id = ?5)"               \
	" AND (?6 IS NULL OR recipient = ?6 COLLATE NOCASE)" \
	" AND (?7 IS NULL OR verdict = ?7)"                  \
	" AND time_ms >= ?8"

/* As read by the outcomes listing. */
#define EVENT_COLUMNS                                                        \
	"id, time_ms, store, relay, queue_id, message_id, sender,"           \
	" recipient, attempt, class, verdict, step, reply_code, enhanced,"   \
	" text, tls_version, tls_cipher, size_bytes, queued_ms, connect_us," \
	" tls_us, auth_us, send_us, next_try_ms, last"

const char *const tp_queue_statements[TP_STMT_COUNT] = {
	[TP_STMT_BEGIN] = "BEGIN IMMEDIATE",
	[TP_STMT_COMMIT] = "COMMIT",
	[TP_STMT_ROLLBACK] = "ROLLBACK",
	[TP_STMT_SAVEPOINT] = "SAVEPOINT change",
	[TP_STMT_SAVEPOINT_RELEASE] = "RELEASE change",
	[TP_STMT_SAVEPOINT_ROLLBACK] = "ROLLBACK TO change",

	/* Not what was swept either: it has an event, as for KNOWN. */
	[TP_STMT_PUT_MESSAGE] =
		"INSERT INTO messages (queue_id, store, relay, sender,"
		" message_id, dedup_key, eight_bit, smtputf8, bounce,"
		" body_bytes, created_ms, expires_ms, next_try_ms, attempts,"
		" unknown_count, state, reason)"
		" SELECT ?1,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?"
		" WHERE NOT EXISTS (SELECT 1 FROM events WHERE queue_id = ?1)"
		" ON CONFLICT DO NOTHING",
	[TP_STMT_PUT_BODY] = "INSERT INTO bodies (id, data) VALUES (?, ?)",
	[TP_STMT_PUT_RCPT] =
		"INSERT INTO rcpts (message, idx, address, state, reply_code,"
		" enhanced, text) VALUES (?,?,?,?,?,?,?)",
	[TP_STMT_PUT_EVENT] =
		"INSERT INTO events (id, begin_bytes, bytes, time_ms, store,"
		" relay, queue_id, message_id, sender, recipient, attempt,"
		" class, verdict, step, reply_code, enhanced, text,"
		" tls_version, tls_cipher, size_bytes, queued_ms, connect_us,"
		" tls_us, auth_us, send_us, next_try_ms, last)"
		" VALUES ("
		"1 + coalesce((SELECT max(id) FROM events),"
		" (SELECT id FROM last_event)),"
		"coalesce((SELECT begin_bytes + bytes FROM events"
		"  ORDER BY id DESC LIMIT 1), 0),"
		" ?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[TP_STMT_FIND_SAME] =
		"SELECT coalesce("
		"(SELECT queue_id FROM messages WHERE queue_id = ?1),"
		"(SELECT queue_id FROM events WHERE queue_id = ?1 LIMIT 1),"
		"(SELECT queue_id FROM messages"
		" WHERE store = ?2 AND dedup_key = ?3))",

	[TP_STMT_CLAIM] =
		"SELECT " ITEM_COLUMNS " FROM messages"
		" WHERE state = 0 AND relay = ?1 AND next_try_ms <= ?2"
		" AND (expires_ms <= 0 OR expires_ms > ?2)"
		" ORDER BY next_try_ms, expires_ms, id LIMIT ?3",
	[TP_STMT_CLAIM_EXPIRED] =
		"SELECT " ITEM_COLUMNS " FROM messages"
		" WHERE owner_token IS NULL AND done_ms IS NULL"
		" AND expires_ms > 0 AND expires_ms <= ?1"
		" ORDER BY expires_ms LIMIT ?2",
	[TP_STMT_LEASE] =
		"UPDATE messages SET state = ?2, owner_slot = ?3,"
		" owner_token = ?4, lease_until_ms = ?5 WHERE queue_id = ?1",
	[TP_STMT_LEASED_BY] =
		"SELECT id FROM messages WHERE queue_id = ?1"
		" AND owner_token = ?2 AND (state = 1 OR state = 2)",
	[TP_STMT_BEGIN_DELIVERY] =
		"UPDATE messages SET state = 2 WHERE queue_id = ?1"
		" AND owner_token = ?2 AND relay = ?3"
		" AND state BETWEEN 1 AND ?4",
	[TP_STMT_SETTLE_OPEN] =
		"UPDATE messages SET attempts = attempts + ?2,"
		" unknown_count = unknown_count + ?3, state = ?4,"
		" next_try_ms = CASE WHEN ?4 = 0 THEN ?5 ELSE next_try_ms END,"
		" reason = ?6, " NO_LEASE " WHERE id = ?1",
	[TP_STMT_SETTLE_DONE] =
		"UPDATE messages SET attempts = attempts + ?2,"
		" unknown_count = unknown_count + ?3, state = 4,"
		" done_ms = ?4, sweep_ms = ?4, reason = NULL, " NO_LEASE
		" WHERE id = ?1",
	[TP_STMT_SETTLE_RCPT] =
		"UPDATE rcpts SET state = ?3, reply_code = ?4, enhanced = ?5,"
		" text = ?6 WHERE message = ?1 AND idx = ?2",
	[TP_STMT_ANY_OPEN] =
		"SELECT 1 FROM rcpts WHERE message = ?1 AND state = 0 LIMIT 1",
	[TP_STMT_UNCLAIM] =
		"UPDATE messages SET state = 0, " NO_LEASE
		" WHERE queue_id = ?1 AND owner_token = ?2 AND state = 1",
	[TP_STMT_LEASES] =
		"SELECT queue_id, state, " LEASE_COLUMNS " FROM messages"
		" WHERE owner_token IS NOT NULL ORDER BY lease_until_ms",
	[TP_STMT_LEASE_FREE] = "UPDATE messages SET state = 0, " NO_LEASE
			       " WHERE queue_id = ?1",
	/* Two, because each has an index of its own. */
	[TP_STMT_REROUTE_WAITING] =
		"UPDATE messages SET relay = ?2 WHERE store = ?1"
		" AND relay <> ?2 AND owner_token IS NULL"
		" AND done_ms IS NULL",
	[TP_STMT_REROUTE_LEASED] =
		"UPDATE messages SET relay = ?2 WHERE store = ?1"
		" AND relay <> ?2 AND owner_token IS NOT NULL",
	[TP_STMT_HOLD] =
		"UPDATE messages SET state = 3, reason = ?2 WHERE id = ?1",
	[TP_STMT_RETRY] = "UPDATE messages SET state = 0, next_try_ms = ?2,"
			  " reason = NULL WHERE id = ?1",
	[TP_STMT_CANCEL_RCPTS] =
		"UPDATE rcpts SET state = 3 WHERE message = ?1 AND state = 0",

	[TP_STMT_SWEEP_FIND] =
		"SELECT id, dedup_key IS NOT NULL, done_ms FROM messages"
		" WHERE done_ms IS NOT NULL AND sweep_ms <= ?1"
		" ORDER BY sweep_ms LIMIT ?2",
	[TP_STMT_SWEEP_BODY] = "DELETE FROM bodies WHERE id = ?1",
	[TP_STMT_SWEEP_MARK] =
		"UPDATE messages SET body_bytes = 0, sweep_ms = ?2"
		" WHERE id = ?1",
	[TP_STMT_SWEEP_MESSAGE] = "DELETE FROM messages WHERE id = ?1",
	[TP_STMT_SWEEP_EVENTS_MARK] =
		"UPDATE last_event SET id = (SELECT max(id) FROM events)"
		" WHERE id < (SELECT max(id) FROM events)",
	[TP_STMT_SWEEP_EVENTS_AGE] =
		"DELETE FROM events WHERE id IN (SELECT id FROM"
		" (SELECT id, time_ms FROM events ORDER BY id LIMIT ?2)"
		" WHERE time_ms < ?1)",
	[TP_STMT_SWEEP_EVENTS_BYTES] =
		"DELETE FROM events WHERE id IN (SELECT id FROM"
		" (SELECT id, begin_bytes FROM events ORDER BY id LIMIT ?2)"
		" WHERE begin_bytes < (SELECT begin_bytes + bytes FROM events"
		"  ORDER BY id DESC LIMIT 1) - ?1)",

	[TP_STMT_ITEM] =
		"SELECT " ITEM_COLUMNS " FROM messages WHERE queue_id = ?1",
	[TP_STMT_RCPTS] = "SELECT address, state, reply_code, enhanced, text"
			  " FROM rcpts WHERE message = ?1 ORDER BY idx",
	/* What was swept has an event: nothing is done without one. */
	[TP_STMT_KNOWN] =
		"SELECT EXISTS (SELECT 1 FROM messages WHERE queue_id = ?1)"
		" OR EXISTS (SELECT 1 FROM events WHERE queue_id = ?1)",
	[TP_STMT_LOAD] = "SELECT data FROM messages JOIN bodies"
			 " ON bodies.id = messages.id WHERE queue_id = ?1",
	[TP_STMT_LIST] = "SELECT " ITEM_COLUMNS " FROM messages WHERE id > ?1"
			 " AND (?2 IS NULL OR store = ?2)"
			 " AND (state = ?3 OR (?3 < 0 AND state <> 4))"
			 " ORDER BY id LIMIT ?4",
	/* Jumps from one relay to the next in the index: the cost is in the
	 * relays, not in what waits. */
	[TP_STMT_DUE] =
		"WITH RECURSIVE relays (name) AS ("
		" SELECT min(relay) FROM messages WHERE state = 0"
		" UNION ALL"
		" SELECT (SELECT min(relay) FROM messages"
		"  WHERE state = 0 AND relay > name)"
		"  FROM relays WHERE name IS NOT NULL)"
		" SELECT name,"
		" (SELECT count(*) FROM (SELECT 1 FROM messages"
		"  WHERE state = 0 AND relay = name AND next_try_ms <= ?1"
		"  AND (expires_ms <= 0 OR expires_ms > ?1) LIMIT ?2)),"
		" (SELECT min(next_try_ms) FROM messages"
		"  WHERE state = 0 AND relay = name"
		"  AND (expires_ms <= 0 OR expires_ms > ?1)) AS next"
		" FROM relays WHERE next IS NOT NULL",
	[TP_STMT_STATS] =
		"SELECT"
		" (SELECT count(*) FROM messages WHERE state = 0),"
		" (SELECT count(*) FROM messages"
		"  WHERE owner_token IS NOT NULL AND state = 1),"
		" (SELECT count(*) FROM messages"
		"  WHERE owner_token IS NOT NULL AND state = 2),"
		" (SELECT count(*) FROM messages WHERE state = 3),"
		" done.count,"
		" coalesce(min(waiting.oldest, leased.oldest),"
		"  waiting.oldest, leased.oldest, 0),"
		" waiting.bytes + leased.bytes + done.bytes"
		" FROM (SELECT min(created_ms) AS oldest,"
		"  coalesce(sum(body_bytes), 0) AS bytes FROM messages"
		"  WHERE owner_token IS NULL AND done_ms IS NULL) AS waiting,"
		" (SELECT min(created_ms) AS oldest,"
		"  coalesce(sum(body_bytes), 0) AS bytes FROM messages"
		"  WHERE owner_token IS NOT NULL) AS leased,"
		" (SELECT count(*) AS count,"
		"  coalesce(sum(body_bytes), 0) AS bytes"
		"  FROM messages WHERE done_ms IS NOT NULL) AS done",
	[TP_STMT_EVENTS_NEWEST] =
		"SELECT min(id) FROM (SELECT id FROM events WHERE" EVENT_FILTER
		" ORDER BY id DESC LIMIT ?9)",
	[TP_STMT_EVENTS_PAGE] =
		"SELECT " EVENT_COLUMNS " FROM events WHERE" EVENT_FILTER
		" ORDER BY id LIMIT ?9",
	[TP_STMT_EVENTS_OF_NEWEST] =
		"SELECT min(id) FROM (SELECT id FROM events WHERE" EVENT_FILTER
		" AND queue_id = ?10 ORDER BY id DESC LIMIT ?9)",
	[TP_STMT_EVENTS_OF_PAGE] =
		"SELECT " EVENT_COLUMNS " FROM events WHERE" EVENT_FILTER
		" AND queue_id = ?10 ORDER BY id LIMIT ?9",
};
