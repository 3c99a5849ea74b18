<?php

/**
 * Which store the mail of this request belongs to, until the request ends;
 * null: found out by header, From address, MAGE_RUN_CODE or host name. Returns
 * what was set by this function before, to be set again; null: nothing.
 */
function tillpost_set_store(?string $store): ?string {}

/**
 * The store that was set, else that of the INI setting tillpost.store, else
 * TILLPOST_STORE of the web server or in the environment.
 */
function tillpost_get_store(): ?string {}

/** The id of the last mail that this request has handed over. */
function tillpost_last_id(): ?string {}

/**
 * What became of a mail: id, store, state, reason, attempts, created_ms,
 * next_try_ms, expires_ms, size_bytes. False if nothing can be said of it.
 */
function tillpost_status(string $id): array|false {}
