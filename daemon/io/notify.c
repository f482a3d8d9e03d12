/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "io/notify.h"

#include <systemd/sd-daemon.h>

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

int notify_listen_fd(void)
{
	int n = sd_listen_fds(1);

	if (n <= 0)
		return n;
	if (n > 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) <= 0)
		return -EINVAL;
	return SD_LISTEN_FDS_START;
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
