--TEST--
error_log() of type 1 is mail, the other types are not touched
--INI--
error_log={TMP}/tillpost_error_log_test.log
mail.force_extra_parameters=-fforced@example.com
--FILE--
<?php
require __DIR__ . '/spool.inc';
$file = ini_get('error_log');
var_dump(error_log("Disk full\n", 1, 'admin@example.com', "From: shop@example.com\r\nX-A: b"));
var_dump(error_log('plain'), error_log('three', 3, $file), error_log('four', 4));
var_dump(error_log('B', 1, 'admin@example.com', "X-A: b\n\nX"));
try {
    error_log('B', 1, "a\0");
} catch (ValueError $e) {
    echo $e->getMessage(), "\n";
}
tp_show();
echo preg_replace('/^\[[^]]*\] /', '', file_get_contents($file));
?>
--CLEAN--
<?php
unlink(sys_get_temp_dir() . '/tillpost_error_log_test.log');
?>
--EXPECTF--
bool(true)
%Abool(true)
bool(true)
bool(true)

Warning: error_log(): Multiple or malformed newlines found in additional_header in %s on line %d
bool(false)
error_log(): Argument #3 ($destination) must not contain any null bytes
-- spooled -t
To: admin@example.com
Subject: PHP error_log message
From: shop@example.com
X-A: b

Disk full
--
plain
three%A
