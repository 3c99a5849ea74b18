<?php
declare(strict_types=1);

namespace Tillpost\Mail\Model;

use Magento\Framework\App\Config\Value;
use Magento\Framework\Exception\LocalizedException;

/**
 * The setting of the store: only what can be a name is saved.
 */
class StoreNameValue extends Value
{
    public function beforeSave()
    {
        $name = trim((string)$this->getValue());
        if ($name !== '' && !preg_match(StoreName::PATTERN, $name)) {
            throw new LocalizedException(__(
                'The store of tillpost has letters, digits, hyphens and underscores, a letter first.'
            ));
        }
        $this->setValue($name);

        return parent::beforeSave();
    }
}
