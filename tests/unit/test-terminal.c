/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <pty.h>
#include <unistd.h>

#include "terminal.h"
#include "unit.h"

static int master, slave;

static void open_terminal(unsigned short lines, unsigned short columns)
{
	const struct winsize size = {.ws_row = lines, .ws_col = columns};

	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, &size), 0);
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	unsetenv("COLUMNS");
	unsetenv("LINES");
}

static void close_terminal(void)
{
	close(master);
	close(slave);
}

START_TEST(size_is_what_the_kernel_knows)
{
	struct terminal t;

	open_terminal(10, 132);
	setenv("COLUMNS", "40", 1);
	t = terminal_of(slave);
	ck_assert(t.is_one && t.colour && t.moves);
	ck_assert_uint_eq(t.width, 132);
	ck_assert_uint_eq(t.height, 10);
	close_terminal();
}
END_TEST

START_TEST(size_that_the_kernel_lacks_is_that_of_the_environment)
{
	struct terminal t;

	open_terminal(0, 0);
	t = terminal_of(slave);
	ck_assert_uint_eq(t.width, 80);
	ck_assert_uint_eq(t.height, 24);
	setenv("COLUMNS", "40", 1);
	setenv("LINES", "7", 1);
	t = terminal_of(slave);
	ck_assert_uint_eq(t.width, 40);
	ck_assert_uint_eq(t.height, 7);
	setenv("COLUMNS", "0", 1);
	setenv("LINES", "-3", 1);
	t = terminal_of(slave);
	ck_assert_uint_eq(t.width, 80);
	ck_assert_uint_eq(t.height, 24);
	close_terminal();
}
END_TEST

START_TEST(colour_can_be_refused)
{
	open_terminal(24, 80);
	setenv("NO_COLOR", "1", 1);
	ck_assert(!terminal_of(slave).colour && terminal_of(slave).moves);
	setenv("NO_COLOR", "", 1);
	ck_assert(terminal_of(slave).colour);
	setenv("TERM", "dumb", 1);
	ck_assert(!terminal_of(slave).colour && !terminal_of(slave).moves);
	unsetenv("TERM");
	ck_assert(!terminal_of(slave).colour);
	close_terminal();
}
END_TEST

START_TEST(file_has_no_width_and_no_colour)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct terminal t;

	setenv("TERM", "xterm", 1);
	setenv("COLUMNS", "40", 1);
	t = terminal_of(fd);
	ck_assert(!t.is_one && !t.colour && !t.moves);
	ck_assert_uint_eq(t.width, SIZE_MAX);
	ck_assert_uint_eq(t.height, SIZE_MAX);
	close(fd);
}
END_TEST

SUITE("terminal", size_is_what_the_kernel_knows,
      size_that_the_kernel_lacks_is_that_of_the_environment, colour_can_be_refused,
      file_has_no_width_and_no_colour);
