/* Owns an interceptor for tests. */
#include "recorder.h"

#include "harness.h"

typedef GObjectClass RecorderClass;

static gboolean
recorder_before (TallyInterceptor *interceptor, TallyCallInfo *info, GError **error)
{
  Recorder *self = (Recorder *) interceptor;

  assert_int (tally_call_info_get_outcome (info), TALLY_CALL_UNDER_WAY);
  g_mutex_lock (&self->lock);
  self->n_before++;
  if (self->notes != NULL)
    g_string_append_printf (self->notes, "+%s", self->name);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  if (self->act != NULL)
    self->act (self, info);
  if (self->refuse_domain == 0)
    return TRUE;
  if (self->refuse_code >= 0)
    g_set_error (error, self->refuse_domain, self->refuse_code, "%s does not want it", self->name);
  return FALSE;
}

static void
recorder_after (TallyInterceptor *interceptor, TallyCallInfo *info)
{
  Recorder *self = (Recorder *) interceptor;

  CU_ASSERT (tally_call_info_get_outcome (info) != TALLY_CALL_UNDER_WAY);
  g_mutex_lock (&self->lock);
  self->n_after++;
  g_set_object (&self->last, info);
  if (self->notes != NULL)
    g_string_append_printf (self->notes, "-%s", self->name);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static void
recorder_interceptor_init (TallyInterceptorInterface *interface)
{
  interface->before = recorder_before;
  interface->after = recorder_after;
}

G_DEFINE_TYPE_WITH_CODE (Recorder,
                         recorder,
                         G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (TALLY_TYPE_INTERCEPTOR, recorder_interceptor_init))

static void
recorder_finalize (GObject *object)
{
  Recorder *self = (Recorder *) object;

  g_clear_object (&self->last);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  G_OBJECT_CLASS (recorder_parent_class)->finalize (object);
}

static void
recorder_class_init (RecorderClass *class)
{
  class->finalize = recorder_finalize;
}

static void
recorder_init (Recorder *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
}

Recorder *
recorder_new (const gchar *name, GString *notes)
{
  Recorder *self = g_object_new (recorder_get_type (), NULL);

  self->name = name;
  self->notes = notes;
  return self;
}

Recorder *
recorder_new_at_server (TallyServer *server, const gchar *name)
{
  Recorder *self = recorder_new (name, NULL);

  tally_server_add_interceptor (server, (TallyInterceptor *) self);
  return self;
}

TallyCallInfo *
recorder_wait (Recorder *self, guint count)
{
  TallyCallInfo *last;

  g_mutex_lock (&self->lock);
  while (self->n_after < count)
    g_cond_wait (&self->changed, &self->lock);
  last = self->last;
  g_mutex_unlock (&self->lock);
  return last;
}

void
recorder_check (Recorder *self, guint count)
{
  g_mutex_lock (&self->lock);
  assert_int (self->n_before, count);
  assert_int (self->n_after, count);
  g_mutex_unlock (&self->lock);
}
