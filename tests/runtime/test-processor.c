/* Owns the tests of TallyProcessor: what each way a call can end looks like to the peer, through
 * the codec and through Apache's protocols. */
#include <string.h>
#include <thrift/c_glib/processor/thrift_multiplexed_processor.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "memory-transport.h"
#include "processor-private.h"
#include "service-fixture.h"

static const Speech *const speeches[] = { &all_speeches[1], &all_speeches[3] };

/* One message in, what came back out; the processor's verdict in *ok. */
typedef void (*Ask) (ThriftProcessor *processor,
                     const Speech *speech,
                     const TallyBuffer *request,
                     TallyBuffer *output,
                     gboolean *ok);

static void
ask_codec (ThriftProcessor *processor,
           const Speech *speech,
           const TallyBuffer *request,
           TallyBuffer *output,
           gboolean *ok)
{
  g_autoptr (GError) error = NULL;
  TallyMessage message = { 0 };
  TallyReader reader;

  tally_reader_init (&reader, request->data, request->length, &tally_limits_default);
  CU_ASSERT_FATAL (speech->codec->read_message (&reader, &message, NULL));
  *ok = tally_processor_process_message ((TallyProcessor *) processor, speech->codec, &reader,
                                         &message, output, &error);
  CU_ASSERT (*ok == (error == NULL));
}

static void
ask_protocol (ThriftProcessor *processor,
              const Speech *speech,
              const TallyBuffer *request,
              TallyBuffer *output,
              gboolean *ok)
{
  GType type = speech->protocol == TALLY_PROTOCOL_BINARY ? THRIFT_TYPE_BINARY_PROTOCOL
                                                         : THRIFT_TYPE_COMPACT_PROTOCOL;
  g_autoptr (TallyMemoryTransport) transport =
      tally_memory_transport_new (request->data, request->length, output);
  g_autoptr (GObject) protocol = g_object_new (type, "transport", transport, NULL);
  GError *error = NULL;

  *ok = THRIFT_PROCESSOR_GET_CLASS (processor)->process (processor, THRIFT_PROTOCOL (protocol),
                                                         THRIFT_PROTOCOL (protocol), &error);
  tally_memory_transport_finish (transport);
  CU_ASSERT (*ok == (error == NULL));
  g_clear_error (&error);
}

static const Ask ways[] = { ask_codec, ask_protocol };

/* Asks every way in every protocol and hands each answer to @check. */
typedef struct
{
  const gchar *name;
  ThriftMessageType type;
  const TallyStructInfo *info;
  gconstpointer args;
  TallyKind kind;
  gboolean refused; /* the connection is to be closed */
} Question;

typedef void (*Check) (const Answer *answer, gsize length);

static void
ask_all (GType processor_type, const Question *question, Check check)
{
  for (guint way = 0; way < G_N_ELEMENTS (ways); way++)
    for (guint i = 0; i < G_N_ELEMENTS (speeches); i++)
      {
        g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
        g_autoptr (GObject) processor =
            G_OBJECT (test_processor_new (processor_type, (TestHandler *) handler));
        TallyBuffer request = { NULL, 0, 0 };
        TallyBuffer output = { NULL, 0, 0 };
        Answer answer;
        gboolean ok;

        write_request (&request, speeches[i], question->name, question->type, 77, question->info,
                       question->args);
        ways[way](THRIFT_PROCESSOR (processor), speeches[i], &request, &output, &ok);
        CU_ASSERT (ok == !question->refused);
        answer_parse (&answer, speeches[i], output.data, output.length, question->kind);
        if (output.length > 0)
          assert_int (answer.seqid, 77);
        check (&answer, output.length);
        CU_ASSERT (!((TestHandler *) handler)->saw_null);
        answer_clear (&answer);
        tally_buffer_clear (&request);
        tally_buffer_clear (&output);
      }
}

static void
ask_act (const gchar *how, Check check)
{
  const TextArgs args = { (gchar *) how };
  const Question question = { "act", T_CALL, &text_args_info, &args, TALLY_KIND_STRING, FALSE };

  ask_all (base_processor_get_type (), &question, check);
}

static void
is_done (const Answer *answer, gsize length)
{
  assert_int (answer->type, T_REPLY);
  assert_string (answer->name, "act");
  assert_string (answer->text, "done");
}

static void
returns_a_value (void)
{
  ask_act ("ok", is_done);
}

/* As with Apache's: the return value says which of the two counts. */
static void
success_hides_an_exception (void)
{
  ask_act ("returned", is_done);
}

static void
is_declared (const Answer *answer, gsize length)
{
  assert_int (answer->type, T_REPLY);
  assert_string (answer->text, "Oops");
}

static void
declared_exception (void)
{
  ask_act ("declared", is_declared);
  ask_act ("both", is_declared);
}

static void
is_internal (const Answer *answer, gsize length)
{
  assert_int (answer->type, T_EXCEPTION);
  assert_string (answer->name, "act");
  assert_int (answer->number, THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR);
  assert_string (answer->text, "it broke");
}

static void
handler_error (void)
{
  ask_act ("error", is_internal);
}

static void
is_silent (const Answer *answer, gsize length)
{
  assert_int (answer->number, THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR);
  assert_string (answer->text, "act failed without saying why");
}

static void
handler_without_error (void)
{
  ask_act ("silent", is_silent);
}

static void
is_chosen (const Answer *answer, gsize length)
{
  assert_int (answer->number, THRIFT_APPLICATION_EXCEPTION_ERROR_INVALID_TRANSFORM);
  assert_string (answer->text, "chosen");
}

static void
handler_chooses_the_code (void)
{
  ask_act ("application", is_chosen);
}

static void
is_missing (const Answer *answer, gsize length)
{
  assert_int (answer->type, T_EXCEPTION);
  assert_int (answer->number, THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT);
}

static void
missing_result (void)
{
  ask_act ("null", is_missing);
}

static void
is_unknown (const Answer *answer, gsize length)
{
  assert_int (answer->type, T_EXCEPTION);
  assert_string (answer->name, "nope");
  assert_int (answer->number, THRIFT_APPLICATION_EXCEPTION_ERROR_UNKNOWN_METHOD);
  assert_string (answer->text, "Invalid method name: 'nope'");
}

static void
unknown_method (void)
{
  const Question question = { "nope",          T_CALL, &text_args_info, &(TextArgs){ "x" },
                              TALLY_KIND_BOOL, FALSE };

  ask_all (base_processor_get_type (), &question, is_unknown);
  ask_all (derived_processor_get_type (), &question, is_unknown);
}

static void
is_205 (const Answer *answer, gsize length)
{
  assert_int (answer->type, T_REPLY);
  assert_int (answer->number, 205);
}

static void
method_of_the_parent (void)
{
  const AddArgs args = { 200, 5 };
  const Question question = { "add", T_CALL, &add_args_info, &args, TALLY_KIND_I32, FALSE };

  ask_all (derived_processor_get_type (), &question, is_205);
}

static void
is_nothing (const Answer *answer, gsize length)
{
  assert_int (length, 0);
}

static void
oneway_is_never_answered (void)
{
  const TextArgs fails = { "fail" };
  const TextArgs fine = { "fine" };
  const Question failing = { "note", T_ONEWAY, &text_args_info, &fails, TALLY_KIND_BOOL, FALSE };
  const Question working = { "note", T_ONEWAY, &text_args_info, &fine, TALLY_KIND_BOOL, FALSE };
  /* Peers of old send oneway methods as calls. */
  const Question as_call = { "note", T_CALL, &text_args_info, &fails, TALLY_KIND_BOOL, FALSE };
  /* And the sender of a oneway message reads no answer, whatever the method is. */
  const Question as_oneway = { "act",           T_ONEWAY, &text_args_info, &(TextArgs){ "error" },
                               TALLY_KIND_BOOL, FALSE };
  const Question unknown = { "nope", T_ONEWAY, &text_args_info, &fine, TALLY_KIND_BOOL, FALSE };

  ask_all (base_processor_get_type (), &failing, is_nothing);
  ask_all (base_processor_get_type (), &working, is_nothing);
  ask_all (base_processor_get_type (), &as_call, is_nothing);
  ask_all (base_processor_get_type (), &as_oneway, is_nothing);
  ask_all (base_processor_get_type (), &unknown, is_nothing);
}

static void
is_five (const Answer *answer, gsize length)
{
  assert_int (answer->type, T_REPLY);
  assert_int (answer->number, 5);
}

static void
is_empty_text (const Answer *answer, gsize length)
{
  assert_int (answer->type, T_REPLY);
  assert_string (answer->text, "");
}

static void
is_200 (const Answer *answer, gsize length)
{
  assert_int (answer->number, 200); /* Point's own default tags, no words */
}

static void
absent_arguments_get_defaults (void)
{
  const Question add = { "add", T_CALL, NULL, NULL, TALLY_KIND_I32, FALSE };
  const Question echo = { "echo", T_CALL, NULL, NULL, TALLY_KIND_STRING, FALSE };
  const Question blob = { "blob", T_CALL, NULL, NULL, TALLY_KIND_BINARY, FALSE };
  const Question extra = { "extra", T_CALL, NULL, NULL, TALLY_KIND_I32, FALSE };

  ask_all (base_processor_get_type (), &add, is_five);
  ask_all (base_processor_get_type (), &echo, is_empty_text);
  ask_all (base_processor_get_type (), &blob, is_empty_text);
  ask_all (derived_processor_get_type (), &extra, is_200);
}

typedef struct
{
  gchar *first;
  gchar *second;
} TwiceArgs;

static const TallyField twice_fields[] = {
  { .name = "text", .id = 1, .type = &tally_type_string, TALLY_ARGUMENT_SLOT (TwiceArgs, first) },
  { .name = "text", .id = 1, .type = &tally_type_string, TALLY_ARGUMENT_SLOT (TwiceArgs, second) },
};
static const TallyStructInfo twice_info =
    TALLY_INLINE_INFO (TALLY_FORM_ARGS, "twice", TwiceArgs, twice_fields);

static const gchar *expected_text;

static void
is_expected_text (const Answer *answer, gsize length)
{
  assert_int (answer->type, T_REPLY);
  assert_string (answer->text, expected_text);
}

/* A peer may send a field again. What it was before may lie in the call's own memory, where short strings go as long as there
 * is room, or have memory of its own. */
static void
the_last_text_counts (void)
{
  g_autofree gchar *half = g_strnfill (300, 'h');
  g_autofree gchar *large = g_strnfill (3000, 'l');
  const gchar *const texts[] = { "", "short", half, large };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    for (guint j = 0; j < G_N_ELEMENTS (texts); j++)
      {
        const TwiceArgs args = { (gchar *) texts[i], (gchar *) texts[j] };
        const Question question = { "echo", T_CALL, &twice_info, &args, TALLY_KIND_STRING, FALSE };

        expected_text = texts[j];
        ask_all (base_processor_get_type (), &question, is_expected_text);
      }
}

static void
is_wrong_type (const Answer *answer, gsize length)
{
  assert_int (answer->type, T_EXCEPTION);
  assert_int (answer->number, THRIFT_APPLICATION_EXCEPTION_ERROR_INVALID_MESSAGE_TYPE);
}

static void
wrong_message_type (void)
{
  const Question reply = { "echo", T_REPLY, NULL, NULL, TALLY_KIND_BOOL, FALSE };
  const Question exception = { "echo", T_EXCEPTION, NULL, NULL, TALLY_KIND_BOOL, FALSE };

  ask_all (base_processor_get_type (), &reply, is_wrong_type);
  ask_all (base_processor_get_type (), &exception, is_wrong_type);
}

static void
is_only_an_exception (const Answer *answer, gsize length)
{
  assert_int (answer->type, T_EXCEPTION);
  assert_string (answer->name, "half");
  assert_int (answer->number, THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR);
  CU_ASSERT (answer->text != NULL && strstr (answer->text, "second") != NULL);
}

/* The exception is parsed from the first byte of the output: half a reply before it would show. */
static void
half_written_result (void)
{
  const Question question = { "half", T_CALL, NULL, NULL, TALLY_KIND_BOOL, FALSE };

  ask_all (base_processor_get_type (), &question, is_only_an_exception);
}

static void
ask_bytes (ThriftProcessor *processor,
           const gchar *name,
           gconstpointer body,
           gsize length,
           Answer *answer,
           gboolean *ok)
{
  const Speech *speech = &all_speeches[1];
  TallyBuffer request = { NULL, 0, 0 };
  TallyBuffer output = { NULL, 0, 0 };

  speech->codec->write_message (&request, name, strlen (name), T_CALL, 3);
  tally_buffer_append (&request, body, length);
  ask_codec (processor, speech, &request, &output, ok);
  answer_parse (answer, speech, output.data, output.length, TALLY_KIND_BOOL);
  tally_buffer_clear (&request);
  tally_buffer_clear (&output);
}

static void
unreadable_arguments (void)
{
  static const guint8 truncated[] = { T_STRING, 0, 1, 0, 0, 0, 9, 'x' };
  static const guint8 followed[] = { T_STOP, 1, 2, 3 };
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (derived_processor_get_type (), (TestHandler *) handler));
  const gchar *const names[] = { "echo", "nope" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      Answer answer;
      gboolean ok;

      ask_bytes (THRIFT_PROCESSOR (processor), names[i], truncated, sizeof truncated, &answer, &ok);
      CU_ASSERT (!ok);
      assert_int (answer.type, T_EXCEPTION);
      assert_int (answer.number, THRIFT_APPLICATION_EXCEPTION_ERROR_PROTOCOL_ERROR);
      answer_clear (&answer);
      ask_bytes (THRIFT_PROCESSOR (processor), names[i], followed, sizeof followed, &answer, &ok);
      CU_ASSERT (!ok);
      assert_int (answer.number, THRIFT_APPLICATION_EXCEPTION_ERROR_PROTOCOL_ERROR);
      answer_clear (&answer);
    }
  assert_int (test_handler_n_calls ((TestHandler *) handler), 0);
}

/* An answer that no reader would take is replaced by one that says so. */
static void
answer_past_the_limit (void)
{
  const Speech *speech = &all_speeches[1];
  const TallyLimits limits = { 200, 64, TRUE };
  g_autofree gchar *text = g_strnfill (180, 'x');
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (base_processor_get_type (), (TestHandler *) handler));
  TallyBuffer request = { NULL, 0, 0 };
  TallyBuffer output = { NULL, 0, 0 };
  TallyMessage message = { 0 };
  TallyReader reader;
  Answer answer;

  write_echo (&request, speech, 9, text);
  tally_reader_init (&reader, request.data, request.length, &limits);
  CU_ASSERT (speech->codec->read_message (&reader, &message, NULL));
  CU_ASSERT (tally_processor_process_message ((TallyProcessor *) processor, speech->codec, &reader,
                                              &message, &output, NULL));
  answer_parse (&answer, speech, output.data, output.length, TALLY_KIND_STRING);
  assert_int (answer.type, T_EXCEPTION);
  assert_int (answer.number, THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR);
  answer_clear (&answer);
  tally_buffer_clear (&request);
  tally_buffer_clear (&output);
}

/* Apache's own multiplexed processor, over Apache's protocols. */
static void
behind_apaches_multiplexed_processor (void)
{
  const Speech *speech = &all_speeches[1];
  const AddArgs args = { 200, 5 };
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (base_processor_get_type (), (TestHandler *) handler));
  g_autoptr (GObject) multiplexed = g_object_new (THRIFT_TYPE_MULTIPLEXED_PROCESSOR, NULL);
  TallyBuffer request = { NULL, 0, 0 };
  TallyBuffer output = { NULL, 0, 0 };
  Answer answer;
  gboolean ok;

  thrift_multiplexed_processor_register_processor (THRIFT_PROCESSOR (multiplexed), "Base",
                                                   THRIFT_PROCESSOR (processor), NULL);
  write_request (&request, speech, "Base:add", T_CALL, 5, &add_args_info, &args);
  ask_protocol (THRIFT_PROCESSOR (multiplexed), speech, &request, &output, &ok);
  CU_ASSERT (ok);
  answer_parse (&answer, speech, output.data, output.length, TALLY_KIND_I32);
  assert_int (answer.type, T_REPLY);
  assert_string (answer.name, "add");
  assert_int (answer.number, 205);
  answer_clear (&answer);
  tally_buffer_clear (&request);
  tally_buffer_clear (&output);
}

static void
handler_property (void)
{
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (derived_processor_get_type (), (TestHandler *) handler));
  g_autoptr (GObject) got = NULL;

  g_object_get (processor, "handler", &got, NULL);
  CU_ASSERT_PTR_EQUAL (got, handler);
  CU_ASSERT (THRIFT_IS_DISPATCH_PROCESSOR (processor));
  CU_ASSERT (g_type_is_a (derived_processor_get_type (), base_processor_get_type ()));
  assert_string (G_OBJECT_TYPE_NAME (processor), "DerivedProcessor");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (returns_a_value),
    TEST (success_hides_an_exception),
    TEST (declared_exception),
    TEST (handler_error),
    TEST (handler_without_error),
    TEST (handler_chooses_the_code),
    TEST (missing_result),
    TEST (unknown_method),
    TEST (method_of_the_parent),
    TEST (oneway_is_never_answered),
    TEST (absent_arguments_get_defaults),
    TEST (the_last_text_counts),
    TEST (wrong_message_type),
    TEST (half_written_result),
    TEST (unreadable_arguments),
    TEST (answer_past_the_limit),
    TEST (behind_apaches_multiplexed_processor),
    TEST (handler_property),
    { NULL, NULL },
  };

  return test_main ("processor", cases, argc, argv);
}
