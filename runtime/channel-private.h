/* A channel's fields, for the call. */
#ifndef TALLY_CHANNEL_PRIVATE_H
#define TALLY_CHANNEL_PRIVATE_H

#include <pthread.h>

#include "codec-private.h"
#include "fleet/fleet-internal.h"
#include "interceptor-private.h"
#include "tally-channel.h"
#include "tls-internal.h"

G_BEGIN_DECLS

typedef struct _TallyAsyncCall TallyAsyncCall;
typedef struct _TallyRecentTimes TallyRecentTimes;

/* All but the atomic ones are set once, before another thread can see them. */
struct _TallyChannel
{
  GObject parent_instance;

  TallyEndpoint *endpoint; /* of several the first: how to speak is said by all alike */
  TallyPool *pool;
  TallyResolver *resolver; /* nullable */
  TallyBucket *bucket;     /* NULL: there are several */
  TallyFleet *fleet;       /* nullable: these */
  const TallyCodec *codec;
  TallyFraming framing;
  gboolean unpooled;
  gboolean is_shared;
  gboolean is_compressed; /* by the header transport */
  const gchar *service;   /* nullable; the endpoint's */
  TallyInterceptors interceptors;

  gint timeout;     /* atomic; milliseconds, 0 = no limit */
  gint max_message; /* atomic; bytes */
  gint max_depth;   /* atomic */
  gint strict;      /* atomic; a boolean */
  gsize max_memory; /* atomic; bytes, 0 = by TALLY_MEMORY_RATIO */
  gint seqid;       /* atomic; the last one that was given out */
  gint
      is_special; /* atomic; a boolean: without an endpoint, with several, or with a retry policy */

  pthread_mutex_t retry_lock;
  TallyRetryPolicy *retry_policy; /* nullable; retry_lock */
  gint retry_balance;             /* atomic; see retry-channel.c */
  TallyRecentTimes *recent_times; /* nullable; retry_lock; see hedge.c */

  gchar *uri;          /* nullable; as it was given */
  TallyTlsOptions tls; /* what properties say */
  GError *failure;     /* nullable; why there is no endpoint */
};

/* What the URI means for calls; properties that are set later win: channel-target.c. */
gboolean tally_channel_open (TallyChannel *self, GError **error);

/* tally_channel_call_with () without its checks. */
gboolean tally_channel_make_call (TallyChannel *self,
                                  const TallyMethod *method,
                                  gconstpointer args,
                                  gpointer const *results,
                                  const TallyCallOptions *options,
                                  GError **error);

G_END_DECLS

#endif /* TALLY_CHANNEL_PRIVATE_H */
