<?php
declare(strict_types=1);

namespace Tillpost\Mail\Model;

/**
 * Asks the tillpost command, as the user that PHP runs as. What that user may
 * see is decided by tillpost, not here.
 */
class Command
{
    private const DEADLINE_S = 5;
    private const OUTPUT_BYTES = 262144;

    public function __construct(
        private readonly string $program = '/usr/bin/tillpost',
        private readonly ?string $config = null
    ) {
    }

    /**
     * @return array[] One array per line of its JSON output.
     * @throws \RuntimeException With what it said.
     */
    public function ask(string ...$arguments): array
    {
        if ((string)$this->config !== '') {
            array_push($arguments, '--config', $this->config);
        }
        $output = $this->run([$this->program, ...$arguments]);
        $rows = array_map(
            static fn (string $line) => json_decode($line, true),
            explode("\n", trim($output))
        );

        return array_values(array_filter($rows, 'is_array'));
    }

    /**
     * No shell; within DEADLINE_S.
     */
    private function run(array $command): string
    {
        $pipes = [];
        // phpcs:ignore Magento2.Functions.DiscouragedFunction -- an array needs no shell
        $process = @proc_open(
            $command,
            [['file', '/dev/null', 'r'], ['pipe', 'w'], ['pipe', 'w']],
            $pipes,
            '/'
        );
        if (!is_resource($process)) {
            throw new \RuntimeException((string)__('%1 cannot be started.', $command[0]));
        }
        $output = $this->read($pipes);
        if ($output === null) {
            proc_terminate($process, 9);
        }
        array_map('fclose', $pipes);
        $status = proc_close($process);
        if ($output === null) {
            throw new \RuntimeException((string)__('tillpost did not answer within %1 seconds.', self::DEADLINE_S));
        }
        if ($status !== 0) {
            // The last line is the reason; before it stands what was tried.
            $lines = explode("\n", trim($output[2]));
            throw new \RuntimeException(end($lines) ?: "{$command[0]}: $status");
        }

        return $output[1];
    }

    /**
     * Both outputs to their end; null: too slow or too much.
     *
     * @param resource[] $pipes
     */
    private function read(array $pipes): ?array
    {
        $output = [1 => '', 2 => ''];
        $end = microtime(true) + self::DEADLINE_S;
        foreach ($pipes as $pipe) {
            stream_set_blocking($pipe, false);
        }
        while ($pipes) {
            $ready = $pipes;
            $none = null;
            $left = $end - microtime(true);
            if ($left <= 0 || stream_select($ready, $none, $none, (int)$left, 100000) === false) {
                return null;
            }
            foreach ($ready as $number => $pipe) {
                $output[$number] .= (string)fread($pipe, 65536);
                if (feof($pipe)) {
                    unset($pipes[$number]);
                }
                if (strlen($output[$number]) > self::OUTPUT_BYTES) {
                    return null;
                }
            }
        }

        return $output;
    }
}
