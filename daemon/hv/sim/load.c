/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/sim/load.h"

/* No guest is larger, so that its time can be counted. */
#define MEMORY_MAX (1ULL << 40)

#define PARTS_MIN 20U
#define PARTS_MAX 1000ULL
#define PART_KIB  (32 * 1024)

static bool streams(enum operation operation)
{
	return operation == OPERATION_SAVE || operation == OPERATION_RESTORE;
}

static bool creates(enum operation operation)
{
	return operation == OPERATION_CREATE || operation == OPERATION_RESTART;
}

bool sim_load_matters(const struct sim_host *host)
{
	return host->disk.kib_s > 0 || host->cpus > 0;
}

void sim_load_add(struct sim_load *load, enum operation operation)
{
	load->streams += streams(operation);
	load->creates += creates(operation);
}

/* What one of so many gets of the disk, in KiB/s. */
static uint64_t share(const struct sim_disk *disk, unsigned n)
{
	uint64_t all = disk->kib_s * 100 / (100 + (uint64_t)disk->loss * (n - 1));
	uint64_t each = MAX(all / n, 1ULL);

	return disk->stream_kib_s > 0 ? MIN(each, disk->stream_kib_s) : each;
}

unsigned sim_load_parts(const struct sim_host *host, const struct sim_guest *g,
			enum operation operation)
{
	uint64_t parts = MIN(g->memory_kib / PART_KIB, PARTS_MAX);

	return host->disk.kib_s > 0 && streams(operation) ? MAX((unsigned)parts, PARTS_MIN)
							  : PARTS_MIN;
}

usec_t sim_load_part(const struct sim_host *host, const struct sim_guest *g,
		     enum operation operation, const struct sim_load *load, unsigned parts)
{
	usec_t takes = sim_guest_way(g, operation)->duration / parts;

	if (host->disk.kib_s > 0 && streams(operation))
		takes += MIN(g->memory_kib, MEMORY_MAX) * USEC_PER_SEC /
			 share(&host->disk, MAX(load->streams, 1U)) / parts;
	if (host->cpus > 0 && creates(operation) && load->creates > host->cpus)
		takes = takes * load->creates / host->cpus;
	return takes;
}
