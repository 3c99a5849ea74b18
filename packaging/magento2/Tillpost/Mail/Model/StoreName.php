<?php
declare(strict_types=1);

namespace Tillpost\Mail\Model;

use Magento\Framework\App\Config\ScopeConfigInterface;
use Magento\Store\Model\ScopeInterface;
use Magento\Store\Model\StoreManagerInterface;

/**
 * The name that a store view has in tillpost.
 */
class StoreName
{
    public const PATTERN = '/^[A-Za-z][A-Za-z0-9_-]{0,62}$/D';
    private const PATH = 'tillpost/general/store';

    public function __construct(
        private readonly ScopeConfigInterface $config,
        private readonly StoreManagerInterface $storeManager
    ) {
    }

    /**
     * @param int|string|null $storeView Its id or code; null: the current one.
     * @return string Empty: none is named, tillpost finds it by itself.
     */
    public function get(int|string|null $storeView): string
    {
        // Asked only here: in cron and in queues the current store view is
        // not the one that a mail is for.
        $storeView ??= $this->storeManager->getStore()->getId();

        return trim((string)$this->config->getValue(
            self::PATH,
            ScopeInterface::SCOPE_STORE,
            $storeView
        ));
    }
}
