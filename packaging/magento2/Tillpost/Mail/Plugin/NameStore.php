<?php
declare(strict_types=1);

namespace Tillpost\Mail\Plugin;

use Magento\Framework\Mail\TransportInterface;
use Tillpost\Mail\Model\MailStores;
use Tillpost\Mail\Model\Naming;
use Tillpost\Mail\Model\StoreName;

/**
 * Names the store of a mail while it is sent.
 */
class NameStore
{
    public function __construct(
        private readonly MailStores $stores,
        private readonly StoreName $storeName,
        private readonly Naming $naming
    ) {
    }

    public function aroundSendMessage(TransportInterface $subject, callable $proceed): mixed
    {
        return $this->naming->during(
            $this->storeName->get($this->stores->get($subject)),
            $proceed
        );
    }
}
