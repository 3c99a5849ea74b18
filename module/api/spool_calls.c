/*
 * spool_calls.c - what is in the spool
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/convert.h"
#include "api/handle.h"

#include "adapters/spool.h"
#include "base/mem.h"

#include <string.h>

struct spool_listing {
	tillpost_spool_fn *entry;
	void *ctx;
};

static int show_entry(void *ctx, const struct tp_spool_entry *inner)
{
	struct spool_listing *listing = ctx;
	struct tillpost_spool_entry entry;

	TILLPOST_INIT(&entry);
	entry.uid = (uint32_t)inner->owner;
	entry.name = inner->name;
	entry.state = inner->quarantined ? "quarantined" : "spooled";
	entry.reason = tp_abi_text(inner->reason);
	entry.size_bytes = inner->size_bytes;
	entry.modified_ms = inner->modified_ms;
	return listing->entry(listing->ctx, &entry);
}

/* @return 0 and the spool's path; else nothing to free */
static int find_spool(
	tillpost_handle *handle, char **spool_out, struct tp_error *err)
{
	int rc = tp_handle_usable(handle, err);

	*spool_out = NULL;
	if (rc < 0)
		return rc;
	*spool_out = tp_handle_spool(handle);
	return *spool_out ? TP_OK
			  : tp_fail(err, TP_ENOMEM, "spool", "out of memory");
}

int32_t tp_api_spool_list(tillpost_handle *handle, tillpost_spool_fn *entry,
	void *ctx, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	struct spool_listing listing = { entry, ctx };
	char *spool = NULL;
	int rc = find_spool(handle, &spool, &detail);

	if (rc >= 0 && !entry)
		rc = tp_fail(&detail, TP_EINVAL, "entry", "is NULL");
	if (rc >= 0)
		rc = tp_spool_list(spool, show_entry, &listing, &detail);
	tp_free(spool);
	return tp_abi_error(err, rc, &detail);
}

static int act(const char *spool, int32_t action, const char *name,
	struct tp_error *err)
{
	switch (action) {
	case TILLPOST_SPOOL_RELEASE:
		return tp_spool_release(spool, name, err);
	case TILLPOST_SPOOL_DISCARD:
		return tp_spool_discard(spool, name, err);
	default:
		return tp_fail(err, TP_EINVAL, "action", "unknown action %d",
			(int)action);
	}
}

int32_t tp_api_spool_action(tillpost_handle *handle, int32_t action,
	const char *name, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	char *spool = NULL;
	int rc = find_spool(handle, &spool, &detail);

	if (rc >= 0 && !name)
		rc = tp_fail(&detail, TP_EINVAL, "name", "is NULL");
	if (rc >= 0)
		rc = act(spool, action, name, &detail);
	tp_free(spool);
	return tp_abi_error(err, rc, &detail);
}

void tp_handle_spool_status(
	tillpost_handle *handle, struct tillpost_status *status)
{
	char *spool = tp_handle_spool(handle);

	if (!spool || tp_spool_count(spool, &status->spooled_count,
			      &status->quarantined_count, NULL) < 0)
		status->spooled_count = status->quarantined_count = -1;
	if (handle->intake)
		status->taken_in_count = tp_spool_intake_count(handle->intake);
	tp_free(spool);
}
