/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* What PID 1 says of itself and of its units, for logind-fake. 0 or -errno. */
int pid1_fake_add(sd_bus *bus);

/*
 *     state WORD           SystemState; "silent": the answer is an error
 *     job UNIT             a start of it is queued
 *     active UNIT
 *     conflict UNIT OTHER  OTHER conflicts with UNIT
 *     timeout SEC          JobTimeoutSec of all units
 *     begun SEC            the stop of the system began so long ago
 */
void pid1_fake_obey(const char *verb, const char *word, const char *other);

/* The state that was asked for, before it is answered. Of the program. */
void pid1_fake_asked(const char *state);
