/* Asynchronous calls of the echo service, and loops in which they run. */
#ifndef TESTS_RUNTIME_ASYNC_FIXTURE_H
#define TESTS_RUNTIME_ASYNC_FIXTURE_H

#include "echo-service.h"

G_BEGIN_DECLS

/* One asynchronous call and what became of it. Zeroed before it starts. */
typedef struct
{
  TallyChannel *channel;
  guint method;
  GMainLoop *loop; /* nullable: ended by the callback */
  guint *n_left;   /* nullable: the loop is ended by the last */
  GThread *thread; /* that the callback ran on */
  guint n_callbacks;
  gchar *reply;
  FixOops *oops;
  gboolean done;
  GError *error;
} AsyncCaller;

/* A loop in a context of its own, which is the thread's default one. */
typedef struct
{
  GMainContext *context;
  GMainLoop *loop;
} AsyncWorld;

/* A server, a channel to it, and a loop. */
typedef struct
{
  TallyPool *pool;
  EchoServer server;
  gchar *options;
  TallyChannel *channel;
  AsyncWorld world;
} AsyncStage;

/* pooled, unpooled, shared */
#define N_ASYNC_MODES 3
extern const gchar *const async_modes[N_ASYNC_MODES];
#define ASYNC_SHARED 2

void async_caller_clear (AsyncCaller *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AsyncCaller, async_caller_clear)
/* Starts a call; @text is gone when this returns. */
void async_start (AsyncCaller *self,
                  TallyChannel *channel,
                  guint method,
                  const gchar *text,
                  const TallyCallOptions *options,
                  GCancellable *cancellable);
/* The callback of such a call; @data: an AsyncCaller. */
void async_on_done (GObject *source, GAsyncResult *result, gpointer data);

void async_world_init (AsyncWorld *self);
/* Nothing may be left that would make the loop turn. */
void async_world_clear (AsyncWorld *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AsyncWorld, async_world_clear)
/* Makes a call and runs the loop until it is over. */
void async_run (AsyncWorld *world,
                AsyncCaller *caller,
                TallyChannel *channel,
                guint method,
                const gchar *text,
                const TallyCallOptions *options);

/* @mode: the number of one. */
void async_stage_init (AsyncStage *self, guint mode, EchoAnswer answer, gpointer user_data);
void async_stage_clear (AsyncStage *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AsyncStage, async_stage_clear)
/* The pool has all its connections back. */
void async_assert_nothing_is_busy (AsyncStage *stage);

/* GLib's worker, which the first task starts, has descriptors that stay. */
void async_make_first_task (void);

G_END_DECLS

#endif /* TESTS_RUNTIME_ASYNC_FIXTURE_H */
