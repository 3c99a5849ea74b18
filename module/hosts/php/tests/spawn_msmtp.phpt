--TEST--
msmtp in sendmail_path is replaced where it is started, unless an account is named
--FILE--
<?php
require __DIR__ . '/spool.inc';
$msmtp = __DIR__ . '/msmtp';
symlink(getenv('TP_RECORD') . '/../sendmail-recorder', $msmtp);
foreach (["$msmtp -t", "$msmtp -i -f x@example.com -- a@example.com", "$msmtp -t -a shop", "$msmtp -C /etc/msmtprc -t"] as $command) {
    tp_php(['sendmail_path' => "$msmtp -t"], "\$p = popen('$command', 'w'); fwrite(\$p, \"To: a@example.com\\n\\nB\\n\"); pclose(\$p);");
    echo str_replace($msmtp, 'msmtp', $command), ': ', count(tp_take()), ' ', count(tp_recorded()), "\n";
}
?>
--EXPECT--
msmtp -t: 1 0
msmtp -i -f x@example.com -- a@example.com: 1 0
msmtp -t -a shop: 0 1
msmtp -C /etc/msmtprc -t: 0 1
