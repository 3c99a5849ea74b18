--TEST--
A large message arrives whole
--FILE--
<?php
require __DIR__ . '/spool.inc';
$body = str_repeat(str_repeat('x', 76) . "\r\n", 30000);
var_dump(mail('a@example.com', 'S', $body, 'From: shop@example.com'));
$got = tp_take()[0];
var_dump(strlen($got['data']) === strlen("To: a@example.com\r\nSubject: S\r\nFrom: shop@example.com\r\n\r\n$body\r\n"),
    str_ends_with($got['data'], $body . "\r\n"));
?>
--EXPECT--
bool(true)
bool(true)
bool(true)
