/* Every type as argument, return value and exception of a generated handler that answers later, from a thread of its own,
 * over a real connection. */
#include <string.h>

#include "calls.h"
#include "harness.h"

/* ---- a handler whose thread answers ---- */

typedef struct _Job Job;

/* An answer that is due. */
struct _Job
{
  gboolean (*answer) (Job *job, GError **error);
  TallyReply *reply;
};

typedef struct
{
  EveryEverythingHandler parent;
  GAsyncQueue *jobs;
  GThread *thread;
} LaterHandler;
typedef EveryEverythingHandlerClass LaterHandlerClass;

static GType later_handler_get_type (void);
G_DEFINE_TYPE (LaterHandler, later_handler, EVERY_TYPE_EVERYTHING_HANDLER)

static gboolean
stop (Job *job, GError **error)
{
  return TRUE;
}

static gpointer
answer_all (gpointer data)
{
  g_autoptr (GAsyncQueue) jobs = data;
  gboolean is_last = FALSE;

  while (!is_last)
    {
      g_autofree Job *job = g_async_queue_pop (jobs);
      g_autoptr (GError) error = NULL;

      CU_ASSERT_TRUE (job->answer (job, &error));
      assert_no_error (error);
      is_last = job->answer == stop;
      if (!is_last)
        tally_reply_unref (job->reply);
    }
  return NULL;
}

/* Leaves @job (transfer full) to the handler's thread. */
static void
leave (gpointer handler, gpointer job, gboolean (*answer) (Job *, GError **), TallyReply *reply)
{
  ((Job *) job)->answer = answer;
  ((Job *) job)->reply = reply != NULL ? tally_reply_ref (reply) : NULL;
  g_async_queue_push (((LaterHandler *) handler)->jobs, job);
}

/* The arguments live as long as the reply, and so does what they point to. */
#define DEFINE_LATER(Word, lower, CType, Alias, List)                                              \
  typedef struct                                                                                   \
  {                                                                                                \
    Job job;                                                                                       \
    CType value;                                                                                   \
  } Word##Job;                                                                                     \
  static gboolean answer_##lower (Job *job, GError **error)                                        \
  {                                                                                                \
    return every_everything_reply_give_##lower (job->reply, ((Word##Job *) job)->value, error);    \
  }                                                                                                \
  static void later_##lower (EveryEverythingHandler *handler, const CType value,                   \
                             const Alias alias, const List *listed, TallyReply *reply)             \
  {                                                                                                \
    Word##Job *job = g_new0 (Word##Job, 1);                                                        \
                                                                                                   \
    memcpy (&job->value, &alias, sizeof value);                                                    \
    leave (handler, job, answer_##lower, reply);                                                   \
  }

FOR_ALL_TYPES (DEFINE_LATER)

typedef struct
{
  Job job;
  const EveryBroken *value;
} BrokenJob;

static gboolean
answer_broken (Job *job, GError **error)
{
  const EveryBroken *value = ((BrokenJob *) job)->value;
  g_autoptr (EveryBaseOther) other = NULL;

  if (g_strcmp0 (value->why, "throw") != 0)
    return every_everything_reply_give_broken (job->reply, value, error);
  other = g_object_new (EVERY_BASE_TYPE_OTHER, "reason", "thrown", NULL);
  return every_everything_reply_give_broken_other (job->reply, other, error);
}

static void
later_broken (EveryEverythingHandler *handler,
              const EveryBroken *value,
              const EveryBrokenAlias *alias,
              const GPtrArray *listed,
              TallyReply *reply)
{
  BrokenJob *job = g_new0 (BrokenJob, 1);

  job->value = value;
  leave (handler, job, answer_broken, reply);
}

typedef struct
{
  Job job;
  gint32 number;
} NumberJob;

/* Of a oneway method there is nothing to answer: the reply is dropped. */
static gboolean
note_number (Job *job, GError **error)
{
  g_atomic_int_set (&calls_forgotten, ((NumberJob *) job)->number);
  return TRUE;
}

static void
later_forget (EveryEverythingHandler *handler, const gint32 number, TallyReply *reply)
{
  NumberJob *job = g_new0 (NumberJob, 1);

  job->number = number;
  leave (handler, job, note_number, reply);
}

static gboolean
answer_twice (Job *job, GError **error)
{
  return every_base_base_reply_twice (job->reply, 2 * ((NumberJob *) job)->number, error);
}

static void
later_twice (EveryBaseBaseHandler *handler, const gint32 number, TallyReply *reply)
{
  NumberJob *job = g_new0 (NumberJob, 1);

  job->number = number;
  leave (handler, job, answer_twice, reply);
}

typedef struct
{
  Job job;
  const EveryTree *tree;
} TreeJob;

static gboolean
answer_grow (Job *job, GError **error)
{
  const EveryTree *tree = ((TreeJob *) job)->tree;
  g_autoptr (EveryTree) grown =
      g_object_new (EVERY_TYPE_TREE, "value", tree->value + g_atomic_int_get (&calls_forgotten),
                    "left", tree, NULL);

  return every_everything_reply_grow (job->reply, grown, error);
}

static void
later_grow (EveryEverythingHandler *handler, const EveryTree *tree, TallyReply *reply)
{
  TreeJob *job = g_new0 (TreeJob, 1);

  job->tree = tree;
  leave (handler, job, answer_grow, reply);
}

/* What goes beside the request comes back beside the reply. */
static gboolean
answer_nothing (Job *job, GError **error)
{
  g_autoptr (TallyHeaders) headers = tally_reply_dup_request_headers (job->reply);

  if (headers == NULL)
    {
      CU_ASSERT_FALSE (tally_reply_set_header (job->reply, "here", "in vain"));
    }
  else
    {
      CU_ASSERT_TRUE (tally_reply_get_deadline (job->reply) > g_get_monotonic_time ());
      CU_ASSERT_TRUE (
          tally_reply_set_header (job->reply, "here", tally_headers_lookup (headers, "there")));
    }
  return every_everything_reply_nothing (job->reply, error);
}

static void
later_nothing (EveryEverythingHandler *handler, TallyReply *reply)
{
  leave (handler, g_new0 (Job, 1), answer_nothing, reply);
}

/* The asynchronous function is called in place of this one. */
static gboolean
grow_at_once (EveryEverythingIf *iface, EveryTree **_return, const EveryTree *tree, GError **error)
{
  g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_FAILED, "called in vain");
  return FALSE;
}

static void
later_handler_finalize (GObject *object)
{
  LaterHandler *self = (LaterHandler *) object;

  leave (self, g_new0 (Job, 1), stop, NULL);
  /* That thread may have dropped the last reply, and with it all the rest. */
  if (g_thread_self () == self->thread)
    g_thread_unref (self->thread);
  else
    g_thread_join (self->thread);
  g_async_queue_unref (self->jobs);
  G_OBJECT_CLASS (later_handler_parent_class)->finalize (object);
}

static void
later_handler_class_init (LaterHandlerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = later_handler_finalize;
  EVERY_BASE_BASE_HANDLER_CLASS (klass)->twice_async = later_twice;
#define SET_LATER(Word, lower, CType, Alias, List) klass->give_##lower##_async = later_##lower;
  FOR_ALL_TYPES (SET_LATER)
  klass->give_broken_async = later_broken;
  klass->forget_async = later_forget;
  klass->grow_async = later_grow;
  klass->grow = grow_at_once;
  klass->nothing_async = later_nothing;
}

static void
later_handler_init (LaterHandler *self)
{
  self->jobs = g_async_queue_new ();
  self->thread = g_thread_new ("answers", answer_all, g_async_queue_ref (self->jobs));
}

/* ---- a handler that answers some of its methods at once, and otherwise than it should ---- */

typedef EveryEverythingHandler OddHandler;
typedef EveryEverythingHandlerClass OddHandlerClass;

static GType odd_handler_get_type (void);
G_DEFINE_TYPE (OddHandler, odd_handler, EVERY_TYPE_EVERYTHING_HANDLER)

static gboolean
twice_at_once (EveryBaseBaseIf *iface,
               gint32 *_return,
               const gint32 number,
               EveryBaseOther **other,
               GError **error)
{
  *_return = 2 * number;
  return TRUE;
}

/* Another method's answer is refused and leaves the reply as it was; a second one is too late. */
static void
answer_nothing_oddly (EveryEverythingHandler *handler, TallyReply *reply)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_FALSE (every_everything_reply_give_i32 (reply, 1, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "giveI32 was to be answered");
  g_clear_error (&error);
  CU_ASSERT_TRUE (every_everything_reply_nothing (reply, &error));
  assert_no_error (error);
  CU_ASSERT_FALSE (every_everything_reply_nothing (reply, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "answered before");
}

static void
answer_without_tree (EveryEverythingHandler *handler, const EveryTree *tree, TallyReply *reply)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_FALSE (every_everything_reply_grow (reply, NULL, &error));
  assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT, "grow");
}

static void
drop (EveryEverythingHandler *handler,
      const gint32 value,
      const EveryI32Alias alias,
      const GArray *listed,
      TallyReply *reply)
{
}

static void
odd_handler_class_init (OddHandlerClass *klass)
{
  EVERY_BASE_BASE_HANDLER_CLASS (klass)->twice = twice_at_once;
  klass->nothing_async = answer_nothing_oddly;
  klass->grow_async = answer_without_tree;
  klass->give_i32_async = drop;
}

static void
odd_handler_init (OddHandler *self)
{
}

/* ---- tests ---- */

static void
every_type_goes_and_comes_later_binary (void)
{
  calls_check_all_types (later_handler_get_type (),
                         "tcp://127.0.0.1:0?protocol=binary&transport=framed");
}

static void
every_type_goes_and_comes_later_beside_headers (void)
{
  calls_check_all_types (later_handler_get_type (), "tcp://127.0.0.1:0?transport=header");
}

static void
every_type_goes_and_comes_later_compact (void)
{
  calls_check_all_types (later_handler_get_type (),
                         "tcp://127.0.0.1:0?protocol=compact&transport=buffered&order=any");
}

static void
exceptions_are_values_and_thrown_later (void)
{
  calls_check_exceptions (later_handler_get_type ());
}

static void
a_parents_method_answers_later (void)
{
  calls_check_parent (later_handler_get_type ());
}

static void
oneway_and_recursive_later (void)
{
  calls_check_oneway (later_handler_get_type ());
}

static void
a_method_without_a_result_answers_later (void)
{
  CallsFixture fixture;
  g_autoptr (GError) error = NULL;

  calls_fixture_init (&fixture, later_handler_get_type (), "tcp://127.0.0.1:0");
  CU_ASSERT_TRUE (every_everything_client_nothing (EVERY_EVERYTHING_IF (fixture.client), &error));
  assert_no_error (error);
  calls_fixture_clear (&fixture);
}

static void
headers_go_and_come_later (void)
{
  CallsFixture fixture;
  g_autoptr (TallyHeaders) there = tally_headers_new ();
  g_autoptr (TallyHeaders) back = tally_headers_new ();
  const TallyCallOptions options = { .timeout = 3600 * 1000,
                                     .headers = there,
                                     .reply_headers = back };
  g_autoptr (GError) error = NULL;

  tally_headers_set (there, "there", "and back");
  calls_fixture_init (&fixture, later_handler_get_type (), "tcp://127.0.0.1:0?transport=header");
  CU_ASSERT_TRUE (every_everything_client_nothing_with (fixture.client, &options, &error));
  assert_no_error (error);
  assert_string (tally_headers_lookup (back, "here"), "and back");
  calls_fixture_clear (&fixture);
}

/* Of one handler some methods answer at once and some later, before their function returns, not at all, or nothing. */
static void
methods_answer_each_in_its_way (void)
{
  CallsFixture fixture;
  g_autoptr (EveryTree) tree = g_object_new (EVERY_TYPE_TREE, NULL);
  g_autoptr (EveryTree) grown = g_object_new (EVERY_TYPE_TREE, NULL);
  g_autoptr (GArray) none = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autoptr (GError) error = NULL;
  gint32 result = 0;

  calls_fixture_init (&fixture, odd_handler_get_type (), "tcp://127.0.0.1:0");

  EveryEverythingIf *iface = EVERY_EVERYTHING_IF (fixture.client);

  CU_ASSERT_TRUE (every_base_base_client_twice (EVERY_BASE_BASE_IF (fixture.client), &result, 21,
                                                NULL, &error));
  assert_no_error (error);
  assert_int (result, 42);
  CU_ASSERT_TRUE (every_everything_client_nothing (iface, &error));
  assert_no_error (error);
  CU_ASSERT_FALSE (every_everything_client_grow (iface, &grown, tree, &error));
  assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT, "returned no result");
  g_clear_error (&error);
  CU_ASSERT_FALSE (every_everything_client_give_i32 (iface, &result, 1, 1, none, NULL, &error));
  assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR, "dropped its reply");
  g_clear_error (&error);
  CU_ASSERT_FALSE (every_everything_client_forget_with (fixture.client, NULL, 1, NULL)
                   && every_everything_client_give_i8 (iface, NULL, 1, 1, none, NULL, &error));
  assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                THRIFT_APPLICATION_EXCEPTION_ERROR_UNKNOWN_METHOD, "does not implement");
  calls_fixture_clear (&fixture);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (every_type_goes_and_comes_later_binary),
    TEST (every_type_goes_and_comes_later_compact),
    TEST (every_type_goes_and_comes_later_beside_headers),
    TEST (headers_go_and_come_later),
    TEST (exceptions_are_values_and_thrown_later),
    TEST (a_parents_method_answers_later),
    TEST (oneway_and_recursive_later),
    TEST (a_method_without_a_result_answers_later),
    TEST (methods_answer_each_in_its_way),
    { NULL, NULL },
  };

  return test_main ("later", cases, argc, argv);
}
