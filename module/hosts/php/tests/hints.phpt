--TEST--
MAGE_RUN_CODE and HTTP_HOST go along, from $_SERVER as the script has it
--ENV--
MAGE_RUN_CODE=from_env
--FILE--
<?php
require __DIR__ . '/spool.inc';
usleep(2000); mail('a@example.com', 'S', 'B');
$server = '_SERVER';
$$server['MAGE_RUN_CODE'] = 'eu';
$$server['HTTP_HOST'] = 'Shop.example.com:8080';
usleep(2000); mail('a@example.com', 'S', 'B');
$$server['MAGE_RUN_CODE'] = ['no', 'string'];
$$server['HTTP_HOST'] = "a\0b";
usleep(2000); mail('a@example.com', 'S', 'B');
$copy = 'x.example.com';
$$server['HTTP_HOST'] = &$copy;
usleep(2000); mail('a@example.com', 'S', 'B');
$$server = 'nothing';
usleep(2000); mail('a@example.com', 'S', 'B');
foreach (tp_take() as $m) {
    echo $m['run-code'] ?? '-', ' ', $m['http-host'] ?? '-', "\n";
}
?>
--EXPECT--
from_env -
eu Shop.example.com:8080
- -
- x.example.com
- -
