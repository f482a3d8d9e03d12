/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reads the directories that the daemon asks for on the channel, and answers there. What changes
 * later is told on the inotify descriptor. 0 or -errno.
 */
int run_survey(int channel, int inotify);
