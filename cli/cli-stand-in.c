/* Owns how a stand-in server answers one request, rightly or wrongly, and what it says of it. The server behind it is the
 * library's; which answer is due cli-answers.c knows. */
#include "cli-stand-in.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <time.h>

#include "cli-show.h"

typedef struct
{
  ThriftProcessorClass parent_class;
} CliStandInClass;

struct _CliStandIn
{
  ThriftProcessor parent;

  CliAnswers *answers;
  gboolean tells;
  pthread_mutex_t lock;
  pthread_cond_t wake;  /* by the monotonic clock */
  gboolean is_stopping; /* lock */
};

G_DEFINE_TYPE (CliStandIn, cli_stand_in, THRIFT_TYPE_PROCESSOR)

/* A request that is being answered. */
typedef struct
{
  ThriftProtocol *out;
  TallyProtocolId protocol;
  gchar *name;          /* as the message has it */
  const gchar *service; /* nullable, as the method */
  const TallyMethod *method;
  gint32 seqid;
  GObject *args;           /* nullable */
  const CliAnswer *answer; /* nullable */
  GObject *result;         /* nullable */
  gchar *refusal;          /* nullable: why there is none */
  gint refusal_type;
} StandInRequest;

static void
request_clear (StandInRequest *self)
{
  g_free (self->name);
  g_free (self->refusal);
  g_clear_object (&self->args);
  g_clear_object (&self->result);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (StandInRequest, request_clear)

/* ---- what came ---- */

/* All that the message has behind its header. The transport gives what is there, or nothing. */
static GByteArray *
read_rest (ThriftTransport *transport)
{
  GByteArray *bytes = g_byte_array_new ();
  guint32 step = 1 << 16;

  while (step > 0)
    {
      const guint length = bytes->len;

      g_byte_array_set_size (bytes, length + step);
      if (thrift_transport_read (transport, bytes->data + length, step, NULL) > 0)
        continue;
      g_byte_array_set_size (bytes, length);
      step /= 2;
    }
  return bytes;
}

static void
read_args (CliStandIn *self, StandInRequest *request, ThriftTransport *transport)
{
  g_autoptr (GByteArray) bytes = read_rest (transport);
  g_autoptr (GError) error = NULL;

  request->args =
      g_object_new (cli_answers_get_args (self->answers, request->method)->g_type, NULL);
  if (tally_struct_decode (request->args, request->protocol, bytes->data, bytes->len, &error))
    return;
  request->refusal = g_strdup_printf ("%s: the arguments cannot be read: %s", request->method->name,
                                      error->message);
  request->refusal_type = THRIFT_APPLICATION_EXCEPTION_ERROR_PROTOCOL_ERROR;
  g_clear_object (&request->args);
}

static void
find_answer (CliStandIn *self, StandInRequest *request, ThriftTransport *transport)
{
  request->method = cli_answers_find_method (self->answers, request->name, &request->service);
  if (request->method == NULL)
    {
      request->refusal = g_strdup_printf ("there is no method \"%s\"", request->name);
      request->refusal_type = THRIFT_APPLICATION_EXCEPTION_ERROR_UNKNOWN_METHOD;
      return;
    }
  read_args (self, request, transport);
  if (request->args == NULL)
    return;
  request->answer = cli_answers_take (self->answers, request->method, request->args);
  if (request->answer != NULL && request->answer->refusal == NULL)
    {
      request->result = cli_answer_dup_result (request->answer, request->args);
      return;
    }
  request->refusal_type = request->answer != NULL
                              ? request->answer->refusal_type
                              : THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR;
  request->refusal =
      request->answer != NULL
          ? g_strdup (request->answer->refusal)
          : g_strdup_printf ("%s: no answer of the file fits this call", request->method->name);
}

/* ---- what goes ---- */

/* A TApplicationException. Not by Apache's object: each one that ends leaves some memory behind. */
static void
write_refusal (ThriftProtocol *out, const gchar *message, gint32 type)
{
  thrift_protocol_write_struct_begin (out, "TApplicationException", NULL);
  thrift_protocol_write_field_begin (out, "message", T_STRING, 1, NULL);
  thrift_protocol_write_string (out, message, NULL);
  thrift_protocol_write_field_end (out, NULL);
  thrift_protocol_write_field_begin (out, "type", T_I32, 2, NULL);
  thrift_protocol_write_i32 (out, type, NULL);
  thrift_protocol_write_field_end (out, NULL);
  thrift_protocol_write_field_stop (out, NULL);
  thrift_protocol_write_struct_end (out, NULL);
}

static void
write_answer (const StandInRequest *self, const gchar *name, ThriftMessageType type, gint32 seqid)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  if (self->refusal == NULL)
    bytes = tally_struct_encode (self->result, self->protocol, &error);
  if (bytes != NULL)
    {
      gsize length;
      gconstpointer data = g_bytes_get_data (bytes, &length);

      thrift_protocol_write_message_begin (self->out, name, type, seqid, NULL);
      thrift_transport_write (self->out->transport, (gpointer) data, (guint32) length, NULL);
      return;
    }
  thrift_protocol_write_message_begin (self->out, name, type == T_REPLY ? T_EXCEPTION : type, seqid,
                                       NULL);
  if (self->refusal != NULL)
    write_refusal (self->out, self->refusal, self->refusal_type);
  else
    write_refusal (self->out, error->message, THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR);
}

static void
answer (const StandInRequest *self, CliFault fault)
{
  /* Of "Service:method" a server answers "method". */
  const gchar *colon = strrchr (self->name, ':');
  const gchar *name = colon != NULL ? colon + 1 : self->name;
  g_autofree gchar *other = g_strconcat (name, "_", NULL);

  write_answer (self, fault == CLI_FAULT_NAME ? other : name,
                fault == CLI_FAULT_TYPE ? T_CALL : T_REPLY,
                fault == CLI_FAULT_SEQID ? (gint32) ((guint32) self->seqid + 1) : self->seqid);
  thrift_transport_flush (self->out->transport, NULL);
}

/* ---- what is said ---- */

static void
show_outcome (IdlJson *json, const StandInRequest *self)
{
  const TallyStructInfo *info = NULL;

  if (self->refusal != NULL)
    idl_json_string (json, "error", self->refusal);
  if (self->refusal != NULL || self->result == NULL || self->answer->fault == CLI_FAULT_CLOSE
      || self->answer->fault == CLI_FAULT_SILENCE)
    return;
  info = tally_struct_get_info (self->result);
  for (guint i = 0; i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];
      const guint8 *slot = (const guint8 *) self->result + field->offset;

      if (!cli_is_set (field, self->result))
        continue;
      if (field->id == 0)
        {
          cli_show (json, "result", field->type, slot);
          return;
        }
      idl_json_begin (json, "exception", '{', FALSE);
      cli_show (json, ((const TallyStructInfo *) field->type)->name, field->type, slot);
      idl_json_end (json, '{');
      return;
    }
  idl_json_null (json, "result");
}

static gchar *
to_line (const StandInRequest *self)
{
  g_autofree gchar *method =
      self->method != NULL ? g_strconcat (self->service, ".", self->method->name, NULL) : NULL;
  IdlJson json;

  idl_json_init (&json);
  idl_json_begin (&json, NULL, '{', TRUE);
  idl_json_bytes (&json, "method", method != NULL ? method : self->name, -1);
  if (self->args != NULL)
    cli_show (&json, "args", &tally_struct_get_info (self->args)->type, &self->args);
  show_outcome (&json, self);
  if (self->answer != NULL && self->answer->fault != CLI_FAULT_NONE)
    idl_json_string (&json, "fault", cli_fault_get_name (self->answer->fault));
  if (self->answer != NULL && self->answer->delay_ms > 0)
    idl_json_integer (&json, "delay", self->answer->delay_ms);
  if (self->answer != NULL && self->answer->line > 0)
    idl_json_integer (&json, "line", self->answer->line);
  idl_json_end (&json, '{');
  return idl_json_finish (&json);
}

static void
tell (CliStandIn *self, const StandInRequest *request)
{
  g_autofree gchar *line = self->tells ? to_line (request) : NULL;

  if (line == NULL)
    return;
  pthread_mutex_lock (&self->lock);
  fputs (line, stdout);
  fflush (stdout);
  pthread_mutex_unlock (&self->lock);
}

/* ---- the processor ---- */

static void
wait_for (CliStandIn *self, guint delay_ms)
{
  const gint64 end_us = g_get_monotonic_time () + (gint64) delay_ms * 1000;
  const struct timespec end = { .tv_sec = end_us / G_USEC_PER_SEC,
                                .tv_nsec = end_us % G_USEC_PER_SEC * 1000 };

  pthread_mutex_lock (&self->lock);
  while (!self->is_stopping && pthread_cond_timedwait (&self->wake, &self->lock, &end) == 0)
    continue;
  pthread_mutex_unlock (&self->lock);
}

static gboolean
stand_in_process (ThriftProcessor *processor,
                  ThriftProtocol *in,
                  ThriftProtocol *out,
                  GError **error)
{
  CliStandIn *self = CLI_STAND_IN (processor);
  g_auto (StandInRequest) request = { .out = out };
  CliFault fault = CLI_FAULT_NONE;
  ThriftMessageType type;

  request.protocol =
      THRIFT_IS_COMPACT_PROTOCOL (in) ? TALLY_PROTOCOL_COMPACT : TALLY_PROTOCOL_BINARY;
  if (thrift_protocol_read_message_begin (in, &request.name, &type, &request.seqid, error) < 0)
    return FALSE;
  find_answer (self, &request, in->transport);
  tell (self, &request);
  if (request.answer != NULL)
    {
      fault = request.answer->fault;
      if (request.answer->delay_ms > 0)
        wait_for (self, request.answer->delay_ms);
    }
  /* What is written for a oneway call the server throws away. */
  if (fault != CLI_FAULT_CLOSE && fault != CLI_FAULT_SILENCE
      && (request.method == NULL || request.method->result != NULL))
    answer (&request, fault);
  if (fault != CLI_FAULT_CLOSE && fault != CLI_FAULT_HALF)
    return TRUE;
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_HANG_UP, "fault: %s", cli_fault_get_name (fault));
  return FALSE;
}

static void
stand_in_finalize (GObject *object)
{
  CliStandIn *self = CLI_STAND_IN (object);

  pthread_mutex_destroy (&self->lock);
  pthread_cond_destroy (&self->wake);
  G_OBJECT_CLASS (cli_stand_in_parent_class)->finalize (object);
}

static void
cli_stand_in_class_init (CliStandInClass *class)
{
  G_OBJECT_CLASS (class)->finalize = stand_in_finalize;
  THRIFT_PROCESSOR_CLASS (class)->process = stand_in_process;
}

static void
cli_stand_in_init (CliStandIn *self)
{
  pthread_condattr_t monotonic;

  pthread_mutex_init (&self->lock, NULL);
  pthread_condattr_init (&monotonic);
  pthread_condattr_setclock (&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init (&self->wake, &monotonic);
  pthread_condattr_destroy (&monotonic);
}

CliStandIn *
cli_stand_in_new (CliAnswers *answers, gboolean tells)
{
  CliStandIn *self = g_object_new (CLI_TYPE_STAND_IN, NULL);

  self->answers = answers;
  self->tells = tells;
  return self;
}

void
cli_stand_in_stop (CliStandIn *self)
{
  pthread_mutex_lock (&self->lock);
  self->is_stopping = TRUE;
  pthread_cond_broadcast (&self->wake);
  pthread_mutex_unlock (&self->lock);
}
