/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A generator of systemd, see systemd.generator(7): orders our units after the mounts of the
 * configured directories, so that systemd waits for these at boot, and unmounts them only after
 * the guests have been saved.
 *
 * systemd waits for it at each boot and each reload, and can mount nothing meanwhile. So it never
 * looks into a file system other than the root's: an automount would wait for systemd, and a
 * network file system for its server.
 */

#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "core/mounts.h"
#include "settings-files/copy.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/str.h"

#define LINKS_MAX 40

#define DROP_IN "50-mounts.conf"

/*
 * Not xendomainsd.socket: it opens none of these directories, and basic.target, which a mount may
 * need, waits for sockets.
 */
static const char *const units[] = {
	"xendomainsd.service",
	"xendomains-guests.service",
	"xendomains-shutdown.service",
};

struct generator_options {
	struct settings_paths settings;
	const char *root; /* symbolic links are looked for below this directory */
	const char *output;
};

/* A path on its way to where its symbolic links lead. */
struct walk {
	int root;
	char *done, *rest; /* done has no links, and no slash at its end */
	unsigned links;
	bool blind; /* the rest does not exist, or is on another file system */
};

/* 1 with the link's target; 0 if there is no link, or it is unknown whether there is one. */
static int read_link(struct walk *w, const char *path, char *target, size_t size)
{
	struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
			       .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS};
	_cleanup_close_ int fd = -1;
	ssize_t n;

	if (w->blind)
		return 0;
	fd = (int)syscall(SYS_openat2, w->root, path + 1, &how, sizeof(how));
	if (fd < 0) {
		w->blind = true;
		return 0;
	}
	n = readlinkat(fd, "", target, size - 1);
	if (n < 0)
		return 0;
	target[n] = '\0';
	return 1;
}

/* Takes the component of this length from the start of the rest. *ret_rest is what follows. */
static int enter(struct walk *w, const char *name, int length, char **ret_rest)
{
	_cleanup_free_ char *here = NULL;
	char target[PATH_MAX];
	int r = str_format(&here, "%s/%.*s", w->done, length, name);

	if (r < 0)
		return r;
	if (read_link(w, here, target, sizeof(target)) == 0) {
		free(w->done);
		w->done = TAKE_PTR(here);
		return str_format(ret_rest, "%s", name + length);
	}
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	if (target[0] == '/')
		w->done[0] = '\0';
	return str_format(ret_rest, "%s/%s", target, name + length);
}

static void leave(struct walk *w)
{
	char *slash = strrchr(w->done, '/');

	if (slash)
		*slash = '\0';
}

/* Goes on by one component. 1, 0 at the end, -ELOOP or -ENOMEM. */
static int walk_step(struct walk *w)
{
	const char *name = w->rest + strspn(w->rest, "/");
	int length = (int)strcspn(name, "/");
	_cleanup_free_ char *rest = NULL;
	int r;

	if (length == 0)
		return 0;
	if (length == 2 && strncmp(name, "..", 2) == 0) {
		leave(w);
		r = str_format(&rest, "%s", name + length);
	} else if (length == 1 && name[0] == '.') {
		r = str_format(&rest, "%s", name + length);
	} else {
		r = enter(w, name, length, &rest);
	}
	if (r < 0)
		return r;
	free(w->rest);
	w->rest = TAKE_PTR(rest);
	return 1;
}

/* Where an absolute path leads, as far as the root file system tells. */
static int resolve(const char *root, const char *path, char **ret)
{
	_cleanup_close_ int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct walk w = {.root = fd, .done = strdup(""), .rest = strdup(path)};
	int r = w.done && w.rest ? 1 : -ENOMEM;

	if (fd < 0)
		w.blind = true;
	while (r > 0)
		r = walk_step(&w);
	if (r >= 0)
		*ret = TAKE_PTR(w.done);
	free(w.done);
	free(w.rest);
	return r;
}

/* A directory whose mounts cannot be named keeps no other from being waited for. */
static void add_directory(struct mount_units *m, const char *root, const char *path)
{
	_cleanup_free_ char *leads_to = NULL;
	int r;

	if (!path)
		return;
	r = mount_units_add(m, path);
	if (r >= 0)
		r = resolve(root, path, &leads_to);
	if (r >= 0)
		r = mount_units_add(m, leads_to);
	if (r < 0)
		log_warning_errno(r,
				  "%s: Failed to name its mount units, so that systemd may "
				  "start guests before it is mounted",
				  path);
}

static void add_directories(struct mount_units *m, const char *root, const struct config *config)
{
	add_directory(m, root, config->save);
	add_directory(m, root, config->autostart);
	add_directory(m, root, config->dumps);
}

static int open_on_root(const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)flags,
			       .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS |
					  RESOLVE_IN_ROOT};
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (root < 0)
		return -errno;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

/* A refused line only loses the directories that it names. */
static int read_configuration(const struct settings_paths *paths, struct settings *ret)
{
	int r = settings_read(paths, ret);
	const struct config *c = r < 0 ? NULL : ret->config;

	for (size_t i = 0; r >= 0 && i < c->n_refusals; i++) {
		_cleanup_free_ char *text = NULL;

		r = config_refusal_text(&c->refusals[i], &text);
		if (r >= 0)
			log_warning("%s", text);
	}
	if (r >= 0 && c->n_refusals > 0)
		log_warning(
			"Ordering units after the mounts of the directories that can be read, "
			"of those in the last good settings, and of the defaults. Run 'systemctl daemon-reload' when you have "
			"corrected the settings");
	return r;
}

/* The daemon then uses the last good settings, or the files, once all of them are mounted. */
static void add_kept_directories(struct mount_units *m, const struct generator_options *o)
{
	_cleanup_(settings_done) struct settings kept = {0};
	int r = settings_copy_read(&o->settings, &kept);

	if (r >= 0)
		add_directories(m, o->root, kept.config);
	else if (r != -ENOENT && r != -ENODATA)
		log_warning_errno(r, "Failed to read %s", o->settings.kept);
}

static int write_drop_in(const char *output, const char *unit, const char *text)
{
	_cleanup_free_ char *folder = NULL, *path = NULL;
	_cleanup_close_ int fd = -1;
	int r = str_format(&folder, "%s/%s.d", output, unit);

	r = r < 0 ? r : str_format(&path, "%s/" DROP_IN, folder);
	r = r < 0 ? r : make_directory(folder, 0755);
	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
}

static int run(const struct generator_options *o)
{
	_cleanup_(settings_done) struct settings settings = {0};
	_cleanup_(mount_units_done) struct mount_units mounts = {0};
	_cleanup_free_ char *text = NULL;
	int r = read_configuration(&o->settings, &settings), error = 0;

	if (r < 0)
		return log_error_errno(r, "Failed to order units after mounts");
	add_directories(&mounts, o->root, settings.config);
	if (settings.config->broken)
		add_kept_directories(&mounts, o);
	if (mounts.n == 0)
		return 0;
	r = mount_units_drop_in(&mounts, &text);
	if (r < 0)
		return log_error_errno(r, "Failed to order units after mounts");
	for (size_t i = 0; i < ELEMENTSOF(units); i++) {
		r = write_drop_in(o->output, units[i], text);
		if (r < 0)
			error = log_error_errno(r, "Failed to write %s/%s.d/" DROP_IN, o->output,
						units[i]);
	}
	return error;
}

/* At boot the journal does not run yet, and systemd drops the standard error of a generator. */
static void kernel_sink(int level, const struct log_fields *fields _unused_, const char *message)
{
	_cleanup_close_ int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ char *line = NULL;

	if (fd >= 0 && str_format(&line, "<%d>xendomains-generator[%d]: %s\n",
				  LOG_DAEMON | (level & LOG_PRIMASK), (int)getpid(), message) >= 0)
		fd_write_all(fd, line, strlen(line));
}

static bool run_by_systemd(void)
{
	const char *pid = getenv("SYSTEMD_EXEC_PID");
	uint64_t number;

	return pid && parse_u64(pid, INT_MAX, &number) >= 0 && number == (uint64_t)getpid();
}

static int parse_options(int argc, char **argv, struct generator_options *o)
{
	static const struct option long_options[] = {
		{"config", required_argument, NULL, 'c'},
		{"native", required_argument, NULL, 'n'},
		{"kept", required_argument, NULL, 'k'},
		{"root", required_argument, NULL, 'r'},
		{0},
	};
	int code;

	while ((code = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (code == 'c') {
			o->settings.variables[0] = optarg;
			o->settings.variables[1] = NULL;
		} else if (code == 'n') {
			o->settings.native = optarg;
		} else if (code == 'k') {
			o->settings.kept = optarg;
		} else if (code == 'r') {
			o->root = optarg;
		} else {
			return -EINVAL;
		}
	}
	/* The first of the directories of systemd, whose files an administrator may override. */
	if (optind + 1 != argc && optind + 3 != argc)
		return -EINVAL;
	o->output = argv[optind];
	return 0;
}

int main(int argc, char **argv)
{
	struct generator_options o = {
		.settings = {.variables = {SYSCONFDIR "/default/xendomains",
					   SYSCONFDIR "/sysconfig/xendomains"},
			     .native = SYSCONFDIR "/xen/xendomains.conf",
			     .kept = "/var/lib/xendomains/settings",
			     .open = open_on_root},
		.root = "/",
	};

	if (run_by_systemd())
		log_set_sink(kernel_sink);
	umask(0022);
	if (parse_options(argc, argv, &o) < 0) {
		fputs("Usage: xendomains-generator [--config FILE] [--native FILE] [--kept FILE] "
		      "[--root DIR] NORMAL-DIR [EARLY-DIR LATE-DIR]\n",
		      stderr);
		return EXIT_FAILURE;
	}
	return run(&o) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
