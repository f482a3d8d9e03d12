/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/plan-guest.h"

#include "core/leftover.h"
#include "core/settings.h"
#include "model/image-names.h"
#include "util/quote.h"
#include "util/str.h"

/* A file for a guest: its name, unless a file cannot be called so. */
static int guest_path(const char *folder, const struct guest *g, char **ret)
{
	_cleanup_free_ char *file = NULL;
	int r = file_name_escape(g->name, &file);

	if (r == -ENOMEM)
		return r;
	return str_format(ret, "%s/%s", folder, r < 0 ? UUID_TEXT(&g->uuid) : file);
}

static enum stage action_stage(enum death_action action)
{
	switch (action) {
	case DEATH_RESTART:
	case DEATH_RENAME_RESTART:
	case DEATH_COREDUMP_RESTART:
		return STAGE_RESTART;
	case DEATH_SOFT_RESET:
		return STAGE_SOFT_RESET;
	case DEATH_DESTROY:
	case DEATH_COREDUMP_DESTROY:
	case DEATH_PRESERVE:
	case _DEATH_ACTION_MAX:
	case _DEATH_ACTION_INVALID:
		break;
	}
	return STAGE_CLEAN;
}

int plan_end(struct step *s, const struct config *config, const struct guest *g,
	     enum death_action action)
{
	int r = str_replace(&s->source, g->domain->source);

	step_add_stage(s, action_stage(action));
	s->preserve = action == DEATH_RENAME_RESTART;
	if (r < 0 || !death_action_dumps(action) || !config->dumps)
		return r;
	return guest_path(config->dumps, g, &s->dump);
}

/* For what status tells of the guest anyhow, until it is mended. */
static int refuse(struct step *s, const char *reason)
{
	s->lasting = true;
	return step_conclude(s, STEP_FAILED, "%s", reason);
}

/* What a guest is created from. */
static int set_origin(struct step *s, const struct guest *g)
{
	int r = str_replace(&s->config, g->config->config);

	s->memory_kib = g->config->memory_kib;
	return r < 0 ? r : str_replace(&s->source, g->config->path);
}

static int add_stale(struct step *s, const struct survey_image *image, const char *why, bool past)
{
	return stale_list_add(&s->stale, &(struct stale){.path = image->path,
							 .reason = (char *)(uintptr_t)why,
							 .past = past});
}

/*
 * The ledger is told, because the rival lives on as this guest, which has another UUID. In the
 * place of an image that is missing another file may be now.
 */
static int add_rival(struct step *s, const struct guest *rival, const char *why)
{
	const struct survey_image *image = rival->image;

	return stale_list_add(&s->stale,
			      &(struct stale){.path = image ? image->path : NULL,
					      .reason = (char *)(uintptr_t)why,
					      .guest = rival->uuid,
					      .image = image ? image->id : rival->missing->id});
}

/* The images that a guest outlives which runs now: not the one that it is restored from. */
static int set_stale(struct step *s, const struct guest *g, const char *why_others)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < g->n_images; i++) {
		const struct guest_image *image = &g->images[i];

		if (standing_is_past(image->standing))
			r = add_stale(s, image->image, standing_why_past(image->standing), true);
		else if (why_others)
			r = add_stale(s, image->image, why_others, false);
		else if (image->image != g->image)
			r = add_stale(s, image->image,
				      "it is a copy of the image that the guest runs from", true);
	}
	for (size_t i = 0; r >= 0 && g->former && i < g->former->n_images; i++)
		r = add_stale(s, g->former->images[i].image,
			      standing_why_past(g->former->images[i].standing),
			      standing_is_past(g->former->images[i].standing));
	for (size_t i = 0; r >= 0 && why_others && i < g->n_rivals; i++)
		r = add_rival(s, g->rivals[i], why_others);
	return r;
}

static bool can_be_created(const struct guest *g)
{
	return g->config && !g->config->error && !g->conflict && !uuid_is_null(&g->uuid);
}

int plan_explain_image(const struct guest *g, char **ret)
{
	if (!can_be_created(g))
		return str_format(ret,
				  "%s. Repair the file, or put a whole copy of it there, and run "
				  "'xendomainsctl start %s'. The guest has no configuration that "
				  "could start it without its memory",
				  g->image->error, AS_ARGUMENT(g->name));
	return str_format(ret,
			  "%s. Repair the file, or put a whole copy of it there, and run "
			  "'xendomainsctl start %s'; or run 'xendomainsctl start --cold %s' to "
			  "start the guest without its memory, and to put the image aside",
			  g->image->error, AS_ARGUMENT(g->name), AS_ARGUMENT(g->name));
}

static int plan_restore(struct step *s, const struct config *config, const struct guest *g)
{
	struct guest_settings settings = config_guest(config, g->name);
	const struct survey_image *image = g->image;
	int r;

	if (image->error) {
		s->result = STEP_FAILED;
		s->lasting = true;
		return plan_explain_image(g, &s->reason);
	}
	step_add_stage(s, STAGE_RESTORE);
	s->image_id = image->id;
	s->standing = g->standing;
	r = str_replace(&s->image, image->path);
	r = r < 0 ? r : set_stale(s, g, NULL);
	s->changed = settings.image_changed;
	s->unknown = settings.image_unknown;
	if (r < 0)
		return r;
	if (can_be_created(g)) {
		/* Only for these reasons: see step_allows_next(). */
		if (s->changed != IMAGE_HOLD || s->unknown != IMAGE_HOLD)
			step_add_stage(s, STAGE_CREATE);
		r = set_origin(s, g);
	} else if (g->past && g->past->source) {
		/* Its file is known, though it is not used, or cannot be read now. */
		r = str_replace(&s->source, g->past->source);
	} else if (g->config && !g->config->error) {
		r = str_replace(&s->source, g->config->path);
	}
	/* An image can be compressed, and a configuration changed since. */
	s->memory_kib = MAX(s->memory_kib, image->size / 1024);
	return r;
}

/* why: for which the images that could be restored are not. */
static int plan_create(struct step *s, const struct guest *g, const char *why)
{
	const struct survey_config *c = g->config;
	int r;

	s->lasting = !c && g->image;
	if (s->lasting)
		return step_conclude(s, STEP_FAILED,
				     "has no configuration that could start it without its memory, "
				     "which is in %s",
				     g->image->path);
	if (!c && g->n_images > 0)
		return step_conclude(
			s, STEP_FAILED,
			"has no configuration, and its image %s is of an earlier life: %s",
			g->images[0].image->path, standing_why_past(g->images[0].standing));
	if (!c)
		return step_conclude(s, STEP_FAILED, "has neither a configuration nor an image");
	if (c->error)
		return refuse(s, c->error);
	if (g->conflict)
		return refuse(s, g->conflict);
	if (uuid_is_null(&g->uuid))
		return step_conclude(s, STEP_FAILED, "failed to generate a UUID for the guest");
	step_add_stage(s, STAGE_CREATE);
	r = set_origin(s, g);
	return r < 0 ? r : set_stale(s, g, why);
}

/* The image that is not here, and may hold the guest's memory. */
static const struct known_image *missing_of(const struct guest *g)
{
	const struct known_image *missing = g->missing;

	for (size_t i = 0; !missing && i < g->n_rivals; i++)
		if (!g->rivals[i]->image)
			missing = g->rivals[i]->missing;
	return missing;
}

/* Whatever else is given up, for it can be the memory of another guest. named: this image is. */
static int name_others(struct step *s, const struct stale *named, const struct known_image *missing)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->stale.n; i++) {
		const struct stale *item = &s->stale.items[i];
		_cleanup_free_ char *text = NULL;

		if (item == named || item->past ||
		    (missing && uuid_equal(&item->image, &missing->id)))
			continue;
		r = item->path
			    ? str_format(&text, "%s; %s is put aside, too", s->reason, item->path)
			    : str_format(&text, "%s; the memory of guest %s is given up, too",
					 s->reason, UUID_TEXT(&item->guest));
		r = r < 0 ? r : str_replace(&s->reason, text);
	}
	return r;
}

/* A cold start where the guest has been saved is said, whatever the reason. */
static int plan_cold(struct step *s, const struct config *config, const struct guest *g,
		     const char *why)
{
	const struct known_image *missing = missing_of(g);
	const char *path = missing && missing->path ? missing->path : "an image";
	const struct stale *named = NULL;
	int r = plan_create(s, g, why);

	if (r < 0 || s->result != STEP_TODO)
		return r;
	if (missing && !config->save)
		r = str_format(&s->reason,
			       "XENDOMAINS_SAVE is empty, so its image %s is not looked for", path);
	else if (missing && !why)
		r = str_format(&s->reason, "its image %s was removed", path);
	else if (missing)
		r = str_format(&s->reason, "the memory that was saved to %s is given up: %s", path,
			       why);
	else if (s->stale.n > 0) {
		named = &s->stale.items[0];
		r = str_format(&s->reason, "its image %s is put aside: %s", named->path,
			       named->reason);
	}
	r = r < 0 || !s->reason ? r : name_others(s, named, missing);
	s->cold = s->reason;
	return r;
}

/* It is there, and does not run: that is no success of a start. */
static int plan_leftover(struct step *s, const struct domain *d)
{
	s->result = STEP_FAILED;
	return leftover_explain(d, &s->reason);
}

/* Without its memory. It runs twice if it was migrated, and the record of that is lost. */
static int plan_cold_unless_away(struct step *s, const struct config *config, const struct guest *g,
				 bool named, const char *why)
{
	if (g->unplaced && !named && g->config && (config->migrate.n > 0 || g->migrates))
		return step_conclude(
			s, STEP_FAILED,
			"the ledger has lost records: the guest may have been migrated. "
			"Check with 'xl list' on the other hosts. If it runs on "
			"none, run 'xendomainsctl start %s' to start it here",
			AS_ARGUMENT(g->name));
	return plan_cold(s, config, g, why);
}

int plan_start(struct step *s, const struct config *config, const struct guest *g, bool named,
	       bool cold)
{
	const struct past *away = guest_departure(g);
	const struct domain *d = g->domain;

	if (d && domain_condition(d) == DOMAIN_RUNNING && !g->busy)
		return step_conclude(s, STEP_OK, "runs already");
	if (guest_is_alive(g) && !g->busy)
		return plan_leftover(s, d);
	if (g->occupied)
		return refuse(s, g->hold);
	/* It would run twice, on the same disks: only a person who has looked may start it. */
	if (away && !named && !str_equal(away->away_name, g->name))
		return step_conclude(
			s, STEP_FAILED,
			"%s, a domain with the same UUID, was migrated to %s and may be "
			"this guest. If the guest does not run there, run 'xendomainsctl "
			"start %s' to start it here",
			away->away_name, away->away, AS_ARGUMENT(g->name));
	if (away && !named)
		return step_conclude(s, away->away_unknown ? STEP_FAILED : STEP_SKIPPED, "%s",
				     away->away_reason);
	if (g->departed && !named)
		return refuse(s, g->departed);
	if (guest_is_undecided(g)) {
		step_add_stage(s, STAGE_RESUME);
		return 0;
	}
	/* Its restart may be put off, or may have failed: it is wanted now. */
	if (d && d->shutdown && !g->busy && d->manager == DOMAIN_MANAGER_XENDOMAINSD &&
	    d->reason != SHUTDOWN_REASON_SUSPEND && death_action_restarts(domain_death_action(d)) &&
	    !guest_is_superseded(g))
		return plan_end(s, config, g, domain_death_action(d));
	if (guest_is_left(g))
		return step_conclude(s, STEP_FAILED,
				     LEFT_BEHIND_WORDS ". Run 'xendomainsctl stop %s' to try again",
				     AS_ARGUMENT(g->name));
	if (d && domain_condition(d) == DOMAIN_SUSPENDED && !g->busy) {
		s->foreign = true;
		step_add_stage(s, STAGE_RESUME);
		return 0;
	}
	if (d && d->shutdown && !g->busy)
		return plan_leftover(s, d);
	if (cold)
		return plan_cold(s, config, g, "a cold start was requested");
	if (!config->restore)
		return g->config ? plan_cold_unless_away(s, config, g, named,
							 "XENDOMAINS_RESTORE is off")
				 : step_conclude(s, STEP_SKIPPED,
						 "saved, and XENDOMAINS_RESTORE is off");
	if (g->hold)
		return refuse(s, g->hold);
	if (g->vanished)
		return step_conclude(
			s, STEP_FAILED,
			"the domain disappeared while the directories were read: another "
			"tool may have saved or migrated it. If it does not run on "
			"another host, run the command again");
	if (g->image)
		return plan_restore(s, config, g);
	if (g->unseen)
		return step_conclude(
			s, STEP_FAILED,
			"%s. An image of the guest may be there: make the directory "
			"readable, or run 'xendomainsctl start --cold %s' to start the "
			"guest without its memory",
			g->unseen, AS_ARGUMENT(g->name));
	return plan_cold_unless_away(s, config, g, named, NULL);
}

/*
 * Neither a typo in a configuration nor a file system that is not mounted must cost a guest the
 * save. One that was restored while there was no configuration is known by its image only.
 */
static bool in_scope(const struct config *config, const struct guest *g)
{
	const char *source = g->domain->source;

	if (!config->auto_only || config->scope_unknown || g->config || g->unlisted)
		return true;
	return g->unmounted && config->autostart &&
	       (path_lies_in(source, config->autostart) || path_lies_in(source, config->save));
}

/* What is tried, in this order. */
static void add_stop_stages(struct step *s, const struct config *config, const struct guest *g,
			    bool named)
{
	bool chosen = in_scope(config, g) || named;
	bool suspends = chosen && !g->domain->unsavable;
	bool save = suspends && config->save;
	bool shutdown = chosen && (config->shutdown.enabled || (named && !config->save));
	bool shutdown_all = config->shutdown_all.enabled && !named;
	bool sysrq = chosen && config->sysrq;
	/* Who names a guest wants it to end here; all of them are moved for the host's sake. */
	bool migrate = suspends && !named && config->migrate.n > 0;

	if (sysrq)
		step_add_stage(s, STAGE_SYSRQ);
	if (migrate)
		step_add_stage(s, STAGE_MIGRATE);
	if (save)
		step_add_stage(s, STAGE_SAVE);
	if (shutdown)
		step_add_stage(s, STAGE_SHUTDOWN);
	if (shutdown_all)
		step_add_stage(s, STAGE_SHUTDOWN_ALL);
	if ((shutdown || shutdown_all) && config_guest(config, g->name).forced_destroy)
		step_add_stage(s, STAGE_DESTROY);
	if (!g->busy)
		step_prepare(s, g->domain);
	s->wait = config->shutdown.wait || named;
	s->wait_all = config->shutdown_all.wait;
}

/* libvirt would take a domain that is saved without it for a lost one. */
static int plan_libvirts(struct step *s, bool named)
{
	if (!named)
		return step_conclude(s, STEP_SKIPPED, "belongs to libvirt, which stops it itself");
	return step_conclude(s, STEP_FAILED,
			     "belongs to libvirt. Run 'virsh shutdown %s', or 'xendomainsctl stop "
			     "--force %s' to stop it without libvirt",
			     AS_ARGUMENT(s->name), AS_ARGUMENT(s->name));
}

/* Where a save goes, and whose image must not be in its way. */
static int set_destination(struct step *s, const struct config *config,
			   const struct inventory *inventory, const struct guest *g)
{
	const struct known_image *others;
	int r = guest_path(config->save, g, &s->image);

	s->compression = config_guest(config, g->name).compression;
	others = r < 0 ? NULL : inventory_find_others_image(inventory, g, s->image);
	if (others)
		s->image_id = others->id;
	return r;
}

int plan_stop(struct step *s, const struct config *config, const struct inventory *inventory,
	      const struct guest *g, bool named, bool forced)
{
	const struct domain *d = g->domain;
	/* A suspended one is waited for while it is saved, and then resumed (hold_check()). */
	bool ended = d->shutdown && d->reason != SHUTDOWN_REASON_SUSPEND && !g->busy;
	int r;

	if (guest_is_left(g) && !config->save)
		return step_conclude(
			s, STEP_FAILED,
			"saved, but domain %u could not be destroyed, and XENDOMAINS_SAVE is empty. "
			"Set it to the directory of the image, and run 'xendomainsctl stop %s'",
			d->domid, AS_ARGUMENT(g->name));
	s->saved = guest_is_left(g);
	if (d->dying)
		return step_conclude(s, STEP_SKIPPED, "is already dying");
	if (d->manager == DOMAIN_MANAGER_LIBVIRT && !forced)
		return plan_libvirts(s, named);
	if (guest_is_undecided(g))
		return step_conclude(s, STEP_FAILED, "%s", g->past->away_reason);
	if (domain_condition(d) == DOMAIN_AWAY && !g->busy)
		return plan_leftover(s, d);
	if (ended && d->manager == DOMAIN_MANAGER_XENDOMAINSD &&
	    domain_death_action(d) == DEATH_PRESERVE)
		return step_conclude(s, STEP_SKIPPED,
				     "has ended (%s) and is preserved as configured",
				     shutdown_reason_to_string(d->reason));
	if (ended || s->saved) {
		step_add_stage(s, STAGE_CLEAN);
		return s->saved ? guest_path(config->save, g, &s->image) : 0;
	}
	s->foreign = d->manager != DOMAIN_MANAGER_XENDOMAINSD;
	s->memory_kib = d->memory_kib;
	s->done = g->done;
	add_stop_stages(s, config, g, named);
	if (d->unsavable && (in_scope(config, g) || named) &&
	    (config->save || (config->migrate.n > 0 && !named))) {
		step_need_stage(s);
		r = str_format(&s->reason, "is not saved or migrated: %s", d->unsavable);
		if (r < 0 || s->result == STEP_FAILED)
			return r;
	}
	if (s->n_stages == 0)
		return step_conclude(s, STEP_SKIPPED,
				     in_scope(config, g) ? "no stage of a stop is switched on"
							 : "is not in XENDOMAINS_AUTO");
	s->answer_limit = config->answer_limit;
	r = str_replace(&s->sysrq, config->sysrq);
	r = r < 0 ? r : target_list_copy(&config->migrate, &s->targets);
	return r < 0 || !config->save ? r : set_destination(s, config, inventory, g);
}
