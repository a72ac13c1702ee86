/* Every type as argument, return value and exception of generated clients, handlers and processors,
 * over a real connection. */
#include <string.h>

#include "calls.h"
#include "harness.h"

/* ---- a handler that gives back what it gets ---- */

typedef EveryEverythingHandler EchoHandler;
typedef EveryEverythingHandlerClass EchoHandlerClass;

GType echo_handler_get_type (void);

G_DEFINE_TYPE (EchoHandler, echo_handler, EVERY_TYPE_EVERYTHING_HANDLER)

static const TallyType *
get_return_type (const gchar *name)
{
  return calls_find_method (name)->result->fields[0].type;
}

/* @value, @alias: the arguments; both are the same. The list begins with it. */
static void
give (const gchar *name, gpointer _return, gconstpointer value, gconstpointer alias)
{
  const TallyType *type = get_return_type (name);

  if (!tally_value_equal (type, value, alias))
    return;
  tally_value_clear (type, _return);
  tally_value_copy (type, value, _return);
}

#define DEFINE_GIVE(Word, lower, CType, Alias, List)                                               \
  static gboolean give_##lower (EveryEverythingIf *iface, CType *_return, const CType value,       \
                                const Alias alias, const List *listed, EveryBroken **broken,       \
                                GError **error)                                                    \
  {                                                                                                \
    (void) listed;                                                                                 \
    give ("give" #Word, _return, &value, &alias);                                                  \
    return TRUE;                                                                                   \
  }

FOR_ALL_TYPES (DEFINE_GIVE)

static gboolean
give_broken (EveryEverythingIf *iface,
             EveryBroken **_return,
             const EveryBroken *value,
             const EveryBrokenAlias *alias,
             const GPtrArray *listed,
             EveryBroken **broken,
             EveryBaseOther **other,
             GError **error)
{
  if (g_strcmp0 (value->why, "throw") == 0)
    {
      *other = g_object_new (EVERY_BASE_TYPE_OTHER, "reason", "thrown", NULL);
      return FALSE;
    }

  give ("giveBroken", _return, &value, &alias);
  return TRUE;
}

static gboolean
forget (EveryEverythingIf *iface, const gint32 number, GError **error)
{
  g_atomic_int_set (&calls_forgotten, number);
  return TRUE;
}

static gboolean
twice (EveryBaseBaseIf *iface,
       gint32 *_return,
       const gint32 number,
       EveryBaseOther **other,
       GError **error)
{
  *_return = number * 2;
  return TRUE;
}

static gboolean
grow (EveryEverythingIf *iface, EveryTree **_return, const EveryTree *tree, GError **error)
{
  (*_return)->value = tree->value + g_atomic_int_get (&calls_forgotten);
  (*_return)->left = g_object_ref ((EveryTree *) tree);
  (*_return)->__isset_left = TRUE;
  return TRUE;
}

static void
echo_handler_class_init (EchoHandlerClass *klass)
{
  EVERY_BASE_BASE_HANDLER_CLASS (klass)->twice = twice;
#define SET_GIVE(Word, lower, CType, Alias, List) klass->give_##lower = give_##lower;
  FOR_ALL_TYPES (SET_GIVE)
  klass->give_broken = give_broken;
  klass->forget = forget;
  klass->grow = grow;
}

static void
echo_handler_init (EchoHandler *self)
{
}

/* ---- tests ---- */

static void
every_type_goes_and_comes_binary (void)
{
  calls_check_all_types (echo_handler_get_type (),
                         "tcp://127.0.0.1:0?protocol=binary&transport=framed");
}

static void
every_type_goes_and_comes_compact (void)
{
  calls_check_all_types (echo_handler_get_type (),
                         "tcp://127.0.0.1:0?protocol=compact&transport=buffered");
}

static void
exceptions_are_values_and_thrown (void)
{
  calls_check_exceptions (echo_handler_get_type ());
}

static void
a_client_speaks_its_parents_methods (void)
{
  calls_check_parent (echo_handler_get_type ());
}

/* Also a parent's method, on the child's client. */
static void
options_are_those_of_the_call (void)
{
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  const TallyCallOptions options = { .cancellable = cancelled };
  CallsFixture fixture;
  gint32 result = 0;

  calls_fixture_init (&fixture, echo_handler_get_type (), "tcp://127.0.0.1:0");
  for (guint i = 0; i < 2; i++)
    {
      const TallyCallOptions *given = i == 0 ? NULL : &options;
      g_autoptr (EveryBaseOther) other = NULL;
      g_autoptr (GError) error = NULL;

      CU_ASSERT_TRUE (every_everything_client_forget_with (fixture.client, given, 7, &error));
      CU_ASSERT_TRUE (
          every_base_base_client_twice_with (fixture.client, given, &result, 4, &other, &error));
      assert_no_error (error);
      assert_int (result, 8);
      result = 0;
    }
  g_cancellable_cancel (cancelled);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean done =
          i == 0 ? every_everything_client_forget_with (fixture.client, &options, 7, &error)
                 : every_base_base_client_twice_with (fixture.client, &options, &result, 4, NULL,
                                                      &error);

      CU_ASSERT_FALSE (done);
      assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "nothing was sent");
      assert_int (result, 0);
    }
  calls_fixture_clear (&fixture);
}

/* A stub remembers the class that it met last: client, handler and a parent's method in turn. */
static void
a_stub_finds_each_objects_own_functions (void)
{
  CallsFixture fixture;
  g_autoptr (EveryEverythingHandler) handler = g_object_new (echo_handler_get_type (), NULL);
  g_autoptr (EveryEverythingHandler) bare = g_object_new (EVERY_TYPE_EVERYTHING_HANDLER, NULL);
  g_autoptr (GError) error = NULL;

  calls_fixture_init (&fixture, echo_handler_get_type (), "tcp://127.0.0.1:0");
  for (gint i = 0; i < 3; i++)
    {
      gint32 result = 0;

      CU_ASSERT_FALSE (every_everything_if_nothing (EVERY_EVERYTHING_IF (bare), &error));
      CU_ASSERT_PTR_NOT_NULL_FATAL (error);
      CU_ASSERT_PTR_NOT_NULL (strstr (error->message, "EveryEverythingHandler does not implement"));
      g_clear_error (&error);
      CU_ASSERT_FALSE (every_everything_if_nothing (EVERY_EVERYTHING_IF (fixture.client), &error));
      CU_ASSERT_PTR_NOT_NULL_FATAL (error);
      CU_ASSERT_PTR_NOT_NULL (strstr (error->message, "the server says"));
      g_clear_error (&error);
      CU_ASSERT_TRUE (every_everything_if_forget (EVERY_EVERYTHING_IF (handler), 100 + i, &error));
      assert_no_error (error);
      assert_int (g_atomic_int_get (&calls_forgotten), 100 + i);
      CU_ASSERT_TRUE (
          every_base_base_if_twice (EVERY_BASE_BASE_IF (handler), &result, i, NULL, &error));
      assert_no_error (error);
      assert_int (result, 2 * i);
    }
  calls_fixture_clear (&fixture);
}

static void
oneway_and_recursive (void)
{
  calls_check_oneway (echo_handler_get_type ());
}

static void
a_method_left_out_says_so (void)
{
  CallsFixture fixture;
  g_autoptr (GError) error = NULL;

  calls_fixture_init (&fixture, echo_handler_get_type (), "tcp://127.0.0.1:0");
  CU_ASSERT_FALSE (every_everything_client_nothing (EVERY_EVERYTHING_IF (fixture.client), &error));
  CU_ASSERT_PTR_NOT_NULL_FATAL (error);
  CU_ASSERT_EQUAL (error->domain, THRIFT_APPLICATION_EXCEPTION_ERROR);
  CU_ASSERT_PTR_NOT_NULL (strstr (error->message, "does not implement method nothing"));
  calls_fixture_clear (&fixture);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (every_type_goes_and_comes_binary),
    TEST (every_type_goes_and_comes_compact),
    TEST (exceptions_are_values_and_thrown),
    TEST (a_client_speaks_its_parents_methods),
    TEST (options_are_those_of_the_call),
    TEST (a_stub_finds_each_objects_own_functions),
    TEST (oneway_and_recursive),
    TEST (a_method_left_out_says_so),
    { NULL, NULL },
  };

  return test_main ("calls", cases, argc, argv);
}
