/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * A host that guests are migrated to, and how it is reached: what the administrator writes in the
 * words of "xl migrate", taken apart once, and never seen by a shell.
 */
struct target {
	char *host;     /* for messages too */
	char **command; /* that reaches it and runs xl's receiver there; ends in NULL */
	bool debug;
	bool keep_domid; /* the guest is to have the same number there */
};

struct target_list {
	struct target *targets;
	size_t n;
};

void target_done(struct target *target);
void target_list_done(struct target_list *list);

/*
 * One target from a text such as "-e -s 'ssh -p 2222' host". 0, -ENOMEM, or -EINVAL with
 * *ret_problem in words, a literal. A text of blanks is -ENODATA.
 */
int target_parse(const char *text, struct target *ret, const char **ret_problem);

/* Several, with commas between them; none where the text is empty. */
int target_list_parse(const char *text, struct target_list *ret, const char **ret_problem);

/* Takes over what the pointer holds, also on failure, and empties it. 0 or -ENOMEM. */
int target_list_add(struct target_list *list, struct target *target);

int target_list_copy(const struct target_list *list, struct target_list *ret);

/* A list of words that ends in NULL. */
void words_free(char **words);
int words_add(char ***words, const char *word, size_t length);
