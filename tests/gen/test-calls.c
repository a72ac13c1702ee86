/* Every type as argument, return value and exception of generated clients, handlers and processors,
 * over a real connection. */
#include "every_everything.h"
#include "fill.h"
#include "harness.h"
#include "served.h"

/* ---- a handler that gives back what it gets ---- */

typedef EveryEverythingHandler EchoHandler;
typedef EveryEverythingHandlerClass EchoHandlerClass;

GType echo_handler_get_type (void);

G_DEFINE_TYPE (EchoHandler, echo_handler, EVERY_TYPE_EVERYTHING_HANDLER)

static gint forgotten; /* what the oneway method got; atomic */

static const TallyMethod *
find_method (const gchar *name)
{
  for (guint i = 0; i < every_everything_service.n_methods; i++)
    if (g_str_equal (every_everything_service.methods[i].name, name))
      return &every_everything_service.methods[i];

  g_assert_not_reached ();
}

static const TallyType *
get_return_type (const gchar *name)
{
  return find_method (name)->result->fields[0].type;
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

/* All methods of every.thrift that give: X (Word, lower, C type, C type of the alias, of a list).
 */
#define FOR_ALL_TYPES(X)                                                                           \
  X (Bool, bool, gboolean, EveryBoolAlias, GArray)                                                 \
  X (I8, i8, gint8, EveryI8Alias, GArray)                                                          \
  X (I16, i16, gint16, EveryI16Alias, GArray)                                                      \
  X (I32, i32, gint32, EveryI32Alias, GArray)                                                      \
  X (I64, i64, gint64, EveryI64Alias, GArray)                                                      \
  X (Double, double, gdouble, EveryDoubleAlias, GArray)                                            \
  X (String, string, gchar *, EveryStringAlias, GPtrArray)                                         \
  X (Binary, binary, GByteArray *, EveryBinaryAlias, GPtrArray)                                    \
  X (Uuid, uuid, TallyUuid, EveryUuidAlias, GArray)                                                \
  X (Color, color, EveryBaseColor, EveryColorAlias, GArray)                                        \
  X (Inner, inner, EveryBaseInner *, EveryInnerAlias *, GPtrArray)                                 \
  X (Choice, choice, EveryChoice *, EveryChoiceAlias *, GPtrArray)                                 \
  X (ListI32, list_i32, GArray *, EveryListI32Alias *, GPtrArray)                                  \
  X (SetString, set_string, GHashTable *, EverySetStringAlias *, GPtrArray)                        \
  X (MapStringI32, map_string_i32, GHashTable *, EveryMapStringI32Alias *, GPtrArray)              \
  X (ListInner, list_inner, GPtrArray *, EveryListInnerAlias *, GPtrArray)

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
  g_atomic_int_set (&forgotten, number);
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
  (*_return)->value = tree->value + g_atomic_int_get (&forgotten);
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

/* ---- a server for each test ---- */

typedef struct
{
  Served served;
  EveryEverythingClient *client;
} Fixture;

static void
fixture_init (Fixture *fixture, const gchar *uri)
{
  g_autoptr (EveryEverythingHandler) handler = g_object_new (echo_handler_get_type (), NULL);
  g_autoptr (EveryEverythingProcessor) processor =
      g_object_new (EVERY_TYPE_EVERYTHING_PROCESSOR, "handler", handler, NULL);

  served_start (&fixture->served, processor, uri);
  fixture->client = every_everything_client_new (fixture->served.channel);
}

static void
fixture_clear (Fixture *fixture)
{
  g_object_unref (fixture->client);
  served_stop (&fixture->served);
}

/* ---- tests ---- */

/* One call with each seed: what is returned equals what was given. */
#define CHECK_GIVE(Word, lower, CType, Alias, List)                                                \
  for (guint seed = 0; seed < 3; seed++)                                                           \
    {                                                                                              \
      const TallyMethod *method = find_method ("give" #Word);                                      \
      const TallyType *type = method->args->fields[0].type;                                        \
      const TallyType *list_type = method->args->fields[2].type;                                   \
      const FillOptions options = { .seed = seed, .n_elements = 3, .max_depth = 2 };               \
      g_autoptr (EveryBroken) broken = NULL;                                                       \
      g_autoptr (GError) error = NULL;                                                             \
      CType value;                                                                                 \
      CType returned;                                                                              \
      List *listed;                                                                                \
                                                                                                   \
      fill_value (type, &value, &options);                                                         \
      fill_value (list_type, &listed, &options);                                                   \
      tally_value_init (type, NULL, &returned);                                                    \
      CU_ASSERT_TRUE (every_everything_if_give_##lower (iface, &returned, value, value, listed,    \
                                                        &broken, &error));                         \
      assert_no_error (error);                                                                     \
      CU_ASSERT_PTR_NULL (broken);                                                                 \
      CU_ASSERT_TRUE (tally_value_equal (type, &value, &returned));                                \
      tally_value_clear (type, &value);                                                            \
      tally_value_clear (type, &returned);                                                         \
      tally_value_clear (list_type, &listed);                                                      \
    }

static void
check_all_types (const gchar *uri)
{
  Fixture fixture;

  fixture_init (&fixture, uri);

  EveryEverythingIf *iface = EVERY_EVERYTHING_IF (fixture.client);

  FOR_ALL_TYPES (CHECK_GIVE)
  fixture_clear (&fixture);
}

static void
every_type_goes_and_comes_binary (void)
{
  check_all_types ("tcp://127.0.0.1:0?protocol=binary&transport=framed");
}

static void
every_type_goes_and_comes_compact (void)
{
  check_all_types ("tcp://127.0.0.1:0?protocol=compact&transport=buffered");
}

static void
exceptions_are_values_and_thrown (void)
{
  Fixture fixture;
  g_autoptr (EveryBroken) value = g_object_new (EVERY_TYPE_BROKEN, "why", "no", NULL);
  g_autoptr (EveryBroken) returned = g_object_new (EVERY_TYPE_BROKEN, NULL);
  g_autoptr (EveryBroken) broken = NULL;
  g_autoptr (EveryBaseOther) other = NULL;
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  fixture_init (&fixture, "tcp://127.0.0.1:0");

  EveryEverythingIf *iface = EVERY_EVERYTHING_IF (fixture.client);

  CU_ASSERT_TRUE (every_everything_client_give_broken (iface, &returned, value, value, none,
                                                       &broken, &other, &error));
  assert_string (returned->why, "no");

  g_object_set (value, "why", "throw", NULL);
  CU_ASSERT_FALSE (every_everything_client_give_broken (iface, &returned, value, value, none,
                                                        &broken, &other, &error));
  assert_error (error, EVERY_BASE_OTHER_ERROR, EVERY_BASE_OTHER_ERROR_CODE, "Other");
  CU_ASSERT_PTR_NULL (broken);
  assert_string (other->reason, "thrown");
  fixture_clear (&fixture);
}

static void
a_client_speaks_its_parents_methods (void)
{
  Fixture fixture;
  g_autoptr (EveryBaseOther) other = NULL;
  g_autoptr (GError) error = NULL;
  gint32 result = 0;

  fixture_init (&fixture, "tcp://127.0.0.1:0");
  CU_ASSERT_TRUE (
      every_base_base_if_twice (EVERY_BASE_BASE_IF (fixture.client), &result, 21, &other, &error));
  assert_no_error (error);
  assert_int (result, 42);
  fixture_clear (&fixture);
}

/* Also a parent's method, on the child's client. */
static void
options_are_those_of_the_call (void)
{
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  const TallyCallOptions options = { .cancellable = cancelled };
  Fixture fixture;
  gint32 result = 0;

  fixture_init (&fixture, "tcp://127.0.0.1:0");
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
  fixture_clear (&fixture);
}

/* A stub remembers the class that it met last: client, handler and a parent's method in turn. */
static void
a_stub_finds_each_objects_own_functions (void)
{
  Fixture fixture;
  g_autoptr (EveryEverythingHandler) handler = g_object_new (echo_handler_get_type (), NULL);
  g_autoptr (EveryEverythingHandler) bare = g_object_new (EVERY_TYPE_EVERYTHING_HANDLER, NULL);
  g_autoptr (GError) error = NULL;

  fixture_init (&fixture, "tcp://127.0.0.1:0");
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
      assert_int (g_atomic_int_get (&forgotten), 100 + i);
      CU_ASSERT_TRUE (
          every_base_base_if_twice (EVERY_BASE_BASE_IF (handler), &result, i, NULL, &error));
      assert_no_error (error);
      assert_int (result, 2 * i);
    }
  fixture_clear (&fixture);
}

static void
oneway_and_recursive (void)
{
  Fixture fixture;
  g_autoptr (EveryTree) tree = g_object_new (EVERY_TYPE_TREE, "value", 1, NULL);
  g_autoptr (EveryTree) grown = g_object_new (EVERY_TYPE_TREE, NULL);
  g_autoptr (GError) error = NULL;

  fixture_init (&fixture, "tcp://127.0.0.1:0");

  EveryEverythingIf *iface = EVERY_EVERYTHING_IF (fixture.client);

  /* The next call on the connection is served after the oneway one. */
  CU_ASSERT_TRUE (every_everything_client_forget (iface, 40, &error));
  CU_ASSERT_TRUE (every_everything_client_grow (iface, &grown, tree, &error));
  assert_no_error (error);
  assert_int (grown->value, 41);
  CU_ASSERT_TRUE (grown->__isset_left);
  assert_int (grown->left->value, 1);
  fixture_clear (&fixture);
}

static void
a_method_left_out_says_so (void)
{
  Fixture fixture;
  g_autoptr (GError) error = NULL;

  fixture_init (&fixture, "tcp://127.0.0.1:0");
  CU_ASSERT_FALSE (every_everything_client_nothing (EVERY_EVERYTHING_IF (fixture.client), &error));
  CU_ASSERT_PTR_NOT_NULL_FATAL (error);
  CU_ASSERT_EQUAL (error->domain, THRIFT_APPLICATION_EXCEPTION_ERROR);
  CU_ASSERT_PTR_NOT_NULL (strstr (error->message, "does not implement method nothing"));
  fixture_clear (&fixture);
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
