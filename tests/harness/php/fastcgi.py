#!/usr/bin/python3
"""fastcgi.py - one request to a FastCGI server on a Unix socket

JOB     request() asks, as a web server does, and gives what came back.
SPDX-License-Identifier: MIT
"""
import socket
import struct

BEGIN, END, PARAMS, STDIN, STDOUT, STDERR = 1, 3, 4, 5, 6, 7


def record(kind, content):
    padding = -len(content) % 8
    return (struct.pack(">BBHHBx", 1, kind, 1, len(content), padding)
            + content + bytes(padding))


def length(n):
    return bytes([n]) if n < 128 else struct.pack(">I", n | 0x80000000)


def exactly(stream, count):
    data = stream.read(count)
    if len(data) != count:
        raise ConnectionError("the server closed the connection")
    return data


def request(path, params, timeout_s=60):
    """@return (body, what was written to stderr)"""
    pairs = b""
    for name, value in params.items():
        name, value = name.encode(), value.encode("utf-8", "surrogateescape")
        pairs += length(len(name)) + length(len(value)) + name + value
    out, err = b"", b""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(timeout_s)
        sock.connect(path)
        sock.sendall(record(BEGIN, struct.pack(">HB5x", 1, 0))
                     + record(PARAMS, pairs) + record(PARAMS, b"")
                     + record(STDIN, b""))
        with sock.makefile("rb") as stream:
            while True:
                _, kind, _, size, padding = struct.unpack(
                    ">BBHHBx", exactly(stream, 8))
                content = exactly(stream, size)
                exactly(stream, padding)
                if kind == STDOUT:
                    out += content
                elif kind == STDERR:
                    err += content
                elif kind == END:
                    break
    return out.partition(b"\r\n\r\n")[2], err


def script(path, file, query="", more=None):
    """One GET of FILE."""
    params = {
        "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET",
        "SCRIPT_FILENAME": file, "SCRIPT_NAME": "/" + file.rpartition("/")[2],
        "QUERY_STRING": query, "REQUEST_URI": "/?" + query,
        "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_SOFTWARE": "test",
        "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "shop.example.com",
    }
    params.update(more or {})
    return request(path, params)
