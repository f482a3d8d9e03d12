/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/ledger.h"
#include "wire/ledger-record.h"

/*
 * All that a ledger knows, in as few records as there can be: their number depends on the guests,
 * and not on how long the host has been running. Calls fn for each, until it fails. 0, or what fn
 * returned.
 */
typedef int (*ledger_emit_fn)(void *data, const struct ledger_record *record);

int ledger_snapshot(const struct ledger *ledger, const struct uuid *boot, ledger_emit_fn fn,
		    void *data);

/* The record of the last thing that is known of a guest. Its texts are those of the past. */
struct ledger_record ledger_snapshot_life(const struct past *past);
