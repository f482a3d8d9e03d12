/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/control.h"
#include "engine/job.h"
#include "hostdown/hostdown.h"
#include "hv/sim/sim.h"
#include "hv/xen.h"
#include "io/instance-lock.h"
#include "io/notify.h"
#include "io/systemd-journal.h"
#include "manager/manager.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/output.h"
#include "util/parse.h"
#include "util/str.h"
#include "wire/interface.h"

#define BACKEND_FILE_MAX (256U << 20)

/* What is free lies with the process up to this size. */
#define FREE_MEMORY_MAX (1 << 20)

/* Where the real host has its files. */
#define RUNTIME_PATH "/run/xendomains"
#define STATE_PATH   "/var/lib/xendomains"

/* How often --once tells systemd that it goes on, and how long each message holds. */
#define ALIVE_INTERVAL  (10 * USEC_PER_SEC)
#define ALIVE_EXTENSION (60 * USEC_PER_SEC)

/* How often a daemon that is to end looks whether the host's stop is over. */
#define STOP_INTERVAL USEC_PER_SEC

/* Debian's place, where the packages of two versions of Xen lie side by side during an upgrade. */
#define SAVE_HELPER "/usr/lib/xen-" XEN_BUILT_FOR "/bin/libxl-save-helper"

/* Guests that are asked have 4 s. Then the stop names those that still run. */
#define ONCE_LEAST (5 * USEC_PER_SEC)

#define LIMIT_MAX_SEC (365 * 24 * 3600ULL)

/* A daemon that is asked to go has nothing to do but to close its files. If there is little time,
 * it takes a part of that at most: one that hangs never goes. */
#define TAKE_OVER_LIMIT (5 * USEC_PER_SEC)
#define TAKE_OVER_SHARE 6

enum exit_status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
};

struct options {
	const char *backend;
	const char *runtime, *state; /* directories */
	char *own;                   /* both of them, of a simulated host that was given none */
	const char *socket;
	const char *worker;
	struct settings_paths settings;
	enum goal once; /* or _GOAL_INVALID: run as a daemon */
	usec_t limit;   /* for that */
};

/* Keeps other engines away. */
struct lock {
	char *path;
	bool held; /* false: a read-only file system has no lock file */
	int fd;    /* if it is held */
};

struct daemon {
	struct loop *loop;
	struct manager *manager;
	struct control *control;   /* NULL: no client is served */
	struct hostdown *hostdown; /* or NULL */
	struct timer *alive; /* tells systemd that it goes on: --once, or a daemon that is to end */
	usec_t end;          /* --once: not longer than this */
	bool ending;         /* it has been asked to, in the middle of the host's stop */
};

static void usage(FILE *out)
{
	fputs("Usage: xendomainsd [OPTION...]\n"
	      "\n"
	      "Starts, saves, restores and shuts down the guests of a Xen host.\n"
	      "\n"
	      "      --once start|stop  start or stop all guests without a socket, and exit\n"
	      "      --limit SEC        with --once: give up waiting after so many seconds\n"
	      "      --backend BACKEND  xen (the default), or sim:FILE for a simulated host\n"
	      "      --config FILE      read this instead of /etc/default/xendomains\n"
	      "      --native FILE      read this (and FILE.d) instead of /etc/xen/xendomains.conf\n"
	      "      --socket PATH      listen here, if systemd hands over no socket\n"
	      "      --worker PATH      program that works on guests\n"
	      "  -v, --verbose          log more\n"
	      "  -V, --version          print the version, and exit\n"
	      "  -h, --help             print this, and exit\n"
	      "\n"
	      "See xendomainsd(8).\n",
	      out);
}

enum option_code {
	OPTION_ONCE = 256,
	OPTION_LIMIT,
	OPTION_BACKEND,
	OPTION_CONFIG,
	OPTION_NATIVE,
	OPTION_SOCKET,
	OPTION_WORKER,
};

static const struct option long_options[] = {
	{"once", required_argument, NULL, OPTION_ONCE},
	{"limit", required_argument, NULL, OPTION_LIMIT},
	{"backend", required_argument, NULL, OPTION_BACKEND},
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"native", required_argument, NULL, OPTION_NATIVE},
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"worker", required_argument, NULL, OPTION_WORKER},
	{"verbose", no_argument, NULL, 'v'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int apply_option(int code, struct options *o)
{
	uint64_t number = 0;
	int r;

	switch (code) {
	case OPTION_ONCE:
		o->once = goal_from_string(optarg);
		return o->once == GOAL_START || o->once == GOAL_STOP ? 0 : -EINVAL;
	case OPTION_LIMIT:
		r = parse_u64(optarg, LIMIT_MAX_SEC, &number);
		o->limit = number * USEC_PER_SEC;
		return r;
	case OPTION_BACKEND:
		o->backend = optarg;
		return str_equal(optarg, "xen") || str_starts_with(optarg, "sim:") ? 0 : -EINVAL;
	case OPTION_CONFIG:
		o->settings.variables[0] = optarg;
		o->settings.variables[1] = NULL;
		return 0;
	case OPTION_NATIVE:
		o->settings.native = optarg;
		return 0;
	case OPTION_SOCKET:
		o->socket = optarg;
		return 0;
	case OPTION_WORKER:
		o->worker = optarg;
		return 0;
	case 'v':
		log_set_max_level(LOG_DEBUG);
		return 0;
	default:
		return -EINVAL;
	}
}

/* 0 to go on; -ECANCELED if all is said already; -EINVAL. */
static int parse_options(int argc, char **argv, struct options *o)
{
	int code, r = 0;

	while (r >= 0 && (code = getopt_long(argc, argv, "vVh", long_options, NULL)) != -1) {
		if (code == 'h') {
			usage(stdout);
			return -ECANCELED;
		}
		if (code == 'V') {
			puts("xendomainsd " VERSION);
			return -ECANCELED;
		}
		r = apply_option(code, o);
	}
	return optind < argc ? -EINVAL : r;
}

static bool is_simulated(const struct options *o)
{
	return str_starts_with(o->backend, "sim:");
}

static const char *folder_or(const char *variable, const char *standard)
{
	const char *value = getenv(variable);

	return str_empty(value) ? standard : value;
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return str_equal(a, b) || (stat(a, &sa) >= 0 && stat(b, &sb) >= 0 &&
				   sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino);
}

static int refuse_real(const char *path, const char *advice)
{
	log_error("A simulated host does not use %s, which is the real host's. %s", path, advice);
	return -EINVAL;
}

/* A simulated host writes nothing where the real one reads. */
static int set_directories(struct options *o)
{
	int r;

	if (!is_simulated(o)) {
		o->runtime = folder_or("RUNTIME_DIRECTORY", RUNTIME_PATH);
		o->state = folder_or("STATE_DIRECTORY", STATE_PATH);
		return 0;
	}
	/* --once listens nowhere: there the socket only tells where the directories are. */
	if (is_same_file(o->socket, SOCKET_PATH) &&
	    (o->once < 0 || str_empty(getenv("RUNTIME_DIRECTORY")) ||
	     str_empty(getenv("STATE_DIRECTORY"))))
		return refuse_real(o->socket, "Name another path: --socket PATH");
	r = str_format(&o->own, "%s.sim", o->socket);
	if (r < 0)
		return r;
	o->runtime = folder_or("RUNTIME_DIRECTORY", o->own);
	o->state = folder_or("STATE_DIRECTORY", o->own);
	if (is_same_file(o->runtime, RUNTIME_PATH))
		return refuse_real(o->runtime, "Unset RUNTIME_DIRECTORY, or name another one");
	if (is_same_file(o->state, STATE_PATH))
		return refuse_real(o->state, "Unset STATE_DIRECTORY, or name another one");
	return 0;
}

/* The guests of a simulated host begin anew with each daemon. So does what is known of them. */
static int forget_own(const struct options *o)
{
	/* Settings alone would tell that the ledger was lost. */
	static const char *const names[] = {"ledger", "settings"};
	int r = 0;

	if (!str_equal(o->state, o->own))
		return 0;
	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(names); i++) {
		_cleanup_free_ char *path = NULL;

		r = str_format(&path, "%s/%s", o->own, names[i]);
		if (r >= 0 && unlink(path) < 0 && errno != ENOENT)
			r = -errno;
	}
	return r;
}

static void exit_well(struct daemon *d)
{
	notify_stopping();
	log_info("Exiting. Guests and operations on them go on");
	loop_exit(d->loop, STATUS_OK);
}

static void on_ending(void *data)
{
	struct daemon *d = data;

	if (!hostdown_is_leaving(d->hostdown)) {
		exit_well(d);
		return;
	}
	notify_extend_timeout(ALIVE_EXTENSION);
	timer_set_after(d->alive, STOP_INTERVAL);
}

/*
 * systemd stops the daemon when the client has gone that is the second line, however that has
 * ended: guests are left then that nothing else stops.
 */
static void on_terminate(void *data, int signal _unused_)
{
	struct daemon *d = data;

	if (d->ending || !d->hostdown || !hostdown_is_leaving(d->hostdown)) {
		exit_well(d);
		return;
	}
	log_info("Exiting when the guests of this host have been stopped");
	d->ending = true;
	on_ending(d);
}

static void on_hangup(void *data, int signal _unused_)
{
	struct daemon *d = data;
	_cleanup_free_ char *reason = NULL;

	notify_reloading();
	manager_reload(d->manager, &reason);
	if (d->control)
		control_let_in(d->control);
	notify_ready();
}

/* --once stop, before there is a loop to do it: another takes over, and does what this one would.
 */
static void on_early_end(int signal _unused_)
{
	_exit(STATUS_OK);
}

static int watch_signals(struct daemon *d)
{
	int r = loop_watch_signal(d->loop, SIGTERM, on_terminate, d);

	r = r < 0 ? r : loop_watch_signal(d->loop, SIGINT, on_terminate, d);
	return r < 0 ? r : loop_watch_signal(d->loop, SIGHUP, on_hangup, d);
}

static int open_sim(struct loop *loop, const char *path, struct hv **ret)
{
	_cleanup_free_ char *text = NULL, *reason = NULL;
	size_t size;
	int r = file_read(path, BACKEND_FILE_MAX, &text, &size);

	if (r < 0)
		return log_error_errno(r, "Failed to read %s", path);
	r = hv_sim_new(loop, text, size, ret, &reason);
	if (r == -EINVAL)
		log_error("%s: %s", path, reason);
	return r;
}

static int open_backend(struct loop *loop, const struct options *o, struct hv **ret)
{
	struct hv_xen_options xen = {
		.runtime = o->runtime, .worker = o->worker, .helper = SAVE_HELPER};
	int r;

	if (is_simulated(o))
		return open_sim(loop, o->backend + strlen("sim:"), ret);
	/* If xenstored hangs, the daemon hangs here. */
	notify_status("Waiting for XenStore");
	r = hv_xen_new(loop, &xen, ret);
	return r < 0 ? log_error_errno(r, "Failed to connect to Xen (is this dom0, and does "
					  "xenstored run?)")
		     : 0;
}

static int take_over(const struct options *o, const char *path, pid_t *ret_beside)
{
	usec_t limit = MIN(TAKE_OVER_LIMIT, o->limit / TAKE_OVER_SHARE);

	return instance_lock_take_over(path, (int)(limit / USEC_PER_MSEC), ret_beside);
}

static void lock_done(struct lock *lock)
{
	if (lock->held)
		close(lock->fd);
	free(lock->path);
}

/* 0, also where the host's stop goes on without a lock, or -errno; it is logged. */
static int take_lock(const struct options *o, struct lock *ret)
{
	_cleanup_free_ char *path = NULL;
	pid_t holder = 0, beside = 0;
	int fd, r = make_directory(o->runtime, 0755);

	if (r < 0)
		return log_error_errno(r, "Failed to create %s", o->runtime);
	r = str_format(&path, "%s/manager.lock", o->runtime);
	if (r < 0)
		return r;
	fd = o->once >= 0 ? take_over(o, path, &beside)
			  : instance_lock_take(path, &holder, &beside);
	if (fd == -EBUSY)
		return log_error_errno(fd, "Another xendomainsd is running (process %d)",
				       (int)holder);
	/* If the host goes down, guests are lost that are not even asked. */
	if (fd == -EROFS && o->once == GOAL_STOP)
		log_warning("Going on without a lock: %s is on a file system that is read-only",
			    path);
	else if (fd < 0)
		return log_error_errno(fd, "Failed to lock %s", path);
	if (beside)
		log_warning("Another xendomainsd (process %d) was killed, but does not exit: it "
			    "waits for a disk or a server. Running beside it",
			    (int)beside);
	*ret = (struct lock){.path = TAKE_PTR(path), .held = fd >= 0, .fd = fd};
	return 0;
}

static int listen_somewhere(const struct options *o, struct notify_fds *fds)
{
	int r = notify_take_fds(LOGIND_STORED_LOCK, fds);

	if (r >= 0 && fds->listen < 0)
		r = fds->listen = server_listen(o->socket);
	return r < 0 ? log_error_errno(r, "Failed to listen on %s", o->socket) : 0;
}

/* The host that goes down is a real one: a simulated one has nothing to do with it. */
static int watch_host(struct daemon *d, const struct options *o, int lock, struct hostdown **ret)
{
	int r;

	if (is_simulated(o))
		return 0;
	r = hostdown_new(d->loop, d->manager, lock, o->runtime, ret);
	return r < 0 ? log_error_errno(r, "Failed to watch for the end of the host") : 0;
}

static int serve(struct daemon *d, const struct options *o)
{
	_cleanup_(control_freep) struct control *control = NULL;
	_cleanup_(watchdog_freep) struct watchdog *watchdog = NULL;
	_cleanup_(hostdown_freep) struct hostdown *hostdown = NULL;
	_cleanup_(timer_freep) struct timer *alive = NULL;
	struct notify_fds fds;
	int r = listen_somewhere(o, &fds);

	if (r < 0)
		return r;
	r = watch_host(d, o, fds.stored, &hostdown);
	if (r < 0) {
		close(fds.listen);
		return r;
	}
	r = control_new(d->loop, d->manager, hostdown, fds.listen, &control);
	d->control = control;
	d->hostdown = hostdown;
	r = r < 0 ? r : timer_new(d->loop, on_ending, d, &alive);
	d->alive = alive;
	r = r < 0 ? r : watchdog_new(d->loop, &watchdog);
	if (r < 0)
		return log_error_errno(r, "Failed to serve clients");
	notify_ready();
	r = loop_run(d->loop);
	d->control = NULL;
	d->hostdown = NULL;
	d->alive = NULL;
	return r;
}

/* --once: everything is in the log, so only the end matters here. */

static void on_once_report(void *data _unused_, const struct report *report _unused_)
{
}

static void on_once_done(void *data, int error, const char *reason _unused_, const struct job *job)
{
	struct daemon *d = data;

	loop_exit(d->loop, error < 0 || !job_succeeded(job) ? STATUS_FAILED : STATUS_OK);
}

static void on_alive(void *data)
{
	struct log_fields over = {.message_id = MSG_TIME_OVER, LOG_FIELDS_NONE};
	struct daemon *d = data;
	usec_t now = loop_now(d->loop);

	if (now >= d->end) {
		log_message(LOG_ERR, &over,
			    "Time is up: leaving the operations that are under way to their "
			    "workers. Some guests may still be running");
		loop_exit(d->loop, STATUS_FAILED);
		return;
	}
	notify_extend_timeout(ALIVE_EXTENSION);
	timer_set(d->alive, MIN(now + ALIVE_INTERVAL, d->end));
}

static int run_once(struct daemon *d, enum goal goal, usec_t limit)
{
	struct follower follower = {
		.report = on_once_report,
		.done = on_once_done,
		.data = d,
		.requester = {.name = "xendomainsd --once"},
	};
	usec_t end = usec_add(loop_now(d->loop), limit);
	uint64_t id;
	/* Only the host that goes down has a limit for a stop. */
	int r = goal == GOAL_STOP && limit != USEC_INFINITY
			? manager_stop_until(d->manager, end, end, &follower, &id)
			: manager_request(d->manager, goal, NULL, 0, &follower, &id);

	if (r == -EHOSTDOWN)
		return log_error_errno(r, "Failed to start the sequence: %s",
				       manager_obstacle(d->manager, goal));
	r = r < 0 ? r : timer_new(d->loop, on_alive, d, &d->alive);
	if (r < 0)
		return log_error_errno(r, "Failed to start the sequence");
	d->end = MAX(end, usec_add(loop_now(d->loop), ONCE_LEAST));
	on_alive(d);
	r = loop_run(d->loop);
	timer_free(d->alive);
	return r;
}

static int run(const struct options *o)
{
	usec_t began = usec_now();
	_cleanup_free_ char *kept = NULL;
	_cleanup_(lock_done) struct lock lock = {0};
	_cleanup_(loop_freep) struct loop *loop = NULL;
	struct settings_paths settings = o->settings;
	_cleanup_(ledger_file_freep) struct ledger_file *ledger = NULL;
	_cleanup_(manager_freep) struct manager *manager = NULL;
	struct daemon d = {0};
	struct hv *hv;
	int r = take_lock(o, &lock);

	if (r < 0)
		return r;
	r = loop_new(&loop);
	if (r < 0)
		return log_error_errno(r, "Failed to create an event loop");
	r = forget_own(o);
	r = r < 0 ? r : ledger_file_open(loop, o->state, &ledger);
	if (r < 0)
		return log_error_errno(r, "Failed to open the ledger in %s", o->state);
	r = str_format(&kept, "%s/settings", o->state);
	settings.kept = kept;
	settings.lock = lock.path;
	/* The settings are kept later than the ledger. */
	r = r < 0 ? r : ledger_file_keep(ledger, access(kept, F_OK) >= 0);
	r = r < 0 ? r : open_backend(loop, o, &hv);
	if (r < 0)
		return r;
	r = manager_new(loop, hv, ledger, &settings, &manager);
	if (r < 0)
		return log_error_errno(r, "Failed to list the guests");
	d = (struct daemon){.loop = loop, .manager = manager};
	r = watch_signals(&d);
	if (r < 0)
		return log_error_errno(r, "Failed to watch for signals");
	return o->once >= 0 ? run_once(&d, o->once,
				       o->limit == USEC_INFINITY
					       ? o->limit
					       : usec_sub(o->limit, usec_now() - began))
			    : serve(&d, o);
}

/*
 * Left to itself, malloc() learns from long texts and lists that are freed to keep up to 64 MiB for
 * the next ones.
 */
static void bound_free_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, FREE_MEMORY_MAX);
	mallopt(M_TRIM_THRESHOLD, FREE_MEMORY_MAX);
}

int main(int argc, char **argv)
{
	struct options o = {
		.backend = "xen",
		.socket = SOCKET_PATH,
		.worker = WORKER_PATH,
		.settings = {.variables = {SYSCONFDIR "/default/xendomains",
					   SYSCONFDIR "/sysconfig/xendomains"},
			     .native = SYSCONFDIR "/xen/xendomains.conf",
			     .groups = "/etc/group"},
		.once = _GOAL_INVALID,
		.limit = USEC_INFINITY,
	};
	int r;

	bound_free_memory();
	output_guard_stderr();
	if (journal_is_stderr())
		log_set_sink(journal_sink);
	/* A client or worker that goes away is an error of a write, not the end of the daemon. */
	signal(SIGPIPE, SIG_IGN);
	umask(0077);
	r = parse_options(argc, argv, &o);
	if (r == -ECANCELED)
		return STATUS_OK;
	if (r < 0) {
		usage(stderr);
		return STATUS_USAGE;
	}
	if (o.once == GOAL_STOP)
		signal(SIGTERM, on_early_end);
	r = set_directories(&o);
	r = r < 0 ? r : run(&o);
	free(o.own);
	return r < 0 ? STATUS_FAILED : r;
}
