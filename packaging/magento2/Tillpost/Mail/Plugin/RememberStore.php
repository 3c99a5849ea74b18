<?php
declare(strict_types=1);

namespace Tillpost\Mail\Plugin;

use Magento\Framework\Mail\Template\TransportBuilder;
use Magento\Framework\Mail\TransportInterface;
use Tillpost\Mail\Model\MailStores;

/**
 * The builder knows the store view of a mail, the transport does not.
 */
class RememberStore
{
    private int|string|null $storeView = null;

    public function __construct(private readonly MailStores $stores)
    {
    }

    /**
     * @param array $templateOptions
     */
    public function beforeSetTemplateOptions(TransportBuilder $subject, $templateOptions): void
    {
        $store = $templateOptions['store'] ?? null;
        if (is_object($store) && method_exists($store, 'getId')) {
            $store = $store->getId();
        }
        $this->storeView = is_int($store) || is_string($store) ? $store : null;
    }

    public function afterGetTransport(
        TransportBuilder $subject,
        TransportInterface $result
    ): TransportInterface {
        if ($this->storeView !== null) {
            $this->stores->set($result, $this->storeView);
        }
        $this->storeView = null;

        return $result;
    }
}
