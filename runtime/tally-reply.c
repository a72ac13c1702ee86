/* The answer that a handler gives later: takes it once, from any thread, and hands it on in the form of the method's
 * result. It knows neither the server nor how an answer is sent. */
#include "tally-reply.h"

#include <string.h>

#include "invocation-private.h"
#include "reply-later-private.h"
#include "storage.h"
#include "struct-private.h"

struct _TallyReply
{
  gatomicrefcount ref_count;
  GMutex lock;          /* of the headers, until it is answered */
  gboolean is_answered; /* lock */
  const TallyMethod *method;
  TallyLater *later;
  TallyInvocation invocation;
};

G_DEFINE_BOXED_TYPE (TallyReply, tally_reply, tally_reply_ref, tally_reply_unref)

TallyReply *
tally_reply_new (const TallyMethod *method, TallyLater *later)
{
  TallyReply *self = g_new (TallyReply, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  self->is_answered = FALSE;
  self->method = method;
  self->later = later;
  tally_invocation_init (&self->invocation, method);
  later->is_taken = TRUE;
  return self;
}

gpointer
tally_reply_get_args (TallyReply *self)
{
  return self->invocation.args;
}

void
tally_reply_swap_args (TallyReply *self, TallyInvocation *other)
{
  gsize size = self->method->args->instance_size;
  g_autofree gpointer kept = g_memdup2 (other->args, size);

  memcpy (other->args, self->invocation.args, size);
  memcpy (self->invocation.args, kept, size);
}

void
tally_reply_begin (TallyReply *self, gpointer handler)
{
  self->method->invoke (handler, self->invocation.args, self, NULL);
  tally_reply_unref (self);
}

static void
free_reply (TallyReply *self)
{
  tally_invocation_clear (&self->invocation);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
tally_reply_withdraw (TallyReply *self)
{
  self->later->is_taken = FALSE;
  free_reply (self);
}

/**
 * tally_reply_ref:
 * @self: a reply
 *
 * Keeps it, so that it can be answered after the handler's function has returned.
 *
 * Returns: (transfer full): @self
 *
 * Since: 0.2
 */
TallyReply *
tally_reply_ref (TallyReply *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/* Whether the caller is the first to answer. */
static gboolean
take_answer (TallyReply *self, GError **error)
{
  gboolean was_answered;

  g_mutex_lock (&self->lock);
  was_answered = self->is_answered;
  self->is_answered = TRUE;
  g_mutex_unlock (&self->lock);
  if (!was_answered)
    return TRUE;
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_FAILED,
               "%s was answered before; this answer is lost", self->method->name);
  return FALSE;
}

static gboolean
answer_failure (TallyReply *self, ThriftApplicationExceptionError type, const gchar *text)
{
  TallyApplicationException failure;
  gboolean is_sent;

  tally_failure_init (&failure, type, g_strdup (text));
  is_sent = self->later->klass->answer (self->later, self->method, NULL, &failure, NULL);
  tally_failure_clear (&failure);
  return is_sent;
}

/**
 * tally_reply_unref:
 * @self: (transfer full): a reply
 *
 * Gives it up. If this was the last reference and nobody has answered, the client gets a TApplicationException of
 * type INTERNAL_ERROR.
 *
 * Since: 0.2
 */
void
tally_reply_unref (TallyReply *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  if (take_answer (self, NULL))
    {
      g_autofree gchar *text =
          g_strdup_printf ("the handler of %s dropped its reply unanswered", self->method->name);

      answer_failure (self, THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR, text);
    }
  self->later->klass->release (self->later);
  free_reply (self);
}

/* Answers with the value of @field, copied from @value, which stays the caller's. */
static gboolean
answer_field (TallyReply *self, const TallyField *field, gconstpointer value, GError **error)
{
  const TallyStructInfo *info = self->method->result;
  g_autofree guint8 *result = info != NULL ? g_malloc0 (MAX (info->instance_size, 1)) : NULL;

  if (field != NULL)
    {
      memcpy (result + field->offset, value, field->type->size);
      if (field->isset_offset != TALLY_NO_ISSET)
        *(gboolean *) (result + field->isset_offset) = TRUE;
    }
  return self->later->klass->answer (self->later, self->method, result, NULL, error);
}

/* Whether @method is the one that is to be answered. */
static gboolean
check_method (const TallyReply *self, const TallyMethod *method, GError **error)
{
  if (G_LIKELY (method == self->method))
    return TRUE;
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
               "this is the reply of %s, and %s was to be answered", self->method->name,
               method->name);
  return FALSE;
}

/* answer_field () unless somebody else has answered, or there is no value where one is due. */
static gboolean
answer_once (TallyReply *self, const TallyField *field, gconstpointer value, GError **error)
{
  g_autofree gchar *text = NULL;

  if (!take_answer (self, error))
    return FALSE;
  if (field == NULL || field->type->storage == TALLY_STORAGE_PLAIN
      || *(gpointer const *) value != NULL)
    return answer_field (self, field, value, error);
  text = g_strdup_printf ("%s returned no result", self->method->name);
  answer_failure (self, THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT, text);
  g_set_error_literal (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                       THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT, text);
  return FALSE;
}

/**
 * tally_reply_return: (skip)
 * @self: a reply
 * @method: the method that is answered
 * @value: (nullable): where the value lies, of the type that the method returns; it stays the caller's
 * @error: (nullable): return location
 *
 * What the functions `…_reply_…` of generated code call. Answers with the method's return value. %TALLY_ERROR_FAILED
 * when it was answered before; %TALLY_ERROR_INVALID_ARGUMENT when it is another method's reply, which stays
 * unanswered; other errors when the value cannot be sent, and then the client gets an exception.
 *
 * Returns: whether this was the answer
 *
 * Since: 0.2
 */
gboolean
tally_reply_return (TallyReply *self,
                    const TallyMethod *method,
                    gconstpointer value,
                    GError **error)
{
  const TallyField *field = NULL;

  g_return_val_if_fail (self != NULL, FALSE);

  if (!check_method (self, method, error))
    return FALSE;
  if (method->result != NULL)
    field = tally_struct_info_find_field (method->result, 0);
  return answer_once (self, field, value, error);
}

/**
 * tally_reply_throw_as: (skip)
 * @self: a reply
 * @method: the method that is answered
 * @id: which of its exceptions, by its id in the IDL
 * @exception: (nullable): an exception of that type; it stays the caller's
 * @error: (nullable): return location
 *
 * What the functions `…_reply_…_EXCEPTION` of generated code call. Answers with a declared exception, and fails as
 * tally_reply_return().
 *
 * Returns: whether this was the answer
 *
 * Since: 0.2
 */
gboolean
tally_reply_throw_as (
    TallyReply *self, const TallyMethod *method, gint id, gconstpointer exception, GError **error)
{
  const TallyField *field;

  g_return_val_if_fail (self != NULL, FALSE);

  if (!check_method (self, method, error))
    return FALSE;
  field = tally_struct_info_find_field (method->result, (gint16) id);
  g_return_val_if_fail (field != NULL, FALSE);
  return answer_once (self, field, &exception, error);
}

/**
 * tally_reply_throw:
 * @self: a reply
 * @exception: (transfer none): one of the exceptions that the method declares
 * @error: (nullable): return location
 *
 * Answers with a declared exception. %TALLY_ERROR_INVALID_ARGUMENT when the method does not declare it, and the reply
 * stays unanswered; else as tally_reply_return().
 *
 * Returns: whether this was the answer
 *
 * Since: 0.2
 */
gboolean
tally_reply_throw (TallyReply *self, GObject *exception, GError **error)
{
  const TallyStructInfo *info;

  g_return_val_if_fail (self != NULL && G_IS_OBJECT (exception), FALSE);

  info = self->method->result;
  for (guint i = 0; info != NULL && i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];
      const TallyStructInfo *thrown = (const TallyStructInfo *) field->type;

      if (field->id == 0
          || !g_type_is_a (G_OBJECT_TYPE (exception), tally_struct_find_type (thrown)))
        continue;
      return take_answer (self, error) && answer_field (self, field, &exception, error);
    }
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
               "%s does not declare that it throws %s", self->method->name,
               G_OBJECT_TYPE_NAME (exception));
  return FALSE;
}

/**
 * tally_reply_fail:
 * @self: a reply
 * @failure: why there is no result
 * @error: (nullable): %TALLY_ERROR_FAILED when it was answered before
 *
 * Answers with a TApplicationException that says @failure's message. Its type is @failure's code if that is
 * of %THRIFT_APPLICATION_EXCEPTION_ERROR, else INTERNAL_ERROR.
 *
 * Returns: whether this was the answer
 *
 * Since: 0.2
 */
gboolean
tally_reply_fail (TallyReply *self, const GError *failure, GError **error)
{
  ThriftApplicationExceptionError type = THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR;

  g_return_val_if_fail (self != NULL && failure != NULL, FALSE);

  if (failure->domain == THRIFT_APPLICATION_EXCEPTION_ERROR)
    type = failure->code;
  return take_answer (self, error) && answer_failure (self, type, failure->message);
}

/**
 * tally_reply_get_method:
 * @self: a reply
 *
 * Returns: (transfer none): the method's name, as in the IDL
 *
 * Since: 0.2
 */
const gchar *
tally_reply_get_method (TallyReply *self)
{
  return self->method->name;
}

/**
 * tally_reply_get_cancellable:
 * @self: a reply
 *
 * Gives what fires when nobody waits for the answer any more: the client has closed its connection, or its end
 * of it, or the server has closed it, or the request's deadline has passed. What is connected to it is called by a
 * thread of the server and must not block. Under another server than #TallyServer nothing fires it.
 *
 * Returns: (transfer none): lives as long as @self
 *
 * Since: 0.2
 */
GCancellable *
tally_reply_get_cancellable (TallyReply *self)
{
  return self->later->klass->get_cancellable (self->later);
}

/**
 * tally_reply_get_deadline:
 * @self: a reply
 *
 * Returns: when the client waits no longer, in microseconds of g_get_monotonic_time(); 0 when it has not said so
 *
 * Since: 0.2
 */
gint64
tally_reply_get_deadline (TallyReply *self)
{
  return self->later->deadline;
}

/**
 * tally_reply_dup_peer:
 * @self: a reply
 *
 * Returns: (transfer full) (nullable): the client's address, or the process at the other end of a Unix socket; %NULL
 *   once its connection is closed, and under another server than #TallyServer
 *
 * Since: 0.2
 */
gchar *
tally_reply_dup_peer (TallyReply *self)
{
  return self->later->klass->dup_peer (self->later);
}

/**
 * tally_reply_dup_request_headers:
 * @self: a reply
 *
 * As tally_server_dup_request_headers(), at any time and on any thread.
 *
 * Returns: (transfer full) (nullable): the request's headers, not to be changed; %NULL where the client does not
 *   speak `transport=header`, and under another server than #TallyServer
 *
 * Since: 0.2
 */
TallyHeaders *
tally_reply_dup_request_headers (TallyReply *self)
{
  const TallyLaterClass *klass = self->later->klass;

  return klass->dup_headers != NULL ? klass->dup_headers (self->later) : NULL;
}

/**
 * tally_reply_set_header:
 * @self: a reply that has not been answered
 * @name: UTF-8 text of at least one byte
 * @value: UTF-8 text
 *
 * Sets a header of the reply, an exception too; in place of one with the same name. On any thread, before the answer.
 *
 * Returns: %FALSE where the reply has no headers: the client does not speak `transport=header`, or it has been answered;
 *   or where there are %TALLY_HEADERS_MAX others
 *
 * Since: 0.2
 */
gboolean
tally_reply_set_header (TallyReply *self, const gchar *name, const gchar *value)
{
  const TallyLaterClass *klass = self->later->klass;
  gboolean is_set;

  g_return_val_if_fail (name != NULL && *name != '\0', FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_mutex_lock (&self->lock);
  is_set = klass->set_header != NULL && !self->is_answered
           && klass->set_header (self->later, name, value);
  g_mutex_unlock (&self->lock);
  return is_set;
}
