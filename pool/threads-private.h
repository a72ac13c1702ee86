/* The threads that a pool starts. */
#ifndef TALLY_THREADS_PRIVATE_H
#define TALLY_THREADS_PRIVATE_H

#include "core-private.h"

G_BEGIN_DECLS

gboolean tally_run_on_thread (TallyPoolCore *core,
                              gpointer (*function) (gpointer data),
                              gpointer data,
                              gboolean is_own);
gboolean tally_run_on_thread_locked (TallyPoolCore *core,
                                     gpointer (*function) (gpointer data),
                                     gpointer data);
void tally_threads_end_rest_locked (TallyPoolCore *core);
void tally_threads_join_finished (TallyPoolCore *core);
guint tally_threads_count_mine (TallyPoolCore *core);

G_END_DECLS

#endif /* TALLY_THREADS_PRIVATE_H */
