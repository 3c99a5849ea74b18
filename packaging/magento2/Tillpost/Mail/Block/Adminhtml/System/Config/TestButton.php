<?php
declare(strict_types=1);

namespace Tillpost\Mail\Block\Adminhtml\System\Config;

use Magento\Framework\Data\Form\Element\AbstractElement;

/**
 * The button that sends a test mail: a POST with the form key, which
 * mage/dataPost makes of data-post.
 */
class TestButton extends ReadOnlyField
{
    protected function _getElementHtml(AbstractElement $element)
    {
        $post = json_encode([
            'action' => $this->getUrl('tillpost/test/send'),
            'data' => ['store' => $this->storeView()],
        ]);

        return sprintf(
            '<button type="button" data-post="%s"><span>%s</span></button>',
            $this->_escaper->escapeHtmlAttr($post),
            $this->_escaper->escapeHtml(__('Send a test mail'))
        );
    }
}
