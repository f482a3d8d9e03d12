/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/survey.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "util/fd.h"
#include "util/str.h"
#include "wire/frame.h"
#include "wire/operation.h"
#include "worker/image.h"
#include "worker/xl.h"

/* More files than this in one folder are a mistake. */
#define FILES_MAX 10000

struct folder {
	char **names;
	size_t n;
};

static void folder_done(struct folder *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->names[i]);
	free(f->names);
}

static int send_message(int channel, struct json_object *message_taken)
{
	_cleanup_json_ struct json_object *message = message_taken;
	const char *text;
	size_t length;

	if (!message)
		return -ENOMEM;
	text = json_text(message, &length);
	return text ? fd_write_all(channel, text, length + 1) : -ENOMEM;
}

static int send_wrapped(int channel, const char *kind, struct json_object *body)
{
	_cleanup_json_ struct json_object *message = json_object_new_object();

	if (!message) {
		json_object_put(body);
		return -ENOMEM;
	}
	if (json_add(message, kind, body) < 0)
		return -ENOMEM;
	return send_message(channel, TAKE_PTR(message));
}

static int send_note(int channel, const char *format, ...) _printf_(2, 3);

static int send_note(int channel, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int r;

	va_start(ap, format);
	r = str_vformat(&text, format, ap);
	va_end(ap);
	return r < 0 ? r : send_wrapped(channel, "note", json_object_new_string(text));
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* 1 and the names in order; 0 with a note sent if there is nothing to read. */
static int list_folder(int channel, const char *path, struct folder *ret)
{
	_cleanup_(folder_done) struct folder f = {0};
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return errno == ENOENT
			       ? 0
			       : send_note(channel, "%s cannot be read: %s", path, strerror(errno));
	while (r >= 0 && f.n < FILES_MAX && (entry = readdir(dir))) {
		char **bigger;

		if (str_equal(entry->d_name, ".") || str_equal(entry->d_name, ".."))
			continue;
		bigger = realloc(f.names, (f.n + 1) * sizeof(*bigger));
		r = bigger ? 0 : -ENOMEM;
		if (!bigger)
			break;
		f.names = bigger;
		f.names[f.n] = strdup(entry->d_name);
		r = f.names[f.n] ? 0 : -ENOMEM;
		if (r >= 0)
			f.n++;
	}
	closedir(dir);
	if (r < 0)
		return r;
	if (f.n)
		qsort(f.names, f.n, sizeof(*f.names), compare_names);
	*ret = f;
	f = (struct folder){0};
	return 1;
}

/* Configurations. */

/* What editors and package managers leave behind; the script started such files as guests. */
static bool is_leftover(const char *name)
{
	static const char *const parts[] = {".dpkg-", ".rpmsave", ".rpmnew", ".rpmorig", ".ucf-"};
	static const char *const ends[] = {"~", ".swp", ".swo", ".bak", ".orig"};

	for (size_t i = 0; i < ELEMENTSOF(parts); i++)
		if (strstr(name, parts[i]))
			return true;
	for (size_t i = 0; i < ELEMENTSOF(ends); i++)
		if (str_ends_with(name, ends[i]))
			return true;
	return name[0] == '.' || name[0] == '#';
}

static int make_stamp(const struct stat *st, char **ret)
{
	_cleanup_free_ char *parser = NULL;
	int r = xl_parse_stamp(&parser);

	if (r < 0)
		return r;
	return str_format(ret, "%llu:%llu:%lld:%lld.%09ld:%lld.%09ld:%s",
			  (unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
			  (long long)st->st_size, (long long)st->st_mtim.tv_sec,
			  (long)st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec,
			  (long)st->st_ctim.tv_nsec, parser);
}

static int set_error(struct json_object *o, const char *path, const char *problem)
{
	_cleanup_free_ char *text = NULL;
	int r = str_format(&text, "%s: %s", path, problem);

	return r < 0 ? r : json_add_string(o, "error", text);
}

/* Whether other guests' devices can live in it; libxl writes such a flag as a word. */
static bool is_driver(struct json_object *config)
{
	struct json_object *info = json_get(config, "c_info", json_type_object);

	return str_equal(json_get_string(info, "driver_domain"), "True");
}

/* The few facts that the daemon needs of a configuration. */
static int add_facts(struct json_object *o, const char *path, const struct xl_parsed *parsed)
{
	_cleanup_json_ struct json_object *config = NULL;
	struct json_object *info;
	uint64_t memory = 0;
	const char *name;
	int r = json_parse(parsed->config, strlen(parsed->config), &config);

	if (r == -ENOMEM)
		return r;
	info = r < 0 ? NULL : json_get(config, "c_info", json_type_object);
	name = json_get_string(info, "name");
	if (str_empty(name))
		return set_error(o, path, "it gives the guest no name");
	json_get_u64(json_get(config, "b_info", json_type_object), "max_memkb", &memory);
	r = json_add_string(o, "name", name);
	r = r < 0 ? r : json_add_u64(o, "memory_kib", memory);
	r = r < 0 ? r : json_add_bool(o, "driver", is_driver(config));
	if (parsed->has_uuid)
		r = r < 0 ? r : json_add_string(o, "uuid", json_get_string(info, "uuid"));
	return r < 0 ? r : json_add_string(o, "config", json_text(config, NULL));
}

static int parse_config(struct json_object *o, const char *path)
{
	_cleanup_(xl_parsed_done) struct xl_parsed parsed = {0};
	int r = xl_parse(path, &parsed);

	if (r < 0)
		return set_error(o, path, strerror(-r));
	return parsed.error ? json_add_string(o, "error", parsed.error)
			    : add_facts(o, path, &parsed);
}

static int survey_config(int channel, const char *path, const struct stat *st,
			 struct json_object *known)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_free_ char *stamp = NULL;
	int r = o ? make_stamp(st, &stamp) : -ENOMEM;

	r = r < 0 ? r : json_add_string(o, "path", path);
	r = r < 0 ? r : json_add_string(o, "stamp", stamp);
	if (r < 0)
		return r;
	if (str_equal(json_get_string(known, path), stamp))
		r = json_add_bool(o, "unchanged", true);
	else
		r = parse_config(o, path);
	return r < 0 ? r : send_wrapped(channel, "configuration", TAKE_PTR(o));
}

static int survey_configs(int channel, const char *folder, struct json_object *known)
{
	_cleanup_(folder_done) struct folder f = {0};
	int r = list_folder(channel, folder, &f);

	for (size_t i = 0; r >= 0 && i < f.n; i++) {
		_cleanup_free_ char *path = NULL;
		struct stat st;

		r = str_format(&path, "%s/%s", folder, f.names[i]);
		if (r < 0)
			break;
		if (is_leftover(f.names[i]))
			r = send_note(channel,
				      "%s is skipped: an editor or a package manager "
				      "left it",
				      path);
		else if (stat(path, &st) < 0)
			r = send_note(channel, "%s is skipped: %s", path, strerror(errno));
		else if (!S_ISREG(st.st_mode))
			r = send_note(channel, "%s is skipped: it is not a file", path);
		else
			r = survey_config(channel, path, &st, known);
	}
	return r < 0 ? r : 0;
}

/* Images. */

enum image_file {
	IMAGE_FILE_IMAGE,
	IMAGE_FILE_CONSUMED, /* a guest was being let go from it */
	IMAGE_FILE_OTHER,
};

static enum image_file image_file_kind(const char *name)
{
	if (name[0] == '.' || str_ends_with(name, ".part") || strstr(name, ".stale-"))
		return IMAGE_FILE_OTHER;
	return str_ends_with(name, ".restoring") ? IMAGE_FILE_CONSUMED : IMAGE_FILE_IMAGE;
}

static int add_image_error(struct json_object *o, const char *path, const char *problem,
			   bool foreign)
{
	int r = set_error(o, path, problem);

	return r < 0 ? r : json_add_bool(o, "foreign", foreign);
}

static int add_image_facts(struct json_object *o, const struct image_header *header)
{
	_cleanup_json_ struct json_object *config = NULL;
	int r = json_add_string(o, "name", header->name);

	if (json_parse(header->config, strlen(header->config), &config) >= 0)
		r = r < 0 ? r : json_add_bool(o, "driver", is_driver(config));
	return r < 0 ? r : json_add_uuid(o, "uuid", &header->uuid);
}

static int read_image(struct json_object *o, const char *path, bool *ret_named)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	const char *problem;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return add_image_error(o, path, strerror(errno), false);
	if (!S_ISREG(st.st_mode))
		return add_image_error(o, path, "it is not a file", true);
	r = image_read_header(fd, &header, &problem);
	if (r == -EBADMSG || r == -ENOEXEC)
		return add_image_error(o, path, problem, r == -ENOEXEC);
	if (r < 0)
		return add_image_error(o, path, strerror(-r), false);
	*ret_named = true;
	r = add_image_facts(o, &header);
	r = r < 0 ? r : json_add_u64(o, "size", (uint64_t)st.st_size);
	if (r < 0 || !header.ours)
		return r;
	r = json_add_uuid(o, "id", &header.facts.id);
	if (r >= 0 && (uint64_t)st.st_size != (uint64_t)header.stream + header.facts.stream_bytes)
		r = set_error(o, path, "it is cut short, or goes on behind its end");
	return r;
}

/* What the name of the file says, where the file itself does not. */
static int add_name_of_file(struct json_object *o, const char *file)
{
	_cleanup_free_ char *name = NULL;
	int r = file_name_unescape(file, &name);

	if (r == -ENOMEM)
		return r;
	return json_add_string(o, "name", r < 0 ? file : name);
}

static int survey_image(int channel, const char *folder, const char *file, bool consumed)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_free_ char *path = NULL, *base = NULL;
	bool named = false;
	int r = o ? str_format(&path, "%s/%s", folder, file) : -ENOMEM;

	if (r < 0)
		return r;
	base = strndup(file, strlen(file) - (consumed ? strlen(".restoring") : 0));
	if (!base)
		return -ENOMEM;
	r = read_image(o, path, &named);
	if (r >= 0 && !named)
		r = add_name_of_file(o, base);
	free(TAKE_PTR(path));
	r = r < 0 ? r : str_format(&path, "%s/%s", folder, base);
	r = r < 0 ? r : json_add_string(o, "path", path);
	r = r < 0 ? r : json_add_bool(o, "consumed", consumed);
	return r < 0 ? r : send_wrapped(channel, "image", TAKE_PTR(o));
}

static bool is_there(const char *folder, const char *file, size_t length)
{
	_cleanup_free_ char *path = NULL;

	return str_format(&path, "%s/%.*s", folder, (int)length, file) >= 0 &&
	       access(path, F_OK) == 0;
}

static int survey_images(int channel, const char *folder)
{
	_cleanup_(folder_done) struct folder f = {0};
	int r = list_folder(channel, folder, &f);

	for (size_t i = 0; r >= 0 && i < f.n; i++) {
		const char *file = f.names[i];
		size_t base = strlen(file) - MIN(strlen(file), strlen(".restoring"));

		switch (image_file_kind(file)) {
		case IMAGE_FILE_IMAGE:
			r = survey_image(channel, folder, file, false);
			break;
		case IMAGE_FILE_CONSUMED:
			/* Beside a newer image it says nothing. */
			if (!is_there(folder, file, base))
				r = survey_image(channel, folder, file, true);
			break;
		case IMAGE_FILE_OTHER:
			break;
		}
	}
	return r < 0 ? r : 0;
}

static int receive_request(int channel, struct json_object **ret)
{
	struct framer framer = FRAMER_INIT(OPERATION_MESSAGE_MAX);
	char chunk[16384];
	const char *text;
	size_t length;
	int r = 0;

	while (r >= 0 && framer_next(&framer, &text, &length) == 0) {
		ssize_t n = recv(channel, chunk, sizeof(chunk), 0);

		if (n < 0 && errno == EINTR)
			continue;
		r = n < 0 ? -errno : n == 0 ? -ENODATA : framer_feed(&framer, chunk, (size_t)n);
	}
	r = r < 0 ? r : json_parse(text, length, ret);
	framer_done(&framer);
	return r;
}

int run_survey(int channel)
{
	_cleanup_json_ struct json_object *request = NULL;
	const char *autostart, *save;
	int r = receive_request(channel, &request);

	if (r < 0)
		return r;
	autostart = json_get_string(request, "autostart");
	save = json_get_string(request, "save");
	if (save)
		r = survey_images(channel, save);
	if (r >= 0 && autostart)
		r = survey_configs(channel, autostart,
				   json_get(request, "known", json_type_object));
	return r < 0 ? r : send_wrapped(channel, "end", json_object_new_boolean(true));
}
