/*
 * curl_loop.c - the peer of the throughput test: a plain libcurl loop
 *
 * JOB     curl_loop PORT COUNT BYTES: sends COUNT messages of about BYTES to
 *         the SMTP server on 127.0.0.1:PORT, one after the other over one
 *         kept connection (one easy handle used again), and prints
 *         "curl N messages of B bytes, C connections: R msg/s".
 * LAYER   test program; libcurl only.
 * ERRORS  Exit status 1 with libcurl's text when a message is not accepted.
 * SPDX-License-Identifier: MIT
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct upload {
	const char *bytes;
	size_t len;
	size_t sent;
};

static size_t read_upload(char *to, size_t size, size_t count, void *arg)
{
	struct upload *upload = arg;
	size_t len = upload->len - upload->sent;

	if (len > size * count)
		len = size * count;
	memcpy(to, upload->bytes + upload->sent, len);
	upload->sent += len;
	return len;
}

static char *make_message(size_t bytes, size_t *len_out)
{
	static const char header[] = "From: Shop <shop@example.test>\r\n"
				     "To: customer@example.test\r\n"
				     "Message-ID: <bench@example.test>\r\n"
				     "Subject: Your order\r\n\r\n";
	static const char line[] =
		"The quick brown fox jumps over the lazy dog, and again.\r\n";
	size_t len = sizeof header - 1;
	char *message = malloc(len + bytes + sizeof line);

	if (message == NULL)
		return NULL;
	memcpy(message, header, len);
	while (len < bytes) {
		memcpy(message + len, line, sizeof line - 1);
		len += sizeof line - 1;
	}
	*len_out = len;
	return message;
}

static double now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void set_up(CURL *curl, const char *url, struct curl_slist *recipients,
	struct upload *upload)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, "<shop@example.test>");
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_upload);
	curl_easy_setopt(curl, CURLOPT_READDATA, upload);
	curl_easy_setopt(
		curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)upload->len);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
}

/* @return connections opened, -1 when a message was not accepted */
static long send_all(CURL *curl, struct upload *upload, long count)
{
	long connection_count = 0;

	for (long i = 0; i < count; i++) {
		long opened = 0;
		CURLcode code;

		upload->sent = 0;
		code = curl_easy_perform(curl);
		if (code != CURLE_OK) {
			(void)fprintf(stderr, "curl_loop: message %ld: %s\n",
				i + 1, curl_easy_strerror(code));
			return -1;
		}
		curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &opened);
		connection_count += opened;
	}
	return connection_count;
}

int main(int argc, char **argv)
{
	struct upload upload = { .sent = 0 };
	struct curl_slist *recipients = NULL;
	CURL *curl = NULL;
	char *message = NULL;
	char url[64];
	long count, connection_count = -1;
	double start_s, took_s;

	if (argc != 4) {
		(void)fputs("usage: curl_loop PORT COUNT BYTES\n", stderr);
		return 64;
	}
	count = strtol(argv[2], NULL, 10);
	message = make_message(strtoul(argv[3], NULL, 10), &upload.len);
	recipients = curl_slist_append(NULL, "<customer@example.test>");
	curl = curl_easy_init();
	if (message == NULL || recipients == NULL || curl == NULL || count < 1)
		goto out;
	upload.bytes = message;
	(void)snprintf(url, sizeof url, "smtp://127.0.0.1:%ld/client.test",
		strtol(argv[1], NULL, 10));
	set_up(curl, url, recipients, &upload);
	start_s = now_s();
	connection_count = send_all(curl, &upload, count);
	took_s = now_s() - start_s;
	if (connection_count >= 0)
		(void)printf("curl %ld messages of %zu bytes, "
			     "%ld connections: %.0f msg/s\n",
			count, upload.len, connection_count,
			(double)count / took_s);
out:
	curl_easy_cleanup(curl);
	curl_slist_free_all(recipients);
	free(message);
	return connection_count < 0 ? 1 : 0;
}
