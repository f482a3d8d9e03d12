/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <libxlutil.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/hide.h"
#include "util/str.h"
#include "worker/xl/conf.h"
#include "worker/xl/xl.h"

/* xl itself reads the configuration: only xl knows all that can stand in it. */

#define XL_PROGRAM       "xl"
#define PARSE_LIMIT_MSEC 60000
#define OUTPUT_MAX       (4U << 20)
#define CONFIG_MAX       (1U << 20)
#define REASON_MAX       400

/*
 * xl prints a configuration as its own says (output_format), and takes no word against that: so it
 * is shown a copy, in a mount namespace of its own, on a file system of its own where the runtime
 * directory is.
 */
static int show_xl_conf(const char *text)
{
	const char *folder = getenv("RUNTIME_DIRECTORY");
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	folder = folder ? folder : "/run/xendomains";
	r = str_format(&path, "%s/xl.conf", folder);
	if (r < 0)
		return r;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	    mount("tmpfs", folder, "tmpfs", 0, "mode=0700") < 0)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
	return r >= 0 && mount(path, XL_CONF, NULL, MS_BIND, NULL) < 0 ? -errno : r;
}

/* The child's side of run_xl(): never returns. */
static void become_xl(const char *path, const char *conf, int out, int err)
{
	const char *const arguments[] = {XL_PROGRAM,    "create", "--dryrun", "--quiet",
					 "--defconfig", path,     NULL};
	int r = 0;

	if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
	if (conf)
		r = show_xl_conf(conf);
	if (r >= 0)
		execvp(XL_PROGRAM, (char *const *)arguments);
	if (r < 0)
		dprintf(STDERR_FILENO,
			"output_format in " XL_CONF
			" cannot be overridden (%s); set it to \"json\"",
			strerror(-r));
	else
		dprintf(STDERR_FILENO, "%s: %s", XL_PROGRAM, strerror(errno));
	_exit(EXIT_FAILURE);
}

/*
 * Runs xl with its output in two files in memory; conf: what it is to take for its own
 * configuration, or NULL. Its exit status, or -errno.
 */
static int run_xl(const char *path, const char *conf, int out, int err)
{
	_cleanup_close_ int pidfd = -1;
	struct pollfd p;
	siginfo_t info = {0};
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		become_xl(path, conf, out, err);
	pidfd = pidfd_open(pid, 0);
	p = (struct pollfd){.fd = pidfd, .events = POLLIN};
	if (pidfd < 0 || poll(&p, 1, PARSE_LIMIT_MSEC) == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return pidfd < 0 ? -EIO : -ETIMEDOUT;
	}
	if (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0)
		return -errno;
	return info.si_code == CLD_EXITED ? info.si_status : -EIO;
}

/* NULL where xl's own configuration will do. */
static int make_conf(char **ret)
{
	_cleanup_(xl_conf_done) struct xl_conf conf = {0};
	int r = xl_conf_read(XL_CONF, &conf);

	*ret = NULL;
	return r < 0 || conf.json ? r : xl_conf_with_json(&conf, ret);
}

static int read_output(int fd, char **ret)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return fd_read_file(fd, OUTPUT_MAX, ret, NULL);
}

/* Whether a text gives a UUID. xl's output does not tell: it draws one where there is none. */
static int find_uuid(const char *text, size_t size, bool *ret)
{
	XLU_Config *config;
	const char *value;
	FILE *null = fopen("/dev/null", "w");

	if (!null)
		return -errno;
	config = xlu_cfg_init(null, "configuration");
	if (config) {
		*ret = xlu_cfg_readdata(config, text, (int)size) == 0 &&
		       xlu_cfg_get_string(config, "uuid", &value, 1) == 0;
		xlu_cfg_destroy(config);
	}
	fclose(null);
	return config ? 0 : -ENOMEM;
}

/* What xl said, on one line; its last words are about nothing but its end. */
static int make_reason(const char *path, const char *said, int status, char **ret)
{
	_cleanup_free_ char *line = hide_quotes(said);

	if (!line)
		return -ENOMEM;
	line[MIN(strlen(line), (size_t)REASON_MAX)] = '\0';
	for (char *p = line; *p; p++)
		if (*p == '\n')
			*p = p[1] ? ';' : '\0';
	if (status < 0)
		return str_format(ret, "%s: xl cannot read it: %s", path, strerror(-status));
	return str_format(ret, "%s: xl refuses it: %s", path,
			  str_empty(line) ? "it does not say why" : line);
}

/* path is what xl reads, name what it is called in messages. */
static int parse(const char *path, const char *name, struct xl_parsed *ret)
{
	_cleanup_(xl_parsed_done) struct xl_parsed parsed = {0};
	_cleanup_free_ char *said = NULL, *text = NULL, *conf = NULL;
	size_t size;
	_cleanup_close_ int out = memfd_create("xl-output", MFD_CLOEXEC);
	_cleanup_close_ int err = memfd_create("xl-errors", MFD_CLOEXEC);
	int r, status;

	if (out < 0 || err < 0)
		return -errno;
	r = make_conf(&conf);
	if (r < 0)
		return r;
	status = run_xl(path, conf, out, err);
	r = read_output(err, &said);
	if (r >= 0 && status != 0)
		r = make_reason(name, said, status, &parsed.error);
	else if (r >= 0)
		r = read_output(out, &parsed.config);
	if (r >= 0 && !parsed.error)
		r = file_read(path, CONFIG_MAX, &text, &size);
	if (r >= 0 && !parsed.error)
		r = find_uuid(text, size, &parsed.has_uuid);
	if (r < 0)
		return r;
	*ret = parsed;
	parsed = (struct xl_parsed){0};
	return 0;
}

int xl_parse(const char *path, struct xl_parsed *ret)
{
	return parse(path, path, ret);
}

/* xl reads files only: it is given one that exists in memory, and through us. */
int xl_parse_text(const char *text, size_t size, struct xl_parsed *ret)
{
	_cleanup_close_ int fd = memfd_create("xl-configuration", MFD_CLOEXEC);
	char path[64];
	int r = fd < 0 ? -errno : fd_write_all(fd, text, size);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	return parse(path, "the configuration of xl config-update", ret);
}

void xl_parsed_done(struct xl_parsed *parsed)
{
	free(parsed->error);
	free(parsed->config);
	*parsed = (struct xl_parsed){0};
}

int xl_parse_stamp(char **ret)
{
	struct stat st = {0};

	/* xl's defaults for network cards, CPUs and more go into each configuration. */
	if (stat(XL_CONF, &st) < 0 && errno != ENOENT)
		return -errno;
	return str_format(ret, "%lld.%09ld", (long long)st.st_mtim.tv_sec,
			  (long)st.st_mtim.tv_nsec);
}

const char *xl_parse_folder(void)
{
	return XL_CONF_FOLDER;
}
