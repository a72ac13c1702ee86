/* Owns what the callback of an asynchronous call is given: a GAsyncResult that is the call itself. GTask would
 * do, and cost a third of the call; so does a GObject that is made and finalized for each, wherefore a thread
 * keeps some that are over. */
#include "async-private.h"

#include <string.h>

#include "reply-private.h"
#include "tally-struct.h"
#include "thread-local-internal.h"

/* A thread keeps so many calls that are over, */
#define MAX_SPARE 64
/* each with so much memory for arguments at most. */
#define KEPT_ARGS_CAPACITY 4096

static void async_result_init (GAsyncResultIface *iface);

typedef GObjectClass TallyAsyncCallClass;

static GType tally_async_call_get_type (void);

G_DEFINE_TYPE_WITH_CODE (TallyAsyncCall,
                         tally_async_call,
                         G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (G_TYPE_ASYNC_RESULT, async_result_init))

/* ---- life ---- */

/* Gives up all that @self keeps but its memory for arguments. Returns its channel (transfer full). */
static TallyChannel *
clear_call (TallyAsyncCall *self)
{
  TallyChannel *channel = self->call.channel;
  const TallyStructInfo *result = self->call.method->result;

  for (guint i = 0; result != NULL && i < result->n_fields; i++)
    tally_value_clear (result->fields[i].type, &self->slots[i]);
  if (self->slots != self->own_slots)
    {
      g_free (self->slots);
      g_free (self->results);
    }
  g_clear_error (&self->error);
  if (G_UNLIKELY (self->first != NULL))
    {
      g_clear_error (&self->first_error);
      g_free (self->first);
    }
  g_clear_pointer (&self->retry, tally_async_retry_free);
  g_clear_pointer (&self->call.route, tally_route_free);
  g_clear_object (&self->call.cancellable);
  g_clear_pointer (&self->options.headers, tally_headers_unref);
  g_clear_pointer (&self->options.reply_headers, tally_headers_unref);
  g_object_unref (self->source);
  g_main_context_unref (self->context);
  if (self->call.options != NULL)
    self->options = (TallyCallOptions){ 0 };
  self->call.channel = NULL;
  self->args.length = 0;
  memset (&self->info, 0, sizeof *self - G_STRUCT_OFFSET (TallyAsyncCall, info));
  return channel;
}

static void
tally_async_call_finalize (GObject *object)
{
  TallyAsyncCall *self = (TallyAsyncCall *) object;

  if (self->call.channel != NULL)
    g_object_unref (clear_call (self));
  tally_buffer_clear (&self->args);
  G_OBJECT_CLASS (tally_async_call_parent_class)->finalize (object);
}

static void
tally_async_call_class_init (TallyAsyncCallClass *klass)
{
  klass->finalize = tally_async_call_finalize;
}

static void
tally_async_call_init (TallyAsyncCall *self)
{
}

/* ---- those that are over, for calls to come ---- */

/* Whether the program keeps @object, or has anything that is to end with it: data, a weak reference, a closure. No other
 * thread can change that where it does not. */
static gboolean
is_kept (GObject *object)
{
  return __atomic_load_n (&object->ref_count, __ATOMIC_ACQUIRE) != 1 || object->qdata != NULL;
}

static TALLY_THREAD_LOCAL TallyAsyncCall *spare; /* nullable */
static TALLY_THREAD_LOCAL guint n_spare;
static TALLY_THREAD_LOCAL gboolean is_told_of_end; /* clear_spare () will be called */

/* (nullable): empty but for memory for its arguments. */
static TallyAsyncCall *
take_spare (void)
{
  TallyAsyncCall *self = spare;

  if (self != NULL)
    {
      spare = self->next_spare;
      n_spare--;
    }
  return self;
}

guint
tally_async_count_spare (void)
{
  return n_spare;
}

/* The thread that has spare calls ends. */
static void
clear_spare (gpointer data)
{
  TallyAsyncCall *call;

  is_told_of_end = FALSE;
  while ((call = take_spare ()) != NULL)
    g_object_unref (call);
}

static GPrivate thread_has_spare = G_PRIVATE_INIT (clear_spare);

/* @self is over and nobody keeps it. */
static void
put_spare (TallyAsyncCall *self)
{
  g_object_unref (clear_call (self));
  if (self->args.capacity > KEPT_ARGS_CAPACITY)
    tally_buffer_clear (&self->args);
  if (n_spare == MAX_SPARE)
    {
      g_object_unref (self);
      return;
    }
  if (G_UNLIKELY (!is_told_of_end))
    g_private_set (&thread_has_spare, &spare);
  is_told_of_end = TRUE;
  self->next_spare = spare;
  spare = self;
  n_spare++;
}

/* ---- a new call ---- */

static void
open_slots (TallyAsyncCall *self, const TallyStructInfo *result)
{
  guint n_results = result != NULL ? result->n_fields : 0;

  self->slots = self->own_slots;
  self->results = self->own_results;
  if (n_results > TALLY_ASYNC_SLOTS)
    {
      self->slots = g_new0 (TallyResultSlot, n_results);
      self->results = g_new (gpointer, n_results);
    }
  for (guint i = 0; i < n_results; i++)
    self->results[i] = &self->slots[i];
}

static void
copy_options (TallyCallOptions *self, const TallyCallOptions *other)
{
  *self = *other;
  if (self->headers != NULL)
    self->headers = tally_headers_copy (self->headers);
  if (self->reply_headers != NULL)
    tally_headers_ref (self->reply_headers);
}

TallyAsyncCall *
tally_async_call_new (TallyChannel *channel,
                      gpointer source,
                      const TallyMethod *method,
                      gconstpointer args,
                      const TallyCallOptions *options,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
  TallyAsyncCall *self = take_spare ();

  if (self == NULL)
    self = g_object_new (tally_async_call_get_type (), NULL);
  self->due_index = TALLY_NOT_DUE;
  self->source = g_object_ref (source);
  self->context = g_main_context_ref_thread_default ();
  self->callback = callback;
  self->user_data = user_data;
  if (options != NULL)
    copy_options (&self->options, options);
  open_slots (self, method->result);
  tally_call_open (&self->call, g_object_ref (channel), method, args, self->results,
                   options != NULL ? &self->options : NULL);
  if (cancellable != NULL)
    self->call.cancellable = cancellable;
  if (self->call.cancellable != NULL)
    g_object_ref (self->call.cancellable);
  return self;
}

TallyAsyncCall *
tally_async_call_new_part (TallyAsyncCall *call,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  TallyAsyncCall *self =
      tally_async_call_new (call->call.channel, call, call->call.method, NULL, call->call.options,
                            cancellable, callback, user_data);

  self->is_part = TRUE;
  self->is_here = TRUE;
  g_main_context_unref (self->context);
  self->context = g_main_context_ref (call->context);
  self->call.deadline = call->call.deadline;
  self->call.timeout = call->call.timeout;
  tally_buffer_append (&self->args, call->args.data, call->args.length);
  if (self->options.reply_headers != NULL)
    {
      tally_headers_unref (self->options.reply_headers);
      self->options.reply_headers = tally_headers_new ();
    }
  if (call->info != NULL)
    {
      self->info = tally_call_info_new (call->call.method->name, call->call.method->name_length);
      self->info->keeps_messages = call->info->keeps_messages;
    }
  return self;
}

/* ---- the end ---- */

static gboolean
call_back (gpointer data)
{
  TallyAsyncCall *self = data;

  if (self->callback != NULL)
    self->callback (self->source, (GAsyncResult *) self, self->user_data);
  if (is_kept (&self->parent_instance))
    g_object_unref (self);
  else
    put_spare (self);
  return G_SOURCE_REMOVE;
}

void
tally_async_call_complete (TallyAsyncCall *self, GError *error)
{
  self->error = error;
  if (G_LIKELY (__atomic_load_n (&self->has_started, __ATOMIC_ACQUIRE)))
    call_back (self);
  else
    {
      g_autoptr (GSource) source = g_idle_source_new ();

      g_source_set_static_name (source, "tally call that is over");
      g_source_set_priority (source, G_PRIORITY_DEFAULT);
      g_source_set_callback (source, call_back, self, NULL);
      g_source_attach (source, self->context);
    }
}

/* ---- a GAsyncResult ---- */

static gpointer
get_user_data (GAsyncResult *result)
{
  return ((TallyAsyncCall *) result)->user_data;
}

static GObject *
get_source_object (GAsyncResult *result)
{
  return g_object_ref (((TallyAsyncCall *) result)->source);
}

static gboolean
is_tagged (GAsyncResult *result, gpointer tag)
{
  return tag == tally_async_call_start;
}

static void
async_result_init (GAsyncResultIface *iface)
{
  iface->get_user_data = get_user_data;
  iface->get_source_object = get_source_object;
  iface->is_tagged = is_tagged;
}

gboolean
tally_async_call_is (GAsyncResult *result)
{
  return G_TYPE_CHECK_INSTANCE_TYPE (result, tally_async_call_get_type ());
}

/* (nullable): @result as the call that it is, if @source made it. */
static TallyAsyncCall *
get_call_of (gpointer source, GAsyncResult *result)
{
  TallyAsyncCall *self = (TallyAsyncCall *) result;

  return tally_async_call_is (result) && self->source == source ? self : NULL;
}

/* What the caller's variable holds is freed; what it gets is its own. */
static void
hand_out (const TallyType *type, TallyResultSlot *slot, gpointer variable)
{
  if (variable == NULL)
    return;
  tally_value_clear (type, variable);
  memcpy (variable, slot, type->size);
  memset (slot, 0, sizeof *slot);
}

gboolean
tally_async_call_finish (gpointer source,
                         const TallyMethod *method,
                         GAsyncResult *result,
                         gpointer const *results,
                         GError **error)
{
  TallyAsyncCall *self = get_call_of (source, result);
  const TallyStructInfo *info;
  gboolean done;

  g_return_val_if_fail (self != NULL && !self->is_fetched, FALSE);
  g_return_val_if_fail (method == self->call.method, FALSE); /* else the results are another's */
  self->is_fetched = TRUE;
  info = self->call.method->result;
  done = self->error == NULL;
  for (guint i = 0; results != NULL && info != NULL && i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];

      /* of a call that failed the declared exception alone */
      if (done ? field->id == 0 : self->slots[i].pointer != NULL && self->call.declared)
        hand_out (field->type, &self->slots[i], results[i]);
    }
  if (!done)
    g_propagate_error (error, g_steal_pointer (&self->error));
  return done;
}
