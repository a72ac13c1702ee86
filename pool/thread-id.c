/* Owns the number by which dumps and errors name a thread. */
#include "thread-id-private.h"

TALLY_THREAD_LOCAL guint32 tally_thread_id;

/* In a child process. */
void
tally_forget_thread_id (void)
{
  tally_thread_id = 0;
}
