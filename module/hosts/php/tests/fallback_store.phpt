--TEST--
The store goes along to a tillpost-sendmail that gets the message back
--FILE--
<?php
require __DIR__ . '/spool.inc';
// Called tillpost-sendmail, or being it by another name; a program that is not
$ours = __DIR__ . '/tillpost-sendmail';
$link = __DIR__ . '/sendmail-link';
$other = ini_get('sendmail_path');
$bad = ['tillpost.spool' => '/nonexistent/spool'];
foreach ([
    ["$ours -t", "tillpost_set_store('eu');", []],
    ["$ours --store=us -t", "tillpost_set_store('eu');", []],
    ["$ours --store=us -t", '', []],
    ["exec $ours -t", '', ['tillpost.store' => 'pool']],
    ["$ours -t", '$_SERVER["MAGE_RUN_CODE"] = "code";', []],
    ["A=b $ours -t", '', []],
    ["A=b $ours -t", "tillpost_set_store('eu');", []],
    ["nice $other -t", "tillpost_set_store('eu');", []],
    ["<&0 $other -t", "tillpost_set_store('eu');", []],
    ["nice $ours --store=us -t", "tillpost_set_store('eu');", []],
    ["TILLPOST_STORE=us nice $ours -t", "tillpost_set_store('eu');", []],
    ["$ours -x -t", "tillpost_set_store('eu');", []],
    ["$ours -t", "tillpost_set_store('eu');", ['tillpost.sendmail' => '/nonexistent']],
    ["$other -t", "tillpost_set_store('eu');", []],
] as [$path, $before, $settings]) {
    foreach (['mail', 'mb_send_mail'] as $function) {
        $said = tp_php($bad + $settings + ['sendmail_path' => $path], "$before var_dump($function('a@example.com', 'S', 'B', '', '-fx@example.com'), ini_get('sendmail_path') === '$path');");
        $got = tp_recorded();
        preg_match('/handed to|is not sent/', $said, $found);
        echo strtr($path, [$ours => 'OURS', $other => 'OTHER']), ' ', implode(' ', $got[0][0] ?? ['nothing']), isset($got[0][2]) ? " store=<{$got[0][2]}>" : '', ' ', $found[0], ' ',
            implode(' ', array_slice(explode("\n", trim($said)), -2)), "\n";
    }
}
// The plugin does not load here, but in a program that is ours by another name.
putenv('TILLPOST_SPOOL=' . getenv('TP_SPOOL'));
putenv('TILLPOST_PLUGIN=' . ini_get('tillpost.plugin'));
foreach (["tillpost_set_store('eu');", '$_SERVER["MAGE_RUN_CODE"] = "code";'] as $before) {
    echo tp_php(['tillpost.plugin' => '/nonexistent/tillpost.so', 'sendmail_path' => "$link -t"], "$before var_dump(mail('a@example.com', 'S', 'B'));");
    tp_show();
}
?>
--EXPECT--
OURS -t --store=eu -t -fx@example.com handed to bool(true) bool(true)
OURS -t --store=eu -t -fx@example.com handed to bool(true) bool(true)
OURS --store=us -t --store=eu -t -fx@example.com handed to bool(true) bool(true)
OURS --store=us -t --store=eu -t -fx@example.com handed to bool(true) bool(true)
OURS --store=us -t --store=us -t -fx@example.com handed to bool(true) bool(true)
OURS --store=us -t --store=us -t -fx@example.com handed to bool(true) bool(true)
exec OURS -t --store=pool -t -fx@example.com handed to bool(true) bool(true)
exec OURS -t --store=pool -t -fx@example.com handed to bool(true) bool(true)
OURS -t -t -fx@example.com handed to bool(true) bool(true)
OURS -t -t -fx@example.com handed to bool(true) bool(true)
A=b OURS -t -t -fx@example.com handed to bool(true) bool(true)
A=b OURS -t -t -fx@example.com handed to bool(true) bool(true)
A=b OURS -t -t -fx@example.com store=<eu> handed to bool(true) bool(true)
A=b OURS -t -t -fx@example.com store=<eu> handed to bool(true) bool(true)
nice OTHER -t -t -fx@example.com store=<eu> handed to bool(true) bool(true)
nice OTHER -t -t -fx@example.com store=<eu> handed to bool(true) bool(true)
<&0 OTHER -t -t -fx@example.com store=<eu> handed to bool(true) bool(true)
<&0 OTHER -t -t -fx@example.com store=<eu> handed to bool(true) bool(true)
nice OURS --store=us -t nothing is not sent bool(false) bool(true)
nice OURS --store=us -t nothing is not sent bool(false) bool(true)
TILLPOST_STORE=us nice OURS -t nothing is not sent bool(false) bool(true)
TILLPOST_STORE=us nice OURS -t nothing is not sent bool(false) bool(true)
OURS -x -t -x -t -fx@example.com store=<eu> handed to bool(true) bool(true)
OURS -x -t -x -t -fx@example.com store=<eu> handed to bool(true) bool(true)
OURS -t --store=eu -t -fx@example.com handed to bool(true) bool(true)
OURS -t --store=eu -t -fx@example.com handed to bool(true) bool(true)
OTHER -t -t -fx@example.com store=<eu> handed to bool(true) bool(true)
OTHER -t -t -fx@example.com store=<eu> handed to bool(true) bool(true)
tillpost: mail(): message not accepted (/nonexistent/tillpost.so: cannot be opened: No such file or directory); handed to PHP's own mail()
bool(true)
-- spooled store=<eu> -t
To: a@example.com
Subject: S

B
--
tillpost: mail(): message not accepted (/nonexistent/tillpost.so: cannot be opened: No such file or directory); handed to PHP's own mail()
bool(true)
-- spooled run-code=<code> -t
To: a@example.com
Subject: S

B
--
