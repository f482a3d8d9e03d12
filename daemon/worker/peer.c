/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/peer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/human.h"
#include "util/str.h"

/* So much of its standard error is kept: the end of it, for the end tells why it ended. */
#define SAID_MAX 8192

/* How often a request to stop is looked for while nothing comes. */
#define TURN_MSEC 100

/* How long an ending process has for its last words. */
#define END_LIMIT (2 * USEC_PER_SEC)

/* A header must fit in before the other side reads. */
#define PIPE_ROOM (1 << 20)

struct peer {
	char *host;
	pid_t pid;
	int pidfd;
	int input, output, errors; /* of the process, our ends; -1 once it has closed one */
	struct handshake handshake;
	char said[SAID_MAX + 1];
	size_t n_said;
	usec_t limit; /* of the last peer_await() */
	bool ended;
	siginfo_t end;
};

static void close_end(int *fd)
{
	fd_closep(fd);
	*fd = -1;
}

struct streams {
	int theirs[3], ours[3];
};

static void streams_done(struct streams *s)
{
	for (size_t i = 0; i < ELEMENTSOF(s->ours); i++) {
		close_end(&s->theirs[i]);
		close_end(&s->ours[i]);
	}
}

static int make_streams(struct streams *s)
{
	for (size_t i = 0; i < ELEMENTSOF(s->ours); i++) {
		bool reads = i == STDIN_FILENO;
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return -errno;
		s->theirs[i] = ends[reads ? 0 : 1];
		s->ours[i] = ends[reads ? 1 : 0];
	}
	if (fcntl(s->ours[STDERR_FILENO], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	fcntl(s->ours[STDIN_FILENO], F_SETPIPE_SZ, PIPE_ROOM);
	return 0;
}

static int add_actions(posix_spawn_file_actions_t *actions, const struct streams *s)
{
	int r = 0;

	for (int i = 0; r == 0 && i < (int)ELEMENTSOF(s->theirs); i++)
		r = posix_spawn_file_actions_adddup2(actions, s->theirs[i], i);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
	return -r;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all, none;
	int r;

	sigfillset(&all);
	sigemptyset(&none);
	r = posix_spawnattr_setsigdefault(attributes, &all);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attributes, &none);
	if (r == 0)
		r = posix_spawnattr_setflags(attributes,
					     POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	return -r;
}

static int spawn(struct peer *p, char *const *command, const struct streams *s)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r = -posix_spawn_file_actions_init(&actions);

	if (r < 0)
		return r;
	r = -posix_spawnattr_init(&attributes);
	if (r >= 0) {
		r = add_actions(&actions, s);
		r = r < 0 ? r : set_attributes(&attributes);
		if (r >= 0)
			r = -posix_spawnp(&p->pid, command[0], &actions, &attributes, command,
					  environ);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	if (r < 0)
		return r;
	p->pidfd = pidfd_open(p->pid, 0);
	return p->pidfd < 0 ? -errno : 0;
}

int peer_start(const struct target *target, struct peer **ret)
{
	_cleanup_(streams_done) struct streams s = {{-1, -1, -1}, {-1, -1, -1}};
	_cleanup_(peer_freep) struct peer *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	*p = (struct peer){.pidfd = -1, .input = -1, .output = -1, .errors = -1};
	r = str_replace(&p->host, target->host);
	r = r < 0 ? r : make_streams(&s);
	r = r < 0 ? r : spawn(p, target->command, &s);
	if (r < 0)
		return r;
	p->input = TAKE_FD(s.ours[STDIN_FILENO]);
	p->output = TAKE_FD(s.ours[STDOUT_FILENO]);
	p->errors = TAKE_FD(s.ours[STDERR_FILENO]);
	*ret = TAKE_PTR(p);
	return 0;
}

static void reap(struct peer *p, int flags)
{
	if (p->pid == 0 || p->ended)
		return;
	/* Without a descriptor for it the number will do: only this process reaps it. */
	if (waitid(p->pidfd < 0 ? P_PID : P_PIDFD, p->pidfd < 0 ? (id_t)p->pid : (id_t)p->pidfd,
		   &p->end, WEXITED | flags) == 0)
		p->ended = p->end.si_pid != 0;
	else
		p->ended = true;
}

void peer_kill(struct peer *p)
{
	if (p->pid > 0 && !p->ended)
		kill(p->pid, SIGKILL);
}

struct peer *peer_free(struct peer *p)
{
	if (!p)
		return NULL;
	close_end(&p->input);
	close_end(&p->output);
	close_end(&p->errors);
	peer_kill(p);
	reap(p, 0);
	close_end(&p->pidfd);
	free(p->host);
	free(p);
	return NULL;
}

int peer_input(const struct peer *p)
{
	return p->input;
}

unsigned peer_status(const struct peer *p)
{
	return p->handshake.status;
}

/* What it says. */

static void keep(struct peer *p, const char *data, size_t size)
{
	size_t room = SAID_MAX - p->n_said;

	if (size > room) {
		size_t forget = MIN(size - room, p->n_said);

		memmove(p->said, p->said + forget, p->n_said - forget);
		p->n_said -= forget;
	}
	for (size_t i = 0; i < size; i++)
		/* It is a text: a NUL would end it. */
		p->said[p->n_said++] = data[i] ? data[i] : ' ';
	p->said[p->n_said] = '\0';
}

void peer_listen(struct peer *p)
{
	char chunk[SAID_MAX / 4];
	ssize_t n = 1;

	/* A peer that says more than this at a time is not listened to for ever. */
	for (int i = 0; i < 64 && n > 0 && p->errors >= 0; i++) {
		n = read(p->errors, chunk, sizeof(chunk));
		if (n > 0)
			keep(p, chunk, (size_t)n);
	}
	if (n == 0)
		close_end(&p->errors);
}

/* 1 once the answer is complete, 0 if there is more to come. */
static int take_output(struct peer *p)
{
	uint8_t chunk[HANDSHAKE_ANSWER_MAX];
	ssize_t n = read(p->output, chunk, handshake_missing(&p->handshake));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	return handshake_feed(&p->handshake, chunk, (size_t)n);
}

int peer_await(struct peer *p, enum handshake_answer answer, usec_t limit, peer_check_fn check,
	       void *data)
{
	usec_t until = usec_now() + limit;
	int r = 0;

	p->limit = limit;
	handshake_expect(&p->handshake, answer);
	while (r == 0) {
		struct pollfd fds[] = {
			{.fd = p->output, .events = POLLIN},
			{.fd = p->errors, .events = POLLIN},
		};

		if (poll(fds, ELEMENTSOF(fds), TURN_MSEC) < 0 && errno != EINTR)
			return -errno;
		peer_listen(p);
		if (fds[0].revents)
			r = take_output(p);
		else if (usec_now() >= until)
			r = -ETIMEDOUT;
		if (r == 0)
			r = check(data);
	}
	return r < 0 ? r : 0;
}

/* Why it failed. */

/* Until it has closed its standard error, or for so long. */
static void hear_out(struct peer *p)
{
	usec_t until = usec_now() + END_LIMIT;

	while (p->errors >= 0 && usec_now() < until) {
		struct pollfd fd = {.fd = p->errors, .events = POLLIN};

		if (poll(&fd, 1, TURN_MSEC) > 0)
			peer_listen(p);
	}
	while (!p->ended && usec_now() < until) {
		reap(p, WNOHANG);
		if (!p->ended)
			poll(NULL, 0, TURN_MSEC / 10);
	}
}

/* How the process ended, in words, for one that has said nothing. */
static int describe_end(const struct peer *p, char **ret)
{
	if (!p->ended || p->end.si_pid == 0)
		return str_format(ret, "%s: the connection has closed", p->host);
	if (p->end.si_code == CLD_EXITED)
		return str_format(ret, "%s: the connection has closed without a word (status %d)",
				  p->host, p->end.si_status);
	return str_format(ret, "%s: the connection was killed (signal %d)", p->host,
			  p->end.si_status);
}

char *peer_explain(struct peer *p, int error)
{
	const char *awaited = handshake_answer_name(p->handshake.expected);
	_cleanup_free_ char *words = NULL, *got = NULL;
	char *text = NULL;
	int r;

	if (error == -EPIPE) {
		/* Nothing more goes in, so that it ends if it has not yet. */
		close_end(&p->input);
		hear_out(p);
	}
	words = handshake_words(p->said);
	if (error == -EBADMSG) {
		got = str_printable((const char *)p->handshake.got, HANDSHAKE_ANSWER_MAX);
		r = str_format(
			&text,
			"%s: Received \"%s\" instead of %s. The login scripts of that host must "
			"print nothing%s%s",
			p->host, got ? got : "", awaited, words ? ": " : "", words ? words : "");
	} else if (error == -ETIMEDOUT) {
		r = str_format(&text, "%s: Timed out after %s waiting for %s%s%s", p->host,
			       DURATION(p->limit), awaited, words ? ": " : "", words ? words : "");
	} else if (words) {
		r = str_format(&text, "%s: %s", p->host, words);
	} else {
		r = describe_end(p, &text);
	}
	return r < 0 ? NULL : text;
}
