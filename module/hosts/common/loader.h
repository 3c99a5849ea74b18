/*
 * loader.h - finds, checks and loads tillpost.so
 *
 * JOB     Looks in this order: the file named by the caller; the environment
 *         variable TILLPOST_PLUGIN (if the caller wants that, and never in a
 *         set-user-id program); the compiled-in TILLPOST_PLUGIN_PATH (the
 *         file, or the directory it is in); "../lib" and ".." next to the
 *         running program, which is the layout of the build tree. The first
 *         two are final: if that file does not load, nothing else is tried.
 *         A file is loaded only if it and its directory belong to root or the
 *         caller and nobody else can write to them, and if it speaks this
 *         version of the interface and has the capabilities asked for.
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * THREADS not safe; load before other threads start.
 * ERRORS  TILLPOST_ENOTFOUND, EPERM, EIO, EUNSUPPORTED.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_LOADER_H
#define TP_HOSTS_LOADER_H

#include <tillpost/abi.h>

struct tp_plugin {
	void *so; /* of dlopen(); NULL: not loaded */
	const struct tillpost_api *api;
};

/* The environment may name the file. Not where those who do not choose the
 * code can set variables: scripts have putenv(). */
#define TP_PLUGIN_ENVIRONMENT 0x0001u

/* @param file         NULL: search
 * @param flags        TP_PLUGIN_*
 * @param capabilities TILLPOST_CAP_* that are needed, 0: none
 * @return 0 or a TILLPOST_E* */
int32_t tp_plugin_load(const char *file, uint32_t flags, uint64_t capabilities,
	struct tp_plugin *plugin_out, struct tillpost_error *err);

/* NULL-safe in that an unloaded plugin may be unloaded again. All handles
 * must be closed. */
void tp_plugin_unload(struct tp_plugin *plugin);

#endif
