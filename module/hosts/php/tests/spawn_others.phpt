--TEST--
Other commands are left alone
--INI--
tillpost.sendmail=/bin/echo
sendmail_path="/usr/bin/env sendmail -t -i"
--FILE--
<?php
echo shell_exec('/usr/bin/env printf env'), "\n";
echo shell_exec('printf /usr/sbin/sendmail'), "\n";
echo shell_exec('echo x | cat; echo /usr/sbin/sendmail'), "\n";
echo shell_exec('/usr/sbin/sendmail.nothing 2>/dev/null; echo $?'), "\n";
echo shell_exec('/usr/sbin/sendmail --account=x 2>/dev/null; echo other'), "\n";
echo shell_exec('/usr/sbin/send""mail -t'), "\n";
$p = proc_open(['/usr/bin/printf', '%s', '/usr/sbin/sendmail'], [1 => ['pipe', 'w']], $pipes);
echo stream_get_contents($pipes[1]), "\n";
try {
    proc_open([], [], $pipes);
} catch (ValueError $e) {
    echo $e->getMessage(), "\n";
}
try {
    exec('');
} catch (ValueError $e) {
    echo $e->getMessage(), "\n";
}
try {
    popen();
} catch (ArgumentCountError $e) {
    echo $e->getMessage(), "\n";
}
?>
--EXPECTF--
env
/usr/sbin/sendmail
x
/usr/sbin/sendmail

127

%Aother

-t

/usr/sbin/sendmail
proc_open(): Argument #1 ($command) must have at least one element
exec(): Argument #1 ($command) %s be empty
popen() expects exactly 2 arguments, 0 given
