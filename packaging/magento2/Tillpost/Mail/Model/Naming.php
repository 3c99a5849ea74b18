<?php
declare(strict_types=1);

namespace Tillpost\Mail\Model;

use Magento\Framework\Exception\MailException;

/**
 * Names the store while one mail is sent: to the PHP extension, and to
 * programs that are started, by the environment. The message is not touched,
 * so it does not matter whose classes it is made of.
 */
class Naming
{
    private const VARIABLE = 'TILLPOST_STORE';

    /**
     * @param string $name Empty: nothing is named, what the server's
     *        settings name stays.
     * @param callable $send What sends the mail.
     * @return mixed What $send returns.
     * @throws MailException What is no name might be meant for any store.
     */
    public function during(string $name, callable $send): mixed
    {
        if ($name === '') {
            return $send();
        }
        if (!preg_match(StoreName::PATTERN, $name)) {
            throw new MailException(__('"%1" cannot be a store of tillpost.', $name));
        }
        $extension = function_exists('tillpost_set_store');
        $variable = getenv(self::VARIABLE, true);
        // What was set by this function only: what the server's settings name
        // counts less, and must not begin to count as much.
        $before = $extension ? tillpost_set_store($name) : null;

        putenv(self::VARIABLE . '=' . $name);
        try {
            return $send();
        } finally {
            // One process sends for several store views in turn.
            putenv($variable === false ? self::VARIABLE : self::VARIABLE . '=' . $variable);
            if ($extension) {
                tillpost_set_store($before);
            }
        }
    }
}
