/* Owns the wait for ZooKeeper. It knows not what is waited for. */
#include "zookeeper-state-private.h"

#include <string.h>

void
zookeeper_state_init (ZookeeperState *self)
{
  *self = (ZookeeperState){ .is_settled = FALSE };
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
}

void
zookeeper_state_clear (ZookeeperState *self)
{
  g_clear_error (&self->failure);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
}

gboolean
zookeeper_state_note (ZookeeperState *self, const GError *failure)
{
  GError *copy = failure != NULL ? g_error_copy (failure) : NULL;
  g_autoptr (GError) old = NULL;

  g_mutex_lock (&self->lock);
  old = self->failure;
  self->failure = copy;
  self->is_settled = failure == NULL;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  return (old == NULL) != (failure == NULL)
         || (old != NULL && strcmp (old->message, failure->message) != 0);
}

void
zookeeper_state_reset (ZookeeperState *self)
{
  g_mutex_lock (&self->lock);
  self->is_settled = FALSE;
  g_mutex_unlock (&self->lock);
}

static void
on_wait_cancelled (GCancellable *cancellable, gpointer data)
{
  ZookeeperState *self = data;

  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

gboolean
zookeeper_state_await (ZookeeperState *self,
                       gboolean gives_up,
                       GCancellable *cancellable,
                       GError **error)
{
  gulong handler =
      cancellable != NULL
          ? g_cancellable_connect (cancellable, G_CALLBACK (on_wait_cancelled), self, NULL)
          : 0;
  gboolean is_settled;

  g_mutex_lock (&self->lock);
  while (!self->is_settled && !(gives_up && self->failure != NULL)
         && !g_cancellable_is_cancelled (cancellable))
    g_cond_wait (&self->changed, &self->lock);
  is_settled = self->is_settled;
  if (!is_settled && self->failure != NULL)
    g_propagate_error (error, g_error_copy (self->failure));
  else if (!is_settled)
    g_cancellable_set_error_if_cancelled (cancellable, error);
  g_mutex_unlock (&self->lock);
  g_cancellable_disconnect (cancellable, handler);
  return is_settled;
}
