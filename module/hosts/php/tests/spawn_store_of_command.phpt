--TEST--
The store of the script goes before that of sendmail_path
--INI--
tillpost.sendmail=/bin/echo
sendmail_path="/usr/bin/tillpost-sendmail --store=pool -t"
--FILE--
<?php
$command = ini_get('sendmail_path');
echo shell_exec($command), shell_exec('/usr/bin/tillpost-sendmail --store pool -t');
tillpost_set_store('eu');
echo shell_exec($command), shell_exec('/usr/bin/tillpost-sendmail --store pool -t'), shell_exec('/usr/bin/tillpost-sendmail');
foreach ([['/usr/bin/tillpost-sendmail', '--store=pool', '-t'], ['/usr/bin/tillpost-sendmail', '--store', 'pool', '-t'], ['/usr/sbin/sendmail']] as $list) {
    $p = proc_open($list, [1 => ['pipe', 'w']], $pipes);
    echo stream_get_contents($pipes[1]);
}
?>
--EXPECT--
--store=pool -t
--store pool -t
--store=eu -t
--store=eu -t
--store=eu
--store=eu -t
--store=eu -t
--store=eu
