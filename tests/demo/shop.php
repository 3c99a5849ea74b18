<?php
/*
 * shop.php - what any PHP shop does: mail()
 *
 * SPDX-License-Identifier: MIT
 */
declare(strict_types=1);

$began = hrtime(true);
$accepted = mail(
	'dora.petrova@example.test',
	'Your order 1042',
	"Thank you, Dora.\nYour order is on its way.\n",
	['From' => 'shop@example.com', 'X-Mailer' => 'shop.php']
);
$took_us = intdiv(hrtime(true) - $began, 1000);
printf("mail(): %s, id %s, %d us with loading the plugin\n",
	$accepted ? 'true' : 'false', tillpost_last_id() ?? '-', $took_us);
exit($accepted && tillpost_last_id() ? 0 : 1);
