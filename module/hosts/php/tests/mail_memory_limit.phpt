--TEST--
A message that leaves stock PHP little of its memory limit does no harm
--INI--
memory_limit=32M
--FILE--
<?php
require __DIR__ . '/spool.inc';
$body = str_repeat(str_repeat('x', 76) . "\r\n", 250000);
var_dump(mail('a@example.com', 'S', $body, 'From: shop@example.com'));
// What mbstring makes of it is as large, but the rest is not.
$body = null;
$body = str_repeat(str_repeat('x', 76) . "\r\n", 80000);
mb_language('en');
var_dump(mb_send_mail('a@example.com', 'S', $body, "From: shop@example.com\r\nContent-Transfer-Encoding: 7bit"));
$sizes = array_map('filesize', glob(getenv('TP_SPOOL') . '/incoming/*'));
sort($sizes);
echo implode(' ', array_map(fn($size) => round($size / 1e6, 1), $sizes)), "\n";
array_map('unlink', glob(getenv('TP_SPOOL') . '/incoming/*'));
tp_show();
?>
--EXPECT--
bool(true)
bool(true)
6.2 19.5
--
