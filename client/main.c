/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <getopt.h>
#include <unistd.h>

#include "command.h"
#include "util/str.h"
#include "wire/interface.h"

#define OPTION_SOCKET 256
#define OPTION_JSON   257
#define OPTION_ONCE   258

static const struct option long_options[] = {
	{"json", no_argument, NULL, OPTION_JSON},
	{"or-once", no_argument, NULL, OPTION_ONCE},
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

void print_usage(FILE *out)
{
	fputs("Usage: xendomainsctl [OPTION...] COMMAND\n\n", out);
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "  %-8s%-24s %s\n", commands[i]->name, commands[i]->arguments,
			commands[i]->help);
	fputs("\n"
	      "      --json         print one JSON object\n"
	      "      --or-once      start, stop: do it without the daemon if that does not answer\n"
	      "      --socket PATH  where the daemon listens\n"
	      "  -V, --version      print the version, and exit\n"
	      "  -h, --help         print this, and exit\n"
	      "\n"
	      "GUEST is a name or a UUID. Exit status: 0 done, or all guests that should run do;\n"
	      "1 something failed or is missing; 2 usage; 3 (status) no guest runs; 4 the daemon\n"
	      "cannot be reached. See xendomainsctl(1).\n",
	      out);
}

static const struct command *find_command(const char *name)
{
	/* What init scripts are called with besides. */
	if (str_equal(name, "force-reload"))
		return &command_reload;
	for (size_t i = 0; commands[i]; i++)
		if (str_equal(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* What xendomains-shutdown.service relies on: the daemon may be dead or hung by then. */
static int run_without_daemon(const struct command *command, char **arguments)
{
	if ((command != &command_start && command != &command_stop) || arguments[0]) {
		fprintf(stderr, "--or-once goes with 'start' or 'stop' of all guests only\n");
		return STATUS_USAGE;
	}
	fprintf(stderr, "The daemon does not answer; it is done without\n");
	execl(DAEMON_PATH, DAEMON_PATH, "--once", command->name, NULL);
	fprintf(stderr, "Cannot run " DAEMON_PATH ": %s\n", strerror(errno));
	return STATUS_UNREACHABLE;
}

int main(int argc, char **argv)
{
	_cleanup_(writer_freep) struct writer *writer = NULL;
	struct context context = {.socket = SOCKET_PATH};
	const struct command *command;
	bool json = false, or_once = false;
	int code;

	while ((code = getopt_long(argc, argv, "Vh", long_options, NULL)) != -1) {
		switch (code) {
		case OPTION_JSON:
			json = true;
			break;
		case OPTION_ONCE:
			or_once = true;
			break;
		case OPTION_SOCKET:
			context.socket = optarg;
			break;
		case 'V':
			puts("xendomainsctl " VERSION);
			return STATUS_OK;
		case 'h':
			print_usage(stdout);
			return STATUS_OK;
		default:
			print_usage(stderr);
			return STATUS_USAGE;
		}
	}
	command = optind < argc ? find_command(argv[optind]) : NULL;
	if (!command) {
		if (optind < argc)
			fprintf(stderr, "There is no command '%s'\n\n", argv[optind]);
		print_usage(stderr);
		return STATUS_USAGE;
	}
	if (or_once && !is_alive(&context))
		return run_without_daemon(command, argv + optind + 1);
	writer = json ? writer_json_new(stdout) : writer_text_new(stdout, isatty(STDOUT_FILENO));
	if (!writer)
		return explain_error(&context, -ENOMEM);
	context.writer = writer;
	return command->run(&context, argv + optind + 1);
}
