--TEST--
tillpost.store names the store; scripts cannot change it, but may say another
--INI--
tillpost.store=eu
--FILE--
<?php
require __DIR__ . '/spool.inc';
var_dump(tillpost_get_store(), ini_set('tillpost.store', 'us'), ini_set('tillpost.enable', '0'));
usleep(2000); mail('a@example.com', 'S', 'B');
usleep(2000); mb_send_mail('a@example.com', 'S', 'B');
tillpost_set_store('us');
usleep(2000); mail('a@example.com', 'S', 'B');
tillpost_set_store(null);
usleep(2000); mail('a@example.com', 'S', 'B');
echo implode(' ', array_column(tp_take(), 'store')), "\n";
?>
--EXPECT--
string(2) "eu"
bool(false)
bool(false)
eu eu us eu
