/* A server's registrations: when they enter, and that they leave before it stops. */
#ifndef TALLY_SERVER_REGISTRAR_PRIVATE_H
#define TALLY_SERVER_REGISTRAR_PRIVATE_H

#include <pthread.h>

#include "tally-registration.h"
#include "tally-server.h"

G_BEGIN_DECLS

typedef struct
{
  GPtrArray *registrations; /* of TallyRegistration; set before the server serves */
  guint leave_timeout;      /* milliseconds; so is the next one */
  guint leave_delay;
  pthread_t thread;

  /* the server's lock */
  pthread_cond_t wake;
  gboolean runs;             /* there is a thread */
  gboolean leaves;           /* the server was told to stop */
  gboolean hurries;          /* and told again, or it takes too long */
  gboolean has_left;         /* the server may stop */
  gint64 deadline;           /* server_now () when it hurries, then when it is given up; 0: never */
  GCancellable *cancellable; /* nullable: of what is called now */
} ServerRegistrar;

void server_registrar_init (ServerRegistrar *self);
void server_registrar_clear (ServerRegistrar *self);
/* The server serves from now on. Starts the thread, if it has anything to do. */
void server_registrar_begin (TallyServer *server);
/* The server serves no longer. */
void server_registrar_end (TallyServer *server);
/* The server was told to stop: whether the registrar has to see to that first. It tells the server once more when it has. */
gboolean server_registrar_takes_stop (TallyServer *server);
/* The supervisor looks. */
void server_registrar_look_locked (TallyServer *server, gint64 now);
/* In how many microseconds it has to look again, at the latest; G_MAXINT64: never. */
gint64 server_registrar_get_rest_locked (const TallyServer *server, gint64 now);

G_END_DECLS

#endif /* TALLY_SERVER_REGISTRAR_PRIVATE_H */
