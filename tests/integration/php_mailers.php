<?php
/*
 * php_mailers.php - one mail through one of PHP's mail libraries
 *
 * JOB     php_mailers.php LIBRARY TRANSPORT SUBJECT BODY_FILE
 *         LIBRARY phpmailer, symfony or swift, as Debian packs them.
 *         TRANSPORT is theirs: mail, sendmail or sendmail:COMMAND for
 *         PHPMailer; a DSN for Symfony; a command for Swift.
 * ERRORS  Exit code 1 with the library's own words.
 * SPDX-License-Identifier: MIT
 */
declare(strict_types=1);

[, $library, $transport, $subject, $file] = $argv;
$body = file_get_contents($file);
$from = ['shop@example.com', 'Geschäft'];
$to = ['kunde@example.org', 'Käthe Kunde'];
$cc = 'copy@example.org';
$bcc = 'hidden@example.org';
$bounce = 'bounce@example.com';

function with_phpmailer(): void
{
    global $transport, $subject, $body, $from, $to, $cc, $bcc, $bounce;
    require '/usr/share/php/libphp-phpmailer/autoload.php';
    $mail = new PHPMailer\PHPMailer\PHPMailer(true);
    $mail->CharSet = 'UTF-8';
    if ($transport === 'mail') {
        $mail->isMail();
    } else {
        $mail->isSendmail();
        if (str_contains($transport, ':')) {
            $mail->Sendmail = explode(':', $transport, 2)[1];
        }
    }
    $mail->setFrom($from[0], $from[1]);
    $mail->Sender = $bounce;
    $mail->addAddress($to[0], $to[1]);
    $mail->addCC($cc);
    $mail->addBCC($bcc);
    $mail->Subject = $subject;
    $mail->Body = $body;
    $mail->send();
}

function with_symfony(): void
{
    global $transport, $subject, $body, $from, $to, $cc, $bcc, $bounce;
    require '/usr/share/php/Symfony/Component/Mailer/autoload.php';
    $mail = (new Symfony\Component\Mime\Email())
        ->from(new Symfony\Component\Mime\Address($from[0], $from[1]))
        ->to(new Symfony\Component\Mime\Address($to[0], $to[1]))
        ->cc($cc)->bcc($bcc)->returnPath($bounce)
        ->subject($subject)->text($body);
    (new Symfony\Component\Mailer\Mailer(
        Symfony\Component\Mailer\Transport::fromDsn($transport)
    ))->send($mail);
}

function with_swift(): void
{
    global $transport, $subject, $body, $from, $to, $cc, $bcc, $bounce;
    require '/usr/share/php/Swift/autoload.php';
    $mail = (new Swift_Message($subject, $body))
        ->setFrom([$from[0] => $from[1]])
        ->setTo([$to[0] => $to[1]])
        ->setCc($cc)->setBcc($bcc)->setReturnPath($bounce);
    $taken = (new Swift_Mailer(new Swift_SendmailTransport($transport)))->send($mail);
    if ($taken !== 3) {
        throw new RuntimeException("$taken recipients taken, not 3");
    }
}

try {
    ['phpmailer' => 'with_phpmailer', 'symfony' => 'with_symfony', 'swift' => 'with_swift'][$library]();
} catch (Throwable $error) {
    fwrite(STDERR, "$library $transport: " . get_class($error) . ': ' . $error->getMessage() . "\n");
    exit(1);
}
