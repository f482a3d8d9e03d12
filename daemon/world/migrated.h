/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hv/hv.h"
#include "world/ledger-file.h"

/*
 * Guests that were migrated to another host. They must not be started here as a matter of course,
 * or they would run twice on the same disks: that is noted until they are here again.
 */

/* The end of a migration: notes where the guest is, and logs what cannot be decided. */
void migrated_note(struct ledger_file *ledger, const struct hv_operation *operation,
		   const struct operation_result *result);

/*
 * Looks at the domains: a guest that runs here is not away any more, however it came back. A guest
 * that may be away is away once a person has removed its remaining domain. A guest that another
 * tool migrates may be away from the moment of its handover.
 */
void migrated_look(struct ledger_file *ledger, struct hv *hv, const struct domain_list *domains);
