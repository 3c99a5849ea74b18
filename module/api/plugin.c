/*
 * plugin.c - the one exported symbol
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/handle.h"

#ifndef TILLPOST_VERSION
#error "TILLPOST_VERSION comes from the Makefile"
#endif

#define EXPORT __attribute__((visibility("default")))

static const struct tillpost_api api = {
	.struct_size = (uint32_t)sizeof(struct tillpost_api),
	.abi_minor = TILLPOST_ABI_MINOR,
	.capabilities = TILLPOST_CAP_EMBEDDED | TILLPOST_CAP_DELIVER_NOW |
			TILLPOST_CAP_OUTCOMES | TILLPOST_CAP_SETTINGS_SET |
			TILLPOST_CAP_SASL | TILLPOST_CAP_SMTPUTF8 |
			TILLPOST_CAP_SUBMIT | TILLPOST_CAP_INTAKE,
	.version = TILLPOST_VERSION,
	.open = tp_api_open,
	.close = tp_api_close,
	.submit = tp_api_submit,
	.run = tp_api_run,
	.stop = tp_api_stop,
	.status = tp_api_status,
	.queue_list = tp_api_queue_list,
	.queue_action = tp_api_queue_action,
	.outcomes = tp_api_outcomes,
	.settings_schema = tp_api_settings_schema,
	.settings_get = tp_api_settings_get,
	.settings_set = tp_api_settings_set,
	.test_send = tp_api_test_send,
	.route_explain = tp_api_route_explain,
	.reload = tp_api_reload,
	.check = tp_api_check,
	.spool_list = tp_api_spool_list,
	.spool_action = tp_api_spool_action,
};

EXPORT const struct tillpost_api *tillpost_plugin_v1(void);

const struct tillpost_api *tillpost_plugin_v1(void)
{
	return &api;
}
