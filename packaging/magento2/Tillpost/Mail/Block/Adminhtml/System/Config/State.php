<?php
declare(strict_types=1);

namespace Tillpost\Mail\Block\Adminhtml\System\Config;

use Magento\Framework\Data\Form\Element\AbstractElement;

/**
 * How mail leaves PHP, and whether the daemon answers.
 */
class State extends ReadOnlyField
{
    private const COUNTS = [
        'spooled_count' => 'In the spool',
        'queued_count' => 'Waiting',
        'held_count' => 'Held',
    ];

    protected function _getElementHtml(AbstractElement $element)
    {
        $rows = [[__('Mail leaves by'), $this->way()]];
        try {
            $status = $this->command->ask('status', '--json')[0] ?? [];
            $rows[] = ['tillpost', __('answers')];
            foreach (self::COUNTS as $key => $name) {
                // Less than 0: not for this user's eyes.
                if (($status[$key] ?? -1) >= 0) {
                    $rows[] = [__($name), $status[$key]];
                }
            }
            foreach ($status['relays'] ?? [] as $relay) {
                $rows[] = [__('Relay %1', $relay['relay']), trim($relay['state'] . ' ' . $relay['reason'])];
            }
        } catch (\RuntimeException $error) {
            $rows[] = ['tillpost', $error->getMessage()];
        }

        return $this->table($rows);
    }

    private function way(): string
    {
        $command = (string)ini_get('sendmail_path');
        $way = 'sendmail_path = ' . $command;
        if (extension_loaded('tillpost') && ini_get('tillpost.enable')) {
            return (string)__('the tillpost extension of PHP, version %1', phpversion('tillpost')) . "\n$way";
        }

        return $this->isTillpost($command) ? $way : $way . "\n" . __('tillpost does not get this mail.');
    }

    /**
     * Whether a command starts tillpost-sendmail, perhaps as /usr/sbin/sendmail.
     */
    private function isTillpost(string $command): bool
    {
        if (str_contains($command, 'tillpost-sendmail')) {
            return true;
        }
        $program = trim((string)strtok($command, ' '), '"\'');

        // phpcs:ignore Magento2.Functions.DiscouragedFunction, Generic.PHP.NoSilencedErrors -- open_basedir may forbid to look
        return $program !== '' && basename((string)@realpath($program)) === 'tillpost-sendmail';
    }
}
