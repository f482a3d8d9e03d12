/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/plan.h"
#include "model/stage.h"
#include "util/result.h"

/* An event of one guest, for the followers of its job and for the log. */
struct report {
	const struct step *step;
	enum goal goal;
	uint32_t domid;
	enum stage stage;      /* _STAGE_INVALID where there was none */
	enum result result;    /* of the stage or, if final, of the guest's way */
	const char *reason;    /* NULL if there is none */
	unsigned permille;     /* of a running stage */
	uint64_t bytes, total; /* the same, as hv_operation has them */
	uint64_t written;      /* of a save that is over, as operation_result has it */
	bool final;            /* the guest's way has ended */
	const char *waits_for; /* its stage has not begun: executor_waits_for(); NULL: it has */
	unsigned waiting; /* how many guests of the job wait for their turn, as last looked at */
	bool restarted;   /* of a start: the guest was stopped for it, by the same job */
	bool asked;       /* the guest was asked to shut down, in this stage or an earlier one */
	bool cold;        /* ... in a create, because its image could not be restored */
	usec_t elapsed;   /* of the stage or, if final, of the guest's way */
	usec_t stage_elapsed; /* of the stage, its last one if final; 0 where there was none */
};

/* Writes it to the log, with the fields that the journal indexes. */
void report_log(const struct report *report);
