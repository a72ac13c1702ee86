/* The number by which dumps and errors name a thread. */
#ifndef TALLY_THREAD_ID_PRIVATE_H
#define TALLY_THREAD_ID_PRIVATE_H

#include <glib.h>
#include <unistd.h>

#include "thread-local-internal.h"

G_BEGIN_DECLS

/* 0: it is not known yet. */
extern TALLY_THREAD_LOCAL guint32 tally_thread_id;

static inline guint32
tally_get_thread_id (void)
{
  if (G_UNLIKELY (tally_thread_id == 0))
    tally_thread_id = (guint32) gettid ();
  return tally_thread_id;
}

/* In a child process, whose thread has another. */
void tally_forget_thread_id (void);

G_END_DECLS

#endif /* TALLY_THREAD_ID_PRIVATE_H */
