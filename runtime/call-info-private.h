/* What is known of one call, for the files that find it out. */
#ifndef TALLY_CALL_INFO_PRIVATE_H
#define TALLY_CALL_INFO_PRIVATE_H

#include "tally-call-info.h"
#include "tally-call-options.h"

G_BEGIN_DECLS

/* The call's thread writes; from its end on nothing changes. */
struct _TallyCallInfo
{
  GObject parent_instance;

  gboolean is_server;
  gboolean is_oneway;
  gboolean is_known; /* of a server's: its processor has the method; else it may not, or does not tell */
  gchar *method;
  gchar *service; /* nullable */
  gchar *peer;    /* nullable */
  gint32 seqid;
  guint attempts;
  gsize request_bytes;
  gsize reply_bytes;
  TallyHeaders *request_headers; /* nullable: the message has none; so are the reply's */
  TallyHeaders *reply_headers;
  gint64 start; /* monotonic; so are the next two */
  gint64 sent;  /* 0: not */
  gint64 end;   /* 0: not yet */
  TallyCallOutcome outcome;
  GError *error; /* nullable */

  gboolean keeps_messages; /* of a channel's call */
  GBytes *request;         /* nullable */
  GBytes *reply;           /* nullable */

  TallyCallOutcome noted; /* what the answer will not say; TALLY_CALL_UNDER_WAY: nothing */

  TallyCallOptions options; /* a channel's call has these, where it has headers */
  const TallyCallOptions *caller_options; /* nullable: in place of these */

  gconstpointer last;  /* the last interceptor whose `before` was called */
  gboolean is_refused; /* by an interceptor */

  /* a server's lock */
  gpointer connection; /* nullable: whose calls it is among */
  GList link;          /* there */
};

/* The call, or the execution of the request, begins now. */
TallyCallInfo *tally_call_info_new (const gchar *method, gsize length);

/* Copies a message, where one is to be kept, in the place of the one of an attempt before. */
static inline void
tally_call_info_keep (const TallyCallInfo *self, GBytes **place, gconstpointer bytes, gsize length)
{
  if (!self->keeps_messages)
    return;
  g_clear_pointer (place, g_bytes_unref);
  *place = g_bytes_new (bytes, length);
}

/* The whole request was handed to the kernel. */
static inline void
tally_call_info_note_sent (TallyCallInfo *self)
{
  self->sent = g_get_monotonic_time ();
}

G_END_DECLS

#endif /* TALLY_CALL_INFO_PRIVATE_H */
