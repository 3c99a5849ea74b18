--TEST--
disable_functions takes the hook away and phpinfo() says so
--INI--
disable_functions=mail,popen
--FILE--
<?php
try {
    mail('a@example.com', 'S', 'B');
} catch (Error $e) {
    echo $e->getMessage(), "\n";
}
eval('function mail() { return "mine"; }');
var_dump(mail());
ob_start();
phpinfo(INFO_MODULES);
preg_match_all('/^(mail|popen|exec|mb_send_mail)\(\) => .*$/m', ob_get_clean(), $found);
echo implode("\n", $found[0]), "\n";
?>
--EXPECT--
Call to undefined function mail()
string(4) "mine"
mail() => not active: switched off by disable_functions
mb_send_mail() => active
popen() => not active: switched off by disable_functions
exec() => active
