--TEST--
Where sendmail_path keeps mail from being sent, stock PHP does what it always did
--FILE--
<?php
require __DIR__ . '/spool.inc';
$dir = __DIR__ . '/catcher';
mkdir($dir);
foreach (['mailpit', 'catchmail', 'php'] as $name) {
    symlink(getenv('TP_RECORD') . '/../sendmail-recorder', "$dir/$name");
}
$code = '$x = [mail("a@example.com", "S", "B"), mb_send_mail("a@example.com", "S", "B"), error_log("x", 1, "a@example.com")];
    echo implode(" ", array_map("json_encode", $x)), "\n";
    ob_start(); (new ReflectionExtension("tillpost"))->info();
    preg_match_all("/^(?:mail|error_log|popen)\(\) => (.*)$/m", ob_get_clean(), $found);
    echo implode("; ", $found[1]), "\n";';
foreach (['/bin/true', ':', 'A=b exec false', '/usr/bin/env A=b true', "$dir/mailpit sendmail -t", "env $dir/catchmail -f 'a@example.com'", "'$dir/mailpit'",
    "$dir/php catch.php", "$dir/mailpit.sh"] as $path) {
    $said = tp_php(['sendmail_path' => $path], $code);
    echo str_replace($dir, '', $path), ': ', count(tp_take()), ' ', count(tp_recorded()), ' ', $said;
}
array_map('unlink', glob("$dir/*"));
rmdir($dir);
?>
--EXPECT--
/bin/true: 0 0 true true true
not active: sendmail_path starts true; not active: sendmail_path starts true; active
:: 0 0 true true true
not active: sendmail_path starts :; not active: sendmail_path starts :; active
A=b exec false: 0 0 false false false
not active: sendmail_path starts false; not active: sendmail_path starts false; active
/usr/bin/env A=b true: 0 0 true true true
not active: sendmail_path starts true; not active: sendmail_path starts true; active
/mailpit sendmail -t: 0 3 true true true
not active: sendmail_path starts mailpit; not active: sendmail_path starts mailpit; active
env /catchmail -f 'a@example.com': 0 3 true true true
not active: sendmail_path starts catchmail; not active: sendmail_path starts catchmail; active
'/mailpit': 0 3 true true true
not active: sendmail_path starts mailpit; not active: sendmail_path starts mailpit; active
/php catch.php: 3 0 true true true
active; active; active
/mailpit.sh: 3 0 true true true
active; active; active
