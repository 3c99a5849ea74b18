--TEST--
A fatal error inside mb_send_mail() leaves settings and files as they were
--FILE--
<?php
require __DIR__ . '/spool.inc';
$path = ini_get('sendmail_path');
register_shutdown_function(function () use ($path) {
    restore_error_handler();
    var_dump(@ini_get('sendmail_path') === $path, preg_grep('/memfd/', array_map(fn($f) => @readlink($f), preg_filter('/^(\d+)$/', '/proc/self/fd/$1', scandir('/proc/self/fd')))) === [], mail('a@example.com', 'S', 'B'));
    echo count(tp_take()), ' ', count(tp_recorded()), "\n";
});
set_error_handler(fn() => str_repeat('x', PHP_INT_MAX >> 20));
ini_set('memory_limit', '32M');
mb_send_mail('b@example.com', 'S', 'B', 'Content-Type: text/plain; charset=nonsense');
?>
--EXPECTF--
%AFatal error: Allowed memory size of %a
bool(true)
bool(true)
bool(true)
1 0
