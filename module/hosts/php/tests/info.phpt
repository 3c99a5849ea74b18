--TEST--
phpinfo() shows versions, files, spool and hooks
--FILE--
<?php
$extension = new ReflectionExtension('tillpost');
ob_start();
$extension->info();
echo ob_get_clean();
?>
--EXPECTF--
%Atillpost => enabled
Extension version => %d.%d.%d
Plugin version => %d.%d.%d
Spool => %s
Configuration => %s
Configuration readable here => no: stores are checked when the spool is taken in
Program in place of sendmail => %stillpost-sendmail
Program can be run => yes
Store => found out for each message

Function => Hook
mail() => active
mb_send_mail() => active
imap_mail() => active
error_log() => active
proc_open() => active
popen() => active
exec() => active
shell_exec() => active
system() => active
passthru() => active

Directive => Local Value => Master Value
tillpost.enable => On => On
tillpost.store => no value => no value
tillpost.config => %s
tillpost.plugin => %s
tillpost.spool => %s
tillpost.sendmail => %s
