/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

/* Prints the question whether found, which may be NULL, was meant. */
void meant_ask(FILE *out, const char *found);
