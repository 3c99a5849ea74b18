<?php
/*
 * submit.php - times one way of handing a mail over, call by call
 *
 * JOB     submit.php WAY BYTES COUNT START [PORT]: waits until the Unix time
 *         START, then sends COUNT mails and prints one time in microseconds
 *         per line. WAY is "mail" (PHP's mail(), whatever stands behind it) or
 *         "phpmailer" (SMTP to 127.0.0.1:PORT over one connection).
 * SPDX-License-Identifier: MIT
 */
declare(strict_types=1);

const TO = 'customer@shop.example';
const FROM = 'orders@shop.example';

function body_of(int $bytes): string
{
	$line = "Thank you for your order, it is on its way to you now. 0123\r\n";
	return substr(str_repeat($line, intdiv($bytes, strlen($line)) + 1), 0, $bytes);
}

function by_mail(int $bytes): callable
{
	$body = str_replace("\r\n", "\n", body_of($bytes));
	return fn(int $i): bool => mail(TO, "Order $i", $body,
		"From: " . FROM . "\r\nMIME-Version: 1.0\r\n" .
		"Content-Type: text/plain; charset=UTF-8", '-f' . FROM);
}

function by_phpmailer(int $bytes, int $port): callable
{
	foreach (['Exception', 'SMTP', 'PHPMailer'] as $class) {
		require_once "/usr/share/php/libphp-phpmailer/src/$class.php";
	}
	$mailer = new PHPMailer\PHPMailer\PHPMailer(true);
	$mailer->isSMTP();
	$mailer->Host = '127.0.0.1';
	$mailer->Port = $port;
	$mailer->SMTPAutoTLS = false;
	$mailer->SMTPKeepAlive = true;
	$mailer->setFrom(FROM);
	$mailer->addAddress(TO);
	$body = body_of($bytes);
	return function (int $i) use ($mailer, $body): bool {
		$mailer->Subject = "Order $i";
		$mailer->Body = $body;
		return $mailer->send();
	};
}

[, $way, $bytes, $count, $start] = $argv;
$send = $way === 'mail' ? by_mail((int)$bytes) : by_phpmailer((int)$bytes, (int)$argv[5]);
$wait = (float)$start - microtime(true);
if ($wait > 0) {
	usleep((int)($wait * 1e6));
}
$times = [];
for ($i = 0; $i < (int)$count; $i++) {
	$begin = hrtime(true);
	if (!$send($i)) {
		fwrite(STDERR, "submit.php: mail $i was not accepted\n");
		exit(1);
	}
	$times[] = intdiv(hrtime(true) - $begin, 1000);
}
echo implode("\n", $times), "\n";
