/* The number by which dumps and errors name a thread. */
#ifndef TALLY_THREAD_ID_PRIVATE_H
#define TALLY_THREAD_ID_PRIVATE_H

#include <glib.h>

G_BEGIN_DECLS

guint32 tally_get_thread_id (void);
/* In a child process, whose thread has another. */
void tally_forget_thread_id (void);

G_END_DECLS

#endif /* TALLY_THREAD_ID_PRIVATE_H */
