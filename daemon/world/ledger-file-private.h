/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "io/helper.h"
#include "wire/ledger-record.h"
#include "world/ledger-file.h"
#include "world/ledger-rewrite.h"

/* By so much of its end the part that was read is known again. */
#define END 64

struct ledger_file {
	struct loop *loop;
	char *directory, *path;
	char *new; /* the path of a file that is to take its place */
	struct uuid boot;
	struct ledger *ledger;
	char *loss;    /* the loss, also after it has ceased to matter */
	char *problem; /* the operation on the file that fails now */
	ino_t inode;
	off_t read;       /* so much of the file is in the ledger ... */
	char end[END];    /* ... and these are the last bytes of that */
	size_t n_records; /* in the file */
	size_t spacious;  /* with so many records, it is not too large for what there was to know */
	usec_t newest;    /* when the newest record of this boot was written */
	uint64_t format;  /* of the file */
	char *newer;      /* a newer version has written the file, in words; NULL: none has */

	/* One helper at a time syncs the file, or writes it anew. */
	struct helper *helper;
	bool unsynced; /* it holds records that a power cut must not take */
	bool unlike;   /* the file does not hold all of the ledger */
	struct rewrite rewrite;
};

/* Logs it, and keeps it for status. Returns the error. */
int ledger_file_set_problem(struct ledger_file *file, int error, const char *what);

/*
 * Writes a record, and takes it over from the disk, with what workers wrote before it. The boot is
 * filled in, and what time is 0. 0 or -errno: it holds all the same.
 */
int ledger_file_append(struct ledger_file *file, struct ledger_record record);

/* Reads the records that others have appended since. 0 or -errno. */
int ledger_file_read(struct ledger_file *file);

/* Has a helper do what waits for the disk: write the file anew, sync it. */
void ledger_file_tend(struct ledger_file *file);

/* What is left of that is done without the daemon. */
void ledger_file_leave(struct ledger_file *file);
