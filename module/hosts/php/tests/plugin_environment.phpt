--TEST--
A script cannot name the plugin by putenv()
--INI--
tillpost.plugin=
--FILE--
<?php
require __DIR__ . '/spool.inc';
putenv('TILLPOST_PLUGIN=' . __DIR__ . '/odd_plugin.so');
mail('a@example.com', 'S', 'B');
ob_start();
phpinfo(INFO_MODULES);
preg_match('/^Plugin version => 0\.0\.0$/m', ob_get_clean(), $found);
var_dump($found);
tp_take();
tp_recorded();
?>
--EXPECTF--
%Aarray(0) {
}
