/* A lab in which the test's thread has a connection of its own, and other threads that borrow there. */
#ifndef TESTS_POOL_OWN_LAB_H
#define TESTS_POOL_OWN_LAB_H

#include "lab.h"

/* The connection is the only one that is open, and is not closed for being idle. */
Lab *lab_new_with_own (guint max_open, guint streams);
/* Whether the thread that has @lease has lent it itself, without the books. */
gboolean lease_is_own (const TallyLease *lease);
/* Borrows the connection that is this thread's own. */
TallyLease lab_borrow_own (Lab *lab);

/* Each of these has a thread of its own, which ends before the function returns. */
TallyLease lab_borrow_by_another (Lab *lab);
void lab_release_by_another (Lab *lab, const TallyLease *lease);
/* Borrows and gives back @count times. Returns which connection it was the last time: its index among all dialed. */
guint lab_use_by_another (Lab *lab, guint count);

#endif /* TESTS_POOL_OWN_LAB_H */
