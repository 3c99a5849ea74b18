--TEST--
--store counts in sendmail_path only, not in parameters
--INI--
tillpost.config={TMP}/tillpost_nonexistent.conf
--FILE--
<?php
require __DIR__ . '/spool.inc';
foreach (['--store=eu', '-fx@example.com --store=eu', '-f x@example.com --store=eu b@example.com'] as $parameters) {
    usleep(2000); mail('a@example.com', 'S', 'B', '', $parameters);
    usleep(2000); mb_send_mail('a@example.com', 'S', 'B', '', $parameters);
}
foreach (tp_take() as $m) {
    echo $m['store'] ?? 'none', ' ', implode(',', $m['recipient']), "\n";
}
mail('a@example.com', 'S', 'B', '', '--store eu');
mb_send_mail('a@example.com', 'S', 'B', '', '--store eu');
foreach (tp_take() as $m) {
    echo $m['store'] ?? 'none', ' ', implode(',', $m['recipient']), "\n";
}
echo count(tp_recorded()), "\n";
?>
--EXPECTF--
none 
none 
none 
none 
none b@example.com
none b@example.com
tillpost: mail(): message not accepted (%s); handed to PHP's own mail()
tillpost: mb_send_mail(): message not accepted (%s); handed to PHP's own mb_send_mail()
2
