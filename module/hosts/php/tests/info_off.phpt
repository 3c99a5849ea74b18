--TEST--
phpinfo() says that the extension is switched off
--INI--
tillpost.enable=0
tillpost.plugin=/nonexistent/tillpost.so
--FILE--
<?php
ob_start();
(new ReflectionExtension('tillpost'))->info();
preg_match_all('/^(tillpost|Plugin|mail\(\)) => .*$/m', ob_get_clean(), $found);
echo implode("\n", $found[0]), "\n";
?>
--EXPECT--
tillpost => switched off
Plugin => not usable: /nonexistent/tillpost.so: cannot be opened: No such file or directory
mail() => not active: tillpost.enable is off
