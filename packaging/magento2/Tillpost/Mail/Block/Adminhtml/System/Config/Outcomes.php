<?php
declare(strict_types=1);

namespace Tillpost\Mail\Block\Adminhtml\System\Config;

use Magento\Framework\Data\Form\Element\AbstractElement;

/**
 * The last outcomes of the store, the newest first.
 */
class Outcomes extends ReadOnlyField
{
    private const LIMIT = '20';

    protected function _getElementHtml(AbstractElement $element)
    {
        $arguments = ['log', '--json', '--limit', self::LIMIT];
        $name = $this->storeName->get($this->storeView());
        if ($name !== '') {
            array_push($arguments, '--store', $name);
        }
        try {
            $outcomes = $this->command->ask(...$arguments);
        } catch (\RuntimeException $error) {
            return $this->table([[$error->getMessage()]]);
        }
        $rows = [];
        foreach (array_reverse($outcomes) as $outcome) {
            $rows[] = [
                $outcome['time'],
                $outcome['recipient'],
                $outcome['verdict'],
                $outcome['text'],
                $outcome['queue_id'],
            ];
        }

        return $this->table($rows ?: [[__('None yet.')]]);
    }
}
