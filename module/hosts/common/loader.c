/*
 * loader.c - finds, checks and loads tillpost.so
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/loader.h"

#include "common/report.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLUGIN_NAME "tillpost.so"

/* What may be replaced by somebody else could run their code as us. */
static int32_t check_owner(
	const char *path, int is_directory, struct tillpost_error *err)
{
	struct stat st;
	mode_t writable = S_IWGRP | S_IWOTH;

	if (stat(path, &st) != 0)
		return tp_report_set_errno(
			err, TILLPOST_EIO, path, "cannot be examined");
	if (!is_directory && !S_ISREG(st.st_mode))
		return tp_report_set(
			err, TILLPOST_EPERM, path, "is not a regular file");
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return tp_report_set(err, TILLPOST_EPERM, path,
			"belongs to user %lu: refusing to load code that is "
			"neither root's nor yours",
			(unsigned long)st.st_uid);
	/* In a sticky directory only the owner can replace a file. */
	if (is_directory && (st.st_mode & S_ISVTX))
		return TILLPOST_OK;
	if (st.st_mode & writable)
		return tp_report_set(err, TILLPOST_EPERM, path,
			"can be changed by others: run chmod go-w on it");
	return TILLPOST_OK;
}

static int32_t check_path(const char *path, struct tillpost_error *err)
{
	char directory[PATH_MAX];
	char *slash;
	int32_t rc = check_owner(path, 0, err);

	if (rc < 0)
		return rc;
	(void)snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	if (slash)
		slash[slash == directory ? 1 : 0] = '\0';
	return check_owner(directory, 1, err);
}

static int32_t check_api(const struct tillpost_api *api, const char *path,
	uint64_t capabilities, struct tillpost_error *err)
{
	if (!api || !TILLPOST_HAS(api, tillpost_api, check))
		return tp_report_set(err, TILLPOST_EUNSUPPORTED, path,
			"has an incomplete function table");
	if ((api->capabilities & capabilities) != capabilities)
		return tp_report_set(err, TILLPOST_EUNSUPPORTED, path,
			"this build (%s) cannot do that: capabilities 0x%llx "
			"are missing",
			api->version,
			(unsigned long long)(capabilities &
					     ~api->capabilities));
	return TILLPOST_OK;
}

static int32_t load(const char *path, uint64_t capabilities,
	struct tp_plugin *plugin_out, struct tillpost_error *err)
{
	char real[PATH_MAX];
	tillpost_entry_fn *entry = NULL;
	void *symbol;
	int32_t rc;

	if (!realpath(path, real))
		return tp_report_set_errno(err,
			errno == ENOENT ? TILLPOST_ENOTFOUND : TILLPOST_EIO,
			path, "cannot be opened");
	rc = check_path(real, err);
	if (rc < 0)
		return rc;
	plugin_out->so = dlopen(real, RTLD_NOW | RTLD_LOCAL);
	if (!plugin_out->so)
		return tp_report_set(err, TILLPOST_EIO, "", "%s", dlerror());
	symbol = dlsym(plugin_out->so, TILLPOST_ENTRY);
	if (!symbol) {
		rc = tp_report_set(err, TILLPOST_EUNSUPPORTED, real,
			"is not a plugin of version %d: no symbol %s",
			TILLPOST_ABI_MAJOR, TILLPOST_ENTRY);
		goto out;
	}
	/* ISO C has no cast from an object to a function pointer. */
	memcpy(&entry, &symbol, sizeof(entry));
	plugin_out->api = entry();
	rc = check_api(plugin_out->api, real, capabilities, err);
out:
	if (rc < 0)
		tp_plugin_unload(plugin_out);
	return rc;
}

#ifdef TILLPOST_PLUGIN_PATH
/* The compiled-in place names the file or the directory it is in. */
static int compiled_path(char out[PATH_MAX])
{
	static const char place[] = TILLPOST_PLUGIN_PATH;
	size_t len = sizeof(place) - 1;
	const char *suffix = "/" PLUGIN_NAME;

	if (len > 3 && strcmp(place + len - 3, ".so") == 0)
		suffix = "";
	return snprintf(out, PATH_MAX, "%s%s", place, suffix) < PATH_MAX;
}
#else
static int compiled_path(char out[PATH_MAX])
{
	(void)out;
	return 0;
}
#endif

/* "<directory of the program>/<relative>" */
static int beside_program(char out[PATH_MAX], const char *relative)
{
	ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - 1);
	size_t room;
	char *slash;

	if (len <= 0)
		return 0;
	out[len] = '\0';
	slash = strrchr(out, '/');
	if (!slash)
		return 0;
	room = (size_t)(out + PATH_MAX - (slash + 1));
	return (size_t)snprintf(slash + 1, room, "%s", relative) < room;
}

static int32_t search(uint64_t capabilities, struct tp_plugin *plugin_out,
	struct tillpost_error *err)
{
	static const char *const relatives[] = { "../lib/" PLUGIN_NAME,
		"../" PLUGIN_NAME };
	char path[PATH_MAX];
	size_t i;

	if (compiled_path(path) && access(path, F_OK) == 0)
		return load(path, capabilities, plugin_out, err);
	for (i = 0; i < sizeof(relatives) / sizeof(relatives[0]); i++)
		if (beside_program(path, relatives[i]) &&
			access(path, F_OK) == 0)
			return load(path, capabilities, plugin_out, err);
	return tp_report_set(err, TILLPOST_ENOTFOUND, PLUGIN_NAME,
		"not found; name it with --plugin FILE or in the environment "
		"variable TILLPOST_PLUGIN; for PHP, in tillpost.plugin");
}

int32_t tp_plugin_load(const char *file, uint32_t flags, uint64_t capabilities,
	struct tp_plugin *plugin_out, struct tillpost_error *err)
{
	*plugin_out = (struct tp_plugin) { .so = NULL };
	/* The environment of a set-user-id program is not to be trusted. */
	if (!file && (flags & TP_PLUGIN_ENVIRONMENT) &&
		getauxval(AT_SECURE) == 0)
		file = getenv("TILLPOST_PLUGIN");
	if (file && file[0] != '\0')
		return load(file, capabilities, plugin_out, err);
	return search(capabilities, plugin_out, err);
}

void tp_plugin_unload(struct tp_plugin *plugin)
{
	if (plugin->so)
		(void)dlclose(plugin->so);
	*plugin = (struct tp_plugin) { .so = NULL };
}
