<?php
declare(strict_types=1);

namespace Tillpost\Mail\Controller\Adminhtml\Test;

use Magento\Backend\App\Action;
use Magento\Framework\App\Action\HttpPostActionInterface;
use Magento\Framework\App\Area;
use Magento\Framework\Controller\ResultInterface;
use Magento\Framework\Mail\Template\TransportBuilder;
use Tillpost\Mail\Model\StoreName;

/**
 * Sends the administrator a test mail, as the store view sends all its mail.
 */
class Send extends Action implements HttpPostActionInterface
{
    public const ADMIN_RESOURCE = 'Tillpost_Mail::config';

    public function __construct(
        Action\Context $context,
        private readonly TransportBuilder $builder,
        private readonly StoreName $storeName
    ) {
        parent::__construct($context);
    }

    public function execute(): ResultInterface
    {
        $to = (string)$this->_auth->getUser()->getEmail();
        $storeView = (int)$this->getRequest()->getParam('store', 0);
        try {
            $this->builder->setTemplateIdentifier('tillpost_test')
                ->setTemplateOptions(['area' => Area::AREA_ADMINHTML, 'store' => $storeView])
                ->setTemplateVars(['name' => $this->storeName->get($storeView)])
                ->setFromByScope('general', $storeView)
                ->addTo($to)
                ->getTransport()
                ->sendMessage();
            $this->messageManager->addSuccessMessage(__('A test mail to %1 was accepted.', $to));
        } catch (\Exception $error) {
            $this->messageManager->addErrorMessage(__('The test mail was not accepted: %1', $error->getMessage()));
        }

        return $this->resultRedirect($storeView);
    }

    private function resultRedirect(int $storeView): ResultInterface
    {
        $parameters = ['section' => 'tillpost'] + ($storeView ? ['store' => $storeView] : []);

        return $this->resultRedirectFactory->create()
            ->setPath('adminhtml/system_config/edit', $parameters);
    }
}
