/* A processor's short way: one message in memory in, one answer in memory out, through a codec. It
 * knows neither sockets nor ThriftProtocol. */
#include "invocation-private.h"
#include "reply-later-private.h"

void
tally_failure_write (const TallyApplicationException *failure,
                     const TallyCodec *codec,
                     const gchar *name,
                     gsize name_length,
                     gint32 seqid,
                     TallyBuffer *output)
{
  g_autoptr (GError) error = NULL;

  codec->write_message (output, name, name_length, T_EXCEPTION, seqid);
  /* Two optional fields without structure: there is nothing that could fail. */
  if (!codec->write_struct (output, &tally_application_exception_info, failure, &error))
    g_critical ("a TApplicationException could not be encoded: %s", error->message);
}

gboolean
tally_message_wants_reply (const TallyMessage *message)
{
  return message->type != T_ONEWAY;
}

void
tally_failure_answer (TallyApplicationException *failure,
                      const TallyCodec *codec,
                      const TallyMessage *message,
                      TallyBuffer *output)
{
  if (tally_message_wants_reply (message))
    tally_failure_write (failure, codec, message->name, message->name_length, message->seqid,
                         output);
  else if (message->info != NULL)
    tally_call_info_note_failure (message->info, failure);
  tally_failure_clear (failure);
}

static gboolean
answer_unexpected (const TallyCodec *codec,
                   TallyReader *reader,
                   const TallyMessage *message,
                   TallyBuffer *output,
                   GError **error)
{
  TallyApplicationException failure;
  g_autoptr (GError) read_error = NULL;

  if (!codec->skip (reader, T_STRUCT, &read_error)
      || !tally_reader_check_end (reader, "message", &read_error))
    tally_failure_init_unreadable (&failure, NULL, read_error);
  else if (message->type != T_CALL && message->type != T_ONEWAY)
    tally_failure_init_message_type (&failure, message->type);
  else
    tally_failure_init_unknown_method (&failure, message->name, message->name_length);
  tally_failure_answer (&failure, codec, message, output);
  if (read_error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&read_error));
  return FALSE;
}

/* Of a result that is not to be sent as it was written: answers @error in its place. */
static void
answer_unwritable (const TallyMethod *method,
                   const TallyCodec *codec,
                   const GError *error,
                   gint32 seqid,
                   TallyBuffer *output)
{
  TallyApplicationException failure;

  tally_failure_init_unwritable (&failure, method, error);
  tally_failure_write (&failure, codec, method->name, method->name_length, seqid, output);
  tally_failure_clear (&failure);
}

/* tally_result_write (), inlined for the common path's sake. */
static inline __attribute__ ((always_inline)) gboolean
write_result_now (const TallyMethod *method,
                  gconstpointer result,
                  const TallyCodec *codec,
                  const TallyLimits *limits,
                  gint32 seqid,
                  TallyBuffer *output,
                  GError **error)
{
  gsize start = output->length;
  GError *failed = NULL;

  if (codec->write_of_method (output, method, T_REPLY, seqid, result, &failed)
      && output->length - start <= limits->max_message)
    return TRUE;

  if (failed == NULL)
    g_set_error (&failed, TALLY_ERROR, TALLY_ERROR_LIMIT,
                 "%" G_GSIZE_FORMAT " bytes pass the limit of %u bytes for a message",
                 output->length - start, limits->max_message);
  output->length = start;
  answer_unwritable (method, codec, failed, seqid, output);
  g_propagate_error (error, failed);
  return FALSE;
}

gboolean
tally_result_write (const TallyMethod *method,
                    gconstpointer result,
                    const TallyCodec *codec,
                    const TallyLimits *limits,
                    gint32 seqid,
                    TallyBuffer *output,
                    GError **error)
{
  return write_result_now (method, result, codec, limits, seqid, output, error);
}

/* tally_failure_answer () for @method, by its own name: a reader's bytes are valid only until it reads on. */
static TALLY_COLD void
answer_failed (TallyApplicationException *failure,
               const TallyMethod *method,
               const TallyCodec *codec,
               const TallyMessage *message,
               TallyBuffer *output)
{
  const TallyMessage known = { .name = method->name,
                               .name_length = method->name_length,
                               .type = method->oneway ? T_ONEWAY : message->type,
                               .seqid = message->seqid,
                               .info = message->info };

  tally_failure_answer (failure, codec, &known, output);
}

/* Of arguments that could not be read: answers why where an answer is due. FALSE with @error. */
static TALLY_COLD gboolean
answer_unreadable (const TallyMethod *method,
                   const TallyCodec *codec,
                   const TallyMessage *message,
                   GError *read_error,
                   TallyBuffer *output,
                   GError **error)
{
  TallyApplicationException failure;

  tally_failure_init_unreadable (&failure, method, read_error);
  answer_failed (&failure, method, codec, message, output);
  g_propagate_error (error, read_error);
  return FALSE;
}

/* call () of a method whose handler answers later. */
static TALLY_COLD gboolean
begin_handler (TallyProcessor *self,
               const TallyMethod *method,
               const TallyCodec *codec,
               TallyReader *reader,
               const TallyMessage *message,
               TallyBuffer *output,
               GError **error)
{
  GError *read_error = NULL;
  TallyReply *reply;

  if (message->later == NULL)
    return FALSE;
  reply = tally_reply_new (method, message->later);
  if (codec->read_struct (reader, method->args, tally_reply_get_args (reply), &read_error)
      && tally_reader_check_end (reader, "message", &read_error))
    {
      tally_reply_begin (reply, self->handler);
      return TRUE;
    }
  tally_reply_withdraw (reply);
  return answer_unreadable (method, codec, message, read_error, output, error);
}

/* Inlined for the common path's sake. */
static inline __attribute__ ((always_inline)) gboolean
call (TallyProcessor *self,
      const TallyMethod *method,
      const TallyCodec *codec,
      TallyReader *reader,
      const TallyMessage *message,
      TallyBuffer *output,
      GError **error)
{
  gboolean wants_reply = !method->oneway && tally_message_wants_reply (message);
  TallyInvocation invocation;
  TallyApplicationException failure;
  GError *read_error = NULL;

  tally_invocation_init (&invocation, method);
  reader->texts = &invocation.texts;
  if (!codec->read_struct (reader, method->args, invocation.args, &read_error)
      || !tally_reader_check_end (reader, "message", &read_error))
    {
      tally_invocation_clear (&invocation);
      return answer_unreadable (method, codec, message, read_error, output, error);
    }

  if (!tally_invocation_run (&invocation, self->handler, &failure))
    answer_failed (&failure, method, codec, message, output);
  else if (wants_reply)
    write_result_now (method, invocation.result, codec, reader->limits, message->seqid, output,
                      NULL);
  if (G_UNLIKELY (message->info != NULL))
    tally_call_info_note_result (message->info, method, invocation.result);
  tally_invocation_clear (&invocation);
  return TRUE;
}

/* (nullable): the method that the message calls. */
static inline const TallyMethod *
find_method (const TallyProcessor *self, const TallyMessage *message)
{
  /* No cast check here: it would cost as much as decoding a small message. */
  const TallyService *service =
      ((TallyProcessorClass *) ((GTypeInstance *) self)->g_class)->service;

  if (service == NULL || (message->type != T_CALL && message->type != T_ONEWAY))
    return NULL;
  return tally_service_find_method (service, message->name, message->name_length);
}

const TallyMethod *
tally_processor_find_method (const TallyProcessor *self, const TallyMessage *message)
{
  return find_method (self, message);
}

gboolean
tally_processor_answers_later (const TallyProcessor *self, const TallyMessage *message)
{
  const TallyMethod *method = find_method (self, message);

  return method != NULL && tally_method_is_later (method, self->handler);
}

gboolean
tally_processor_process_message (TallyProcessor *self,
                                 const TallyCodec *codec,
                                 TallyReader *reader,
                                 const TallyMessage *message,
                                 TallyBuffer *output,
                                 GError **error)
{
  const TallyMethod *method = find_method (self, message);

  if (method == NULL)
    return answer_unexpected (codec, reader, message, output, error);
  if (tally_processor_is_later (self, method))
    return begin_handler (self, method, codec, reader, message, output, error);
  return call (self, method, codec, reader, message, output, error);
}
