/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Answers one question about saved images (wire/image-query.h). 0 or -errno. */
int run_images(int channel);
