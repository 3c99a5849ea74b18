/*
 * address_list.h - addresses as they stand in one argument
 *
 * JOB     One argument of a sendmail command may hold several addresses,
 *         divided by commas, with names and comments around them:
 *         "Shop <a@example.com>, b@example.com (Bert)". What comes out are
 *         the addresses alone, one after the other. Whether they are valid is
 *         the plugin's to say; here is only refused what would be misread:
 *         unbalanced brackets and quotation marks, control characters, and a
 *         minus sign in front, which other mailers take for an option.
 *         Not known: groups ("name: a, b;") and source routes.
 * BOUNDS  Linear; comments may nest 8 deep.
 * LAYER   hosts; libc only.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_ADDRESS_LIST_H
#define TP_HOSTS_ADDRESS_LIST_H

enum tp_address {
	TP_ADDRESS_END,	       /* there are no more */
	TP_ADDRESS_ONE,	       /* it is in OUT */
	TP_ADDRESS_CONTROL,    /* a control character */
	TP_ADDRESS_UNBALANCED, /* brackets or quotation marks do not match */
	TP_ADDRESS_MINUS       /* OUT begins with "-" */
};

/* The next address at *AT, which moves behind it; in an error it stays. "" and
 * "," hold none, "<>" an empty one. One pair of apostrophes around an address
 * is dropped: a shell that escaped twice leaves them.
 * @param out has room for strlen(*at) + 1 bytes; written only if *AT is not at
 *            the end */
enum tp_address tp_address_next(const char **at, char *out);

/* 1 if ADDRESS has a domain: an "@" outside of quotation marks. */
int tp_address_qualified(const char *address);

#endif
