/* Owns a session's thread and ZooKeeper's handle, which is that thread's. It knows not what the session is for.
 *
 * What ZooKeeper's own threads tell is noted only; the session's thread looks at how things are and does what is due, in
 * blocking calls, which end with the connection at the latest. */
#include "zookeeper-session-private.h"

#include <errno.h>
#include <tally.h>
#include <unistd.h>

/* Microseconds: the first pause after a failure, doubled up to the last; */
#define FIRST_PAUSE G_TIME_SPAN_SECOND
#define LAST_PAUSE (30 * G_TIME_SPAN_SECOND)
/* between two times that watches have things settled, so that a fleet that restarts is not read for each member. */
#define SETTLE_INTERVAL (50 * G_TIME_SPAN_MILLISECOND)

struct _ZookeeperSession
{
  gint references; /* atomic: its thread's and its owner's */
  pid_t pid;
  gchar *servers;
  guint timeout_ms;
  const ZookeeperWork *work;
  gpointer data;

  GMutex lock;
  GCond changed;
  /* The lock: */
  gboolean is_connected;
  gboolean is_over; /* it has expired, or was refused */
  gboolean is_due;  /* settle () */
  gboolean is_ending;
  gint64 settle_at; /* a monotonic time, not before which it settles, */
  gint64 fail_at;   /* tells that there is no connection, and tries another one */

  /* The thread's: */
  gint64 open_at;    /* opens another handle, where there is none of a session that may last */
  guint n_failed;    /* in a row */
  zhandle_t *handle; /* nullable */
  gboolean is_new;   /* settle () has not seen it */
};

static void
unref_session (ZookeeperSession *self)
{
  if (!g_atomic_int_dec_and_test (&self->references))
    return;
  self->work->free (self->data);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self->servers);
  g_free (self);
}

gboolean
zookeeper_session_report (gint status, const gchar *what, const gchar *path, GError **error)
{
  gboolean is_lost = status == ZCONNECTIONLOSS || status == ZOPERATIONTIMEOUT
                     || status == ZSESSIONEXPIRED || status == ZINVALIDSTATE || status == ZCLOSING
                     || status == ZSESSIONMOVED;

  g_set_error (error, TALLY_ERROR, is_lost ? TALLY_ERROR_CONNECTION_LOST : TALLY_ERROR_FAILED,
               "ZooKeeper: %s %s: %s", what, path, zerror (status));
  return FALSE;
}

/* ---- ZooKeeper's threads ---- */

static void
on_session_event (zhandle_t *handle, int type, int state, const char *path, void *context)
{
  ZookeeperSession *self = context;

  if (type != ZOO_SESSION_EVENT)
    return;
  g_mutex_lock (&self->lock);
  if (self->is_connected && state != ZOO_CONNECTED_STATE)
    self->fail_at = g_get_monotonic_time () + (gint64) self->timeout_ms * 1000;
  self->is_connected = state == ZOO_CONNECTED_STATE;
  if (self->is_connected)
    {
      self->is_due = TRUE;
      self->settle_at = 0;
    }
  else if (state == ZOO_EXPIRED_SESSION_STATE || state == ZOO_AUTH_FAILED_STATE)
    self->is_over = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static void
log_message (const char *message)
{
  g_debug ("%s", message);
}

/* ---- the thread ---- */

static void
pause_after_failure (ZookeeperSession *self, gint64 *until)
{
  gint64 pause = FIRST_PAUSE;

  for (guint i = 0; i < self->n_failed && pause < LAST_PAUSE; i++)
    pause *= 2;
  self->n_failed++;
  *until = g_get_monotonic_time () + (pause < LAST_PAUSE ? pause : LAST_PAUSE);
}

static void
tell_failure (ZookeeperSession *self, const GError *error)
{
  if (self->work->fail != NULL)
    self->work->fail (self->data, error);
}

/* Releases the lock meanwhile, as all that follow. */
static void
close_handle_locked (ZookeeperSession *self)
{
  zhandle_t *handle = g_steal_pointer (&self->handle);

  g_mutex_unlock (&self->lock);
  if (handle != NULL)
    zookeeper_close (handle); /* afterwards none of its threads is left */
  g_mutex_lock (&self->lock);
  self->is_connected = self->is_over = FALSE;
}

/* @client: (nullable): whose session is to be taken over, if it lasts. */
static void
open_handle_locked (ZookeeperSession *self, const clientid_t *client)
{
  g_autoptr (GError) error = NULL;

  close_handle_locked (self);
  self->fail_at = g_get_monotonic_time () + (gint64) self->timeout_ms * 1000;
  g_mutex_unlock (&self->lock);
  self->handle = zookeeper_init2 (self->servers, on_session_event, (int) self->timeout_ms, client,
                                  self, 0, log_message);
  if (self->handle == NULL)
    {
      gint number = errno;

      g_set_error (&error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED,
                   "ZooKeeper at %s cannot be used: %s", self->servers, g_strerror (number));
      tell_failure (self, error);
    }
  g_mutex_lock (&self->lock);
  self->is_new = TRUE;
}

static void
open_session_locked (ZookeeperSession *self)
{
  pause_after_failure (self, &self->open_at); /* for the next time, until something was settled */
  open_handle_locked (self, NULL);
}

/* A handle that has seen more than a server knows, which has lost its data, is refused by it without a word, for ever. Another one
 * with the same session is told that it has expired. */
static void
open_again_locked (ZookeeperSession *self)
{
  g_autoptr (GError) error = g_error_new (TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED,
                                          "ZooKeeper at %s cannot be reached", self->servers);
  const clientid_t client = *zoo_client_id (self->handle);

  g_mutex_unlock (&self->lock);
  tell_failure (self, error);
  g_mutex_lock (&self->lock);
  open_handle_locked (self, client.client_id != 0 ? &client : NULL);
}

static void
settle_locked (ZookeeperSession *self)
{
  g_autoptr (GError) error = NULL;
  gboolean done;

  self->is_due = FALSE;
  g_mutex_unlock (&self->lock);
  done = self->work->settle (self->data, self->handle, self->is_new, &error);
  self->is_new = FALSE;
  /* Of a lost connection the session hears, too. */
  if (!done && !g_error_matches (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST))
    tell_failure (self, error);
  g_mutex_lock (&self->lock);
  if (done)
    {
      self->n_failed = 0;
      self->open_at = 0;
      self->settle_at = g_get_monotonic_time () + SETTLE_INTERVAL;
    }
  else
    {
      self->is_due = TRUE;
      pause_after_failure (self, &self->settle_at);
    }
}

/* Does what is due, or waits for that. */
static void
step_locked (ZookeeperSession *self)
{
  gint64 now = g_get_monotonic_time ();
  gboolean is_closed = self->handle == NULL || self->is_over;
  gint64 next = G_MAXINT64;

  if (is_closed && now >= self->open_at)
    open_session_locked (self);
  else if (self->is_connected && self->is_due && now >= self->settle_at)
    settle_locked (self);
  else if (!is_closed && !self->is_connected && now >= self->fail_at)
    open_again_locked (self);
  else
    {
      if (is_closed)
        next = self->open_at;
      else if (!self->is_connected)
        next = self->fail_at;
      else if (self->is_due)
        next = self->settle_at;
      if (next == G_MAXINT64)
        g_cond_wait (&self->changed, &self->lock);
      else
        g_cond_wait_until (&self->changed, &self->lock, next);
    }
}

static gpointer
run_session (gpointer data)
{
  ZookeeperSession *self = data;

  g_mutex_lock (&self->lock);
  while (!self->is_ending)
    step_locked (self);
  close_handle_locked (self);
  g_mutex_unlock (&self->lock);
  unref_session (self);
  return NULL;
}

/* ---- its owner ---- */

ZookeeperSession *
zookeeper_session_new (const gchar *servers,
                       guint timeout_ms,
                       const ZookeeperWork *work,
                       gpointer data)
{
  ZookeeperSession *self = g_new0 (ZookeeperSession, 1);

  self->references = 1;
  self->pid = getpid ();
  self->servers = g_strdup (servers);
  self->timeout_ms = timeout_ms;
  self->work = work;
  self->data = data;
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  return self;
}

gboolean
zookeeper_session_start (ZookeeperSession *self, GError **error)
{
  GThread *thread;

  g_atomic_int_inc (&self->references);
  thread = g_thread_try_new ("zookeeper", run_session, self, error);
  if (thread != NULL)
    g_thread_unref (thread); /* nothing waits for its end */
  else
    unref_session (self);
  return thread != NULL;
}

void
zookeeper_session_wake (ZookeeperSession *self)
{
  g_mutex_lock (&self->lock);
  self->is_due = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

gboolean
zookeeper_session_is_ours (const ZookeeperSession *self)
{
  return self->pid == getpid ();
}

void
zookeeper_session_end (ZookeeperSession *self)
{
  if (!zookeeper_session_is_ours (self))
    return; /* the thread is the parent's, and may have held the lock */
  g_mutex_lock (&self->lock);
  self->is_ending = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  unref_session (self);
}
