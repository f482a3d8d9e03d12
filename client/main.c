/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <unistd.h>

#include "command.h"
#include "util/output.h"
#include "util/parse.h"
#include "util/str.h"
#include "wire/interface.h"

enum option_code {
	OPTION_SOCKET = 256,
	OPTION_JSON,
	OPTION_NAMES,
	OPTION_ONCE,
	OPTION_COLD,
	OPTION_DEADLINE,
	OPTION_NO_DEADLINE,
	OPTION_FORCE,
	OPTION_UNIT,
	OPTION_ALL,
	OPTION_YES,
	OPTION_WORKER,
};

/* A year: more is a mistake. */
#define DEADLINE_MAX_SEC (365 * 24 * 3600ULL)

static const struct option long_options[] = {
	{"all", no_argument, NULL, OPTION_ALL},
	{"cold", no_argument, NULL, OPTION_COLD},
	{"deadline", required_argument, NULL, OPTION_DEADLINE},
	{"force", no_argument, NULL, OPTION_FORCE},
	{"json", no_argument, NULL, OPTION_JSON},
	{"names", no_argument, NULL, OPTION_NAMES},
	{"no-deadline", no_argument, NULL, OPTION_NO_DEADLINE},
	{"or-once", no_argument, NULL, OPTION_ONCE},
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"unit", required_argument, NULL, OPTION_UNIT},
	{"version", no_argument, NULL, 'V'},
	{"worker", required_argument, NULL, OPTION_WORKER},
	{"yes", no_argument, NULL, OPTION_YES},
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
	      "      --all          stop, restart: all guests, without a question\n"
	      "      --cold         start of named guests: without their saved memory\n"
	      "      --deadline SEC plan stop: plan for a stop that may take SEC seconds\n"
	      "      --force        stop, restart of named guests: also those of libvirt\n"
	      "      --json         print one JSON object\n"
	      "      --names        status, image list: print names only, one a line\n"
	      "      --no-deadline  plan stop: plan for a stop without a time limit\n"
	      "      --or-once      start, stop: without the daemon if it does not answer\n"
	      "      --socket PATH  where the daemon listens\n"
	      "      --unit UNIT    start, stop: on behalf of this unit of systemd\n"
	      "      --worker PATH  image cat: program that reads images\n"
	      "      --yes          stop, restart: answer the question with yes\n"
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
	/* Another verb of init scripts. */
	if (str_equal(name, "force-reload"))
		return &command_reload;
	for (size_t i = 0; commands[i]; i++)
		if (str_equal(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* 0 to go on; 1 if all is said already; -EINVAL. */
static int apply_option(int code, struct context *context)
{
	uint64_t number;

	switch (code) {
	case OPTION_JSON:
		context->json = true;
		return 0;
	case OPTION_NAMES:
		context->names = true;
		return 0;
	case OPTION_ONCE:
		context->or_once = true;
		return 0;
	case OPTION_ALL:
		context->all = true;
		return 0;
	case OPTION_YES:
		context->yes = true;
		return 0;
	case OPTION_COLD:
		context->cold = true;
		return 0;
	case OPTION_DEADLINE:
		if (parse_u64(optarg, DEADLINE_MAX_SEC, &number) < 0 || number == 0)
			return -EINVAL;
		context->deadline = number * USEC_PER_SEC;
		return 0;
	case OPTION_NO_DEADLINE:
		context->no_deadline = true;
		return 0;
	case OPTION_FORCE:
		context->force = true;
		return 0;
	case OPTION_UNIT:
		context->unit = optarg;
		return 0;
	case OPTION_SOCKET:
		context->socket = optarg;
		return 0;
	case OPTION_WORKER:
		context->worker = optarg;
		return 0;
	case 'V':
		puts("xendomainsctl " VERSION);
		return 1;
	case 'h':
		print_usage(stdout);
		return 1;
	default:
		return -EINVAL;
	}
}

/* An empty variable of a script's, as in: stop "$GUEST". */
static bool has_empty(char **arguments)
{
	for (; *arguments; arguments++)
		if (str_empty(*arguments))
			return true;
	return false;
}

/* The mistake in the options and arguments of a command, or NULL. */
static const char *find_misuse(const struct context *context, const struct command *command,
			       char **arguments)
{
	bool start = command == &command_start, stop = command == &command_stop;
	bool asks = stop || command == &command_restart;

	if (has_empty(arguments))
		return "An argument is empty. Name a guest, or leave the argument out";
	if ((context->or_once || context->unit) && ((!start && !stop) || arguments[0]))
		return "--or-once and --unit go with 'start' or 'stop' of all guests only";
	if (context->cold && (!start || !arguments[0]))
		return "--cold goes with 'start' of named guests only: their saved memory is not "
		       "restored";
	if ((context->deadline > 0 || context->no_deadline) && command != &command_plan)
		return "--deadline and --no-deadline go with 'plan stop' only. "
		       "XENDOMAINS_STOP_MAXWAIT limits a stop";
	if (context->deadline > 0 && context->no_deadline)
		return "--deadline and --no-deadline exclude each other";
	if (context->force && (!asks || !arguments[0]))
		return "--force goes with 'stop' or 'restart' of named guests only";
	if (context->names && command != &command_status && command != &command_image)
		return "--names goes with 'status' or 'image list' only";
	if (context->names && context->json)
		return "--json and --names exclude each other";
	if (context->worker && (command != &command_image || !str_equal(arguments[0], "cat")))
		return "--worker goes with 'image cat' only";
	if (context->yes && !asks)
		return "--yes goes with 'stop' or 'restart' only";
	if (context->all && (!asks || arguments[0]))
		return "--all goes with 'stop' or 'restart' only, and not with names of guests";
	return NULL;
}

static int run(struct context *context, const struct command *command, char **arguments)
{
	_cleanup_(writer_freep) struct writer *writer = NULL;
	const char *misuse = find_misuse(context, command, arguments);

	if (misuse) {
		fprintf(stderr, "%s\n", misuse);
		return STATUS_USAGE;
	}
	/* A client that waits for a hung journal would stop no guest. */
	if (context->unit && (output_guard_stderr() < 0 || output_guard_stdout() < 0))
		return explain_error(context, -ENOMEM);
	writer = context->json ? writer_json_new(stdout)
			       : writer_text_new(stdout, isatty(STDOUT_FILENO));
	if (!writer)
		return explain_error(context, -ENOMEM);
	context->writer = writer;
	return command->run(context, arguments);
}

int main(int argc, char **argv)
{
	struct context context = {.socket = SOCKET_PATH};
	const struct command *command;
	int code, r = 0;

	/* It ends soon. To give memory back before that only takes time. */
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	while (r == 0 && (code = getopt_long(argc, argv, "Vh", long_options, NULL)) != -1)
		r = apply_option(code, &context);
	if (r > 0)
		return STATUS_OK;
	command = r >= 0 && optind < argc ? find_command(argv[optind]) : NULL;
	if (!command) {
		if (r >= 0 && optind < argc)
			fprintf(stderr, "Unknown command \"%s\"\n\n", argv[optind]);
		print_usage(stderr);
		return STATUS_USAGE;
	}
	return run(&context, command, argv + optind + 1);
}
