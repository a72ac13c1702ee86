/* Owns the number by which dumps and errors name a thread. */
#include "thread-id-private.h"

#include <unistd.h>

#include "thread-local-private.h"

static TALLY_THREAD_LOCAL guint32 thread_id;

guint32
tally_get_thread_id (void)
{
  if (G_UNLIKELY (thread_id == 0))
    thread_id = (guint32) gettid ();
  return thread_id;
}

/* In a child process. */
void
tally_forget_thread_id (void)
{
  thread_id = 0;
}
