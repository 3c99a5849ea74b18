--TEST--
error_log() that sends no mail is not touched, whatever its destination is
--INI--
error_log={TMP}/tillpost_error_log_types_test.log
--FILE--
<?php
require __DIR__ . '/spool.inc';
set_error_handler(fn($level, $text) => throw new ErrorException($text));
$file = ini_get('error_log');
var_dump(error_log('zero', 0, null), error_log('four', 4, null), error_log('none', additional_headers: 'X: y'));
var_dump(error_log(message: 'three', message_type: 3, destination: $file));
var_dump(error_log('zero too', 0, null, null), error_log('zero three', '0', "a\tb"));
var_dump(error_log('mail', '1', 'a@example.com'));
var_dump(error_log('mail', true, 'a@example.com'));
echo count(tp_take()), ' ', count(tp_recorded()), "\n";
echo preg_replace('/\[\d\d-[^]]*\] /', '', file_get_contents($file));
?>
--CLEAN--
<?php
unlink(sys_get_temp_dir() . '/tillpost_error_log_types_test.log');
?>
--EXPECT--
four
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
2 0
zero
none
threezero too
zero three
