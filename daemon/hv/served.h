/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/domain.h"
#include "hv/nodes.h"

/*
 * Finds out which driver domains of the list have a device of another domain in them, and sets
 * "serves" of these. Reads nothing where there is no driver domain. 0 or -ENOMEM.
 */
int served_find(struct nodes *nodes, struct domain_list *l);
