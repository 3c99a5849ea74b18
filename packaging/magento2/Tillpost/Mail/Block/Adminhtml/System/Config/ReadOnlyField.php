<?php
declare(strict_types=1);

namespace Tillpost\Mail\Block\Adminhtml\System\Config;

use Magento\Backend\Block\Template\Context;
use Magento\Config\Block\System\Config\Form\Field;
use Magento\Framework\Data\Form\Element\AbstractElement;
use Tillpost\Mail\Model\Command;
use Tillpost\Mail\Model\StoreName;

/**
 * A row of the settings page that shows and keeps nothing.
 */
abstract class ReadOnlyField extends Field
{
    public function __construct(
        Context $context,
        protected readonly Command $command,
        protected readonly StoreName $storeName,
        array $data = []
    ) {
        parent::__construct($context, $data);
    }

    public function render(AbstractElement $element)
    {
        $element->unsScope()->unsCanUseWebsiteValue()->unsCanUseDefaultValue();

        return parent::render($element);
    }

    /**
     * The store view that the page is about; 0: all.
     */
    protected function storeView(): string
    {
        return (string)$this->getRequest()->getParam('store', '0');
    }

    /**
     * @param string[][] $rows
     */
    protected function table(array $rows): string
    {
        $html = '';
        foreach ($rows as $row) {
            $html .= '<tr><td>' . implode('</td><td>', array_map(
                fn ($cell) => nl2br($this->_escaper->escapeHtml((string)$cell)),
                $row
            )) . '</td></tr>';
        }

        return '<table class="data-table admin__control-table"><tbody>' . $html . '</tbody></table>';
    }
}
