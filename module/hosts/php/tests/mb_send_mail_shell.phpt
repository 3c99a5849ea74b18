--TEST--
Parameters of mb_send_mail() cannot leave the line of shell
--FILE--
<?php
require __DIR__ . '/spool.inc';
$mark = getenv('TP_SPOOL') . '/../mark';
foreach (["; touch $mark", "\ntouch $mark\n", "`touch $mark`", "\$(touch $mark)", "} ; touch $mark #", "> $mark", "'; touch $mark", '& b@example.com', '* b@example.com'] as $parameters) {
    mb_send_mail('a@example.com', 'S', 'B', '', "-f x@example.com $parameters");
    @mb_send_mail('a@example.com', 'S', 'B', '', $parameters);
}
var_dump(file_exists($mark));
$fds = count(scandir('/proc/self/fd'));
mb_send_mail('a@example.com', 'S', 'B');
mb_send_mail('a@example.com', 'S', 'B', "X: a\n\nb");
var_dump($fds === count(scandir('/proc/self/fd')));
tp_take();
tp_recorded();
?>
--EXPECTF--
%Abool(false)

Warning: mb_send_mail(): Multiple or malformed newlines found in additional_header in %s on line %d
bool(true)
