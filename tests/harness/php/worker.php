<?php
/*
 * worker.php - what the workers of FPM and Apache are asked to do
 *
 * JOB     The query string says what: "mail" prints the id of an accepted
 *         mail or "handed back" ("mb": of mb_send_mail()), "spawn" starts
 *         sendmail, "store=NAME" sets a store first, "info" is phpinfo().
 * SPDX-License-Identifier: MIT
 */
parse_str($_SERVER['QUERY_STRING'], $query);
if (isset($query['info'])) {
    phpinfo(INFO_MODULES);
    exit;
}
if (isset($query['store'])) {
    tillpost_set_store($query['store']);
}
if (isset($query['mine'])) {
    eval('function mail() { return "a function of the script"; }');
    exit(mail());
}
if (isset($query['get'])) {
    exit(json_encode(tillpost_get_store()));
}
if (isset($query['spawn'])) {
    $p = popen($query['spawn'], 'w');
    fwrite($p, "To: a@example.com\n\nB\n");
    exit((string)pclose($p));
}
$ok = (isset($query['mb']) ? 'mb_send_mail' : 'mail')('a@example.com', 'Order ' . ($query['mail'] ?? ''), 'Hello', 'From: shop@example.com');
echo $ok ? (tillpost_last_id() ?? 'handed back') : 'false', ' ', getmypid(), ' ', posix_geteuid();
