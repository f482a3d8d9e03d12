/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

/* Ends a sentence, and asks whether found was meant, which may be NULL. */
void meant_ask(FILE *out, const char *found);
