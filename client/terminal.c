/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "util/parse.h"
#include "util/str.h"

#define WIDTH_STANDARD  80
#define HEIGHT_STANDARD 24

/* More is a mistake. */
#define SIZE_LIMIT 10000

static size_t measure(size_t known, const char *variable, size_t standard)
{
	const char *value = getenv(variable);
	uint64_t number;

	if (known > 0)
		return known;
	if (value && parse_u64(value, SIZE_LIMIT, &number) >= 0 && number > 0)
		return (size_t)number;
	return standard;
}

struct terminal terminal_of(int fd)
{
	const char *kind = getenv("TERM");
	bool moves = !str_empty(kind) && !str_equal(kind, "dumb");
	struct winsize size = {0};

	if (!isatty(fd))
		return (struct terminal){.width = SIZE_MAX, .height = SIZE_MAX};
	if (ioctl(fd, TIOCGWINSZ, &size) < 0)
		size = (struct winsize){0};
	return (struct terminal){
		.is_one = true,
		.colour = moves && str_empty(getenv("NO_COLOR")),
		.moves = moves,
		.width = measure(size.ws_col, "COLUMNS", WIDTH_STANDARD),
		.height = measure(size.ws_row, "LINES", HEIGHT_STANDARD),
	};
}
