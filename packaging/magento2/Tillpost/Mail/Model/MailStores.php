<?php
declare(strict_types=1);

namespace Tillpost\Mail\Model;

use Magento\Framework\Mail\TransportInterface;

/**
 * Which store view a mail is for, from when it is built until it is sent.
 */
class MailStores
{
    /** @var \WeakMap<TransportInterface, int|string> */
    private \WeakMap $storeViews;

    public function __construct()
    {
        $this->storeViews = new \WeakMap();
    }

    public function set(TransportInterface $transport, int|string $storeView): void
    {
        $this->storeViews[$transport] = $storeView;
    }

    /**
     * @return int|string|null Null: not known.
     */
    public function get(TransportInterface $transport): int|string|null
    {
        return $this->storeViews[$transport] ?? null;
    }
}
