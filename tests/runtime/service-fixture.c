/* Owns a service written by hand, its handler, and messages written and read by hand. */
#include "service-fixture.h"

#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

/* ---- tables ---- */

#define FIELD(struct_type, field_name, field_id, field_type, need)                                 \
  {                                                                                                \
    .name = #field_name, .id = (field_id), .type = (const TallyType *) (field_type),               \
    .requiredness = (need), .offset = G_STRUCT_OFFSET (struct_type, field_name),                   \
    .isset_offset = TALLY_NO_ISSET                                                                 \
  }
#define FLAGGED(struct_type, field_name, field_id, field_type)                                     \
  {                                                                                                \
    .name = #field_name, .id = (field_id), .type = (const TallyType *) (field_type),               \
    .requiredness = TALLY_OPTIONAL, .offset = G_STRUCT_OFFSET (struct_type, field_name),           \
    .isset_offset = G_STRUCT_OFFSET (struct_type, __isset_##field_name)                            \
  }

static const TallyField text_args_fields[] = {
  FIELD (TextArgs, text, 1, &tally_type_string, TALLY_DEFAULT)
};
const TallyStructInfo text_args_info =
    TALLY_INLINE_INFO (TALLY_FORM_ARGS, "text_args", TextArgs, text_args_fields);

static const TallyValue add_b_default = TALLY_INTEGER_VALUE (5);
static const TallyField add_args_fields[] = {
  FIELD (AddArgs, a, 1, &tally_type_i32, TALLY_DEFAULT),
  { .name = "b",
    .id = 2,
    .type = &tally_type_i32,
    .requiredness = TALLY_DEFAULT,
    .offset = G_STRUCT_OFFSET (AddArgs, b),
    .isset_offset = TALLY_NO_ISSET,
    .value = &add_b_default },
};
const TallyStructInfo add_args_info =
    TALLY_INLINE_INFO (TALLY_FORM_ARGS, "add_args", AddArgs, add_args_fields);

static const TallyField blob_args_fields[] = {
  FIELD (BlobArgs, data, 1, &tally_type_binary, TALLY_DEFAULT)
};
const TallyStructInfo blob_args_info =
    TALLY_INLINE_INFO (TALLY_FORM_ARGS, "blob_args", BlobArgs, blob_args_fields);

typedef struct
{
  gchar *success;
  FixOops *oops;
} ActResult;
static const TallyField act_result_fields[] = {
  FIELD (ActResult, success, 0, &tally_type_string, TALLY_OPTIONAL),
  FIELD (ActResult, oops, 1, &fix_oops_info, TALLY_OPTIONAL),
};
static const TallyStructInfo act_result_info =
    TALLY_INLINE_INFO (TALLY_FORM_RESULT, "act_result", ActResult, act_result_fields);

typedef struct
{
  gint32 success;
  gboolean __isset_success;
} NumberResult;
static const TallyField number_result_fields[] = {
  FLAGGED (NumberResult, success, 0, &tally_type_i32)
};
static const TallyStructInfo number_result_info =
    TALLY_INLINE_INFO (TALLY_FORM_RESULT, "number_result", NumberResult, number_result_fields);

typedef struct
{
  GByteArray *success;
} BlobResult;
static const TallyField blob_result_fields[] = {
  FIELD (BlobResult, success, 0, &tally_type_binary, TALLY_OPTIONAL)
};
static const TallyStructInfo blob_result_info =
    TALLY_INLINE_INFO (TALLY_FORM_RESULT, "blob_result", BlobResult, blob_result_fields);

typedef struct
{
  gchar *success;
} TextResult;
static const TallyField text_result_fields[] = {
  FIELD (TextResult, success, 0, &tally_type_string, TALLY_OPTIONAL)
};
static const TallyStructInfo text_result_info =
    TALLY_INLINE_INFO (TALLY_FORM_RESULT, "text_result", TextResult, text_result_fields);

/* struct Half { 1: required i32 first, 2: required string second } */
typedef struct
{
  ThriftStruct parent;
  gint32 first;
  gchar *second;
} TestHalf;
static GType test_half_get_type (void);
static const TallyField half_fields[] = {
  FIELD (TestHalf, first, 1, &tally_type_i32, TALLY_REQUIRED),
  FIELD (TestHalf, second, 2, &tally_type_string, TALLY_REQUIRED),
};
static const TallyStructInfo test_half_info =
    TALLY_STRUCT_INFO (TALLY_FORM_STRUCT, "Half", TestHalf, test_half, half_fields);
static TALLY_DEFINE_STRUCT (TestHalf, test_half)

    typedef struct
{
  TestHalf *success;
} HalfResult;
static const TallyField half_result_fields[] = {
  FIELD (HalfResult, success, 0, &test_half_info, TALLY_OPTIONAL)
};
static const TallyStructInfo half_result_info =
    TALLY_INLINE_INFO (TALLY_FORM_RESULT, "half_result", HalfResult, half_result_fields);

static const TallyType list_string = TALLY_LIST_OF (&tally_type_string);
typedef struct
{
  FixPoint *point;
  GPtrArray *words;
} ExtraArgs;
static const TallyField extra_args_fields[] = {
  FIELD (ExtraArgs, point, 1, &fix_point_info, TALLY_DEFAULT),
  FIELD (ExtraArgs, words, 2, &list_string, TALLY_DEFAULT),
};
static const TallyStructInfo extra_args_info =
    TALLY_INLINE_INFO (TALLY_FORM_ARGS, "extra_args", ExtraArgs, extra_args_fields);

/* ---- the handler ---- */

G_DEFINE_TYPE (TestHandler, test_handler, G_TYPE_OBJECT)

static void
test_handler_finalize (GObject *object)
{
  TestHandler *self = (TestHandler *) object;

  pthread_mutex_destroy (&self->lock);
  pthread_cond_destroy (&self->changed);
  G_OBJECT_CLASS (test_handler_parent_class)->finalize (object);
}

static void
test_handler_class_init (TestHandlerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_handler_finalize;
}

static void
test_handler_init (TestHandler *self)
{
  pthread_mutex_init (&self->lock, NULL);
  pthread_cond_init (&self->changed, NULL);
}

static void
count (TestHandler *self, guint *counter)
{
  pthread_mutex_lock (&self->lock);
  (*counter)++;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

static void
wait_for (TestHandler *self, const guint *counter, guint value)
{
  pthread_mutex_lock (&self->lock);
  while (*counter < value)
    pthread_cond_wait (&self->changed, &self->lock);
  pthread_mutex_unlock (&self->lock);
}

void
test_handler_wait_inside (TestHandler *self, guint value)
{
  wait_for (self, &self->n_inside, value);
}

void
test_handler_wait_calls (TestHandler *self, guint value)
{
  wait_for (self, &self->n_calls, value);
}

void
test_handler_wait_notes (TestHandler *self, guint value)
{
  wait_for (self, &self->n_notes, value);
}

void
test_handler_release (TestHandler *self)
{
  pthread_mutex_lock (&self->lock);
  self->released = TRUE;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

void
test_handler_release_one (TestHandler *self)
{
  pthread_mutex_lock (&self->lock);
  self->n_passes++;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

void
test_handler_hold (TestHandler *self)
{
  pthread_mutex_lock (&self->lock);
  self->released = FALSE;
  pthread_mutex_unlock (&self->lock);
}

guint
test_handler_n_calls (TestHandler *self)
{
  guint value;

  pthread_mutex_lock (&self->lock);
  value = self->n_calls;
  pthread_mutex_unlock (&self->lock);
  return value;
}

static void
check_pointer (TestHandler *self, gconstpointer pointer)
{
  if (pointer == NULL)
    self->saw_null = TRUE;
}

/* ---- its methods ---- */

#define CLASS(handler) ((TestHandlerClass *) ((GTypeInstance *) (handler))->g_class)

static gboolean
invoke_act (gpointer handler, gpointer args_, gpointer result_, GError **error)
{
  const gchar *how = ((TextArgs *) args_)->text;
  ActResult *result = result_;

  if (error == NULL)
    {
      CLASS (handler)->act_async (handler, how, result_);
      return TRUE;
    }
  count (handler, &((TestHandler *) handler)->n_calls);
  if (g_str_equal (how, "null"))
    return TRUE;
  if (g_str_equal (how, "silent"))
    return FALSE;
  if (g_str_equal (how, "error") || g_str_equal (how, "both"))
    g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_FAILED, "it broke");
  if (g_str_equal (how, "application"))
    g_set_error_literal (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                         THRIFT_APPLICATION_EXCEPTION_ERROR_INVALID_TRANSFORM, "chosen");
  if (g_str_equal (how, "declared") || g_str_equal (how, "both") || g_str_equal (how, "returned"))
    result->oops = g_object_new (fix_oops_get_type (), NULL);
  if (g_str_equal (how, "who"))
    {
      gchar *subject = tally_server_dup_peer_subject ();

      result->success = subject != NULL ? subject : g_strdup ("nobody");
      return TRUE;
    }
  result->success = g_strdup ("done");
  return g_str_equal (how, "ok") || g_str_equal (how, "returned");
}

static gboolean
invoke_add (gpointer handler, gpointer args_, gpointer result_, GError **error)
{
  AddArgs *args = args_;

  count (handler, &((TestHandler *) handler)->n_calls);
  /* noise may overflow it */
  ((NumberResult *) result_)->success = (gint32) ((guint32) args->a + (guint32) args->b);
  return TRUE;
}

static gboolean
invoke_blob (gpointer handler, gpointer args_, gpointer result_, GError **error)
{
  BlobArgs *args = args_;

  count (handler, &((TestHandler *) handler)->n_calls);
  check_pointer (handler, args->data);
  ((BlobResult *) result_)->success = g_byte_array_ref (args->data);
  return TRUE;
}

static gboolean
invoke_block (gpointer handler, gpointer args_, gpointer result_, GError **error)
{
  TestHandler *self = handler;

  pthread_mutex_lock (&self->lock);
  self->n_inside++;
  self->max_inside = self->n_inside > self->max_inside ? self->n_inside : self->max_inside;
  pthread_cond_broadcast (&self->changed);
  while (!self->released && self->n_passes == 0)
    pthread_cond_wait (&self->changed, &self->lock);
  if (!self->released)
    self->n_passes--;
  self->n_inside--;
  pthread_mutex_unlock (&self->lock);
  return TRUE;
}

/* The request's header, which the reply's header "seen" repeats; "" where there is none. */
static gchar *
answer_header (const gchar *name)
{
  g_autoptr (TallyHeaders) headers = tally_server_dup_request_headers ();
  const gchar *value = headers != NULL ? tally_headers_lookup (headers, name) : NULL;

  if (value != NULL)
    tally_server_set_reply_header ("seen", value);
  return g_strdup (value != NULL ? value : "");
}

static gboolean
invoke_echo (gpointer handler, gpointer args_, gpointer result_, GError **error)
{
  TextArgs *args = args_;

  if (error == NULL)
    {
      CLASS (handler)->echo_async (handler, args->text, result_);
      return TRUE;
    }
  count (handler, &((TestHandler *) handler)->n_calls);
  check_pointer (handler, args->text);
  ((TextResult *) result_)->success =
      g_str_has_prefix (args->text, "header:")
          ? answer_header (args->text + strlen ("header:"))
          : g_strdup (!g_str_equal (args->text, "deadline")      ? args->text
                      : tally_server_get_request_deadline () > 0 ? "yes"
                                                                 : "no");
  return TRUE;
}

static gboolean
invoke_half (gpointer handler, gpointer args_, gpointer result_, GError **error)
{
  ((HalfResult *) result_)->success->first = 7;
  return TRUE;
}

static gboolean
invoke_note (gpointer handler, gpointer args_, gpointer result_, GError **error)
{
  TextArgs *args = args_;
  gboolean ok = !g_str_equal (args->text, "fail");

  if (error == NULL)
    {
      CLASS (handler)->note_async (handler, args->text, result_);
      return TRUE;
    }
  if (!ok)
    g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_FAILED, "noted");
  count (handler, &((TestHandler *) handler)->n_notes);
  return ok;
}

static gboolean
invoke_ping (gpointer handler, gpointer args_, gpointer result_, GError **error)
{
  if (error == NULL)
    {
      CLASS (handler)->ping_async (handler, result_);
      return TRUE;
    }
  count (handler, &((TestHandler *) handler)->n_calls);
  return TRUE;
}

static gboolean
invoke_extra (gpointer handler, gpointer args_, gpointer result_, GError **error)
{
  ExtraArgs *args = args_;

  count (handler, &((TestHandler *) handler)->n_calls);
  check_pointer (handler, args->point);
  check_pointer (handler, args->words);
  ((NumberResult *) result_)->success = args->point->tags->len * 100 + args->words->len;
  return TRUE;
}

static const TallyMethod base_methods[] = {
  { TALLY_METHOD_NAME ("act"), .args = &text_args_info, .result = &act_result_info,
    .invoke = invoke_act, .async_vfunc = TALLY_ASYNC_VFUNC (TestHandlerClass, act_async) },
  { TALLY_METHOD_NAME ("add"), .args = &add_args_info, .result = &number_result_info,
    .invoke = invoke_add },
  { TALLY_METHOD_NAME ("blob"), .args = &blob_args_info, .result = &blob_result_info,
    .invoke = invoke_blob },
  { TALLY_METHOD_NAME ("block"), .args = &tally_empty_args, .result = &tally_empty_result,
    .invoke = invoke_block },
  { TALLY_METHOD_NAME ("echo"), .args = &text_args_info, .result = &text_result_info,
    .invoke = invoke_echo, .async_vfunc = TALLY_ASYNC_VFUNC (TestHandlerClass, echo_async) },
  { TALLY_METHOD_NAME ("half"), .args = &tally_empty_args, .result = &half_result_info,
    .invoke = invoke_half },
  { TALLY_METHOD_NAME ("note"), .oneway = TRUE, .args = &text_args_info, .invoke = invoke_note,
    .async_vfunc = TALLY_ASYNC_VFUNC (TestHandlerClass, note_async) },
  { TALLY_METHOD_NAME ("ping"), .args = &tally_empty_args, .result = &tally_empty_result,
    .invoke = invoke_ping, .async_vfunc = TALLY_ASYNC_VFUNC (TestHandlerClass, ping_async) },
};
const TallyService base_service = { "Base", NULL, base_methods, G_N_ELEMENTS (base_methods) };

const TallyMethod *const test_echo_method = &base_methods[4];
const TallyMethod *const test_ping_method = &base_methods[7];

static const TallyMethod derived_methods[] = {
  { TALLY_METHOD_NAME ("extra"), .args = &extra_args_info, .result = &number_result_info,
    .invoke = invoke_extra },
};
const TallyService derived_service = { "Derived", &base_service, derived_methods,
                                       G_N_ELEMENTS (derived_methods) };

TALLY_DEFINE_PROCESSOR (
    BaseProcessor, base_processor, tally_processor_get_type, test_handler_get_type, base_service)
TALLY_DEFINE_PROCESSOR (DerivedProcessor,
                        derived_processor,
                        base_processor_get_type,
                        test_handler_get_type,
                        derived_service)

ThriftProcessor *
test_processor_new (GType type, TestHandler *handler)
{
  return g_object_new (type, "handler", handler, NULL);
}

/* ---- messages ---- */

const Speech framed_binary = { &tally_codec_binary, TALLY_PROTOCOL_BINARY, TRUE };
const Speech all_speeches[4] = {
  { &tally_codec_binary, TALLY_PROTOCOL_BINARY, TRUE },
  { &tally_codec_binary, TALLY_PROTOCOL_BINARY, FALSE },
  { &tally_codec_compact, TALLY_PROTOCOL_COMPACT, TRUE },
  { &tally_codec_compact, TALLY_PROTOCOL_COMPACT, FALSE },
};

void
write_raw (TallyBuffer *buffer, const Speech *speech, gconstpointer bytes, gsize length)
{
  guint32 frame = GUINT32_TO_BE ((guint32) length);

  if (speech->framed)
    tally_buffer_append (buffer, &frame, sizeof frame);
  tally_buffer_append (buffer, bytes, length);
}

void
write_request (TallyBuffer *buffer,
               const Speech *speech,
               const gchar *name,
               ThriftMessageType type,
               gint32 seqid,
               const TallyStructInfo *info,
               gconstpointer args)
{
  const guint8 stop = 0;
  TallyBuffer message = { NULL, 0, 0 };

  speech->codec->write_message (&message, name, strlen (name), type, seqid);
  if (args == NULL)
    tally_buffer_append (&message, &stop, sizeof stop);
  else
    CU_ASSERT_FATAL (speech->codec->write_struct (&message, info, args, NULL));
  write_raw (buffer, speech, message.data, message.length);
  tally_buffer_clear (&message);
}

void
write_endless (TallyBuffer *buffer, const Speech *speech, gint32 seqid)
{
  static const gchar map[] = "\x9b\xff\xff\xff\xff\x07\x33";
  TallyBuffer message = { NULL, 0, 0 };

  speech->codec->write_message (&message, "ping", 4, T_CALL, seqid);
  tally_buffer_append (&message, map, sizeof map - 1);
  write_raw (buffer, speech, message.data, message.length);
  tally_buffer_clear (&message);
}

void
write_echo (TallyBuffer *buffer, const Speech *speech, gint32 seqid, const gchar *text)
{
  const TextArgs args = { (gchar *) text };

  write_request (buffer, speech, "echo", T_CALL, seqid, &text_args_info, &args);
}

void
answer_clear (Answer *answer)
{
  g_free (answer->name);
  g_free (answer->text);
  memset (answer, 0, sizeof *answer);
}

static void
parse_result (Answer *answer, const Speech *speech, TallyReader *reader, TallyKind kind)
{
  ActResult text = { 0 };
  BlobResult blob = { 0 };
  NumberResult number = { 0 };

  if (kind == TALLY_KIND_STRING
      && speech->codec->read_struct (reader, &act_result_info, &text, NULL))
    answer->text = g_strdup (text.oops != NULL ? "Oops" : text.success);
  else if (kind == TALLY_KIND_BINARY
           && speech->codec->read_struct (reader, &blob_result_info, &blob, NULL)
           && blob.success != NULL)
    answer->text =
        g_strndup (blob.success->len > 0 ? (gchar *) blob.success->data : "", blob.success->len);
  else if (kind == TALLY_KIND_I32
           && speech->codec->read_struct (reader, &number_result_info, &number, NULL))
    answer->number = number.__isset_success ? number.success : -1;
  tally_struct_dispose_instance (&act_result_info, &text);
  tally_struct_dispose_instance (&blob_result_info, &blob);
}

void
answer_parse (
    Answer *answer, const Speech *speech, const guint8 *bytes, gsize length, TallyKind kind)
{
  TallyApplicationException exception = { 0 };
  TallyMessage message;
  TallyReader reader;

  memset (answer, 0, sizeof *answer);
  tally_reader_init (&reader, bytes, length, &tally_limits_default);
  if (!speech->codec->read_message (&reader, &message, NULL))
    return;
  answer->type = message.type;
  answer->seqid = message.seqid;
  answer->name = g_strndup (message.name, message.name_length);
  if (message.type != T_EXCEPTION)
    {
      parse_result (answer, speech, &reader, kind);
      return;
    }
  CU_ASSERT (
      speech->codec->read_struct (&reader, &tally_application_exception_info, &exception, NULL));
  answer->text = g_steal_pointer (&exception.message);
  answer->number = exception.type;
}
