/* Owns the validation of a reply, its header and what it may hold, and the hand-out of its result to
 * the caller's variables. It knows tables; it knows no socket and no protocol. */
#include "reply-private.h"
#include "server-words-private.h"

#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "peer-text.h"
#include "storage.h"

/* ---- validation ---- */

static inline gboolean
is_name (const TallyMessage *reply, const gchar *name, gsize length)
{
  return reply->name_length == length && memcmp (reply->name, name, length) == 0;
}

/* A multiplexed server answers with the bare name: its processor hands the call on without the
 * prefix. Only what the multiplexing processor itself refuses (C++: "Unknown service") carries the
 * name as it was sent. Both are ours; nothing else is. */
static G_GNUC_NO_INLINE gboolean
is_multiplexed_name (const TallyMessage *reply, const TallyMethod *method, const gchar *service)
{
  gsize length = strlen (service);

  return reply->name_length == length + 1 + method->name_length
         && memcmp (reply->name, service, length) == 0 && reply->name[length] == ':'
         && memcmp (reply->name + length + 1, method->name, method->name_length) == 0;
}

static TALLY_COLD void
set_wrong_name (const TallyMessage *reply, const TallyMethod *method, GError **error)
{
  g_autofree gchar *shown = tally_peer_text (reply->name, reply->name_length, TALLY_PEER_NAME_MAX);

  g_set_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
               THRIFT_APPLICATION_EXCEPTION_ERROR_WRONG_METHOD_NAME,
               "expected the reply to \"%s\", got one to \"%s\"", method->name, shown);
}

gboolean
tally_reply_check_closely (const TallyMessage *reply,
                           const TallyMethod *method,
                           const gchar *service,
                           gint32 seqid,
                           GError **error)
{
  if (G_UNLIKELY (!is_name (reply, method->name, method->name_length)
                  && !(service != NULL && is_multiplexed_name (reply, method, service))))
    {
      set_wrong_name (reply, method, error);
      return FALSE;
    }
  if (G_UNLIKELY (reply->seqid != seqid))
    {
      g_set_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                   THRIFT_APPLICATION_EXCEPTION_ERROR_BAD_SEQUENCE_ID,
                   "expected the reply with sequence id %d, got one with %d", seqid, reply->seqid);
      return FALSE;
    }
  if (G_UNLIKELY (reply->type != T_REPLY && reply->type != T_EXCEPTION))
    {
      g_set_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                   THRIFT_APPLICATION_EXCEPTION_ERROR_INVALID_MESSAGE_TYPE,
                   "expected a message of type %d (reply) or %d (exception), got one of type %d",
                   T_REPLY, T_EXCEPTION, reply->type);
      return FALSE;
    }
  return TRUE;
}

/* The peer's TApplicationException as a GError. */
static void
set_exception (const TallyApplicationException *exception, GError **error)
{
  g_autofree gchar *text =
      exception->message != NULL
          ? tally_peer_text (exception->message, strlen (exception->message), TALLY_PEER_TEXT_MAX)
          : g_strdup ("no message");

  g_set_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR, exception->type, TALLY_SERVER_SAYS "%s",
               text);
}

TallyReplyOutcome
tally_reply_read_exception (TallyReplyRead read_struct, gpointer source, GError **error)
{
  TallyApplicationException exception = { NULL, THRIFT_APPLICATION_EXCEPTION_ERROR_UNKNOWN };
  gboolean done = read_struct (source, &tally_application_exception_info, &exception, error);

  if (done)
    set_exception (&exception, error);
  tally_struct_dispose_instance (&tally_application_exception_info, &exception);
  return done ? TALLY_REPLY_REFUSED : TALLY_REPLY_FAILED;
}

/* ---- what a reply may hold ---- */

gboolean
tally_reply_check_field (const TallyStructInfo *info,
                         gconstpointer instance,
                         gint16 id,
                         gboolean is_second,
                         GError **error)
{
  const TallyApplicationException *exception = instance;

  if (info->form == TALLY_FORM_RESULT)
    {
      if (!is_second)
        return TRUE;
    }
  else if (id != 0 && !(id == 1 && exception->has_message) && !(id == 2 && exception->has_type))
    return TRUE;
  g_set_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
               "%s: field %d comes after what the reply holds, whose end was lost", info->name, id);
  return FALSE;
}

static guint
count_present (const TallyStructInfo *info, gconstpointer instance)
{
  guint count = 0;

  for (guint i = 0; i < info->n_fields; i++)
    count += tally_field_is_present (info, &info->fields[i], instance);
  return count;
}

gboolean
tally_reply_check_count (const TallyStructInfo *info,
                         gconstpointer instance,
                         gboolean has_unknown,
                         GError **error)
{
  if (count_present (info, instance) + has_unknown <= 1)
    return TRUE;
  g_set_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
               "%s: more than one field came where a result has one", info->name);
  return FALSE;
}

/* ---- the result ---- */

static inline gsize
align_memory (gsize size)
{
  return (size + 15) & ~(gsize) 15;
}

static gsize
find_size_with_flag (const TallyStructInfo *info)
{
  return align_memory (info->instance_size + 2 * sizeof (gboolean))
         + align_memory (sizeof (TallyStructInfo)) + info->n_fields * sizeof (TallyField);
}

/* Makes the table with a flag, in memory behind the instance. */
static void
add_flag (TallyResult *self)
{
  const TallyStructInfo *info = self->info;
  guint8 *memory = self->instance;
  gint32 flag = (info->instance_size + sizeof (gboolean) - 1) & ~(sizeof (gboolean) - 1);
  TallyStructInfo *copy =
      (TallyStructInfo *) (memory + align_memory (info->instance_size + 2 * sizeof (gboolean)));
  TallyField *fields = (TallyField *) ((guint8 *) copy + align_memory (sizeof *copy));

  memcpy (fields, info->fields, info->n_fields * sizeof *fields);
  fields[0].isset_offset = flag;
  *copy = *info;
  copy->fields = fields;
  self->info = copy;
  self->success = fields;
  if (self->results != NULL && self->results[0] != NULL)
    *(gpointer *) (memory + fields[0].offset) = *(gpointer *) self->results[0];
}

TallyReplyOutcome
tally_reply_read_result (const TallyMethod *method,
                         gpointer const *results,
                         TallyReplyRead read_struct,
                         gpointer source,
                         GError **error)
{
  const TallyStructInfo *info = method->result;
  gboolean needs_flag = tally_result_needs_flag (info);
  gsize size = needs_flag ? find_size_with_flag (info) : info->instance_size;
  TallyResult result = { info, memset (g_alloca (size), 0, size), tally_result_find_success (info),
                         results };

  if (needs_flag)
    add_flag (&result);
  return tally_result_read (&result, read_struct, source, error);
}

/* Takes back what is the caller's: the value to be filled in place. */
static void
give_back (const TallyResult *self)
{
  gpointer *slot;

  if (self->success == NULL || self->success->type->kind < TALLY_KIND_STRUCT
      || self->results == NULL || self->results[0] == NULL)
    return;
  slot = tally_result_get_slot (self, self->success);
  if (*slot == *(gpointer *) self->results[0])
    *slot = NULL;
}

void
tally_result_abandon (TallyResult self)
{
  give_back (&self);
  tally_struct_dispose_instance (self.info, self.instance);
}

gboolean
tally_result_throw (TallyResult self, const TallyField *exception, GError **error)
{
  const TallyStructInfo *info = (const TallyStructInfo *) exception->type;
  guint index = exception - self.info->fields;

  if (self.results != NULL && self.results[index] != NULL)
    *(gpointer *) self.results[index] =
        g_steal_pointer ((gpointer *) tally_result_get_slot (&self, exception));
  tally_result_abandon (self);
  g_set_error_literal (error, info->error_quark (), 0, info->name);
  return FALSE;
}

gboolean
tally_result_fail_missing (TallyResult self, GError **error)
{
  tally_result_abandon (self);
  g_set_error_literal (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                       THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT,
                       "the reply has neither a result nor a declared exception");
  return FALSE;
}

void
tally_result_give (TallyResult self, gpointer variable)
{
  const TallyType *type = self.success->type;
  gpointer slot = tally_result_get_slot (&self, self.success);

  if (type->storage == TALLY_STORAGE_PLAIN)
    {
      memcpy (variable, slot, type->size);
      return;
    }
  if (*(gpointer *) variable != NULL && *(gpointer *) variable != *(gpointer *) slot)
    tally_storage_clear (type, variable); /* a string or binary that the new one replaces */
  *(gpointer *) variable = *(gpointer *) slot;
}
