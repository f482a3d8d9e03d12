/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "interrupt.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const char *volatile words;

/* The handler is reset by then: the process that waits for the client sees that a signal ended it.
 */
static void on_interrupt(int signal)
{
	(void)!write(STDERR_FILENO, words, strlen(words));
	raise(signal);
}

void interrupt_begin(const char *text)
{
	struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND}, old;

	words = text;
	if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
		sigaction(SIGINT, &action, NULL);
}

void interrupt_end(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL}, old;

	if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler == on_interrupt)
		sigaction(SIGINT, &action, NULL);
}
