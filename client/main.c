/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <getopt.h>
#include <limits.h>
#include <malloc.h>

#include "check-result.h"
#include "command.h"
#include "meant.h"
#include "option-value.h"
#include "util/nearest.h"
#include "util/output.h"
#include "util/parse.h"
#include "util/str.h"
#include "width.h"
#include "wire/interface.h"

enum option_code {
	OPTION_SOCKET = 256,
	OPTION_JSON,
	OPTION_NAMES,
	OPTION_ONCE,
	OPTION_COLD,
	OPTION_DEADLINE,
	OPTION_NO_DEADLINE,
	OPTION_NO_WAIT,
	OPTION_PROGRESS,
	OPTION_FORCE,
	OPTION_UNIT,
	OPTION_ALL,
	OPTION_YES,
	OPTION_WORKER,
	OPTION_COLUMNS,
	OPTION_SORT,
	OPTION_STATE,
	OPTION_WATCH,
	OPTION_WIDE,
};

/* A year: more is a mistake. */
#define DEADLINE_MAX_SEC (365 * 24 * 3600ULL)

static const struct option long_options[] = {
	{"all", no_argument, NULL, OPTION_ALL},
	{"cold", no_argument, NULL, OPTION_COLD},
	{"columns", required_argument, NULL, OPTION_COLUMNS},
	{"deadline", required_argument, NULL, OPTION_DEADLINE},
	{"force", no_argument, NULL, OPTION_FORCE},
	{"json", no_argument, NULL, OPTION_JSON},
	{"names", no_argument, NULL, OPTION_NAMES},
	{"no-deadline", no_argument, NULL, OPTION_NO_DEADLINE},
	{"no-wait", no_argument, NULL, OPTION_NO_WAIT},
	{"or-once", no_argument, NULL, OPTION_ONCE},
	{"progress", required_argument, NULL, OPTION_PROGRESS},
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"sort", required_argument, NULL, OPTION_SORT},
	{"state", required_argument, NULL, OPTION_STATE},
	{"unit", required_argument, NULL, OPTION_UNIT},
	{"version", no_argument, NULL, 'V'},
	{"watch", no_argument, NULL, OPTION_WATCH},
	{"wide", no_argument, NULL, OPTION_WIDE},
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
	      "      --columns LIST status: these columns only, such as name,state,since\n"
	      "      --deadline SEC plan stop: plan for a stop that may take SEC seconds\n"
	      "      --force        stop, restart of named guests: also those of libvirt\n"
	      "      --json         print one JSON object\n"
	      "      --names        status, image list: print names only, one a line\n"
	      "      --no-deadline  plan stop: plan for a stop without a time limit\n"
	      "      --no-wait      start, stop, restart: do not wait for the end\n"
	      "      --or-once      start, stop: without the daemon if it does not answer\n"
	      "      --progress HOW start, stop, restart, image verify: auto, plain, json, none\n"
	      "      --socket PATH  where the daemon listens\n"
	      "      --sort KEY     status: by name, state, memory, cpu, since or domid\n"
	      "      --state LIST   status: guests in these states; also wanted, down, waiting\n"
	      "      --unit UNIT    start, stop: on behalf of this unit of systemd\n"
	      "      --watch        status: show changes in place until Ctrl-C\n"
	      "      --wide         status: all columns, whatever the width\n"
	      "      --worker PATH  image cat: program that reads images\n"
	      "      --yes          stop, restart: answer the question with yes\n"
	      "  -V, --version      print the version, and exit\n"
	      "  -h, --help         print this, and exit\n"
	      "\n"
	      "GUEST is a name or a UUID; with status and check also a domid or a pattern, as 'web*'.\n"
	      "Exit status: 0 done, or all guests that should run do; 1 something failed or is missing;\n"
	      "2 usage; 3 (status) no guest runs; 4 the daemon cannot be reached. Those of check are\n"
	      "0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. See xendomainsctl(1).\n",
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

/* 0, or -EINVAL with the mistake named. */
static int apply_progress(struct context *context)
{
	static const char *const names[] = {
		[PROGRESS_AUTO] = "auto",
		[PROGRESS_PLAIN] = "plain",
		[PROGRESS_JSON] = "json",
		[PROGRESS_NONE] = "none",
	};
	int mode = option_value("--progress", optarg, names, ELEMENTSOF(names));

	if (mode < 0)
		return -EINVAL;
	context->progress = (enum progress_mode)mode;
	return 0;
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
		if (parse_u64(optarg, DEADLINE_MAX_SEC, &number) < 0 || number == 0) {
			fprintf(stderr, "--deadline takes seconds, from 1 to %llu\n",
				DEADLINE_MAX_SEC);
			return -EINVAL;
		}
		context->deadline = number * USEC_PER_SEC;
		return 0;
	case OPTION_NO_DEADLINE:
		context->no_deadline = true;
		return 0;
	case OPTION_NO_WAIT:
		context->no_wait = true;
		return 0;
	case OPTION_PROGRESS:
		return apply_progress(context);
	case OPTION_FORCE:
		context->force = true;
		return 0;
	case OPTION_UNIT:
		context->unit = optarg;
		return 0;
	case OPTION_COLUMNS:
		context->status.columns = optarg;
		return 0;
	case OPTION_SORT:
		context->status.sort = optarg;
		return 0;
	case OPTION_STATE:
		context->status.states = optarg;
		return 0;
	case OPTION_WATCH:
		context->status.watch = true;
		return 0;
	case OPTION_WIDE:
		context->status.wide = true;
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
	bool follows = start || stop || command == &command_restart;
	bool asks = stop || command == &command_restart;
	bool reads = command == &command_image && str_equal(arguments[0], "verify");
	const struct status_options *o = &context->status;

	if (has_empty(arguments))
		return "An argument is empty. Name a guest, or leave the argument out";
	if ((context->or_once || context->unit) && ((!start && !stop) || arguments[0]))
		return "--or-once and --unit go with 'start' or 'stop' of all guests only";
	if (context->no_wait && !follows)
		return "--no-wait goes with 'start', 'stop' or 'restart' only";
	if (context->progress != PROGRESS_AUTO && !follows && !reads)
		return "--progress goes with 'start', 'stop', 'restart' or 'image verify' only";
	if (context->no_wait && context->progress != PROGRESS_AUTO)
		return "--no-wait and --progress exclude each other";
	if (context->no_wait && (context->or_once || context->unit))
		return "--no-wait goes neither with --or-once nor with --unit: a unit waits";
	if (context->json && context->progress == PROGRESS_PLAIN)
		return "--json and --progress=plain exclude each other";
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
	if ((o->states || o->sort || o->columns || o->wide || o->watch) &&
	    command != &command_status)
		return "--columns, --sort, --state, --watch and --wide go with 'status' only";
	if ((o->columns || o->wide || o->watch) && (context->json || context->names))
		return "--columns, --watch and --wide go with neither --json nor --names";
	if (o->columns && o->wide)
		return "--columns and --wide exclude each other";
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
		return command == &command_check ? check_usage() : STATUS_USAGE;
	}
	/* A client that waits for a hung journal would stop no guest. */
	if (context->unit && (output_guard_stderr() < 0 || output_guard_stdout() < 0))
		return explain_error(context, -ENOMEM);
	writer = context->json || context->progress == PROGRESS_JSON
			 ? writer_json_new(stdout, context->progress == PROGRESS_JSON)
			 : writer_text_new(stdout, context->progress);
	if (!writer)
		return explain_error(context, -ENOMEM);
	context->writer = writer;
	return command->run(context, arguments);
}

static void explain_command(const char *word)
{
	struct nearest nearest = {.word = word};
	_cleanup_free_ char *clean = text_clean(word);

	for (size_t i = 0; commands[i]; i++)
		nearest_consider(&nearest, commands[i]->name);
	fprintf(stderr, "Unknown command \"%s\"", clean ? clean : "");
	meant_ask(stderr, nearest.found);
	fputs(" Run 'xendomainsctl --help' for a list\n", stderr);
}

/*
 * The options that a word, without its dashes and up to a '=', can stand for, by their indices.
 * Returns how many.
 */
static size_t find_options(const char *word, size_t *ret)
{
	size_t n = 0, length = strcspn(word, "=");

	for (size_t i = 0; length > 0 && i < ELEMENTSOF(long_options) - 1; i++) {
		const char *name = long_options[i].name;

		if (strncmp(name, word, length) != 0)
			continue;
		if (!name[length]) {
			ret[0] = i;
			return 1;
		}
		ret[n++] = i;
	}
	return n;
}

static void explain_unknown(const char *option, const char *word)
{
	struct nearest nearest = {.word = word};
	_cleanup_free_ char *found = NULL;

	for (size_t i = 0; i < ELEMENTSOF(long_options) - 1; i++)
		nearest_consider(&nearest, long_options[i].name);
	fprintf(stderr, "Unknown option \"%s\"", option);
	if (nearest.found)
		str_format(&found, "--%s", nearest.found);
	meant_ask(stderr, found);
	fputs(" Run 'xendomainsctl --help' for a list\n", stderr);
}

/* "--no" may be --no-deadline or --no-wait. */
static void explain_ambiguous(const char *option, const size_t *found, size_t n)
{
	fprintf(stderr, "Option \"%s\" is ambiguous: it may be ", option);
	for (size_t i = 0; i < n; i++) {
		const char *separator = i == 0 ? "" : i + 1 == n ? " or " : ", ";

		fprintf(stderr, "%s--%s", separator, long_options[found[i]].name);
	}
	fputc('\n', stderr);
}

/* code is what getopt_long() says of it: '?' or ':'. */
static void explain_option(int code, const char *word)
{
	size_t found[ELEMENTSOF(long_options)], n = 0;
	_cleanup_free_ char *clean = text_clean(word);

	if (!clean)
		return;
	if (str_starts_with(clean, "--"))
		n = find_options(clean + 2, found);
	clean[strcspn(clean, "=")] = '\0';
	if (n == 1)
		fprintf(stderr, "--%s takes %s value\n", long_options[found[0]].name,
			code == ':' ? "a" : "no");
	else if (n > 1)
		explain_ambiguous(clean, found, n);
	else
		explain_unknown(clean, clean + strspn(clean, "-"));
}

/* The word with the mistake: getopt() has not gone past one with letters that are still to come. */
static const char *find_mistaken(char **argv)
{
	const char *word = argv[optind - 1];
	bool is_long = str_starts_with(word, "--");
	size_t found[ELEMENTSOF(long_options)];
	bool passed = word[0] == '-' && !is_long && word[strlen(word) - 1] == (char)optopt;

	/* "--help=3" */
	if (is_long && find_options(word + 2, found) == 1)
		passed = long_options[found[0]].val == optopt;
	return optopt == 0 || optopt >= OPTION_SOCKET || passed || !argv[optind] ? word
										 : argv[optind];
}

/* 0 to go on; 1 if all is said already; -EINVAL, and the mistake is named. */
static int read_options(int argc, char **argv, struct context *context)
{
	int code, r = 0;

	opterr = 0;
	while (r == 0 && (code = getopt_long(argc, argv, ":Vh", long_options, NULL)) != -1) {
		r = apply_option(code, context);
		if (code == '?' || code == ':')
			explain_option(code, find_mistaken(argv));
	}
	return r;
}

/* "check" was meant, although a mistake comes before it. */
static bool names_check(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (str_equal(argv[i], command_check.name))
			return true;
	return false;
}

/* A script would take nothing for the answer. failed: the status if some was not written. */
static int finish(int status, int failed)
{
	if (fflush(stdout) != EOF && !ferror(stdout))
		return status;
	fputs("Failed to write to standard output\n", stderr);
	return status == STATUS_OK ? failed : status;
}

int main(int argc, char **argv)
{
	struct context context = {.socket = SOCKET_PATH};
	const struct command *command;
	int r;

	/* It ends soon. To give memory back before that only takes time. */
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_MMAP_MAX, 0);
	r = read_options(argc, argv, &context);
	if (r > 0)
		return finish(STATUS_OK, STATUS_FAILED);
	if (r < 0)
		return names_check(argc, argv) ? check_usage() : STATUS_USAGE;
	if (optind >= argc) {
		print_usage(stderr);
		return STATUS_USAGE;
	}
	command = find_command(argv[optind]);
	if (!command) {
		explain_command(argv[optind]);
		return STATUS_USAGE;
	}
	r = run(&context, command, argv + optind + 1);
	return finish(r, command == &command_check ? (int)CHECK_UNKNOWN : (int)STATUS_FAILED);
}
