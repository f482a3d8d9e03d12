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

/* The mistakes in the text of a target. */
enum target_problem {
	TARGET_FOR_A_SHELL,
	TARGET_CONTROL_CHARACTER,
	TARGET_OPEN_QUOTE,
	TARGET_OPTION_C,
	TARGET_OPTION_F,
	TARGET_UNKNOWN_OPTION,
	TARGET_OPTION_S_ALONE,
	TARGET_SECOND_HOST,
	TARGET_NO_HOST_NAME,
	TARGET_WITHOUT_HOST,
	TARGET_WITHOUT_COMMAND,
	TARGET_GAP,
	_TARGET_PROBLEM_MAX,
	_TARGET_PROBLEM_INVALID = -EINVAL,
};

/* The words for it in a message that has shown the text. */
const char *target_problem_to_string(enum target_problem problem);

void target_done(struct target *target);
void target_list_done(struct target_list *list);

/*
 * One target from a text such as "-e -s 'ssh -p 2222' host". 0, -ENOMEM, or -EINVAL with
 * *ret_problem. A text of blanks is -ENODATA.
 */
int target_parse(const char *text, struct target *ret, enum target_problem *ret_problem);

/* Several, with commas between them; none where the text is empty. */
int target_list_parse(const char *text, struct target_list *ret, enum target_problem *ret_problem);

/* Takes over what the pointer holds, also on failure, and empties it. 0 or -ENOMEM. */
int target_list_add(struct target_list *list, struct target *target);

int target_list_copy(const struct target_list *list, struct target_list *ret);

/* A list of words that ends in NULL. */
int words_add(char ***words, const char *word, size_t length);
