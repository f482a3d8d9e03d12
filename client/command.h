/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "connection.h"
#include "util/macro.h"
#include "util/time.h"
#include "writer.h"

/* As the man page documents them. */
enum exit_status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_NOTHING_RUNS = 3,
	STATUS_UNREACHABLE = 4,
};

/* Those of "check", as plugins for Nagios have them. */
enum check_status {
	CHECK_OK = 0,
	CHECK_WARNING = 1,
	CHECK_CRITICAL = 2,
	CHECK_UNKNOWN = 3,
};

/* Values of options of "status", or NULL. */
struct status_options {
	const char *states, *sort, *columns;
	bool wide, watch;
};

struct context {
	const char *socket;
	struct writer *writer;
	const char *worker; /* a program in place of the installed one, or NULL */
	const char *unit;   /* for which the call is made; NULL: a person */
	bool or_once;       /* without the daemon, if need be */
	usec_t deadline;    /* for a plan of a stop; 0: what the host gives */
	bool no_deadline;   /* for that neither */
	bool json;          /* the result is one object */
	bool names;         /* it is only names */
	bool cold;          /* a start leaves saved memory alone */
	bool force;         /* a stop takes libvirt's guests too */
	bool no_wait;       /* for the end of a start, stop or restart */
	bool all, yes;      /* each answers what confirm_all() would ask */
	enum progress_mode progress;
	struct status_options status;
};

/* One verb. run() gets the arguments after the verb and returns an exit status. */
struct command {
	const char *name;
	const char *arguments;
	const char *help;
	int (*run)(const struct context *context, char **arguments);
};

extern const struct command command_start;
extern const struct command command_stop;
extern const struct command command_restart;
extern const struct command command_cancel;
extern const struct command command_status;
extern const struct command command_check;
extern const struct command command_plan;
extern const struct command command_reload;
extern const struct command command_image;
extern const struct command command_help;

/* All of them, ended by NULL. */
extern const struct command *const commands[];

void print_usage(FILE *out);

/* The names as the parameter "guests" of a call; NULL: no memory. */
struct json_object *guests_parameter(char **names);

/* Says what went wrong with a call, and returns the exit status for it. */
int explain_error(const struct context *context, int error);
int explain_reply(const struct varlink_reply *reply);

/* Says that no guest has this name, and which one may be meant. Returns the exit status for it. */
int explain_no_guest(const struct context *context, const char *name);

/*
 * Calls a method that answers once. 0 and the reply (the caller's), or a negative exit status
 * with everything said.
 */
int call_once(const struct context *context, const char *method, struct json_object *parameters,
	      struct varlink_reply *ret);

/* The same for a method that may take any time, and shows its progress if that is wanted. */
int call_with_events(const struct context *context, const char *method,
		     struct json_object *parameters, struct varlink_reply *ret);

/* As call_once() for an answer that may take so long. */
int call_within(const struct context *context, usec_t limit, const char *method,
		struct json_object *parameters, struct varlink_reply *ret);

/*
 * Calls a method that answers once, and says nothing: 0 and the reply, which may be an error, or
 * -errno.
 */
int ask_within(const struct context *context, usec_t limit, const char *method,
	       struct json_object *parameters, struct varlink_reply *ret);

/* How long the daemon may take for an answer that needs no guest. */
#define ANSWER_LIMIT (30 * USEC_PER_SEC)

/* How long a daemon that is alive may take to say so. */
#define ALIVE_LIMIT (5 * USEC_PER_SEC)

/* True if the daemon answers within that. */
bool is_alive(const struct context *context, usec_t limit);

/* The occasion of a call. */
struct occasion {
	bool host_goes_down;
	usec_t until; /* it can be waited for; USEC_INFINITY: to its end */
};

/* Calls Start, Stop or Restart and shows how it goes. Returns an exit status. */
int call_and_follow(const struct context *context, const char *method, char **names,
		    const struct occasion *occasion);

/* Sets the text that 'systemctl status' shows of the unit. */
void tell_unit(const char *format, ...) _printf_(1, 2);

/* The same with no daemon, in place of this process. Returns only if that fails. */
int run_without_daemon(const char *verb, usec_t until);
