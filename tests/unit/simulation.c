/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "simulation.h"

#include <stdio.h>
#include <unistd.h>

#include "engine/job.h"
#include "hv/sim/sim.h"
#include "report-words.h"
#include "util/str.h"

#define DAY (24 * 3600 * USEC_PER_SEC)

/* Things that are over at different instants of one turn of the loop count as over at once. */
#define INSTANT USEC_PER_MSEC

static void on_pause(void *data)
{
	struct simulation *s = data;

	loop_exit(s->loop, -ETIMEDOUT);
}

static void write_settings(struct simulation *s, const char *variables, const char *native)
{
	folder_write(&s->folder, "variables", variables ? variables : "");
	folder_write(&s->folder, "native", native ? native : "");
	s->paths = (struct settings_paths){
		.variables = {folder_path(&s->folder, "variables")},
		.native = folder_path(&s->folder, "native"),
	};
}

void simulation_begin(struct simulation *s, const struct simulation_options *options)
{
	_cleanup_free_ char *host = NULL, *reason = NULL;
	struct hv *hv = NULL;
	int r;

	*s = (struct simulation){.n_wishes = 0};
	folder_make(&s->folder);
	write_settings(s, options->variables, options->native);
	ck_assert_int_eq(loop_new(&s->loop), 0);
	ck_assert_int_eq(timer_new(s->loop, on_pause, s, &s->pause), 0);
	ck_assert_int_eq(ledger_file_open(s->loop, folder_path(&s->folder, "state"), &s->state), 0);
	ck_assert_int_eq(str_format(&host,
				    "{\"speed\":0,\"disk\":%s,\"room_mib\":%u,\"guests\":%s}",
				    options->disk ? options->disk : "{}", options->room_mib,
				    options->guests),
			 0);
	r = hv_sim_new(s->loop, host, strlen(host), &hv, &reason);
	ck_assert_msg(r == 0, "%s: %s", reason, host);
	ck_assert_int_eq(manager_new(s->loop, hv, s->state, &s->paths, &s->manager), 0);
	s->began = loop_now(s->loop);
	s->said = calloc(1, 1);
}

void simulation_end(struct simulation *s)
{
	manager_free(s->manager);
	ledger_file_free(s->state);
	timer_free(s->pause);
	loop_free(s->loop);
	folder_remove(&s->folder);
	free(s->said);
}

static void count_flying(struct simulation *s, const struct report *r)
{
	if (r->stage != STAGE_CREATE && r->stage != STAGE_RESTORE && r->stage != STAGE_SAVE &&
	    r->stage != STAGE_RESTART)
		return;
	if (r->result == RESULT_RUNNING)
		s->flying_max = MAX(s->flying_max, ++s->flying);
	else if (s->flying > 0)
		s->flying--;
}

void simulation_on_report(void *data, const struct report *r)
{
	struct wish *w = data;
	struct simulation *s = w->sim;
	double seconds = (double)(loop_now(s->loop) - s->began) / (double)USEC_PER_SEC;
	char line[500];
	size_t size;
	int n;

	w->reports++;
	if (r->result == RESULT_RUNNING && r->permille > 0)
		return; /* mere progress */
	count_flying(s, r);
	n = snprintf(line, sizeof(line), "%.1f ", seconds);
	ck_assert(n > 0 && (size_t)n < sizeof(line));
	report_in_words(line + n, sizeof(line) - (size_t)n, r);
	keep_reason(s->reasons, sizeof(s->reasons), r);
	size = strlen(line);
	s->said = realloc(s->said, s->said_size + size + 1);
	memcpy(s->said + s->said_size, line, size + 1);
	s->said_size += size;
}

void simulation_on_done(void *data, int error, const char *reason, const struct job *job)
{
	struct wish *w = data;
	bool all = true;

	ck_assert_msg(!w->done, "told twice that it is done");
	w->done = true;
	w->error = error;
	w->succeeded = error >= 0 && job_succeeded(job);
	w->ended = loop_now(w->sim->loop) - w->sim->began;
	snprintf(w->reason, sizeof(w->reason), "%s", reason ? reason : "");
	for (size_t i = 0; i < w->sim->n_wishes; i++)
		all &= w->sim->wishes[i].done;
	if (all)
		loop_exit(w->sim->loop, 0);
}

static struct follower new_wish(struct simulation *s, struct wish **ret)
{
	struct wish *w = &s->wishes[s->n_wishes++];

	ck_assert_uint_le(s->n_wishes, WISHES_MAX);
	*w = (struct wish){.sim = s};
	*ret = w;
	return (struct follower){
		.report = simulation_on_report, .done = simulation_on_done, .data = w};
}

struct wish *simulation_wish(struct simulation *s, enum goal goal, const char *const *names)
{
	struct wish *w;
	struct follower follower = new_wish(s, &w);
	size_t n = 0;

	while (names && names[n])
		n++;
	ck_assert_int_eq(manager_request(s->manager, goal, names, n, &follower, &w->id), 0);
	return w;
}

static struct wish *stop_for_host(struct simulation *s, usec_t time, usec_t end)
{
	usec_t now = loop_now(s->loop);
	struct wish *w;
	struct follower follower = new_wish(s, &w);

	ck_assert_int_eq(manager_stop_until(s->manager, usec_add(now, time), usec_add(now, end),
					    &follower, &w->id),
			 0);
	return w;
}

struct wish *simulation_host_stop(struct simulation *s, usec_t time)
{
	return stop_for_host(s, time, USEC_INFINITY);
}

struct wish *simulation_last_stop(struct simulation *s, usec_t time)
{
	return stop_for_host(s, time, time);
}

void simulation_run(struct simulation *s)
{
	timer_set_after(s->pause, DAY);
	ck_assert_msg(loop_run(s->loop) == 0, "it does not end: %s", s->said);
	/* What follows from the end happens too: reactions, places that become free. */
	simulation_run_for(s, INSTANT);
}

void simulation_run_for(struct simulation *s, usec_t time)
{
	timer_set_after(s->pause, time);
	while (loop_run(s->loop) == 0)
		; /* a wish was granted; time goes on */
}

void simulation_expect(struct simulation *s, const char *said)
{
	ck_assert_str_eq(s->said, said);
	s->said[0] = '\0';
	s->said_size = 0;
}

bool simulation_said(const struct simulation *s, const char *what)
{
	return strstr(s->said, what);
}

bool simulation_reason_had(const struct simulation *s, const char *words)
{
	return strstr(s->reasons, words);
}

static void on_ready(void *data, const char *error)
{
	struct simulation *s = data;

	ck_assert_pstr_eq(error, NULL);
	loop_exit(s->loop, 0);
}

const char *simulation_state(struct simulation *s, const char *name)
{
	static char text[300];
	const struct guest *g;
	uint64_t id;
	const char *reason;
	enum guest_state state;

	ck_assert_int_eq(world_refresh(manager_world(s->manager), USEC_PER_SEC, on_ready, s, &id),
			 0);
	ck_assert_int_eq(loop_run(s->loop), 0);
	g = inventory_find_named(world_inventory(manager_world(s->manager)), name);
	ck_assert_msg(g, "there is no guest %s", name);
	state = guest_state(g, &reason);
	snprintf(text, sizeof(text), "%s%s%s", guest_state_to_string(state), reason ? ": " : "",
		 reason ? reason : "");
	return text;
}
