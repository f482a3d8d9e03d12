/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/ledger.h"
#include "wire/ledger-record.h"

/* Applies a record to a ledger; boot: the one that runs. 0 or -ENOMEM. */
int ledger_apply(struct ledger *ledger, const struct uuid *boot,
		 const struct ledger_record *record);
