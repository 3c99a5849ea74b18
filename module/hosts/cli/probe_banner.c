/*
 * probe_banner.c - what a port says first
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/probe_banner.h"

#include "common/when.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 512

/* TLS 1.2 with the suites that servers commonly have. It need not lead to a
 * connection: an alert too is a TLS record. */
static const unsigned char client_hello[] = {
	0x16, 0x03, 0x01, 0x00, 0x61,		/* record */
	0x01, 0x00, 0x00, 0x5d, 0x03, 0x03,	/* ClientHello, TLS 1.2 */
	't', 'i', 'l', 'l', 'p', 'o', 's', 't', /* random: no secret */
	't', 'i', 'l', 'l', 'p', 'o', 's', 't', /* depends on it, for */
	't', 'i', 'l', 'l', 'p', 'o', 's', 't', /* no handshake is */
	't', 'i', 'l', 'l', 'p', 'o', 's', 't', /* completed */
	0x00,					/* no session */
	0x00, 0x10, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30, 0xcc, 0xa9,
	0xcc, 0xa8, 0x00, 0x9c, 0x00, 0x2f, /* suites */
	0x01, 0x00,			    /* no compression */
	0x00, 0x24,			    /* extensions */
	0x00, 0x0a, 0x00, 0x06, 0x00, 0x04, 0x00, 0x17, 0x00, 0x1d, /* groups */
	0x00, 0x0b, 0x00, 0x02, 0x01, 0x00, /* point formats */
	0x00, 0x0d, 0x00, 0x0c, 0x00, 0x0a, 0x04, 0x03, 0x08, 0x04, 0x04, 0x01,
	0x05, 0x03, 0x08, 0x05, /* signatures */
	0x00, 0x17, 0x00, 0x00	/* extended master secret */
};

static int is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

enum tp_banner_kind tp_banner_judge(const unsigned char *bytes, size_t len)
{
	if (len == 0)
		return TP_BANNER_CLOSED;
	/* Alert or handshake, version 3.x. */
	if (len >= 3 && (bytes[0] == 0x15 || bytes[0] == 0x16) &&
		bytes[1] == 0x03 && bytes[2] <= 0x04)
		return TP_BANNER_TLS;
	if (len < 4 || !is_digit(bytes[0]) || !is_digit(bytes[1]) ||
		!is_digit(bytes[2]) || (bytes[3] != ' ' && bytes[3] != '-'))
		return TP_BANNER_OTHER;
	if (memcmp(bytes, "220", 3) == 0)
		return TP_BANNER_SMTP;
	return bytes[0] == '4' || bytes[0] == '5' ? TP_BANNER_REFUSES
						  : TP_BANNER_OTHER;
}

/* Reads until a line, a TLS record's head, the end, or the deadline.
 * @return bytes, 0 at the end, -1 if nothing came */
static ssize_t first_bytes(int fd, unsigned char *bytes, int wait_ms)
{
	int64_t end_ms = tp_when_now_ms() + wait_ms;
	size_t used = 0;

	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		int64_t left_ms = end_ms - tp_when_now_ms();
		ssize_t got;

		if (left_ms <= 0 || poll(&poll_fd, 1, (int)left_ms) <= 0)
			return used > 0 ? (ssize_t)used : -1;
		got = recv(fd, bytes + used, READ_BYTES - used, 0);
		if (got <= 0)
			return (ssize_t)used;
		used += (size_t)got;
		if (used == READ_BYTES || memchr(bytes, '\n', used) ||
			(used >= 3 && bytes[0] < ' '))
			return (ssize_t)used;
	}
}

static void first_line(
	const unsigned char *bytes, size_t len, struct tp_banner *banner)
{
	size_t i;

	for (i = 0; i < len && i + 1 < sizeof(banner->text); i++) {
		if (bytes[i] == '\r' || bytes[i] == '\n' || bytes[i] == '\0')
			break;
		banner->text[i] = (char)bytes[i];
	}
	banner->text[i] = '\0';
}

void tp_banner_read(
	int fd, int greeting_ms, int answer_ms, struct tp_banner *banner_out)
{
	unsigned char bytes[READ_BYTES];
	ssize_t got = first_bytes(fd, bytes, greeting_ms);

	*banner_out = (struct tp_banner) { .kind = TP_BANNER_SILENT };
	if (got < 0 && send(fd, client_hello, sizeof(client_hello),
			       MSG_NOSIGNAL) == (ssize_t)sizeof(client_hello))
		got = first_bytes(fd, bytes, answer_ms);
	(void)close(fd);
	if (got < 0)
		return;
	banner_out->kind = tp_banner_judge(bytes, (size_t)got);
	if (banner_out->kind != TP_BANNER_TLS)
		first_line(bytes, (size_t)got, banner_out);
}
