<?php
/*
 * magento2_check.php - the parts of the Magento module that need no Magento
 *
 * JOB     Runs the module's plugins, models and page parts against stand-ins
 *         for the few classes of Magento that they touch. The stand-ins do
 *         what Magento 2.4 does as far as the module relies on it; that
 *         Magento loads the module cannot be shown without Magento.
 *         Arguments: the module's directory, a program that plays tillpost,
 *         "extension" for functions that play the extension, and whether
 *         sendmail_path is "ours" or "other".
 * ERRORS  Exit code 1 with what is different.
 * SPDX-License-Identifier: MIT
 */
declare(strict_types=1);

namespace Magento\Framework\Mail {
    interface TransportInterface
    {
        public function sendMessage();
        public function getMessage();
    }
}

namespace Magento\Framework\Mail\Template {
    class TransportBuilder
    {
    }
}

namespace Magento\Framework\App\Config {
    interface ScopeConfigInterface
    {
        public function getValue($path, $scopeType = 'default', $scopeCode = null);
    }
}

namespace Magento\Store\Model {
    interface ScopeInterface
    {
        public const SCOPE_STORE = 'store';
    }
    interface StoreManagerInterface
    {
        public function getStore($storeId = null);
    }
}

namespace Magento\Framework\App\Config {
    class Value
    {
        public function __construct(private mixed $value)
        {
        }
        public function getValue()
        {
            return $this->value;
        }
        public function setValue($value)
        {
            $this->value = $value;
        }
        public function beforeSave()
        {
            return $this;
        }
    }
}

namespace Magento\Framework\Exception {
    class LocalizedException extends \Exception
    {
    }
    class MailException extends LocalizedException
    {
    }
}

namespace Magento\Backend\Block\Template {
    class Context
    {
        public function __construct(public array $parameters)
        {
        }
    }
}

namespace Magento\Framework\Data\Form\Element {
    class AbstractElement
    {
    }
}

namespace Magento\Config\Block\System\Config\Form {
    class Escaper
    {
        public function escapeHtml($text)
        {
            return htmlspecialchars((string)$text, ENT_QUOTES | ENT_SUBSTITUTE);
        }
        public function escapeHtmlAttr($text)
        {
            return $this->escapeHtml($text);
        }
    }
    class Field
    {
        protected Escaper $_escaper;
        public function __construct(private $context, array $data = [])
        {
            $this->_escaper = new Escaper();
        }
        public function getRequest()
        {
            return new class($this->context->parameters) {
                public function __construct(private array $parameters)
                {
                }
                public function getParam($name, $default = null)
                {
                    return $this->parameters[$name] ?? $default;
                }
            };
        }
        public function getUrl($path)
        {
            return "https://shop.example.com/admin/$path/key/abc/";
        }
        public function html()
        {
            return $this->_getElementHtml(new \Magento\Framework\Data\Form\Element\AbstractElement());
        }
    }
}

namespace {
    use Magento\Framework\Mail\Template\TransportBuilder;
    use Magento\Framework\Mail\TransportInterface;
    use Tillpost\Mail\Block\Adminhtml\System\Config;
    use Tillpost\Mail\Model;
    use Tillpost\Mail\Plugin;

    function __(string $text, ...$values): string
    {
        foreach ($values as $number => $value) {
            $text = str_replace('%' . ($number + 1), (string)$value, $text);
        }
        return $text;
    }

    [, $module, $program] = $argv;
    spl_autoload_register(function (string $class) use ($module) {
        $file = $module . '/' . str_replace(['Tillpost\\Mail\\', '\\'], ['', '/'], $class) . '.php';
        if (str_starts_with($class, 'Tillpost\\Mail\\') && is_file($file)) {
            require $file;
        }
    });

    // Without the extension these play its part, if the caller wants it.
    if ($argv[3] === 'extension') {
        $GLOBALS['told'] = null;
        function tillpost_set_store(?string $name): ?string
        {
            if ($name !== null && !preg_match('/^[A-Za-z0-9_-]{1,63}$/D', $name)) {
                throw new ValueError('must be the name of a store');
            }
            [$before, $GLOBALS['told']] = [$GLOBALS['told'], $name];
            return $before;
        }
        function tillpost_get_store(): ?string
        {
            return $GLOBALS['told'] ?? (getenv('TILLPOST_STORE', true) ?: null);
        }
    }

    $checks = 0;
    function same(string $what, mixed $wanted, mixed $got): void
    {
        global $checks;
        $checks++;
        if ($wanted !== $got) {
            fwrite(STDERR, "$what:\n  wanted " . var_export($wanted, true)
                . "\n  got    " . var_export($got, true) . "\n");
            exit(1);
        }
    }

    function contains(string $what, string $part, string $whole): void
    {
        same("$what: \"$part\" in $whole", true, str_contains($whole, $part));
    }

    $config = new class implements Magento\Framework\App\Config\ScopeConfigInterface {
        public array $names = ['0' => '', '1' => 'main', '2' => ' eu ', '3' => ''];
        public function getValue($path, $scopeType = 'default', $scopeCode = null)
        {
            same('path of the setting', 'tillpost/general/store', $path);
            same('scope of the setting', 'store', $scopeType);
            return $this->names[(string)$scopeCode] ?? null;
        }
    };
    $manager = new class implements Magento\Store\Model\StoreManagerInterface {
        public function getStore($storeId = null)
        {
            return new class {
                public function getId()
                {
                    return '1';
                }
            };
        }
    };
    class Transport implements TransportInterface
    {
        public array $seen = [];
        public bool $breaks = false;
        public function sendMessage()
        {
            $this->seen = [
                // What a program that PHP starts would see.
                trim((string)shell_exec('echo "$TILLPOST_STORE"')),
                function_exists('tillpost_get_store') ? (string)tillpost_get_store() : null,
            ];
            if ($this->breaks) {
                throw new RuntimeException('no mail today');
            }
        }
        public function getMessage()
        {
            return null;
        }
    }

    $names = new Model\StoreName($config, $manager);
    $stores = new Model\MailStores();
    $remember = new Plugin\RememberStore($stores);
    $name = new Plugin\NameStore($stores, $names, new Model\Naming());
    $builder = new TransportBuilder();

    /** As Magento's generated interceptors call the plugins. */
    function build($options): Transport
    {
        global $remember, $builder;
        if ($options !== null) {
            $remember->beforeSetTemplateOptions($builder, $options);
        }
        return $remember->afterGetTransport($builder, new Transport());
    }
    function send(Transport $transport): array
    {
        global $name;
        $name->aroundSendMessage($transport, fn () => $transport->sendMessage());
        return $transport->seen;
    }
    $seen = fn (string $store) => [$store, function_exists('tillpost_get_store') ? $store : null];

    // ---- which store a mail is sent as
    same('store view of the template', $seen('eu'), send(build(['area' => 'frontend', 'store' => 2])));
    same('store view by its code as text', $seen('eu'), send(build(['store' => '2'])));
    same('a store view as an object', $seen('eu'), send(build(['store' => new class {
        public function getId()
        {
            return 2;
        }
    }])));
    same('none told: the current one', $seen('main'), send(build(null)));
    same('no name for the store view', $seen(''), send(build(['store' => 3])));
    same('mail of the administration', $seen(''), send(build(['store' => 0])));
    same('a transport that nobody built', $seen('main'), send(new Transport()));

    $first = build(['store' => 2]);
    $second = build(['store' => 1]);
    same('two built, sent in the other order: second', $seen('main'), send($second));
    same('two built, sent in the other order: first', $seen('eu'), send($first));
    same('options of one mail do not reach the next', $seen('main'), send(build(null)));

    // ---- afterwards all is as before
    same('no variable stays', false, getenv('TILLPOST_STORE', true));
    putenv('TILLPOST_STORE=outer');
    send(build(['store' => 2]));
    same('an outer variable comes back', 'outer', getenv('TILLPOST_STORE', true));
    if ($argv[3] === 'extension') {
        same('the variable does not become what counts most', null, tillpost_set_store('program'));
        send(build(['store' => 2]));
        same('what the program named comes back', 'program', tillpost_set_store(null));
    }
    putenv('TILLPOST_STORE=no name');
    same('a variable that is no name', $seen('eu'), send(build(['store' => 2])));
    same('a variable that is no name comes back', 'no name', getenv('TILLPOST_STORE', true));
    putenv('TILLPOST_STORE=outer');
    same('without a name the outer one counts', 'outer', send(build(['store' => 3]))[0]);
    putenv('TILLPOST_STORE');
    $broken = build(['store' => 2]);
    $broken->breaks = true;
    try {
        send($broken);
        same('the exception of the transport', 'thrown', 'not thrown');
    } catch (RuntimeException $error) {
        same('the exception of the transport', 'no mail today', $error->getMessage());
    }
    same('no variable stays after it', false, getenv('TILLPOST_STORE', true));
    if (function_exists('tillpost_get_store')) {
        same('the extension is told nothing more', null, tillpost_get_store());
    }

    $config->names['3'] = 'e u';
    try {
        send(build(['store' => 3]));
        same('what is no name', 'refused', 'sent');
    } catch (Magento\Framework\Exception\MailException $error) {
        contains('what is no name', '"e u" cannot be', $error->getMessage());
    }
    $config->names['3'] = '';

    // ---- the setting
    foreach (['', 'eu', ' eu_2-b '] as $good) {
        $value = new Model\StoreNameValue($good);
        $value->beforeSave();
        same("setting \"$good\"", trim($good), $value->getValue());
    }
    foreach (['e u', '2eu', 'eu;rm', "eu\nx", str_repeat('a', 64)] as $bad) {
        try {
            (new Model\StoreNameValue($bad))->beforeSave();
            same("setting \"$bad\"", 'refused', 'taken');
        } catch (Magento\Framework\Exception\LocalizedException $error) {
            contains('the refusal', 'letters, digits', $error->getMessage());
        }
    }

    // ---- the page
    $page = fn (string $class, $command, $store = '2') => (new $class(
        new Magento\Backend\Block\Template\Context(['store' => $store]),
        $command,
        $names
    ))->html();
    $command = new Model\Command($program, '/etc/shop.conf');
    $html = $page(Config\State::class, $command);
    contains('state', 'answers', $html);
    contains('state', '<td>In the spool</td><td>3</td>', $html);
    contains('state', '<td>Relay ses</td><td>paused 421 &lt;b&gt;', $html);
    same('a count that is not for this user', false, str_contains($html, 'Held'));
    same('whether sendmail_path is tillpost', $argv[4], str_contains($html, 'does not get this mail') ? 'other' : 'ours');
    $html = $page(Config\Outcomes::class, $command);
    contains('outcomes', '<td>a@example.org</td><td>sent</td>', $html);
    contains('outcomes: the store and the configuration', 'log --json --limit 20 --store eu --config /etc/shop.conf', $html);
    same('the newest first', true, strpos($html, 'id-2') < strpos($html, 'id-1'));
    $html = $page(Config\Outcomes::class, $command, '3');
    contains('outcomes without a store', 'log --json --limit 20 --config', $html);
    contains('the button', 'data-post="{&quot;action&quot;:', $page(Config\TestButton::class, $command));

    $refused = new Model\Command($program, 'refuse');
    contains('what tillpost says', 'add users = [&quot;www-data&quot;]', $page(Config\State::class, $refused));
    same('only the reason', false, str_contains($page(Config\State::class, $refused), 'Permission'));
    contains('what tillpost says', 'add users', $page(Config\Outcomes::class, $refused));
    $start = microtime(true);
    contains('a program that hangs', 'within 5 seconds', $page(Config\State::class, new Model\Command($program, 'hang')));
    same('it is bounded', true, microtime(true) - $start < 7);
    contains('no program', '/nowhere/tillpost', $page(Config\State::class, new Model\Command('/nowhere/tillpost')));
    same('no shell', [], (new Model\Command('/bin/echo'))->ask('$(id)', ';', 'id'));

    echo "$checks checks passed\n";
}
