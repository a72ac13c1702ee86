/* A channel's fields, for the call. */
#ifndef TALLY_CHANNEL_PRIVATE_H
#define TALLY_CHANNEL_PRIVATE_H

#include "codec-private.h"
#include "tally-channel.h"

G_BEGIN_DECLS

/* All but the last three are set once, before another thread can see them. */
struct _TallyChannel
{
  GObject parent_instance;

  TallyEndpoint *endpoint;
  TallyPool *pool;
  TallyBucket *bucket;
  const TallyCodec *codec;
  TallyFraming framing;
  gboolean unpooled;
  const gchar *service; /* nullable; the endpoint's */

  gint timeout;         /* atomic; milliseconds, 0 = no limit */
  gint max_message;     /* atomic; bytes */
  gint seqid;           /* atomic; the last one that was given out */
};

G_END_DECLS

#endif /* TALLY_CHANNEL_PRIVATE_H */
