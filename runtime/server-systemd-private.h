/* What a server and systemd have with each other, where the program wants that. */
#ifndef TALLY_SERVER_SYSTEMD_PRIVATE_H
#define TALLY_SERVER_SYSTEMD_PRIVATE_H

#include "tally-server.h"

G_BEGIN_DECLS

typedef struct
{
  gchar *address; /* nullable: NOTIFY_SOCKET; set before the server serves, as the next three are */
  guint watchdog; /* milliseconds, in each of which it has to hear; 0: there is none */
  gint *fds;      /* the sockets that it has passed; they stay the process's */
  guint n_fds;

  /* the server's lock */
  gboolean is_stopping; /* it was told, or will be, and is told nothing after that */
  gint64 next_look;     /* server_now () */
  gint64 told;          /* the same: when it was told last that the server lives */
  guint64 progress;     /* how far the workers were then */
  GQueue untold;        /* of gchar *: what it has not been told, the oldest first */
  gboolean is_late;     /* the first of these could not be sent, */
  gint64 next_try;      /* and is tried again then */
} ServerSystemd;

void server_systemd_clear (ServerSystemd *self);
/* The server serves from now on; it is about to stop. */
void server_systemd_begin (TallyServer *server);
void server_systemd_stop (TallyServer *server);
/* The server has stopped: what was not told is, if that takes no longer than a moment. */
void server_systemd_end (TallyServer *server);
/* tally_server_reload () was called. */
void server_systemd_reload (TallyServer *server);
/* The supervisor, which alone tells systemd anything, tells what there is, and that workers live where they do. It may unlock for
 * that. */
void server_systemd_look_locked (TallyServer *server, gint64 now);
/* In how many microseconds it has to look again, at the latest; G_MAXINT64: never. */
gint64 server_systemd_get_rest_locked (const TallyServer *server, gint64 now);

G_END_DECLS

#endif /* TALLY_SERVER_SYSTEMD_PRIVATE_H */
