/* A scripted server that fails as told, and a channel to it, for calls that are made several times. */
#ifndef TESTS_RUNTIME_RETRY_FIXTURE_H
#define TESTS_RUNTIME_RETRY_FIXTURE_H

#include "async-fixture.h"

G_BEGIN_DECLS

/* What a server does with the first @n_bad requests that it gets; all others it answers. */
typedef enum
{
  RETRY_HANGS_UP, /* takes the request and ends the connection */
  RETRY_IS_BUSY,  /* says that it did not execute it */
  RETRY_REFUSES,  /* a handler's TApplicationException */
  RETRY_THROWS,   /* a declared exception */
  RETRY_IS_SILENT /* takes the request and says nothing */
} RetryFault;

typedef struct
{
  AsyncStage stage;
  RetryFault fault;
  gint n_bad; /* atomic: requests that are still to go wrong */
} RetryStage;

/* In all modes, with a thread that waits and without. */
#define N_RETRY_WAYS (2 * N_ASYNC_MODES)

void retry_stage_init (RetryStage *self, guint way, RetryFault fault, gint n_bad);
void retry_stage_clear (RetryStage *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RetryStage, retry_stage_clear)
/* Calls @method with "x" as @way says. The call's reply must then be "x". */
gboolean retry_stage_call (
    RetryStage *self, guint way, guint method, const TallyCallOptions *options, GError **error);
/* How many requests have arrived. */
guint retry_stage_count (RetryStage *self);

/* A policy of @attempts without pauses. */
TallyRetryPolicy *retry_policy_without_pause (guint attempts);

G_END_DECLS

#endif /* TESTS_RUNTIME_RETRY_FIXTURE_H */
