/* The user's functions that a pool calls, and the events that it tells of. */
#ifndef TALLY_HOOKS_PRIVATE_H
#define TALLY_HOOKS_PRIVATE_H

#include "thread-local-internal.h"
#include "tally-pool.h"

G_BEGIN_DECLS

typedef struct _TallyPoolCore TallyPoolCore;

typedef enum
{
  TALLY_HOOK_DIAL,
  TALLY_HOOK_CHECK,
  TALLY_HOOK_RESET
} TallyHookKind;
#define TALLY_N_HOOKS 3

typedef struct
{
  gint ref_count; /* atomic */
  GCallback function;
  gpointer data;
  GDestroyNotify destroy;
} TallyHook;

/* A hook that runs on this thread, so that a hook may close the pool that called it. */
typedef struct _TallyFrame TallyFrame;
struct _TallyFrame
{
  TallyPoolCore *core;
  TallyPoolCore *balancing;
  TallyFrame *outer;
};

/* pool-hooks.c */
TallyHook *tally_hook_new (GCallback function, gpointer data, GDestroyNotify destroy);
TallyHook *tally_hook_ref (TallyHook *hook);
void tally_hook_unref (TallyHook *hook);
TallyHook *tally_bucket_take_hook_locked (TallyBucket *bucket, TallyHookKind kind);
TallyHook *tally_bucket_take_hook (TallyBucket *bucket, TallyHookKind kind);
guint tally_hooks_count_mine (TallyPoolCore *core);
gboolean tally_hooks_begin (TallyPoolCore *core);
void tally_hooks_end (TallyPoolCore *core);
void tally_frame_push (TallyFrame *frame, TallyPoolCore *core);
void tally_frame_pop (TallyFrame *frame);
ThriftTransport *tally_hook_dial (TallyBucket *bucket,
                                  TallyHook *hook,
                                  gint64 deadline,
                                  GCancellable *cancellable,
                                  GError **error);
gboolean tally_hook_check (TallyBucket *bucket,
                           TallyHook *hook,
                           ThriftTransport *transport,
                           gint64 idle_time,
                           gint64 deadline,
                           GCancellable *cancellable);
gboolean tally_hook_reset (TallyBucket *bucket, TallyHook *hook, ThriftTransport *transport);
/* (nullable): sets what this thread balances, and returns what it did. */
TallyPoolCore *tally_frame_swap_balancing (TallyPoolCore *core);

/* pool-events.c */
guint tally_pool_install_event (GType type);
void tally_bucket_emit (TallyBucket *bucket, const TallyPoolEvent *event);

G_END_DECLS

#endif /* TALLY_HOOKS_PRIVATE_H */
