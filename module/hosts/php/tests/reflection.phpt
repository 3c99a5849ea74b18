--TEST--
Functions, their signatures, settings
--FILE--
<?php
$extension = new ReflectionExtension('tillpost');
foreach ($extension->getFunctions() as $function) {
    $parameters = array_map(fn($p) => $p->getType() . ' $' . $p->getName(), $function->getParameters());
    echo $function->getName(), '(', implode(', ', $parameters), '): ', $function->getReturnType(), "\n";
}
foreach (ini_get_all('tillpost') as $name => $setting) {
    echo $name, ' ', [4 => 'system', 6 => 'directory', 7 => 'all'][$setting['access']], "\n";
}
?>
--EXPECT--
tillpost_set_store(?string $store): ?string
tillpost_get_store(): ?string
tillpost_last_id(): ?string
tillpost_status(string $id): array|false
tillpost.config system
tillpost.enable directory
tillpost.plugin system
tillpost.sendmail system
tillpost.spool system
tillpost.store directory
