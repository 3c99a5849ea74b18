<?php
/*
 * cases.php - calls that stock PHP and the extension must answer alike
 *
 * JOB     php cases.php CASE..., or CASE in the query string, runs it and prints
 *         all that a script can see. "php cases.php --list" prints the
 *         settings of each as JSON. A line of differences.txt lists a case
 *         that may differ.
 * SPDX-License-Identifier: MIT
 */

/* One call: its value, or what it threw. */
function show(callable $call): void
{
    try {
        var_dump($call());
    } catch (Throwable $e) {
        echo get_class($e), ': ', $e->getMessage(), ' at line ', $e->getLine(), "\n";
    }
}

class Text
{
    public function __construct(private string $text)
    {
    }
    public function __toString(): string
    {
        echo "[{$this->text}]\n";
        return $this->text;
    }
}

/* The program of sendmail_path */
function sendmail(): string
{
    return strtok(ini_get('sendmail_path'), ' ');
}

const FROM = 'From: Shop <shop@example.com>';

/* name => [settings, function] or function */
$cases = [
    'plain' => fn() => show(fn() => mail('a@example.com', 'Order', "Hello\n")),
    'headers' => fn() => show(fn() => mail('a@example.com', 'Order', 'Hello', FROM . "\r\nCc: c@example.com\r\nBcc: d@example.com")),
    'headers_lf' => fn() => show(fn() => mail('a@example.com', 'Order', "a\r\nb\nc", FROM . "\nX-A: b")),
    'headers_trailing_space' => fn() => show(fn() => mail('a@example.com', 'Order', 'Hello', FROM . "\r\n \t\r\n")),
    'headers_empty' => fn() => show(fn() => mail('a@example.com', 'Order', 'Hello', '')),
    'headers_array' => fn() => show(fn() => mail('a@example.com', 'Order', 'Hello', ['From' => 'shop@example.com', 'X-A' => ['1', '2'], 'x-b' => "folded\r\n value"])),
    'headers_array_empty' => fn() => show(fn() => mail('a@example.com', 'Order', 'Hello', [])),
    'headers_array_reference' => function () {
        $from = 'shop@example.com';
        $headers = ['From' => &$from];
        show(fn() => mail('a@example.com', 'Order', 'Hello', $headers));
    },
    'headers_array_bad' => function () {
        foreach ([['From' => ['a', 'b']], ['X-A' => 5], ['X-A' => null], ['X A' => 'v'], ['X:A' => 'v'], ["X\n" => 'v'], ['X-A' => "a\nb"],
            ['X-A' => "a\rb"], ['X-A' => "a\r\nb"], ['X-A' => "a\0b"], [3 => 'x'], ['To' => 'b@example.com'], ['subject' => 'x'], ['X-A' => ['k' => 'v']],
            ['X-A' => [[1]]], ['X-A' => [5]], ['' => 'x']] as $headers) {
            show(fn() => mail('a@example.com', 'Order', 'Hello', $headers));
        }
    },
    'headers_malformed' => function () {
        foreach (["\nX-A: b", "\r\nX-A: b", ' X-A: b', ': b', "X-A: b\n\nbody", "X-A: b\r\n\r\nbody", "X-A: b\r\rX", "X-A: b\n\rX", "X-A: b\r\n\nX", "\xe4: b", "X-A: b\n\n"] as $headers) {
            show(fn() => mail('a@example.com', 'Order', 'Hello', $headers));
        }
    },
    'sender' => function () {
        foreach (['-fb@example.com', '-f b@example.com', "-f'b@example.com'", '-f"b@example.com"', '-oi -r b@example.com', '-ifb@example.com', '-f<b@example.com>', '-f ""', '-F "A B" -fb@example.com'] as $parameters) {
            show(fn() => mail('a@example.com', 'Order', 'Hello', FROM, $parameters));
        }
    },
    'sender_quoting' => function () {
        foreach (["-f'o''b@example.com'", '-f"o\'b"@example.com', '-fo+b@example.com', '-fb@[127.0.0.1]', "-f'b@example.com' -- "] as $parameters) {
            show(fn() => mail('a@example.com', 'Order', 'Hello', FROM, $parameters));
        }
    },
    'address_lists' => function () {
        foreach (['b@example.com,c@example.com', '<b@example.com>,c@example.com', 'Bert<b@example.com>(x),c@example.com(Carla)', '-f Shop<s@example.com>',
            '-f ,', ', ,', "''b@example.com''", "-f ''s@example.com''", '-f "" b@example.com'] as $parameters) {
            show(fn() => mail('a@example.com', 'Order', 'Hello', FROM, $parameters));
        }
    },
    'odd_options' => function () {
        foreach (['-q30m b@example.com', '-q -fb@example.com', '-tqfx', '-V x b@example.com', '-N -d', '-Ue never', '-p x -h 3 -fb@example.com', '-- b@example.com -- c@example.com'] as $parameters) {
            show(fn() => mail('a@example.com', 'Order', 'Hello', FROM, $parameters));
        }
    },
    'refused_options' => function () {
        foreach (['-X /dev/null', '-d0.1', '-C x -fb@example.com', '--store=eu', '-bs', '-x -fb@example.com', '-f'] as $parameters) {
            show(fn() => mail('a@example.com', 'Order', 'Hello', FROM, $parameters));
            show(fn() => mb_send_mail('a@example.com', 'Order', 'Hello', FROM, $parameters));
        }
    },
    'words_behind_recipients' => fn() => show(fn() => mail('a@example.com', 'Order', 'Hello', FROM, 'b@example.com -fc@example.com')),
    'shell_characters' => function () {
        foreach (['; touch x', '| cat', '`id`', '$(id)', '$HOME', "\nid", '> x', '&'] as $parameters) {
            show(fn() => mail('a@example.com', 'Order', 'Hello', FROM, "-fb@example.com$parameters"));
        }
    },
    'recipients_in_parameters' => fn() => show(fn() => mail('a@example.com', 'Order', 'Hello', FROM, '-f b@example.com -- e@example.com f@example.com')),
    'force_parameters' => [['mail.force_extra_parameters' => '-fforced@example.com'], fn() => show(fn() => mail('a@example.com', 'Order', 'Hello', FROM, '-fb@example.com'))],
    'add_x_header' => [['mail.add_x_header' => '1'], function () {
        show(fn() => mail('a@example.com', 'Order', 'Hello', FROM));
        show(fn() => mail('a@example.com', 'Order', 'Hello'));
        show(fn() => mail('a@example.com', 'Order', 'Hello', ''));
        eval('show(fn() => mail("a@example.com", "Order", "Hello", FROM));');
        show(fn() => mail('a@example.com', 'Order', 'Hello', "\nX"));
    }],
    'mail_log' => [['mail.log' => '{scratch}/mail.log'], function () {
        show(fn() => mail('a@example.com', "Order\r\n folded", 'Hello', FROM . "\r\nX-A: b"));
        show(fn() => mail('a@example.com', "Order\r\n folded", 'Hello'));
        show(fn() => mail('a@example.com', 'Order', 'Hello', "X\n\nY"));
        echo preg_replace('/^\[[^]]+\]/m', '[date]', file_get_contents(ini_get('mail.log')));
    }],
    'mail_log_closed_thrown' => [['mail.log' => '/nonexistent/mail.log'], function () {
        set_error_handler(fn($level, $text) => throw new ErrorException($text));
        show(fn() => mail('a@example.com', 'Order', 'Hello', FROM));
        show(fn() => mail('a@example.com', 'Order', 'Hello', "X\n\nY"));
    }],
    'mail_log_closed' => [['mail.log' => '/nonexistent/mail.log'], fn() => show(fn() => mail('a@example.com', 'Order', 'Hello', FROM))],
    'mixed_line_ends' => [['mail.mixed_lf_and_crlf' => '1'], fn() => show(fn() => mail('a@example.com', 'Order', "a\nb\r\nc", FROM . "\r\nX-A: b"))],
    'to_control_characters' => function () {
        show(fn() => mail("a@example.com,\r\n b@example.com\t \r\n", "\tA\x01B\x7f\r\n  folded\r\nnot ", 'Hello', FROM));
        show(fn() => mail('a@example.com', "A\r\n \r\n B", 'Hello', FROM));
        show(fn() => mail('a@example.com', "A\n B\0", 'Hello', FROM));
    },
    'injection_in_to' => fn() => show(fn() => mail("a@example.com\r\nBcc: evil@example.org", 'Order', 'Hello', FROM)),
    'injection_in_subject' => fn() => show(fn() => mail('a@example.com', "Order\r\nBcc: evil@example.org\r\n\r\nbody", 'Hello', FROM)),
    'cr_in_headers' => fn() => show(fn() => mail('a@example.com', 'Order', 'Hello', FROM . "\rBcc: evil@example.org")),
    'several_recipients' => fn() => show(fn() => mail('A <a@example.com>, "B, C" <b@example.com>', 'Order', 'Hello', FROM)),
    'no_recipient' => fn() => show(fn() => mail('', 'Order', 'Hello', FROM . "\r\nBcc: d@example.com")),
    'no_recipient_at_all' => fn() => show(fn() => mail('', 'Order', 'Hello', FROM)),
    'undisclosed' => fn() => show(fn() => mail('undisclosed-recipients:;', 'Order', 'Hello', FROM . "\r\nBcc: d@example.com")),
    'local_recipient' => fn() => show(fn() => mail('root', 'Order', 'Hello', FROM)),
    'empty_message' => fn() => show(fn() => mail('a@example.com', '', '', FROM)),
    'dots' => fn() => show(fn() => mail('a@example.com', 'Order', "..\n.\n. x\r\n.\r\n", FROM)),
    'eight_bit' => fn() => show(fn() => mail('a@example.com', 'Grüße', "Grüße\n\xff\xfe\n", FROM . "\r\nContent-Type: text/plain; charset=utf-8")),
    // Stock PHP needs no memory for the whole of a text.
    'large' => [['memory_limit' => '32M'], fn() => show(fn() => mail('a@example.com', 'Order', str_repeat(str_repeat('x', 76) . "\r\n", 250000), FROM))],
    'long_lines' => fn() => show(fn() => mail('a@example.com', 'Order', str_repeat('x', 5000), FROM)),
    'mime' => fn() => show(fn() => mail('a@example.com', 'Order', "--b\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>\r\n--b--\r\n", FROM . "\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b")),
    'own_date_and_id' => fn() => show(fn() => mail('a@example.com', 'Order', 'Hello', FROM . "\r\nDate: Mon, 01 Jan 2024 00:00:00 +0000\r\nMessage-ID: <x@example.com>")),
    'too_few' => function () {
        show(fn() => mail());
        show(fn() => mail('a@example.com', 'Order'));
        show(fn() => mail('a', 'b', 'c', 'd', 'e', 'f'));
    },
    'nul_bytes' => function () {
        show(fn() => mail("a\0@example.com", 'Order', 'Hello'));
        show(fn() => mail('a@example.com', "Or\0der", 'Hello'));
        show(fn() => mail('a@example.com', 'Order', "Hel\0lo"));
        show(fn() => mail('a@example.com', 'Order', 'Hello', "X: \0"));
        show(fn() => mail('a@example.com', 'Order', 'Hello', '', "-f\0"));
    },
    'wrong_types' => function () {
        show(fn() => mail([], 'Order', 'Hello'));
        show(fn() => mail('a@example.com', new stdClass, 'Hello'));
        show(fn() => mail('a@example.com', 'Order', 'Hello', new stdClass));
        show(fn() => mail('a@example.com', 'Order', 'Hello', '', []));
        show(fn() => mail('a@example.com', 'Order', 'Hello', null));
        show(fn() => mail('a@example.com', 'Order', 'Hello', '', null));
    },
    'weak_types' => function () {
        show(fn() => mail('a@example.com', 5, 1.5, FROM));
        show(fn() => mail('a@example.com', null, true, FROM));
        show(fn() => mail(new Text('a@example.com'), new Text('Order'), new Text('Hello'), new Text(FROM), new Text('-fb@example.com')));
        show(fn() => mail(new Text('a@example.com'), new Text('Order'), []));
        show(fn() => mail(new Text('a@example.com'), 'Order', new Text('Hello'), new Text("X\n\nY")));
    },
    'named_arguments' => function () {
        show(fn() => mail(subject: 'Order', message: 'Hello', to: 'a@example.com'));
        show(fn() => mail('a@example.com', 'Order', 'Hello', additional_params: '-fb@example.com'));
        show(fn() => mail('a@example.com', 'Order', 'Hello', additional_params: '-fb@example.com', additional_headers: ['From' => 'shop@example.com']));
        show(fn() => mail(to: 'a@example.com', nothing: 1));
    },
    'indirect_calls' => function () {
        show(fn() => call_user_func('mail', 'a@example.com', 'Order', 'Hello'));
        show(fn() => call_user_func_array('mail', ['a@example.com', 'Order', 'Hello']));
        show(mail(...)->bindTo(null) ? fn() => (mail(...))('a@example.com', 'Order', 'Hello') : null);
        show(fn() => array_map('mail', ['a@example.com'], ['Order'], ['Hello']));
        show(fn() => (string)new ReflectionFunction('mail'));
    },
    'warnings_as_exceptions' => function () {
        set_error_handler(function ($level, $text, $file, $line) {
            throw new ErrorException($text, 0, $level, $file, $line);
        });
        show(fn() => mail('a@example.com', 'Order', 'Hello', "X\n\nY"));
        show(fn() => mail('a@example.com', null, 'Hello', FROM));
    },
    'silenced' => function () {
        show(fn() => @mail('a@example.com', 'Order', 'Hello', "X\n\nY"));
        echo error_get_last()['message'], "\n";
    },
    'error_log' => function () {
        show(fn() => error_log("Disk full\n", 1, 'admin@example.com'));
        show(fn() => error_log('Disk full', 1, 'admin@example.com', FROM . "\r\nX-A: b"));
        show(fn() => error_log('Disk full', 1, 'admin@example.com', ''));
        show(fn() => error_log('Disk full', '1', new Text('admin@example.com'), null));
        show(fn() => error_log('Disk full', 1, 'admin@example.com', "X\n\nY"));
        show(fn() => error_log('Disk full', 1, "a\0"));
        show(fn() => error_log('Disk full', 1, []));
        show(fn() => error_log('Disk full', 2, 'x'));
        show(fn() => error_log('Disk full', 1, null));
        show(fn() => error_log('Disk full', true, 'admin@example.com'));
        show(fn() => error_log('Disk full', 1.0, 'admin@example.com'));
        show(fn() => error_log('Disk full', ' 1', 'admin@example.com'));
        show(fn() => error_log('Disk full', '1x', 'admin@example.com'));
        show(fn() => error_log('Disk full', null, 'admin@example.com'));
        show(fn() => error_log(null, 1, 'admin@example.com'));
        show(fn() => error_log(message: 'Disk full', message_type: 1, destination: 'admin@example.com'));
        show(fn() => error_log(destination: 'admin@example.com', message: 'Disk full', message_type: 1, additional_headers: FROM));
        show(fn() => error_log('Disk full', 1, additional_headers: FROM));
        show(fn() => error_log());
    },
    'error_log_without_mail' => [['error_log' => '{scratch}/mail.log'], function () {
        show(fn() => error_log('Disk full'));
        show(fn() => error_log('Disk full', 0, null));
        show(fn() => error_log('Disk full', 0, null, null));
        show(fn() => error_log('Disk full', 4, null));
        show(fn() => error_log("Disk full\n", 3, ini_get('error_log')));
        show(fn() => error_log('Disk full', 3, null));
        show(fn() => error_log('Disk full', 0, 'admin@example.com', FROM));
        show(fn() => error_log('Disk full', 0, []));
        show(fn() => error_log('Disk full', 0, "a\0"));
        show(fn() => error_log('Disk full', [], null));
        show(fn() => error_log('Disk full', destination: null, message_type: 0));
        show(fn() => error_log('Disk full', additional_headers: FROM));
        set_error_handler(fn($level, $text) => throw new ErrorException($text));
        show(fn() => error_log('Disk full', 0, null));
        show(fn() => error_log('Disk full', 3, null));
        echo preg_replace('/\[\d\d-[^]]+\]/', '[date]', file_get_contents(ini_get('error_log')));
    }],
    'mb_send_mail' => function () {
        mb_internal_encoding('UTF-8');
        foreach (['neutral', 'uni', 'ja', 'en', 'de', 'ko', 'zh-cn'] as $language) {
            mb_language($language);
            show(fn() => mb_send_mail('a@example.com', 'Grüße', "Grüße\n", FROM, '-fb@example.com'));
        }
    },
    'mb_send_mail_headers' => function () {
        show(fn() => mb_send_mail('a@example.com', 'Order', 'Hello', ['From' => 'shop@example.com', 'Content-Type' => 'text/html; charset=ISO-8859-1']));
        show(fn() => mb_send_mail('a@example.com', 'Order', 'Hello', "Content-Transfer-Encoding: 7bit\r\n" . FROM));
        show(fn() => mb_send_mail("a@example.com\nBcc: evil@example.org", "Order\nX: y", 'Hello', FROM));
        show(fn() => mb_send_mail('a@example.com', 'Order', 'Hello', 'Content-Type: text/plain; charset=nonsense'));
        show(fn() => mb_send_mail('a@example.com', 'Order', 'Hello', "X: a\n\nY"));
        show(fn() => mb_send_mail("a\0", 'Order', 'Hello'));
        show(fn() => mb_send_mail('a@example.com'));
    },
    'mb_send_mail_warnings_thrown' => function () {
        set_error_handler(fn($level, $text) => throw new ErrorException($text));
        show(fn() => mb_send_mail('a@example.com', 'Order', 'Hello', 'Content-Type: text/plain; charset=nonsense'));
        show(fn() => mb_send_mail('a@example.com', 'Order', 'Hello', "X: a\n\nY"));
        show(fn() => mb_send_mail('a@example.com', null, 'Hello'));
    },
    'mb_send_mail_parameters' => function () {
        foreach (['-f b@example.com -- e@example.com', "-f'b@example.com'", '-fb@example.com; id', '-f ""'] as $parameters) {
            show(fn() => mb_send_mail('a@example.com', 'Order', 'Hello', FROM, $parameters));
        }
    },
    'mb_send_mail_settings' => [['mail.force_extra_parameters' => '-fforced@example.com', 'mail.add_x_header' => '1', 'mail.log' => '{scratch}/mail.log'], function () {
        show(fn() => mb_send_mail('a@example.com', 'Order', 'Hello', FROM, '-fb@example.com'));
        echo preg_replace('/^\[[^]]+\]/m', '[date]', file_get_contents(ini_get('mail.log')));
    }],
    'shutdown' => function () {
        register_shutdown_function(fn() => show(fn() => mail('a@example.com', 'Order', 'Hello')));
        $GLOBALS['late'] = new class {
            public function __destruct()
            {
                show(fn() => mail('a@example.com', 'Order', 'Later'));
            }
        };
    },
    'processes' => function () {
        exec('echo a; echo b', $lines, $code);
        var_dump($lines, $code, shell_exec('echo c'), system('echo d', $code), `echo e`);
        passthru('exit 3', $code);
        var_dump($code, fread(popen('echo f', 'r'), 10));
        $p = proc_open(['echo', 'g'], [1 => ['pipe', 'w']], $pipes, null, ['A' => 'b']);
        var_dump(stream_get_contents($pipes[1]), proc_close($p));
        show(fn() => exec(''));
        show(fn() => exec("a\0b"));
        show(fn() => proc_open([], [], $pipes));
        show(fn() => proc_open('true', 5, $pipes));
        show(fn() => popen('true', 'q'));
        show(fn() => system());
    },
    'sendmail_by_popen' => function () {
        $p = popen(sendmail() . ' -oi -fb@example.com -t', 'w');
        fwrite($p, "To: a@example.com\r\n" . FROM . "\r\n\r\nHello\r\n");
        var_dump(pclose($p));
    },
    'sendmail_by_objects' => function () {
        $p = popen(new Text(sendmail() . ' -t'), 'w');
        $q = proc_open(new Text(sendmail() . ' -t'), [['pipe', 'r']], $pipes);
        foreach ([$p, $pipes[0]] as $input) {
            fwrite($input, "To: a@example.com\r\n" . FROM . "\r\n\r\nHello\r\n");
        }
        fclose($pipes[0]);
        var_dump(pclose($p), proc_close($q));
        show(fn() => popen(new Text(sendmail() . ' -t')));
        show(fn() => system(new stdClass));
        show(fn() => popen(new Text("a\0"), 'w'));
    },
    'sendmail_with_foreign_options' => function () {
        foreach (['-C /etc/x -t', '-adefault -t', '-d -t', '-bS', '-Xf -t', '-bv a@example.com'] as $options) {
            $p = popen(sendmail() . " $options", 'w');
            fwrite($p, "To: a@example.com\r\n" . FROM . "\r\n\r\nHello\r\n");
            var_dump(pclose($p));
        }
    },
    'sendmail_by_proc_open' => function () {
        foreach ([sendmail() . ' -t -i', [sendmail(), '-t', '-i', '-fb@example.com']] as $command) {
            $p = proc_open($command, [['pipe', 'r'], ['pipe', 'w']], $pipes);
            fwrite($pipes[0], "To: a@example.com\r\n" . FROM . "\r\n\r\nHello\r\n.\r\nBye\r\n");
            fclose($pipes[0]);
            var_dump(stream_get_contents($pipes[1]), $command, proc_close($p));
        }
    },
    'proc_get_status' => function () {
        $p = proc_open(sendmail() . ' -t -i', [['pipe', 'r']], $pipes);
        fwrite($pipes[0], "To: a@example.com\r\n" . FROM . "\r\n\r\nHello\r\n");
        var_dump(proc_get_status($p)['command']);
        fclose($pipes[0]);
        var_dump(proc_close($p));
    },
];

$wanted = PHP_SAPI === 'cli' ? array_slice($argv, 1) : [$_SERVER['QUERY_STRING'] ?? ''];
if ($wanted === ['--list'] && PHP_SAPI === 'cli') {
    echo json_encode(array_map(fn($case) => (object)(is_array($case) ? $case[0] : []), $cases));
    exit;
}
foreach ($wanted as $name) {
    (is_array($cases[$name]) ? $cases[$name][1] : $cases[$name])();
}
echo "end of case\n";
