/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/server.h"
#include "unit.h"
#include "util/fd.h"
#include "util/str.h"

/* Longer than any message that a server takes, and than any replies that it keeps. */
#define TOO_MUCH     (1100U << 10)
#define TOO_MUCH_OUT (20U << 20)

static struct {
	struct folder folder;
	struct loop *loop;
	struct server *server;
	struct timer *turn;
	unsigned turns;
	char heard[2000]; /* the messages, each with a '|' behind it */
	struct connection *last;
	unsigned closed;
	bool hold, echo, finish;
	size_t reply; /* to each message, of so many bytes; 0: none */
} f;

static void on_turn(void *data _unused_)
{
	if (f.turns-- == 0)
		loop_exit(f.loop, 0);
	else
		timer_set_after(f.turn, 1);
}

/* Lets the loop look at its descriptors often enough for everything to come to rest. */
static void settle(void)
{
	f.turns = 200;
	timer_set_after(f.turn, 1);
	ck_assert_int_eq(loop_run(f.loop), 0);
}

static void send_reply(struct connection *c, size_t size)
{
	_cleanup_free_ char *text = malloc(size);
	struct json_object *o = json_object_new_object();

	memset(text, 'x', size - 1);
	text[size - 1] = '\0';
	ck_assert_int_eq(json_add_string(o, "s", text), 0);
	connection_send(c, o);
}

static void on_message(void *data, struct connection *c, const char *text, size_t length)
{
	ck_assert_ptr_eq(data, &f);
	ck_assert_uint_eq(strlen(text), length);
	f.last = c;
	snprintf(f.heard + strlen(f.heard), sizeof(f.heard) - strlen(f.heard), "%.40s|", text);
	if (f.echo) {
		struct json_object *o = json_object_new_object();

		ck_assert_int_eq(json_add_string(o, "echo", text), 0);
		connection_send(c, o);
	}
	if (f.reply)
		send_reply(c, f.reply);
	if (f.hold)
		connection_hold(c);
	if (f.finish)
		connection_finish(c);
}

static void on_closed(void *data, struct connection *c)
{
	ck_assert_ptr_eq(data, &f);
	if (f.last == c)
		f.last = NULL;
	f.closed++;
}

static void open_server(void)
{
	struct server_callbacks callbacks = {
		.message = on_message, .closed = on_closed, .data = &f};
	int fd;

	memset(&f, 0, sizeof(f));
	folder_make(&f.folder);
	ck_assert_int_eq(loop_new(&f.loop), 0);
	loop_set_speed(f.loop, LOOP_VIRTUAL);
	ck_assert_int_eq(timer_new(f.loop, on_turn, NULL, &f.turn), 0);
	fd = server_listen(folder_path(&f.folder, "socket"));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(server_new(f.loop, fd, &callbacks, &f.server), 0);
}

static void close_server(void)
{
	f.server = server_free(f.server);
	f.turn = timer_free(f.turn);
	f.loop = loop_free(f.loop);
	folder_remove(&f.folder);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	strcpy(address.sun_path, path);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -errno;
}

static int open_client(void)
{
	int fd = connect_to(folder_path(&f.folder, "socket"));

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Sends what the socket takes, without waiting. */
static ssize_t say(int fd, const char *text, size_t size)
{
	return send(fd, text, size, MSG_NOSIGNAL);
}

static bool is_cut_off(int fd)
{
	char buffer[65536];
	ssize_t n;

	while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		;
	return n == 0 || errno == ECONNRESET;
}

START_TEST(messages_arrive_whole_however_they_are_split)
{
	static const char stream[] = "{\"a\":1}\0{}\0third";
	struct dice dice = {30};

	for (int round = 0; round < 20; round++) {
		int client;

		open_server();
		client = open_client();
		for (size_t i = 0; i < sizeof(stream);) {
			size_t n = MIN(1 + dice_pick(&dice, 4), sizeof(stream) - i);

			ck_assert_int_eq(say(client, stream + i, n), (ssize_t)n);
			i += n;
			if (dice_once_in(&dice, 2))
				settle();
		}
		settle();
		ck_assert_str_eq(f.heard, "{\"a\":1}|{}|third|");
		close(client);
		settle();
		ck_assert_uint_eq(f.closed, 1);
		close_server();
	}
}
END_TEST

START_TEST(a_reply_comes_back_with_its_end)
{
	char buffer[100];
	int client;

	open_server();
	f.echo = true;
	client = open_client();
	ck_assert_int_eq(say(client, "x", 2), 2);
	settle();
	ck_assert_int_eq(recv(client, buffer, sizeof(buffer), 0), 13);
	ck_assert_str_eq(buffer, "{\"echo\":\"x\"}");
	ck_assert_uint_eq(connection_uid(f.last), getuid());
	close(client);
	close_server();
}
END_TEST

/* Sends so many bytes, and whatever the server is willing to read of them. */
static void flood(int client, size_t size)
{
	_cleanup_free_ char *much = malloc(size);

	memset(much, 'x', size);
	for (size_t sent = 0; sent < size;) {
		ssize_t n = say(client, much + sent, size - sent);

		if (n < 0 && errno != EAGAIN)
			break;
		sent += (size_t)MAX(n, 0);
		settle();
	}
}

START_TEST(a_message_without_end_is_cut_off)
{
	int client, other;

	open_server();
	client = open_client();
	other = open_client();
	flood(client, TOO_MUCH);
	settle();
	ck_assert(is_cut_off(client));
	ck_assert_uint_eq(f.closed, 1);
	/* And that is all that it does. */
	ck_assert_int_eq(say(other, "ok", 3), 3);
	settle();
	ck_assert_str_eq(f.heard, "ok|");
	close(client);
	close(other);
	close_server();
}
END_TEST

START_TEST(a_long_message_below_the_limit_is_taken)
{
	int client;

	open_server();
	client = open_client();
	flood(client, 1000U << 10);
	ck_assert_int_eq(say(client, "", 1), 1);
	settle();
	ck_assert_str_eq(f.heard, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|");
	close(client);
	close_server();
}
END_TEST

START_TEST(more_connections_than_the_limit_are_turned_away)
{
	int clients[64], extra;

	open_server();
	for (size_t i = 0; i < ELEMENTSOF(clients); i++)
		clients[i] = open_client();
	settle();
	extra = open_client();
	settle();
	ck_assert(is_cut_off(extra));
	close(extra);
	for (size_t i = 0; i < ELEMENTSOF(clients); i++)
		ck_assert(!is_cut_off(clients[i]));
	close(clients[0]);
	settle();
	/* A place is free again. */
	clients[0] = open_client();
	ck_assert_int_eq(say(clients[0], "ok", 3), 3);
	settle();
	ck_assert_str_eq(f.heard, "ok|");
	for (size_t i = 0; i < ELEMENTSOF(clients); i++)
		close(clients[i]);
	close_server();
}
END_TEST

/* Lets so much time go by. */
static void wait_for(usec_t time)
{
	f.turns = 1;
	timer_set_after(f.turn, time);
	ck_assert_int_eq(loop_run(f.loop), 0);
	settle();
}

START_TEST(who_stops_in_the_middle_of_a_message_is_cut_off_and_nobody_else)
{
	int slow, silent, held;

	open_server();
	f.hold = true;
	held = open_client();
	ck_assert_int_eq(say(held, "1", 2), 2);
	settle();
	f.hold = false;
	slow = open_client();
	silent = open_client();
	ck_assert_int_eq(say(slow, "hal", 3), 3);
	settle();
	/* A byte now and then does not help. */
	wait_for(20 * USEC_PER_SEC);
	ck_assert(!is_cut_off(slow));
	ck_assert_int_eq(say(slow, "f", 1), 1);
	wait_for(11 * USEC_PER_SEC);
	ck_assert(is_cut_off(slow));
	wait_for(3600 * USEC_PER_SEC);
	ck_assert(!is_cut_off(silent));
	ck_assert(!is_cut_off(held));
	close(slow);
	close(silent);
	close(held);
	close_server();
}
END_TEST

START_TEST(who_leaves_a_reply_unread_for_long_is_cut_off)
{
	_cleanup_free_ char *text = malloc(1U << 20);
	struct json_object *o = json_object_new_object();
	int client;

	open_server();
	memset(text, 'x', (1U << 20) - 1);
	text[(1U << 20) - 1] = '\0';
	client = open_client();
	ck_assert_int_eq(say(client, "1", 2), 2);
	settle();
	ck_assert_int_eq(json_add_string(o, "s", text), 0);
	connection_send(f.last, o);
	wait_for(29 * USEC_PER_SEC);
	ck_assert_uint_eq(f.closed, 0);
	wait_for(2 * USEC_PER_SEC);
	ck_assert_uint_eq(f.closed, 1);
	close(client);
	close_server();
}
END_TEST

/* Connects as somebody else; the socket is for all. */
static int open_client_of(uid_t uid)
{
	int fd;

	ck_assert_int_eq(seteuid(uid), 0);
	fd = open_client();
	ck_assert_int_eq(seteuid(0), 0);
	return fd;
}

START_TEST(other_users_leave_places_for_root)
{
	int clients[60], root;
	size_t cut_off = 0;

	if (geteuid() != 0)
		return;
	open_server();
	ck_assert_int_eq(chmod(f.folder.path, 0755), 0);
	server_let_in(f.server, true);
	for (size_t i = 0; i < ELEMENTSOF(clients); i++) {
		clients[i] = open_client_of((uid_t)(1000 + i / 10));
		settle();
	}
	for (size_t i = 0; i < ELEMENTSOF(clients); i++)
		cut_off += is_cut_off(clients[i]);
	/* Eight of each, and no more than 32 together. */
	ck_assert_uint_eq(cut_off, ELEMENTSOF(clients) - 32);
	ck_assert(is_cut_off(clients[8]) && is_cut_off(clients[9]));
	root = open_client();
	ck_assert_int_eq(say(root, "ok", 3), 3);
	settle();
	ck_assert_str_eq(f.heard, "ok|");
	for (size_t i = 0; i < ELEMENTSOF(clients); i++)
		close(clients[i]);
	close(root);
	close_server();
}
END_TEST

START_TEST(others_can_connect_only_while_they_are_let_in)
{
	struct stat st;

	open_server();
	server_let_in(f.server, true);
	ck_assert_int_eq(stat(folder_path(&f.folder, "socket"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0666);
	server_let_in(f.server, false);
	ck_assert_int_eq(stat(folder_path(&f.folder, "socket"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	close_server();
}
END_TEST

START_TEST(a_held_connection_keeps_its_messages_in_order)
{
	int client, other;

	open_server();
	f.hold = true;
	client = open_client();
	ck_assert_int_eq(say(client, "1\0002\0003", 6), 6);
	settle();
	ck_assert_str_eq(f.heard, "1|");
	ck_assert_int_eq(say(client, "4", 2), 2);
	settle();
	ck_assert_str_eq(f.heard, "1|");
	/* Others are not held up. */
	f.hold = false;
	other = open_client();
	ck_assert_int_eq(say(other, "o", 2), 2);
	settle();
	ck_assert_str_eq(f.heard, "1|o|");
	close(other);
	close(client);
	close_server();
}
END_TEST

START_TEST(a_released_connection_goes_on_one_by_one)
{
	int client;

	open_server();
	f.hold = true;
	client = open_client();
	ck_assert_int_eq(say(client, "1\0002\0003", 6), 6);
	settle();
	connection_release(f.last);
	ck_assert_str_eq(f.heard, "1|"); /* not from inside the call */
	settle();
	ck_assert_str_eq(f.heard, "1|2|");
	f.hold = false;
	connection_release(f.last);
	settle();
	ck_assert_str_eq(f.heard, "1|2|3|");
	close(client);
	close_server();
}
END_TEST

START_TEST(a_held_peer_that_goes_away_is_noticed)
{
	int client;

	open_server();
	f.hold = true;
	client = open_client();
	ck_assert_int_eq(say(client, "1\0002", 4), 4);
	settle();
	ck_assert_uint_eq(f.closed, 0);
	close(client);
	settle();
	ck_assert_uint_eq(f.closed, 1);
	ck_assert_str_eq(f.heard, "1|");
	close_server();
}
END_TEST

START_TEST(a_held_peer_cannot_pile_up_messages)
{
	int client;

	open_server();
	f.hold = true;
	client = open_client();
	ck_assert_int_eq(say(client, "1", 2), 2);
	flood(client, TOO_MUCH);
	settle();
	ck_assert(is_cut_off(client));
	ck_assert_uint_eq(f.closed, 1);
	close(client);
	close_server();
}
END_TEST

START_TEST(a_peer_that_does_not_read_a_long_reply_gets_no_other)
{
	int client;

	open_server();
	client = open_client();
	ck_assert_int_eq(say(client, "1", 2), 2);
	settle();
	send_reply(f.last, TOO_MUCH_OUT);
	settle();
	ck_assert_uint_eq(f.closed, 0);
	send_reply(f.last, 1);
	settle();
	ck_assert_uint_eq(f.closed, 1);
	close(client);
	close_server();
}
END_TEST

/* How many bytes there were. */
static size_t read_all(int fd)
{
	static char buffer[65536];
	size_t size = 0;
	ssize_t n;

	do {
		n = recv(fd, buffer, sizeof(buffer), 0);
		size += n > 0 ? (size_t)n : 0;
		settle();
	} while (n > 0);
	return size;
}

START_TEST(a_peer_that_does_not_read_a_reply_is_not_heard_further)
{
	int client;

	open_server();
	f.reply = 1U << 20;
	client = open_client();
	ck_assert_int_eq(say(client, "1\0002\0003", 6), 6);
	settle();
	ck_assert_int_eq(say(client, "4", 2), 2);
	settle();
	ck_assert_str_eq(f.heard, "1|");
	/* It reads for long, but goes on with it. */
	ck_assert_uint_gt(read_all(client), 4U << 20);
	ck_assert_str_eq(f.heard, "1|2|3|4|");
	ck_assert_uint_eq(f.closed, 0);
	close(client);
	close_server();
}
END_TEST

START_TEST(a_reply_for_which_there_is_no_memory_cuts_the_peer_off)
{
	int client;

	open_server();
	client = open_client();
	ck_assert_int_eq(say(client, "1", 2), 2);
	settle();
	connection_send(f.last, NULL);
	/* Not from inside the call: the caller may still use it. */
	ck_assert_uint_eq(f.closed, 0);
	settle();
	ck_assert_uint_eq(f.closed, 1);
	ck_assert(is_cut_off(client));
	close(client);
	close_server();
}
END_TEST

START_TEST(a_finished_connection_sends_what_it_has_and_closes)
{
	char buffer[100];
	int client;

	open_server();
	f.echo = f.finish = true;
	client = open_client();
	ck_assert_int_eq(say(client, "x", 2), 2);
	settle();
	ck_assert_int_eq(recv(client, buffer, sizeof(buffer), 0), 13);
	ck_assert(is_cut_off(client));
	ck_assert_uint_eq(f.closed, 1);
	close(client);

	f.echo = false;
	client = open_client();
	ck_assert_int_eq(say(client, "y", 2), 2);
	settle();
	ck_assert(is_cut_off(client));
	ck_assert_uint_eq(f.closed, 2);
	close(client);
	close_server();
}
END_TEST

START_TEST(nothing_behind_a_finish_is_taken)
{
	int client;

	open_server();
	f.finish = true;
	client = open_client();
	ck_assert_int_eq(say(client, "bad\0stop everything", 20), 20);
	settle();
	ck_assert_str_eq(f.heard, "bad|");
	close(client);
	close_server();
}
END_TEST

START_TEST(whoever_is_connected_hears_of_the_end)
{
	int a, b;

	open_server();
	a = open_client();
	b = open_client();
	settle();
	f.server = server_free(f.server);
	ck_assert_uint_eq(f.closed, 2);
	settle();
	ck_assert(is_cut_off(a));
	close(a);
	close(b);
	close_server();
	ck_assert_ptr_null(server_free(NULL));
}
END_TEST

START_TEST(a_server_out_of_descriptors_comes_back)
{
	struct rlimit old, low;
	int client, next;

	open_server();
	client = open_client();
	ck_assert_int_eq(say(client, "ok", 3), 3);
	next = dup(client);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = (struct rlimit){.rlim_cur = (rlim_t)next + 1, .rlim_max = old.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	settle();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	ck_assert_str_eq(f.heard, "");
	ck_assert_ptr_nonnull(strstr(unit_log(), strerror(EMFILE)));
	/* It waits for a moment, which the virtual clock jumps over. */
	f.turns = 200;
	timer_set_after(f.turn, 2 * USEC_PER_SEC);
	ck_assert_int_eq(loop_run(f.loop), 0);
	ck_assert_str_eq(f.heard, "ok|");
	close(next);
	close(client);
	close_server();
}
END_TEST

SUITE("server", messages_arrive_whole_however_they_are_split, a_reply_comes_back_with_its_end,
      a_message_without_end_is_cut_off, a_long_message_below_the_limit_is_taken,
      more_connections_than_the_limit_are_turned_away,
      who_stops_in_the_middle_of_a_message_is_cut_off_and_nobody_else,
      who_leaves_a_reply_unread_for_long_is_cut_off, other_users_leave_places_for_root,
      others_can_connect_only_while_they_are_let_in, a_held_connection_keeps_its_messages_in_order,
      a_released_connection_goes_on_one_by_one, a_held_peer_that_goes_away_is_noticed,
      a_held_peer_cannot_pile_up_messages, a_peer_that_does_not_read_a_long_reply_gets_no_other,
      a_peer_that_does_not_read_a_reply_is_not_heard_further,
      a_reply_for_which_there_is_no_memory_cuts_the_peer_off,
      a_finished_connection_sends_what_it_has_and_closes, nothing_behind_a_finish_is_taken,
      whoever_is_connected_hears_of_the_end, a_server_out_of_descriptors_comes_back);
