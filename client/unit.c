/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "pid1.h"
#include "util/fd.h"
#include "util/str.h"

#define CAPABILITIES "/proc/xen/capabilities"
#define SKIP_WORD    "xendomains.skip"

#define SMALL_FILE_MAX 65536

int unit_may_stop(const char *unit, char **ret, struct occasion *ret_occasion)
{
	_cleanup_(pid1_freep) struct pid1 *p = NULL;
	_cleanup_free_ char *target = NULL, *other = NULL;
	usec_t patience = USEC_INFINITY;
	int r = pid1_open(&p);

	*ret = NULL;
	r = r < 0 ? r : pid1_going_down(p, &target);
	if (r < 0) {
		fprintf(stderr, "Failed to ask systemd why %s is stopped (%s); stopping guests\n",
			unit, strerror(-r));
		patience = pid1_usual_patience();
	} else if (target) {
		patience = pid1_patience(p, target);
		fprintf(stderr, "Host is shutting down (%s)\n", target);
	} else if (pid1_conflict(p, unit, &other) >= 0 && other) {
		r = str_format(
			ret,
			"Not stopping guests: %s is stopped only because %s, which conflicts "
			"with it, is started. Run 'xendomainsctl stop' to stop guests",
			unit, other);
		if (r < 0)
			return r;
	}
	*ret_occasion = (struct occasion){
		.host_goes_down = target,
		.until = usec_add(usec_now(), patience),
	};
	return 0;
}

static bool has_skip_word(void)
{
	/* The variable is systemd's own, for trying things out. */
	const char *variable = getenv("SYSTEMD_PROC_CMDLINE");
	_cleanup_free_ char *text = NULL;
	char *rest, *word;

	if (variable ? str_replace(&text, variable) < 0
		     : file_read("/proc/cmdline", SMALL_FILE_MAX, &text, NULL) < 0)
		return false;
	rest = text;
	while ((word = strsep(&rest, " \t\n")))
		if (str_equal(word, SKIP_WORD))
			return true;
	return false;
}

static const char *folder_or(const char *variable, const char *standard)
{
	const char *value = getenv(variable);

	return str_empty(value) ? standard : value;
}

/* False if it was done before, in this boot; and where that cannot be noted, guests are started. */
static bool note_skip(void)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;

	if (str_format(&path, "%s/start-skipped",
		       folder_or("RUNTIME_DIRECTORY", "/run/xendomains")) >= 0)
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd >= 0;
}

static bool remove_skip_file(void)
{
	_cleanup_free_ char *path = NULL;

	return str_format(&path, "%s/skip-start",
			  folder_or("STATE_DIRECTORY", "/var/lib/xendomains")) >= 0 &&
	       unlink(path) >= 0;
}

const char *unit_skips_start(void)
{
	/* Both, if there are both, or the next start would be left out as well. */
	bool file = remove_skip_file();

	if (has_skip_word() && note_skip())
		return "the kernel's command line has " SKIP_WORD;
	return file ? "there was a file skip-start" : NULL;
}

bool unit_is_control_domain(void)
{
	_cleanup_free_ char *text = NULL;

	return file_read(CAPABILITIES, SMALL_FILE_MAX, &text, NULL) >= 0 &&
	       strstr(text, "control_d");
}
