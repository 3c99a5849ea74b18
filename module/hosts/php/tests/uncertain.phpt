--TEST--
A message that may be sent is not sent again by the original
--INI--
tillpost.plugin={PWD}/odd_plugin.so
--FILE--
<?php
require __DIR__ . '/spool.inc';
var_dump(mail('a@example.com', 'S', 'B'));
var_dump(mb_send_mail('a@example.com', 'S', 'B'));
var_dump(error_log('B', 1, 'a@example.com'));
tp_show();
?>
--EXPECTF--
plugin: open returns
tillpost: odd-call: open
plugin: submit returns
tillpost: odd-call: submit

Warning: mail(): tillpost is not sure about the message: it may be sent, so it goes no other way (the disk is away) in %s on line %d
bool(false)
plugin: submit returns
tillpost: odd-call: submit

Warning: mb_send_mail(): tillpost is not sure about the message: it may be sent, so it goes no other way (the disk is away) in %s on line %d
bool(false)
plugin: submit returns
tillpost: odd-call: submit

Warning: error_log(): tillpost is not sure about the message: it may be sent, so it goes no other way (the disk is away) in %s on line %d
bool(false)
--
