--TEST--
imap_mail() starts sendmail_path itself: what it writes goes into the spool
--FILE--
<?php
require __DIR__ . '/spool.inc';
tillpost_set_store('eu');
var_dump(imap_mail('a@example.com', 'S', "B\n.\nC", 'X-A: b', 'c@example.com', 'd@example.com', 'f@example.com'));
try {
    imap_mail('', 'S', 'B');
} catch (ValueError $e) {
    echo $e->getMessage(), "\n";
}
tp_show();
rename(getenv('TP_SPOOL'), getenv('TP_SPOOL') . '.away');
var_dump(imap_mail('a@example.com', 'S', 'B'));
rename(getenv('TP_SPOOL') . '.away', getenv('TP_SPOOL'));
tp_show();
?>
--EXPECTF--
bool(true)
imap_mail(): Argument #1 ($to) cannot be empty
-- spooled store=<eu> -t
%AX-A: b
%A
B
.
C
--
%Atillpost: imap_mail(): message not accepted (%s); handed to PHP's own imap_mail()
bool(true)
-- recorded [] store=<eu>
To: a@example.com
Subject: S

B
--
