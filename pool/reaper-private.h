/* The thread that acts when nobody calls. */
#ifndef TALLY_REAPER_PRIVATE_H
#define TALLY_REAPER_PRIVATE_H

#include "bucket-private.h"

G_BEGIN_DECLS

/* pool-schedule.c */
gboolean tally_reaper_schedule (TallyPoolCore *core, gint64 due);
gint64 tally_read_suspension (void);

/* pool-reaper.c */
gpointer tally_reaper_run (gpointer core);

G_END_DECLS

#endif /* TALLY_REAPER_PRIVATE_H */
