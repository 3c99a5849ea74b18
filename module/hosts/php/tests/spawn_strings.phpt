--TEST--
Commands that start sendmail start tillpost-sendmail
--FILE--
<?php
require __DIR__ . '/spool.inc';
tillpost_set_store('eu');
$mail = "To: a@example.com\nFrom: shop@example.com\nSubject: S\n\nB\n";
file_put_contents($file = getenv('TP_SPOOL') . '/../mail', $mail);

$p = popen('/usr/sbin/sendmail -oi -fx@example.com -t', 'w');
fwrite($p, $mail);
var_dump(pclose($p));
exec("/usr/lib/sendmail -t < $file", $lines, $code);
var_dump($lines, $code);
var_dump(shell_exec("  '/usr/sbin/sendmail' -t -i < $file 2>&1"));
var_dump(`exec /usr/sbin/sendmail -i a@example.com < $file; echo done`);
var_dump(system("/usr/sbin/sendmail -i b@example.com < $file && echo fine", $code), $code);
passthru("\t/usr/sbin/sendmail -t<$file", $code);
var_dump($code);
exec(ini_get('sendmail_path') . " -t <$file");
// The number of a descriptor is no recipient, which -bs would not go with.
$p = popen('/usr/sbin/sendmail -bs 2>/dev/null 1>/dev/null', 'w');
fwrite($p, "EHLO x\r\nMAIL FROM:<x@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n\r\nB\r\n.\r\nQUIT\r\n");
var_dump(pclose($p));
tp_show();
unlink($file);
?>
--EXPECT--
int(0)
array(0) {
}
int(0)
NULL
NULL
fine
string(4) "fine"
int(0)
int(0)
int(0)
-- spooled sender=<x@example.com> store=<eu> -t
To: a@example.com
From: shop@example.com
Subject: S

B
-- spooled store=<eu> -t
To: a@example.com
From: shop@example.com
Subject: S

B
-- spooled store=<eu> -t
To: a@example.com
From: shop@example.com
Subject: S

B
-- spooled store=<eu> recipient=<a@example.com>
To: a@example.com
From: shop@example.com
Subject: S

B
-- spooled store=<eu> recipient=<b@example.com>
To: a@example.com
From: shop@example.com
Subject: S

B
-- spooled store=<eu> -t
To: a@example.com
From: shop@example.com
Subject: S

B
-- spooled store=<eu> -t
To: a@example.com
From: shop@example.com
Subject: S

B
-- spooled sender=<x@example.com> store=<eu> recipient=<b@example.com>
From: <x@example.com>

B
--
