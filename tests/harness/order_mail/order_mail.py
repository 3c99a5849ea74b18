#!/usr/bin/python3
"""order_mail.py - order confirmations as a storefront sends them

JOB     order_mail.py [--store default|eu] [--number N] [--to ADDRESS]...
                      [--lf] [--pad BYTES]
        prints one message: RFC 2047 subject and names, text and HTML
        alternatives in UTF-8, a PDF invoice. The same arguments give the
        same bytes on every machine: the MIME is put together here, not by a
        library that changes its mind, and there is no Date and no Message-ID
        (adding them is the transport's work).
        --lf     bare LF line ends, as programs hand mail to sendmail
        --pad    about so many more bytes, as an attached price list
        All lines have at most 998 bytes.
SPDX-License-Identifier: MIT
"""

import argparse
import base64
import sys

STORES = {
    "default": {
        "shop": "Café Größenwahn", "from": "shop@example.com",
        "subject": "Your order №{number} at Café Größenwahn – thank you!",
        "customer": "Zoë Müller-Østergård", "to": "zoe@customer.test",
        "greeting": "Dear Zoë,",
        "text": "thank you for your order №{number}.",
        "total": "Total: £ 54.80",
    },
    "eu": {
        "shop": "Boutique Éclair & Söhne", "from": "sales@eu.example.com",
        "subject": "Votre commande nº {number} – confirmation et "
                   "facture ci-jointe ✔",
        "customer": "François Lefèvre, Στέλιος & Cie",
        "to": "francois@client.test",
        "greeting": "Bonjour François,",
        "text": "nous avons bien reçu votre commande nº {number}.",
        "total": "Total : 54,80 €",
    },
}
ITEMS = (("Filter coffee “Straße”, 1 kg", 2, "19.90"),
         ("Crème brûlée torch", 1, "15.00"))
WORD_BYTES = 42  # of UTF-8 in one encoded word: 75 characters at most


def encoded_words(text):
    """RFC 2047: words of whole characters, each on a line of its own."""
    words, word = [], b""
    for character in text:
        octets = character.encode()
        if len(word) + len(octets) > WORD_BYTES:
            words.append(word)
            word = b""
        word += octets
    words.append(word)
    return "\r\n ".join(
        f"=?UTF-8?B?{base64.b64encode(word).decode()}?=" for word in words)


def base64_lines(content):
    return base64.encodebytes(content).decode().replace("\n", "\r\n")


def quoted_printable(text):
    """RFC 2045 section 6.7, with soft line breaks at 75 characters."""
    lines = []
    for line in text.split("\n"):
        tokens = [chr(octet) if 32 <= octet < 127 and octet != 61
                  else f"={octet:02X}" for octet in line.encode()]
        if tokens and tokens[-1] == " ":
            tokens[-1] = "=20"
        current = ""
        for token in tokens:
            if len(current) + len(token) > 75:
                lines.append(current + "=")
                current = ""
            current += token
        lines.append(current)
    return "\r\n".join(lines)


def pdf(number):
    """One page with one line of text, and a correct cross-reference table."""
    page = f"BT /F1 18 Tf 72 720 Td (Invoice {number}) Tj ET".encode()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
        b"/Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    # The second line marks the file as binary, as PDF writers do.
    out, offsets = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for index, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (index, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + (b"xref\n0 6\n0000000000 65535 f \n" + table
                  + b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n"
                    b"%%%%EOF\n" % len(out))


def text_part(store, number):
    rows = "\n".join(f"  {count} x {name:<32} {price:>8}"
                     for name, count, price in ITEMS)
    return (f"{store['greeting']}\n\n{store['text']}\n\n{rows}\n\n"
            f"{store['total']}\n\n-- \n{store['shop']}\n"
            ".. a line that begins with dots\n").format(number=number)


def html_part(store, number):
    rows = "".join(f"<tr><td>{count}</td><td>{name}</td>"
                   f"<td>{price}</td></tr>\n" for name, count, price in ITEMS)
    shop = store["shop"].replace("&", "&amp;")
    return (f"<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">"
            f"<title>{shop}</title></head>\n<body>"
            f"<p>{store['greeting']}</p>\n<p>{store['text']}</p>\n"
            f"<table>\n{rows}</table>\n<p><b>{store['total']}</b></p>\n"
            "</body></html>\n").format(number=number)


def attachment(kind, name, content):
    return (f"Content-Type: {kind}; name=\"{name}\"\r\n"
            "Content-Transfer-Encoding: base64\r\n"
            f"Content-Disposition: attachment; filename=\"{name}\"\r\n"
            "\r\n" + base64_lines(content))


def multipart(boundary, parts):
    return "".join(f"--{boundary}\r\n{part}" for part in parts) \
        + f"--{boundary}--\r\n"


def price_list(size):
    line = b"100200300;Filter coffee;1 kg;19.90;in stock;0000000000\n"
    return (line * (size * 3 // 4 // len(line) + 1))


def order_mail(store_name, number, recipients, pad):
    store = STORES[store_name]
    name = encoded_words(store["customer"])
    recipients = recipients or [store["to"]]
    inner, outer = f"=_alt_{number}", f"=_mix_{number}"
    alternatives = multipart(inner, (
        "Content-Type: text/plain; charset=UTF-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        + quoted_printable(text_part(store, number)) + "\r\n",
        "Content-Type: text/html; charset=UTF-8\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
        + base64_lines(html_part(store, number).encode())))
    parts = [f"Content-Type: multipart/alternative; boundary=\"{inner}\"\r\n"
             "\r\n" + alternatives,
             attachment("application/pdf", f"invoice-{number}.pdf",
                        pdf(number))]
    if pad:
        parts.append(attachment("text/csv", "prices.csv", price_list(pad)))
    return (
        f"From: {encoded_words(store['shop'])} <{store['from']}>\r\n"
        "To: " + ",\r\n ".join(f"{name} <{address}>"
                               for address in recipients) + "\r\n"
        f"Subject: {encoded_words(store['subject'].format(number=number))}\r\n"
        f"X-Order: {number}\r\n"
        "MIME-Version: 1.0\r\n"
        f"Content-Type: multipart/mixed; boundary=\"{outer}\"\r\n"
        "\r\n" + multipart(outer, parts)).encode("ascii")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", choices=sorted(STORES), default="default")
    parser.add_argument("--number", type=int, default=100017)
    parser.add_argument("--to", action="append", default=[])
    parser.add_argument("--lf", action="store_true")
    parser.add_argument("--pad", type=int, default=0)
    arguments = parser.parse_args()
    message = order_mail(arguments.store, arguments.number, arguments.to,
                         arguments.pad)
    if arguments.lf:
        message = message.replace(b"\r\n", b"\n")
    sys.stdout.buffer.write(message)


main()
