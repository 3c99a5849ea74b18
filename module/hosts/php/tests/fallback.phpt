--TEST--
Without a spool everything goes the old way, and the error log says so
--INI--
tillpost.spool=/nonexistent/spool
--FILE--
<?php
require __DIR__ . '/spool.inc';
var_dump(mail('a@example.com', 'S', 'B', 'From: shop@example.com', '-fx@example.com'));
var_dump(mb_send_mail('a@example.com', 'S', 'B'));
var_dump(error_log('B', 1, 'a@example.com'));
var_dump(tillpost_last_id());
tp_show();
?>
--EXPECTF--
tillpost: mail(): message not accepted (/nonexistent/spool%s); handed to PHP's own mail()
bool(true)
tillpost: mb_send_mail(): message not accepted (/nonexistent/spool%s); handed to PHP's own mb_send_mail()
bool(true)
tillpost: error_log(): message not accepted (/nonexistent/spool%s); handed to PHP's own error_log()
bool(true)
NULL
-- recorded [-fx@example.com]
To: a@example.com
Subject: S
From: shop@example.com

B
-- recorded []
To: a@example.com
Subject: S
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: %s

%s
-- recorded []
To: a@example.com
Subject: PHP error_log message

B
--
