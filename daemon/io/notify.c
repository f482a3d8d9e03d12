/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "io/notify.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "util/log.h"
#include "util/str.h"

struct watchdog {
	struct timer *timer;
	usec_t interval;
};

void notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)usec_now());
}

void notify_status(const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int r;

	va_start(ap, format);
	r = str_vformat(&text, format, ap);
	va_end(ap);
	if (r >= 0)
		sd_notifyf(0, "STATUS=%s", text);
}

void notify_extend_timeout(usec_t by)
{
	sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%llu", (unsigned long long)by);
}

void notify_store_fd(const char *name, int fd)
{
	_cleanup_free_ char *text = NULL;

	/* Not polled: a lock of logind looks like an error to poll(2) while logind is restarted. */
	if (str_format(&text, "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name) >= 0)
		sd_pid_notify_with_fds(0, 0, text, &fd, 1);
}

void notify_forget_fd(const char *name)
{
	sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

static void free_names(char ***names)
{
	for (char **name = *names; name && *name; name++)
		free(*name);
	free(*names);
}

int notify_take_fds(const char *stored_name, struct notify_fds *ret)
{
	_cleanup_(free_names) char **names = NULL;
	struct notify_fds fds = {.listen = -1, .stored = -1};
	int n = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (fds.stored < 0 && str_equal(names[i], stored_name))
			fds.stored = fd;
		else if (fds.listen < 0 && sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) > 0)
			fds.listen = fd;
		else
			close(fd);
	}
	if (n < 0)
		return n;
	*ret = fds;
	return 0;
}

static void feed(void *data)
{
	struct watchdog *w = data;

	sd_notify(0, "WATCHDOG=1");
	timer_set_after(w->timer, w->interval);
}

int watchdog_new(struct loop *loop, struct watchdog **ret)
{
	_cleanup_(watchdog_freep) struct watchdog *w = NULL;
	uint64_t limit;
	int r = sd_watchdog_enabled(0, &limit);

	if (r <= 0) {
		*ret = NULL;
		return r;
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	r = timer_new(loop, feed, w, &w->timer);
	if (r < 0)
		return r;
	/* Half the limit is what sd_watchdog_enabled(3) advises. */
	w->interval = limit / 2;
	feed(w);
	*ret = TAKE_PTR(w);
	return 0;
}

struct watchdog *watchdog_free(struct watchdog *watchdog)
{
	if (!watchdog)
		return NULL;
	timer_free(watchdog->timer);
	free(watchdog);
	return NULL;
}
