--TEST--
A store that is named goes along with commands that are left as they are
--FILE--
<?php
require __DIR__ . '/spool.inc';
$own = ini_get('sendmail_path');
$run = fn($command, $env = 'null') => "\$own = '$own'; \$p = proc_open($command, [['pipe', 'r']], \$pipes, null, $env); fwrite(\$pipes[0], 'text'); fclose(\$pipes[0]); proc_close(\$p);";
$text = 'class Text { function __toString(): string { return "' . $own . '"; } } ';
$named = "tillpost_set_store('eu'); ";
foreach ([
    'not ready, a string' => [['tillpost.sendmail' => '/nonexistent'], $named . $run('"$own -t"')],
    'not ready, a list' => [['tillpost.sendmail' => '/nonexistent'], $named . $run('[$own, "-t"]')],
    'no handle' => [['tillpost.plugin' => '/nonexistent'], $named . $run('"$own -t"')],
    'by the setting' => [['tillpost.plugin' => '/nonexistent', 'tillpost.store' => 'pool'], $run('"exec $own -t"')],
    'a list with a number' => [[], $named . $run('[$own, "-t", 5]')],
    'a list with an object' => [[], $named . $text . $run('[new Text, "-t"]')],
    'a pipe' => [[], $named . $run('"cat | $own -t"')],
    'a wrapper' => [[], $named . $run('"nice $own -t"')],
    'a wrapper with its environment' => [[], $named . $run('"nice $own -t"', '["A" => "b", "PATH" => "/usr/bin:/bin", "TP_RECORD" => getenv("TP_RECORD")]')],
    'foreign options' => [[], $named . $run('"$own -C x -t"')],
    'named there' => [[], $named . $run('"nice $own --store=us -t"')],
    'named there by a variable' => [[], $named . $run('["env", "TILLPOST_STORE=us", $own, "-t"]')],
    'another variable' => [[], $named . $run('"TILLPOST_SPOOL=/nonexistent $own -t"')],
    'an option that looks alike' => [[], $named . $run('"nice $own --storefront -t"')],
    'a folder that looks alike' => [[], $named . $run('"cd /nonexistent/a--stores 2>/dev/null || $own -C x -t"')],
    'a list with another variable' => [[], $named . $run('["env", "TILLPOST_CONFIG=/nonexistent", $own, "-t"]')],
    'no store' => [[], $run('"nice $own -t"')],
    'switched off' => [['tillpost.enable' => '0'], $named . $run('"$own -t"')],
] as $what => [$settings, $code]) {
    $said = tp_php(['sendmail_path' => "$own -t"] + $settings, $code);
    foreach (tp_recorded() as [$args, , $store]) {
        echo "$what: ", implode(' ', $args), ' ', $store ?? 'none', "\n";
    }
    echo preg_match('/Warning|Fatal|Deprecated/', $said) ? $said : '';
}
tillpost_set_store('eu');
try {
    proc_open(["a\0", 'sendmail'], [], $pipes);
} catch (ValueError $e) {
    echo $e->getMessage(), "\n";
}
$p = proc_open('echo no mail', [], $pipes);
echo proc_get_status($p)['command'], "\n";
proc_close($p);
tp_show();
?>
--EXPECT--
not ready, a string: -t eu
not ready, a list: -t eu
no handle: -t eu
by the setting: -t pool
a list with a number: -t 5 eu
a list with an object: -t eu
a pipe: -t eu
a wrapper: -t eu
a wrapper with its environment: -t eu
foreign options: -C x -t eu
named there: --store=us -t eu
named there by a variable: -t us
another variable: -t eu
an option that looks alike: --storefront -t eu
a folder that looks alike: -C x -t eu
a list with another variable: -t eu
no store: -t none
switched off: -t none
Command array element 1 contains a null byte
echo no mail
no mail
--
