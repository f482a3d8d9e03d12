/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/config.h"

#include "util/str.h"

/* A file that is no settings at all can have a mistake in each of its lines. */
#define REFUSALS_MAX 20

struct config *config_new(void)
{
	_cleanup_(config_freep) struct config *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct config){
		.save = strdup("/var/lib/xen/save"),
		.restore = true,
		.autostart = strdup("/etc/xen/auto"),
		.auto_only = false,
		.sysrq_pause = 100 * USEC_PER_MSEC,
		.create_pause = 5 * USEC_PER_SEC,
		.stop_limit = 300 * USEC_PER_SEC,
		.shutdown = {.enabled = true, .wait = true},
		.shutdown_all = {.enabled = true, .wait = true},
		.answer_limit = 120 * USEC_PER_SEC,
		.parallel = 8,
		.patience = 1800 * USEC_PER_SEC,
		.restart_limit = 5,
		.restart_interval = 600 * USEC_PER_SEC,
		.dumps = strdup("/var/lib/xen/dump"),
	};
	return c->save && c->autostart && c->dumps ? TAKE_PTR(c) : NULL;
}

static void refusal_done(struct config_refusal *refusal)
{
	free(refusal->path);
	free(refusal->reason);
}

void config_free(struct config *c)
{
	if (!c)
		return;
	free(c->save);
	free(c->autostart);
	target_list_done(&c->migrate);
	free(c->sysrq);
	for (size_t i = 0; i < c->n_domains; i++)
		free(c->domains[i].pattern);
	free(c->domains);
	free(c->dumps);
	free(c->read_group);
	free(c->control_group);
	free(c->read_group_at.path);
	free(c->control_group_at.path);
	for (size_t i = 0; i < c->n_warnings; i++)
		free(c->warnings[i]);
	free(c->warnings);
	for (size_t i = 0; i < c->n_refusals; i++)
		refusal_done(&c->refusals[i]);
	free(c->refusals);
	free(c);
}

int config_warn(struct config *c, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	char **bigger;
	va_list ap;
	int r;

	va_start(ap, format);
	r = str_vformat(&text, format, ap);
	va_end(ap);
	if (r < 0)
		return r;
	bigger = realloc(c->warnings, (c->n_warnings + 2) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	c->warnings = bigger;
	c->warnings[c->n_warnings++] = TAKE_PTR(text);
	c->warnings[c->n_warnings] = NULL;
	return 0;
}

int config_refuse(struct config *c, const struct config_place *at, bool cosmetic,
		  const char *reason)
{
	_cleanup_free_ char *path = NULL, *copy = NULL;
	struct config_refusal *bigger;
	int r;

	c->broken |= !cosmetic;
	if (c->n_refusals == REFUSALS_MAX && !cosmetic && c->refusals[REFUSALS_MAX - 1].cosmetic)
		refusal_done(&c->refusals[--c->n_refusals]);
	if (c->n_refusals == REFUSALS_MAX)
		return 0;
	r = str_format(&path, "%s", at->path);
	r = r < 0 ? r : str_format(&copy, "%s", reason);
	if (r < 0)
		return r;
	bigger = realloc(c->refusals, (c->n_refusals + 1) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	c->refusals = bigger;
	bigger[c->n_refusals++] = (struct config_refusal){
		.path = TAKE_PTR(path),
		.line = at->line,
		.reason = TAKE_PTR(copy),
		.cosmetic = cosmetic,
	};
	return 0;
}

int config_refusal_text(const struct config_refusal *refusal, char **ret)
{
	if (refusal->line == 0)
		return str_format(ret, "%s: %s", refusal->path, refusal->reason);
	return str_format(ret, "%s:%u: %s", refusal->path, refusal->line, refusal->reason);
}

const struct config_refusal *config_worst_refusal(const struct config *c)
{
	for (size_t i = 0; i < c->n_refusals; i++)
		if (!c->refusals[i].cosmetic)
			return &c->refusals[i];
	return c->n_refusals > 0 ? &c->refusals[0] : NULL;
}
