/* Being told when the process forks (rule 22). */
#ifndef TALLY_FORK_PRIVATE_H
#define TALLY_FORK_PRIVATE_H

#include <glib.h>
#include <pthread.h>

G_BEGIN_DECLS

typedef struct
{
  pthread_mutex_t *lock; /* held while the process forks; start_anew makes it anew */
  void (*start_anew) (
      gpointer data); /* in the child, which has this one thread: allocates nothing */
  gpointer data;
} TallyForkWatch;

/* @watch is the caller's until it is unwatched. */
void tally_fork_watch (TallyForkWatch *watch);
void tally_fork_unwatch (TallyForkWatch *watch);

G_END_DECLS

#endif /* TALLY_FORK_PRIVATE_H */
