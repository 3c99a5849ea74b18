--TEST--
proc_open() of sendmail: strings and lists, -t and -bs
--FILE--
<?php
require __DIR__ . '/spool.inc';
function send($command, string $input, ?array $env = null): int
{
    $p = proc_open($command, [['pipe', 'r'], ['pipe', 'w'], STDERR], $pipes, null, $env);
    fwrite($pipes[0], $input);
    fclose($pipes[0]);
    echo preg_replace('/^(...).*$/m', '$1', str_replace("\r", '', stream_get_contents($pipes[1])));
    return proc_close($p);
}
$mail = "To: a@example.com\nFrom: shop@example.com\nSubject: S\n\nB\n";
var_dump(send('/usr/sbin/sendmail -t -i', $mail));
var_dump(send(['/usr/sbin/sendmail', '-t', '-i'], $mail, ['A' => 'b']));
tillpost_set_store('eu');
var_dump(send(['/usr/sbin/sendmail', '-i', '-f', 'x@example.com', '--', 'b@example.com'], $mail, []));
$_SERVER['MAGE_RUN_CODE'] = "it's; $(touch x) \\";
tillpost_set_store(null);
var_dump(send('/usr/sbin/sendmail -t -i', $mail, []));
var_dump(send(['/usr/sbin/sendmail', '-t', '-i'], $mail));
var_dump(send('/usr/sbin/sendmail -bs', "EHLO x\r\nMAIL FROM:<x@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n" . str_replace("\n", "\r\n", $mail) . ".\r\nQUIT\r\n"));
$command = ['/usr/sbin/sendmail', '-t'];
$copy = $command;
send($command, $mail);
var_dump($command === $copy);
tp_show();
?>
--EXPECTF--
int(0)
int(0)
int(0)
int(0)
int(0)
220
%A250
250
250
354
250
221
int(0)
bool(true)
-- spooled -t
%A
-- spooled -t
%A
-- spooled sender=<x@example.com> store=<eu> recipient=<b@example.com>
%A
-- spooled run-code=<it's; $(touch x) \> -t
%A
-- spooled run-code=<it's; $(touch x) \> -t
%A
-- spooled sender=<x@example.com> run-code=<it's; $(touch x) \> recipient=<b@example.com>
%A
-- spooled run-code=<it's; $(touch x) \> -t
To: a@example.com
From: shop@example.com
Subject: S

B
--
