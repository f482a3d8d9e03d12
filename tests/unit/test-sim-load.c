/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/sim/load.h"
#include "unit.h"

#define GIB (1024ULL * 1024)
#define SEC USEC_PER_SEC

/* A GiB takes ten seconds where nothing else is at work. */
#define RATE (GIB / 10)

static struct sim_guest guest = {
	.memory_kib = GIB,
	.create = {.duration = 4 * SEC},
	.restore = {.duration = SEC},
	.save = {.duration = 2 * SEC},
	.destroy = {.duration = SEC},
};

/* The whole time of an operation, in seconds, with so many streams and creates at work. */
static usec_t takes(const struct sim_host *host, enum operation operation, unsigned streams,
		    unsigned creates)
{
	struct sim_load load = {0};

	for (unsigned i = 0; i < streams; i++)
		sim_load_add(&load, i % 2 ? OPERATION_SAVE : OPERATION_RESTORE);
	for (unsigned i = 0; i < creates; i++)
		sim_load_add(&load, i % 2 ? OPERATION_CREATE : OPERATION_RESTART);
	/* Rounding: a rate is a whole number. */
	return (20 * sim_load_part(host, &guest, operation, &load, 20) + SEC / 100) / SEC;
}

START_TEST(without_a_disk_and_cpus_nothing_is_shared)
{
	struct sim_host host = {0};

	ck_assert(!sim_load_matters(&host));
	ck_assert_uint_eq(takes(&host, OPERATION_SAVE, 9, 9), 2);
	ck_assert_uint_eq(takes(&host, OPERATION_CREATE, 9, 9), 4);
}
END_TEST

START_TEST(saves_and_restores_share_the_disk)
{
	struct sim_host host = {.disk = {.kib_s = RATE}};

	ck_assert(sim_load_matters(&host));
	ck_assert_uint_eq(takes(&host, OPERATION_SAVE, 1, 0), 12);
	ck_assert_uint_eq(takes(&host, OPERATION_RESTORE, 2, 0), 21);
	ck_assert_uint_eq(takes(&host, OPERATION_SAVE, 3, 5), 32);
	ck_assert_uint_eq(takes(&host, OPERATION_DESTROY, 3, 0), 1);
	ck_assert_uint_eq(takes(&host, OPERATION_CREATE, 3, 1), 4);
}
END_TEST

START_TEST(one_of_them_is_no_faster_than_one_can_be)
{
	struct sim_host host = {.disk = {.kib_s = 4 * RATE, .stream_kib_s = RATE}};

	ck_assert_uint_eq(takes(&host, OPERATION_SAVE, 1, 0), 12);
	ck_assert_uint_eq(takes(&host, OPERATION_SAVE, 4, 0), 12);
	ck_assert_uint_eq(takes(&host, OPERATION_SAVE, 8, 0), 22);
}
END_TEST

START_TEST(each_further_one_costs_the_disk_something)
{
	struct sim_host host = {.disk = {.kib_s = RATE, .loss = 50}};

	ck_assert_uint_eq(takes(&host, OPERATION_SAVE, 1, 0), 12);
	ck_assert_uint_eq(takes(&host, OPERATION_SAVE, 2, 0), 32);
	ck_assert_uint_eq(takes(&host, OPERATION_SAVE, 3, 0), 62);
}
END_TEST

START_TEST(a_large_guest_tells_more_often_how_far_it_is)
{
	struct sim_host host = {.disk = {.kib_s = RATE}}, plain = {0};
	struct sim_guest small = {.memory_kib = 1024}, huge = {.memory_kib = 1000 * GIB};

	ck_assert_uint_eq(sim_load_parts(&host, &guest, OPERATION_SAVE), 32);
	ck_assert_uint_eq(sim_load_parts(&host, &small, OPERATION_SAVE), 20);
	ck_assert_uint_eq(sim_load_parts(&host, &huge, OPERATION_RESTORE), 1000);
	ck_assert_uint_eq(sim_load_parts(&host, &huge, OPERATION_CREATE), 20);
	ck_assert_uint_eq(sim_load_parts(&plain, &huge, OPERATION_SAVE), 20);
}
END_TEST

START_TEST(creates_share_the_cpus)
{
	struct sim_host host = {.cpus = 2};

	ck_assert(sim_load_matters(&host));
	ck_assert_uint_eq(takes(&host, OPERATION_CREATE, 0, 1), 4);
	ck_assert_uint_eq(takes(&host, OPERATION_CREATE, 9, 2), 4);
	ck_assert_uint_eq(takes(&host, OPERATION_RESTART, 0, 6), 12);
	ck_assert_uint_eq(takes(&host, OPERATION_SAVE, 1, 6), 2);
}
END_TEST

SUITE("sim-load", without_a_disk_and_cpus_nothing_is_shared, saves_and_restores_share_the_disk,
      one_of_them_is_no_faster_than_one_can_be, each_further_one_costs_the_disk_something,
      a_large_guest_tells_more_often_how_far_it_is, creates_share_the_cpus);
