--TEST--
mb_send_mail() goes into the spool as mbstring writes it
--INI--
sendmail_path="/nonexistent/sendmail"
--FILE--
<?php
require __DIR__ . '/spool.inc';
mb_internal_encoding('UTF-8');
mb_language('uni');
var_dump(mb_send_mail('a@example.com', 'Grüße', "Ä\n", "From: shop@example.com\r\nBcc: c@example.com", "-f 'b@example.com' -oi"));
mb_language('ja');
var_dump(mb_send_mail('a@example.com', '注文', '本文', ['From' => 'shop@example.com']));
var_dump(ini_get('sendmail_path'));
tp_show();
?>
--EXPECTF--
bool(true)
bool(true)
string(21) "/nonexistent/sendmail"
-- spooled sender=<b@example.com> -t
To: a@example.com
Subject: =?UTF-8?B?R3LDvMOfZQ==?=
From: shop@example.com
Bcc: c@example.com
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: BASE64

w4QK
-- spooled -t
To: a@example.com
Subject: =?ISO-2022-JP?B?GyRCQ21KOBsoQg==?=
From: shop@example.com
MIME-Version: 1.0
Content-Type: text/plain; charset=ISO-2022-JP
Content-Transfer-Encoding: 7bit

%s
--
