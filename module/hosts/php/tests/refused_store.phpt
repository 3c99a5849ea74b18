--TEST--
A store that does not exist: a warning, and the message goes no other way
--FILE--
<?php
require __DIR__ . '/spool.inc';
tp_config();
tillpost_set_store('eu');
var_dump(mail('a@example.com', 'S', 'B'));
tillpost_set_store('asia');
var_dump(mail('a@example.com', 'S', 'B'));
var_dump(mb_send_mail('a@example.com', 'S', 'B'));
tillpost_set_store(null);
var_dump(mail('a@example.com', 'S', 'B', 'X-Tillpost-Store: asia'));
var_dump(mail('a@example.com', 'S', 'B', 'X-Tillpost-Store: eu'));
echo count(tp_take()), ' ', count(tp_recorded()), "\n";
?>
--CLEAN--
<?php
@unlink(ini_get('tillpost.config'));
?>
--EXPECTF--
bool(true)

Warning: mail(): tillpost refused the message (store: %s"asia"%s) in %s on line %d
bool(false)

Warning: mb_send_mail(): tillpost refused the message (store: %s"asia"%s) in %s on line %d
bool(false)

Warning: mail(): tillpost refused the message (store: %s"asia"%s) in %s on line %d
bool(false)
bool(true)
2 0
