/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/channel.h"

#include <sys/socket.h>

#include "wire/operation.h"

int channel_receive_next(int channel, struct framer *framer, struct json_object **ret)
{
	char chunk[16384];
	const char *text;
	size_t length;
	int r = 0;

	while (r >= 0 && framer_next(framer, &text, &length) == 0) {
		ssize_t n = recv(channel, chunk, sizeof(chunk), 0);

		if (n < 0 && errno == EINTR)
			continue;
		r = n < 0 ? -errno : n == 0 ? -ENODATA : framer_feed(framer, chunk, (size_t)n);
	}
	return r < 0 ? r : json_parse(text, length, ret);
}

int channel_receive(int channel, struct json_object **ret)
{
	_cleanup_(framer_done) struct framer framer = FRAMER_INIT(OPERATION_MESSAGE_MAX);

	return channel_receive_next(channel, &framer, ret);
}

int channel_send(int channel, const char *kind, struct json_object *body)
{
	_cleanup_json_ struct json_object *message = json_object_new_object();

	if (!message) {
		json_object_put(body);
		return -ENOMEM;
	}
	if (json_add(message, kind, body) < 0)
		return -ENOMEM;
	return json_write(channel, TAKE_PTR(message));
}

int channel_send_end(int channel)
{
	return channel_send(channel, "end", json_object_new_boolean(true));
}
