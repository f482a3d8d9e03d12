/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/inventory.h"
#include "ledger-file.h"

/* A guest that runs outlives the images of it that are there: records that of each. */
void outlived_record(struct ledger_file *file, const struct inventory *inventory);
