/* A connection that is passed on, as its parts see it: two ways, of bytes and of the messages in them. */
#ifndef CLI_PROXY_LINK_H
#define CLI_PROXY_LINK_H

#include "cli-proxy.h"

G_BEGIN_DECLS

/* What is sent before more is looked at, and received at once. */
#define CLI_WAY_CHUNK 65536

typedef struct _CliLink CliLink;

/* From one end to the other. */
typedef struct
{
  CliLink *link;
  GSocket *from;
  GSocket *to;
  GByteArray *input;  /* a message of which some is there, and those behind it */
  GByteArray *output; /* what is still to be sent, from @sent on */
  gsize sent;
  gsize held; /* bytes of both; of the replies also what is held back, and the calls that wait */
  CliBounds bounds;
  gboolean is_raw;     /* no messages are looked for any more */
  gboolean at_end;     /* nothing more comes */
  gboolean is_last;    /* the connection ends when the output has gone */
  gboolean is_shut;    /* nothing more goes */
  gint64 paused_until; /* g_get_monotonic_time (); 0: it is not */
  GSource *source;     /* nullable: what it waits for */
} CliWay;

struct _CliLink
{
  CliRelay *relay;
  guint number;
  GSocketConnection *client;
  GSocketConnection *server; /* nullable */
  GCancellable *cancellable;
  GPtrArray *pending; /* of CliCall */
  CliWay requests;
  CliWay replies;
  GPtrArray *delayed;   /* of CliDelayed: replies that come later than those behind them */
  gsize delayed_bytes;  /* of these */
  GSource *alarm;       /* nullable: until the first of them is due */
  gint64 active;        /* g_get_monotonic_time () when something came or went */
  CliInjected injected; /* what ended it */
  gboolean is_closed;
};

/* ---- bytes (cli-proxy-way.c) ---- */

void cli_way_init (CliWay *self, CliLink *link);
void cli_way_clear (CliWay *self);
/* Goes on until it has to wait. */
void cli_way_go (CliWay *self);
/* Waits for nothing any more, and holds nothing. */
void cli_way_stop (CliWay *self);
/* Adds what is held to the relay's. */
void cli_way_count (CliWay *self);
void cli_way_pass (CliWay *self, const guint8 *bytes, gsize length);

/* ---- messages (cli-proxy-pass.c) ---- */

/* Passes on, or holds back, the whole messages that have come. FALSE: the connection is closed. */
gboolean cli_way_cut (CliWay *self);
/* Passes on the delayed replies that are due. */
void cli_link_pass_due (CliLink *self);
/* Gives them up. */
void cli_link_drop_delayed (CliLink *self);
void cli_delayed_free (gpointer delayed);

/* ---- the connection (cli-proxy-link.c) ---- */

void cli_link_unref (gpointer link);
void cli_link_close (CliLink *self);
/* Says that @call, and that all calls which still wait, get no reply. */
void cli_link_drop_call (CliLink *self, CliCall *call);
void cli_link_drop_pending (CliLink *self);
void cli_link_complain (CliLink *self, const gchar *text);

G_END_DECLS

#endif /* CLI_PROXY_LINK_H */
