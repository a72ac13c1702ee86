/* A processor of generated code, served on a port of its own, and a channel to it. */
#ifndef TESTS_GEN_SERVED_H
#define TESTS_GEN_SERVED_H

#include <tally.h>

G_BEGIN_DECLS

typedef struct
{
  TallyServer *server;
  GThread *thread;
  TallyPool *pool;
  TallyChannel *channel;
} Served;

/* Ends the test where that does not work. @processor: a ThriftProcessor. */
void served_start (Served *self, gpointer processor, const gchar *uri);
void served_stop (Served *self);

G_END_DECLS

#endif /* TESTS_GEN_SERVED_H */
