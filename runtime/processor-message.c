/* A processor's short way: one message in memory in, one answer in memory out, through a codec. It
 * knows neither sockets nor ThriftProtocol. */
#include "processor-private.h"

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

/* Writes the result whole, or in its place the exception that says why it could not be written. */
static void
answer_result (const TallyInvocation *invocation,
               const TallyCodec *codec,
               TallyReader *reader,
               const TallyMessage *message,
               TallyBuffer *output)
{
  const TallyMethod *method = invocation->method;
  gsize start = output->length;
  g_autoptr (GError) error = NULL;
  TallyApplicationException failure;

  codec->write_message (output, method->name, method->name_length, T_REPLY, message->seqid);
  if (codec->write_struct (output, method->result, invocation->result, &error)
      && output->length - start <= reader->limits->max_message)
    return;

  if (error == NULL)
    g_set_error (&error, TALLY_ERROR, TALLY_ERROR_LIMIT,
                 "%" G_GSIZE_FORMAT " bytes pass the limit of %u bytes for a message",
                 output->length - start, reader->limits->max_message);
  output->length = start;
  tally_failure_init_unwritable (&failure, method, error);
  tally_failure_write (&failure, codec, method->name, method->name_length, message->seqid, output);
  tally_failure_clear (&failure);
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
  /* The method's own name: a reader's bytes are valid only until it reads on. */
  TallyMessage known = { method->name, method->name_length, message->type, message->seqid };
  gboolean wants_reply = !method->oneway && tally_message_wants_reply (message);
  TallyInvocation invocation;
  TallyApplicationException failure;
  GError *read_error = NULL;

  tally_invocation_init (&invocation, method);
  if (!codec->read_struct (reader, method->args, invocation.args, &read_error)
      || !tally_reader_check_end (reader, "message", &read_error))
    {
      tally_invocation_clear (&invocation);
      tally_failure_init_unreadable (&failure, method, read_error);
      if (wants_reply)
        tally_failure_answer (&failure, codec, &known, output);
      else
        tally_failure_clear (&failure);
      g_propagate_error (error, read_error);
      return FALSE;
    }

  if (!tally_invocation_run (&invocation, self->handler, &failure))
    tally_failure_answer (&failure, codec, &known, output);
  else if (wants_reply)
    answer_result (&invocation, codec, reader, &known, output);
  tally_invocation_clear (&invocation);
  return TRUE;
}

gboolean
tally_processor_process_message (TallyProcessor *self,
                                 const TallyCodec *codec,
                                 TallyReader *reader,
                                 const TallyMessage *message,
                                 TallyBuffer *output,
                                 GError **error)
{
  /* No cast check here: it would cost as much as decoding a small message. */
  const TallyService *service =
      ((TallyProcessorClass *) ((GTypeInstance *) self)->g_class)->service;
  const TallyMethod *method = NULL;

  if (service != NULL && (message->type == T_CALL || message->type == T_ONEWAY))
    method = tally_service_find_method (service, message->name, message->name_length);
  if (method == NULL)
    return answer_unexpected (codec, reader, message, output, error);
  return call (self, method, codec, reader, message, output, error);
}
