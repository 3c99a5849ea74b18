/*
 * replay.c - runs a fuzz target over files, without libFuzzer
 *
 * JOB     main() for LLVMFuzzerTestOneInput(): each argument is a file, or a
 *         directory of files. Prints how many were run; a target that finds
 *         fault aborts, after the name of the file was printed.
 * SPDX-License-Identifier: MIT
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* @return 0, or -1 after a message */
static int run_file(const char *path, size_t size)
{
	uint8_t *data = malloc(size ? size : 1);
	FILE *file = fopen(path, "rb");
	int rc = -1;

	if (data && file && fread(data, 1, size, file) == size) {
		printf("%s\n", path);
		(void)fflush(stdout);
		(void)LLVMFuzzerTestOneInput(data, size);
		rc = 0;
	} else {
		fprintf(stderr, "replay: cannot read %s\n", path);
	}
	if (file)
		(void)fclose(file);
	free(data);
	return rc;
}

static int run_path(const char *path, unsigned *count);

static int run_directory(const char *path, unsigned *count)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int rc = dir ? 0 : -1;

	if (!dir)
		fprintf(stderr, "replay: cannot open %s\n", path);
	while (dir && (entry = readdir(dir)) != NULL) {
		char name[4096];
		int len = snprintf(
			name, sizeof(name), "%s/%s", path, entry->d_name);

		if (entry->d_name[0] == '.')
			continue;
		if (len < 0 || (size_t)len >= sizeof(name) ||
			run_path(name, count) < 0)
			rc = -1;
	}
	if (dir)
		(void)closedir(dir);
	return rc;
}

static int run_path(const char *path, unsigned *count)
{
	struct stat info;

	if (stat(path, &info) != 0) {
		fprintf(stderr, "replay: no such file: %s\n", path);
		return -1;
	}
	if (S_ISDIR(info.st_mode))
		return run_directory(path, count);
	++*count;
	return run_file(path, (size_t)info.st_size);
}

/* An empty corpus is a mistake of the caller, not a success. */
int main(int argc, char **argv)
{
	unsigned count = 0;
	int failed = 0;
	int i;

	for (i = 1; i < argc; i++)
		if (run_path(argv[i], &count) < 0)
			failed = 1;
	printf("%u files replayed\n", count);
	return failed || count == 0 ? 1 : 0;
}
