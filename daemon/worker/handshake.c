/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/handshake.h"

#include <string.h>

#include "util/str.h"

/* The longest excerpt of the words of a peer for a message. */
#define WORDS_MAX 400

struct answer {
	const char *name;
	const char *text;
	size_t size;
	bool has_status;
};

const char handshake_permission[] = "domain is yours, you are cleared to unpause";
const size_t handshake_permission_size = sizeof(handshake_permission);

#define BANNER "xl migration receiver ready, send binary domain data.\n"
#define READY  "domain received, ready to unpause"
#define REPORT "my copy unpause results are as follows"

/* Of all but the first the terminator is part of the text. */
static const struct answer answers[_HANDSHAKE_MAX] = {
	[HANDSHAKE_BANNER] = {"the greeting", BANNER, sizeof(BANNER) - 1, false},
	[HANDSHAKE_READY] = {"the confirmation that the guest has arrived", READY, sizeof(READY),
			     false},
	[HANDSHAKE_REPORT] = {"the confirmation that the guest runs", REPORT, sizeof(REPORT), true},
	[HANDSHAKE_RETURN] = {"the confirmation that its copy is gone", handshake_permission,
			      sizeof(handshake_permission), false},
};

const char *handshake_answer_name(enum handshake_answer answer)
{
	return answers[answer].name;
}

void handshake_expect(struct handshake *h, enum handshake_answer answer)
{
	*h = (struct handshake){.expected = answer};
}

static size_t total(const struct answer *a)
{
	return a->size + (a->has_status ? 1 : 0);
}

size_t handshake_missing(const struct handshake *h)
{
	return total(&answers[h->expected]) - h->n_got;
}

int handshake_feed(struct handshake *h, const void *data, size_t size)
{
	const struct answer *a = &answers[h->expected];

	memcpy(h->got + h->n_got, data, size);
	h->n_got += size;
	if (memcmp(h->got, a->text, MIN(h->n_got, a->size)) != 0)
		return -EBADMSG;
	if (h->n_got < total(a))
		return 0;
	if (a->has_status)
		h->status = h->got[a->size];
	return 1;
}

/* What a receiver says when all goes well. */
static bool is_chatter(const char *line)
{
	static const char *const chatter[] = {
		"migration target: Ready to receive domain.",
		"migration target: Transfer complete",
		"migration target: Got permission",
		"migration target: Domain started",
		"Loading new save file",
		" Savefile contains",
		"Parsing config from",
		"Saving to ",
		"xc: info:",
		"xc: progress:",
	};

	for (size_t i = 0; i < ELEMENTSOF(chatter); i++)
		if (str_starts_with(line, chatter[i]))
			return true;
	return line[strspn(line, " \t\r")] == '\0';
}

char *handshake_words(const char *said)
{
	_cleanup_free_ char *copy = strdup(said), *text = NULL;
	const char *error = NULL, *last = NULL, *before = NULL, *line;
	char *rest = copy;

	/* The first error is the cause; without one, what it said last tells most. */
	while (rest && (line = strsep(&rest, "\n"))) {
		if (is_chatter(line))
			continue;
		if (!error && strcasestr(line, "error"))
			error = line;
		before = last;
		last = line;
	}
	if (!last)
		return NULL;
	if (error && error != last && error != before)
		before = error;
	if (str_format(&text, "%s%s%s", before ? before : "", before ? " / " : "", last) < 0)
		return NULL;
	return str_printable(text, WORDS_MAX);
}
