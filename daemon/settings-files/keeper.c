/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "settings-files/keeper.h"

#include <unistd.h>

#include "io/helper.h"
#include "settings-files/copy.h"

struct settings_keeper {
	struct loop *loop;
	pid_t daemon;
	const struct settings_paths *paths;
	settings_unkept_fn fn;
	void *data;
	char *text; /* of the last good settings; NULL: it is too large */
	size_t size;
	bool due; /* no helper has begun with it */
	struct helper *helper;
};

static int put(const void *data)
{
	const struct settings_keeper *keeper = data;

	return settings_copy_put(keeper->paths, keeper->text, keeper->size, keeper->daemon);
}

static void begin(struct settings_keeper *keeper);

static void on_put(void *data, int error)
{
	struct settings_keeper *keeper = data;

	keeper->helper = helper_free(keeper->helper);
	if (keeper->due)
		begin(keeper);
	else if (error < 0)
		keeper->fn(keeper->data, error);
}

static void begin(struct settings_keeper *keeper)
{
	int r;

	if (!keeper->due || keeper->helper)
		return;
	keeper->due = false;
	r = helper_start(keeper->loop, put, on_put, keeper, &keeper->helper);
	if (r < 0)
		keeper->fn(keeper->data, r);
}

int settings_keeper_keep(struct settings_keeper *keeper, const struct settings *s)
{
	char *text = NULL;
	size_t size = 0;
	int r = keeper->paths->kept ? settings_copy_format(s, &text, &size) : 0;

	if (r < 0 && r != -EFBIG)
		return r;
	free(keeper->text);
	keeper->text = text;
	keeper->size = size;
	keeper->due = keeper->paths->kept;
	begin(keeper);
	return 0;
}

int settings_keeper_new(struct loop *loop, const struct settings_paths *paths,
			settings_unkept_fn fn, void *data, struct settings_keeper **ret)
{
	struct settings_keeper *keeper = calloc(1, sizeof(*keeper));

	if (!keeper)
		return -ENOMEM;
	*keeper = (struct settings_keeper){
		.loop = loop, .daemon = getpid(), .paths = paths, .fn = fn, .data = data};
	*ret = keeper;
	return 0;
}

struct settings_keeper *settings_keeper_free(struct settings_keeper *keeper)
{
	if (!keeper)
		return NULL;
	keeper->helper = helper_free(keeper->helper);
	begin(keeper);
	helper_free(keeper->helper);
	free(keeper->text);
	free(keeper);
	return NULL;
}
