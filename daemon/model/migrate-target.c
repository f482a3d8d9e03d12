/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/migrate-target.h"

#include "util/str.h"

/* Characters with a meaning to a shell: xendomains.conf once passed these words to one. */
#define FOR_A_SHELL "$`\\;&|<>()*?[]{}!~#"

/*
 * The default command of xl, with safer options: it never asks for anything, does not wait
 * long for a host that is off, and notices one that is cut off.
 */
static const char *const standard_command[] = {
	"ssh",
	"-T",
	"-oBatchMode=yes",
	"-oConnectTimeout=15",
	"-oServerAliveInterval=15",
	"-oServerAliveCountMax=4",
};

static const char *const problem_words[_TARGET_PROBLEM_MAX] = {
	[TARGET_FOR_A_SHELL] =
		"no shell reads this: write plain words, in quotes where one has blanks, without "
		"$ ` \\ ; & | < > ( ) * ? [ ] { } ! ~ #",
	[TARGET_CONTROL_CHARACTER] = "it holds a control character",
	[TARGET_OPEN_QUOTE] = "a quote is not closed",
	[TARGET_OPTION_C] =
		"-C would give one configuration to all guests: leave it out, since each "
		"guest takes its own",
	[TARGET_OPTION_F] = "-F needs a terminal, and xendomainsd has none: leave it out",
	[TARGET_UNKNOWN_OPTION] =
		"it holds an option that 'xl migrate' does not have; there are -s, -e, "
		"-p, -D, --debug and --live",
	[TARGET_OPTION_S_ALONE] = "-s needs a command after it",
	[TARGET_SECOND_HOST] = "it names more than one host; several are tried in order where "
			       "MigrateTargets in xendomains.conf names them, with commas",
	[TARGET_NO_HOST_NAME] = "this is not the name of a host",
	[TARGET_WITHOUT_HOST] = "it names no host",
	[TARGET_WITHOUT_COMMAND] = "a command is missing",
	[TARGET_GAP] = "a host is missing between two commas, or after the last one",
};

/* The part of a target that was read so far. */
struct target_reading {
	char *host;
	char *shell; /* the value of -s; NULL: the standard one */
	bool no_monitor, paused, debug, keep_domid, ended;
};

const char *target_problem_to_string(enum target_problem problem)
{
	return problem_words[problem];
}

static void words_free(char **words)
{
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

static inline void words_freep(char ***words)
{
	words_free(*words);
}

static size_t count(char *const *words)
{
	size_t n = 0;

	while (words && words[n])
		n++;
	return n;
}

int words_add(char ***words, const char *word, size_t length)
{
	size_t n = count(*words);
	char **bigger = realloc(*words, (n + 2) * sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	*words = bigger;
	bigger[n] = strndup(word, length);
	bigger[n + 1] = NULL;
	return bigger[n] ? 0 : -ENOMEM;
}

void target_done(struct target *target)
{
	free(target->host);
	words_free(target->command);
	*target = (struct target){0};
}

void target_list_done(struct target_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		target_done(&list->targets[i]);
	free(list->targets);
	*list = (struct target_list){0};
}

int target_list_add(struct target_list *list, struct target *target)
{
	struct target *bigger = realloc(list->targets, (list->n + 1) * sizeof(*bigger));

	if (!bigger) {
		target_done(target);
		return -ENOMEM;
	}
	list->targets = bigger;
	list->targets[list->n++] = *target;
	*target = (struct target){0};
	return 0;
}

static int copy_target(const struct target *target, struct target *ret)
{
	struct target copy = {.debug = target->debug, .keep_domid = target->keep_domid};
	int r = str_replace(&copy.host, target->host);

	for (size_t i = 0; r >= 0 && i < count(target->command); i++)
		r = words_add(&copy.command, target->command[i], strlen(target->command[i]));
	if (r < 0) {
		target_done(&copy);
		return r;
	}
	*ret = copy;
	return 0;
}

int target_list_copy(const struct target_list *list, struct target_list *ret)
{
	_cleanup_(target_list_done) struct target_list copy = {0};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < list->n; i++) {
		struct target target;

		r = copy_target(&list->targets[i], &target);
		r = r < 0 ? r : target_list_add(&copy, &target);
	}
	if (r < 0)
		return r;
	*ret = copy;
	copy = (struct target_list){0};
	return 0;
}

/* Words. */

static int refuse(enum target_problem problem, enum target_problem *ret_problem)
{
	*ret_problem = problem;
	return -EINVAL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static int check_character(char c, enum target_problem *ret_problem)
{
	if (strchr(FOR_A_SHELL, c))
		return refuse(TARGET_FOR_A_SHELL, ret_problem);
	if ((unsigned char)c < 0x20 || c == 0x7f)
		return refuse(TARGET_CONTROL_CHARACTER, ret_problem);
	return 0;
}

/* One word, from *at on, which is moved to its end; buffer has room for all of the text. */
static int read_word(const char **at, const char *separators, char *buffer, size_t *ret_length,
		     enum target_problem *ret_problem)
{
	const char *p = *at;
	size_t n = 0;
	char quote = 0;
	int r;

	for (; *p && (quote || (!is_blank(*p) && !strchr(separators, *p))); p++) {
		if (quote && *p == quote) {
			quote = 0;
		} else if (!quote && (*p == '\'' || *p == '"')) {
			quote = *p;
		} else {
			r = check_character(*p, ret_problem);
			if (r < 0)
				return r;
			buffer[n++] = *p;
		}
	}
	if (quote)
		return refuse(TARGET_OPEN_QUOTE, ret_problem);
	*at = p;
	*ret_length = n;
	return 0;
}

/* The words up to the end or to a separator; *at is moved past it. */
static int split(const char **at, const char *separators, char ***ret,
		 enum target_problem *ret_problem)
{
	_cleanup_(words_freep) char **words = calloc(1, sizeof(*words));
	_cleanup_free_ char *buffer = malloc(strlen(*at) + 1);
	const char *p = *at;
	int r = 0;

	if (!words || !buffer)
		return -ENOMEM;
	while (r >= 0) {
		size_t length;

		while (is_blank(*p))
			p++;
		if (!*p || strchr(separators, *p))
			break;
		r = read_word(&p, separators, buffer, &length, ret_problem);
		r = r < 0 ? r : words_add(&words, buffer, length);
	}
	if (r < 0)
		return r;
	*at = *p ? p + 1 : p;
	*ret = TAKE_PTR(words);
	return 0;
}

/* Options. */

static int refuse_option(char letter, enum target_problem *ret_problem)
{
	switch (letter) {
	case 'C':
		return refuse(TARGET_OPTION_C, ret_problem);
	case 'F':
		return refuse(TARGET_OPTION_F, ret_problem);
	default:
		return refuse(TARGET_UNKNOWN_OPTION, ret_problem);
	}
}

static int take_long(struct target_reading *t, const char *word, enum target_problem *ret_problem)
{
	if (str_equal(word, "--"))
		t->ended = true;
	else if (str_equal(word, "--debug"))
		t->debug = true;
	else if (!str_equal(word, "--live"))
		return refuse_option('\0', ret_problem);
	return 0;
}

/* Letters after one hyphen; *i is moved where an option takes the next word. */
static int take_letters(struct target_reading *t, char *const *words, size_t *i,
			enum target_problem *ret_problem)
{
	for (const char *letter = words[*i] + 1; *letter; letter++) {
		switch (*letter) {
		case 'e':
			t->no_monitor = true;
			break;
		case 'p':
			t->paused = true;
			break;
		case 'D':
			t->keep_domid = true;
			break;
		case 'l': /* it always is */
			break;
		case 's':
			if (!letter[1] && !words[*i + 1])
				return refuse(TARGET_OPTION_S_ALONE, ret_problem);
			return str_replace(&t->shell, letter[1] ? letter + 1 : words[++*i]);
		default:
			return refuse_option(*letter, ret_problem);
		}
	}
	return 0;
}

static int take_word(struct target_reading *t, char *const *words, size_t *i,
		     enum target_problem *ret_problem)
{
	const char *word = words[*i];

	if (!t->ended && str_starts_with(word, "--"))
		return take_long(t, word, ret_problem);
	if (!t->ended && word[0] == '-' && word[1])
		return take_letters(t, words, i, ret_problem);
	if (t->host)
		return refuse(TARGET_SECOND_HOST, ret_problem);
	if (str_empty(word) || word[0] == '-')
		return refuse(TARGET_NO_HOST_NAME, ret_problem);
	return str_replace(&t->host, word);
}

static int add_words(char ***command, const char *const *words, size_t n)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = words_add(command, words[i], strlen(words[i]));
	return r;
}

/* Words of a command that was written as one word, in quotes. */
static int add_command(char ***command, const char *text, enum target_problem *ret_problem)
{
	_cleanup_(words_freep) char **words = NULL;
	int r = split(&text, "", &words, ret_problem);

	if (r >= 0 && str_empty(words[0]))
		r = refuse(TARGET_WITHOUT_COMMAND, ret_problem);
	return r < 0 ? r : add_words(command, (const char *const *)words, count(words));
}

static int make_command(const struct target_reading *t, char ***ret,
			enum target_problem *ret_problem)
{
	_cleanup_(words_freep) char **command = calloc(1, sizeof(*command));
	const char *const receiver[] = {t->host, "xl", "migrate-receive"};
	int r = command ? 0 : -ENOMEM;

	if (r >= 0 && t->shell && str_empty(t->shell)) {
		/* As xl has it: with an empty -s the host is a complete command. */
		r = add_command(&command, t->host, ret_problem);
		if (r >= 0)
			*ret = TAKE_PTR(command);
		return r;
	}
	if (r >= 0 && t->shell)
		r = add_command(&command, t->shell, ret_problem);
	else if (r >= 0)
		r = add_words(&command, standard_command, ELEMENTSOF(standard_command));
	r = r < 0 ? r : add_words(&command, receiver, ELEMENTSOF(receiver));
	if (r >= 0 && t->no_monitor)
		r = words_add(&command, "-e", 2);
	if (r >= 0 && t->debug)
		r = words_add(&command, "-d", 2);
	if (r >= 0 && t->paused)
		r = words_add(&command, "-p", 2);
	if (r >= 0)
		*ret = TAKE_PTR(command);
	return r;
}

static int take_words(char *const *words, struct target *ret, enum target_problem *ret_problem)
{
	struct target_reading t = {0};
	char **command = NULL;
	int r = 0;

	for (size_t i = 0; r >= 0 && words[i]; i++)
		r = take_word(&t, words, &i, ret_problem);
	if (r >= 0 && !t.host)
		r = refuse(TARGET_WITHOUT_HOST, ret_problem);
	r = r < 0 ? r : make_command(&t, &command, ret_problem);
	if (r >= 0)
		*ret = (struct target){
			.host = TAKE_PTR(t.host),
			.command = command,
			.debug = t.debug,
			.keep_domid = t.keep_domid,
		};
	free(t.host);
	free(t.shell);
	return r;
}

int target_parse(const char *text, struct target *ret, enum target_problem *ret_problem)
{
	_cleanup_(words_freep) char **words = NULL;
	int r = split(&text, "", &words, ret_problem);

	if (r < 0)
		return r;
	return words[0] ? take_words(words, ret, ret_problem) : -ENODATA;
}

int target_list_parse(const char *text, struct target_list *ret, enum target_problem *ret_problem)
{
	_cleanup_(target_list_done) struct target_list list = {0};
	bool more = text[strspn(text, " \t\n")] != '\0';

	while (more) {
		_cleanup_(words_freep) char **words = NULL;
		struct target target;
		int r = split(&text, ",", &words, ret_problem);

		if (r < 0)
			return r;
		if (!words[0])
			return refuse(TARGET_GAP, ret_problem);
		r = take_words(words, &target, ret_problem);
		r = r < 0 ? r : target_list_add(&list, &target);
		if (r < 0)
			return r;
		more = text[-1] == ',';
	}
	*ret = list;
	list = (struct target_list){0};
	return 0;
}
