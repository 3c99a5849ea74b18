--TEST--
Variables that sendmail_path sets: TILLPOST_STORE counts, others go to the original
--FILE--
<?php
require __DIR__ . '/spool.inc';
$own = ini_get('sendmail_path');
foreach (["TILLPOST_STORE=eu $own -t", "/usr/bin/env TILLPOST_STORE=eu $own -t", "A=b env 'TILLPOST_STORE=eu' $own -t", "TILLPOST_STORE=eu $own --store=us -t",
    "env -i PATH=/bin:/usr/bin $own -t", "TILLPOST_STORE='a b' $own -t", "TILLPOST_SPOOL=/tmp $own -t", "export TILLPOST_STORE=eu; $own -t",
    "env -u HOME TILLPOST_STORE=eu $own -t"] as $path) {
    foreach (['mail', 'mb_send_mail'] as $function) {
        $said = tp_php(['sendmail_path' => $path], "var_dump($function('a@example.com', 'S', 'B'));");
        echo str_replace($own, 'OWN', $path), ': ', tp_take()[0]['store'] ?? 'none', ' ', count(tp_recorded()), ' ', $said;
    }
}
?>
--EXPECTF--
TILLPOST_STORE=eu OWN -t: eu 0 bool(true)
TILLPOST_STORE=eu OWN -t: eu 0 bool(true)
/usr/bin/env TILLPOST_STORE=eu OWN -t: eu 0 bool(true)
/usr/bin/env TILLPOST_STORE=eu OWN -t: eu 0 bool(true)
A=b env 'TILLPOST_STORE=eu' OWN -t: eu 0 bool(true)
A=b env 'TILLPOST_STORE=eu' OWN -t: eu 0 bool(true)
TILLPOST_STORE=eu OWN --store=us -t: us 0 bool(true)
TILLPOST_STORE=eu OWN --store=us -t: us 0 bool(true)
env -i PATH=/bin:/usr/bin OWN -t: none 0 bool(true)
env -i PATH=/bin:/usr/bin OWN -t: none 0 bool(true)
TILLPOST_STORE='a b' OWN -t: none 1 tillpost: mail(): message not accepted (sendmail_path sets variables of tillpost); handed to PHP's own mail()
bool(true)
TILLPOST_STORE='a b' OWN -t: none 1 tillpost: mb_send_mail(): message not accepted (sendmail_path sets variables of tillpost); handed to PHP's own mb_send_mail()
bool(true)
TILLPOST_SPOOL=/tmp OWN -t: none 1 tillpost: mail(): message not accepted (sendmail_path sets variables of tillpost); handed to PHP's own mail()
bool(true)
TILLPOST_SPOOL=/tmp OWN -t: none 1 tillpost: mb_send_mail(): message not accepted (sendmail_path sets variables of tillpost); handed to PHP's own mb_send_mail()
bool(true)
export TILLPOST_STORE=eu; OWN -t: none 1 tillpost: mail(): message not accepted (sendmail_path sets variables of tillpost); handed to PHP's own mail()
bool(true)
export TILLPOST_STORE=eu; OWN -t: none 1 tillpost: mb_send_mail(): message not accepted (sendmail_path sets variables of tillpost); handed to PHP's own mb_send_mail()
bool(true)
env -u HOME TILLPOST_STORE=eu OWN -t: none 1 tillpost: mail(): message not accepted (sendmail_path sets variables of tillpost); handed to PHP's own mail()
bool(true)
env -u HOME TILLPOST_STORE=eu OWN -t: none 1 tillpost: mb_send_mail(): message not accepted (sendmail_path sets variables of tillpost); handed to PHP's own mb_send_mail()
bool(true)
