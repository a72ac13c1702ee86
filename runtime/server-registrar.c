/* Owns when a server's registrations enter and leave, on a thread of its own, and how long the server serves on after that. It
 * knows no connection. */
#include "server-private.h"

#include <time.h>

/* Milliseconds for what does not end though it was cancelled. */
#define LAST_PATIENCE 1000

/* ---- life ---- */

void
server_registrar_init (ServerRegistrar *self)
{
  pthread_condattr_t attributes;

  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&self->wake, &attributes);
  pthread_condattr_destroy (&attributes);
  self->registrations = g_ptr_array_new_with_free_func (g_object_unref);
}

void
server_registrar_clear (ServerRegistrar *self)
{
  g_ptr_array_unref (self->registrations);
  pthread_cond_destroy (&self->wake);
}

/* ---- the thread ---- */

/* What is called next has a GCancellable of its own, which is cancelled already where @is_over is. (transfer full) */
static GCancellable *
begin_step (TallyServer *server, const gboolean *is_over)
{
  ServerRegistrar *self = &server->registrar;
  GCancellable *cancellable = g_cancellable_new ();
  gboolean was_over;

  pthread_mutex_lock (&server->lock);
  self->cancellable = cancellable;
  was_over = *is_over;
  pthread_mutex_unlock (&server->lock);
  if (was_over)
    g_cancellable_cancel (cancellable);
  return cancellable;
}

static void
end_step (TallyServer *server, GCancellable *cancellable, const gchar *step, GError *error)
{
  pthread_mutex_lock (&server->lock);
  server->registrar.cancellable = NULL;
  pthread_mutex_unlock (&server->lock);
  if (error != NULL)
    g_warning ("%s: a registration cannot %s: %s", server->uri, step, error->message);
  g_clear_error (&error);
  g_object_unref (cancellable);
}

static void
have_enter (TallyServer *server, TallyRegistration *registration, const gchar *uri)
{
  TallyRegistrationClass *class = TALLY_REGISTRATION_GET_CLASS (registration);
  GCancellable *cancellable = begin_step (server, &server->registrar.leaves);
  GError *error = NULL;

  if (class->enter != NULL)
    class->enter (registration, uri, cancellable, &error);
  end_step (server, cancellable, "enter", error);
}

static void
have_leave (TallyServer *server, TallyRegistration *registration)
{
  TallyRegistrationClass *class = TALLY_REGISTRATION_GET_CLASS (registration);
  GCancellable *cancellable = begin_step (server, &server->registrar.hurries);
  GError *error = NULL;

  if (class->leave != NULL)
    class->leave (registration, cancellable, &error);
  end_step (server, cancellable, "leave", error);
}

/* Clients that have heard of it call no more. */
static void
serve_on_locked (TallyServer *server)
{
  ServerRegistrar *self = &server->registrar;
  struct timespec end;

  clock_gettime (CLOCK_MONOTONIC, &end);
  end.tv_sec += self->leave_delay / 1000;
  end.tv_nsec += self->leave_delay % 1000 * 1000000;
  end.tv_sec += end.tv_nsec / 1000000000;
  end.tv_nsec %= 1000000000;
  self->deadline = 0;
  while (!self->hurries && pthread_cond_timedwait (&self->wake, &server->lock, &end) == 0)
    continue;
}

static void *
registrar_main (void *data)
{
  TallyServer *server = data;
  ServerRegistrar *self = &server->registrar;
  g_autofree gchar *uri = tally_server_dup_uri (server);

  pthread_setname_np (pthread_self (), "tally-registrar");
  for (guint i = 0; i < self->registrations->len; i++)
    have_enter (server, g_ptr_array_index (self->registrations, i), uri);
  pthread_mutex_lock (&server->lock);
  while (!self->leaves)
    pthread_cond_wait (&self->wake, &server->lock);
  pthread_mutex_unlock (&server->lock);
  for (guint i = 0; i < self->registrations->len; i++)
    have_leave (server, g_ptr_array_index (self->registrations, i));
  pthread_mutex_lock (&server->lock);
  serve_on_locked (server);
  self->has_left = TRUE;
  pthread_mutex_unlock (&server->lock);
  tally_server_stop (server);
  return NULL;
}

/* ---- what the server tells it ---- */

void
server_registrar_begin (TallyServer *server)
{
  ServerRegistrar *self = &server->registrar;
  gint number;

  if (self->registrations->len == 0 && self->leave_delay == 0)
    return;
  self->runs = TRUE;
  number = pthread_create (&self->thread, NULL, registrar_main, server);
  self->runs = number == 0;
  if (number != 0)
    g_warning ("%s: no thread for registrations: %s", server->uri, g_strerror (number));
}

void
server_registrar_end (TallyServer *server)
{
  ServerRegistrar *self = &server->registrar;

  if (!self->runs)
    return;
  pthread_join (self->thread, NULL);
  pthread_mutex_lock (&server->lock);
  self->runs = self->leaves = self->hurries = self->has_left = FALSE;
  self->deadline = 0;
  pthread_mutex_unlock (&server->lock);
}

/* What is called now is to end. Unlocks. */
static void
cancel_and_unlock (TallyServer *server)
{
  g_autoptr (GCancellable) cancellable = NULL;

  g_set_object (&cancellable, server->registrar.cancellable);
  pthread_cond_signal (&server->registrar.wake);
  pthread_mutex_unlock (&server->lock);
  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
}

/* It took too long, or the server was told again. */
static void
hurry_locked (ServerRegistrar *self)
{
  self->hurries = TRUE;
  self->deadline = server_now () + LAST_PATIENCE;
}

gboolean
server_registrar_takes_stop (TallyServer *server)
{
  ServerRegistrar *self = &server->registrar;

  pthread_mutex_lock (&server->lock);
  if (!self->runs || self->has_left)
    {
      pthread_mutex_unlock (&server->lock);
      return FALSE;
    }
  server_drain_eventfd (server->stop_fd); /* before the thread sets it again */
  if (self->leaves)
    hurry_locked (self);
  else if (self->leave_timeout > 0)
    self->deadline = server_now () + self->leave_timeout;
  self->leaves = TRUE;
  server_wake_supervisor_locked (server);
  cancel_and_unlock (server);
  return TRUE;
}

gint64
server_registrar_get_rest_locked (const TallyServer *server, gint64 now)
{
  gint64 deadline = server->registrar.deadline;
  gint64 left = deadline - now;

  return deadline == 0 ? G_MAXINT64 : MAX (left, 1) * 1000;
}

/* A registration holds up no stop, only the end of thrift_server_serve (), as its thread is the server's. */
static void
go_on_without_locked (TallyServer *server)
{
  server->registrar.deadline = 0;
  server->registrar.has_left = TRUE;
  pthread_mutex_unlock (&server->lock);
  g_warning ("%s: a registration does not end though it was cancelled; the server stops without it",
             server->uri);
  tally_server_stop (server);
  pthread_mutex_lock (&server->lock);
}

void
server_registrar_look_locked (TallyServer *server, gint64 now)
{
  ServerRegistrar *self = &server->registrar;

  if (G_LIKELY (self->deadline == 0) || now < self->deadline)
    return;
  if (self->hurries)
    {
      go_on_without_locked (server);
      return;
    }
  hurry_locked (self);
  cancel_and_unlock (server);
  pthread_mutex_lock (&server->lock);
}
