/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/xl/conf.h"

#include <libxlutil.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/fd.h"
#include "util/str.h"

#define XL_LOCK  "/var/lock/xl"
#define CONF_MAX (1U << 20)

void xl_conf_done(struct xl_conf *conf)
{
	free(conf->lock);
	free(conf->text);
	*conf = (struct xl_conf){0};
}

/* A value that xl does not know is as good as none, for xl too. */
static void apply_autoballoon(const char *value, struct xl_conf *conf)
{
	if (str_equal(value, "on") || str_equal(value, "1"))
		conf->autoballoon = XL_AUTOBALLOON_ON;
	else if (str_equal(value, "off") || str_equal(value, "0"))
		conf->autoballoon = XL_AUTOBALLOON_OFF;
}

static int apply(XLU_Config *parsed, struct xl_conf *conf)
{
	const char *value;

	if (xlu_cfg_get_string(parsed, "autoballoon", &value, 1) == 0)
		apply_autoballoon(value, conf);
	if (xlu_cfg_get_string(parsed, "output_format", &value, 1) == 0)
		conf->json = !str_equal(value, "sxp");
	if (xlu_cfg_get_string(parsed, "lockfile", &value, 1) == 0)
		return str_replace(&conf->lock, value);
	return 0;
}

static int parse(const char *path, size_t size, struct xl_conf *conf)
{
	XLU_Config *parsed = xlu_cfg_init(stderr, path);
	int r = 0;

	if (!parsed)
		return -ENOMEM;
	if (xlu_cfg_readdata(parsed, conf->text, (int)size) == 0)
		r = apply(parsed, conf);
	xlu_cfg_destroy(parsed);
	return r;
}

int xl_conf_read(const char *path, struct xl_conf *ret)
{
	_cleanup_(xl_conf_done) struct xl_conf conf = {
		.autoballoon = XL_AUTOBALLOON_AUTO,
		.json = true,
	};
	size_t size = 0;
	int r = str_replace(&conf.lock, XL_LOCK);

	r = r < 0 ? r : file_read(path, CONF_MAX, &conf.text, &size);
	if (r == -ENOENT)
		r = str_replace(&conf.text, "");
	r = r < 0 ? r : parse(path, size, &conf);
	if (r < 0)
		return r;
	*ret = conf;
	conf = (struct xl_conf){0};
	return 0;
}

/* Of two lines for one setting the last counts. */
int xl_conf_with_json(const struct xl_conf *conf, char **ret)
{
	return str_format(ret, "%s\noutput_format=\"json\"\n", conf->text);
}
