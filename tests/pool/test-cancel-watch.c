/* Cancellations told to a main context, from another thread and in the middle of everything. */
#include "cancel-watch-internal.h"
#include "harness.h"

typedef struct
{
  GMainContext *context;
  GCancellable *cancellable;
  TallyCancelWatch watch;
  guint told;
  guint destroyed;
} Listener;

static gboolean
count_told (gpointer data)
{
  Listener *self = data;

  CU_ASSERT_TRUE (g_main_context_is_owner (self->context));
  self->told++;
  return G_SOURCE_REMOVE;
}

static void
count_destroyed (gpointer data)
{
  ((Listener *) data)->destroyed++;
}

static void
listener_open (Listener *self, gboolean cancelled)
{
  *self = (Listener){ .context = g_main_context_new (), .cancellable = g_cancellable_new () };
  if (cancelled)
    g_cancellable_cancel (self->cancellable);
  tally_cancel_watch_begin (&self->watch, self->cancellable, self->context, count_told, self,
                            count_destroyed);
}

static void
listener_close (Listener *self)
{
  tally_cancel_watch_end (&self->watch);
  while (g_main_context_iteration (self->context, FALSE))
    continue;
  assert_int (self->destroyed, 1);
  g_object_unref (self->cancellable);
  g_main_context_unref (self->context);
}

static gpointer
cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return cancellable;
}

static void
the_context_is_told_once (void)
{
  Listener self;
  GThread *thread;

  listener_open (&self, FALSE);
  CU_ASSERT_FALSE (g_main_context_iteration (self.context, FALSE));
  assert_int (self.told, 0);
  thread = g_thread_new ("cancel", cancel, self.cancellable);
  while (self.told == 0)
    g_main_context_iteration (self.context, TRUE);
  g_thread_join (thread);
  CU_ASSERT_FALSE (g_main_context_iteration (self.context, FALSE));
  assert_int (self.told, 1);
  listener_close (&self);
}

static void
what_was_cancelled_before_is_told (void)
{
  Listener self;

  listener_open (&self, TRUE);
  assert_int (self.told, 0);
  g_main_context_iteration (self.context, FALSE);
  assert_int (self.told, 1);
  listener_close (&self);
}

static void
what_has_ended_is_not_told (void)
{
  Listener self;

  listener_open (&self, FALSE);
  tally_cancel_watch_end (&self.watch);
  g_cancellable_cancel (self.cancellable);
  CU_ASSERT_FALSE (g_main_context_iteration (self.context, FALSE));
  assert_int (self.told, 0);
  listener_close (&self);
}

static void
linger (GCancellable *cancellable, gpointer left)
{
  while (!__atomic_load_n ((gboolean *) left, __ATOMIC_ACQUIRE))
    g_thread_yield ();
}

/* The function that is told removes the watch at once. It neither waits nor leaks: the sanitizer's
 * stage looks at that. */
static void
it_ends_while_the_cancellation_goes_on (void)
{
  Listener self;
  gboolean left = FALSE;
  GThread *thread;

  listener_open (&self, FALSE);
  g_cancellable_connect (self.cancellable, G_CALLBACK (linger), &left, NULL);
  thread = g_thread_new ("cancel", cancel, g_object_ref (self.cancellable));
  while (self.told == 0)
    g_main_context_iteration (self.context, TRUE);
  listener_close (&self);
  __atomic_store_n (&left, TRUE, __ATOMIC_RELEASE);
  g_object_unref (g_thread_join (thread));
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (the_context_is_told_once),
    TEST (what_was_cancelled_before_is_told),
    TEST (what_has_ended_is_not_told),
    TEST (it_ends_while_the_cancellation_goes_on),
    { NULL, NULL },
  };

  return test_main ("cancel-watch", cases, argc, argv);
}
