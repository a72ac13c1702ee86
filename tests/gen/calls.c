/* Owns calls of every kind by generated clients, and the server that they are made to. It knows no handler. */
#include "calls.h"

#include "fill.h"
#include "harness.h"

gint calls_forgotten;

const TallyMethod *
calls_find_method (const gchar *name)
{
  for (guint i = 0; i < every_everything_service.n_methods; i++)
    if (g_str_equal (every_everything_service.methods[i].name, name))
      return &every_everything_service.methods[i];

  g_assert_not_reached ();
}

void
calls_fixture_init (CallsFixture *fixture, GType handler_type, const gchar *uri)
{
  g_autoptr (EveryEverythingHandler) handler = g_object_new (handler_type, NULL);
  g_autoptr (EveryEverythingProcessor) processor =
      g_object_new (EVERY_TYPE_EVERYTHING_PROCESSOR, "handler", handler, NULL);

  served_start (&fixture->served, processor, uri);
  fixture->client = every_everything_client_new (fixture->served.channel);
}

void
calls_fixture_clear (CallsFixture *fixture)
{
  g_object_unref (fixture->client);
  served_stop (&fixture->served);
}

/* One call with each seed: what is returned equals what was given. */
#define CHECK_GIVE(Word, lower, CType, Alias, List)                                                \
  for (guint seed = 0; seed < 3; seed++)                                                           \
    {                                                                                              \
      const TallyMethod *method = calls_find_method ("give" #Word);                                \
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

void
calls_check_all_types (GType handler, const gchar *uri)
{
  CallsFixture fixture;

  calls_fixture_init (&fixture, handler, uri);

  EveryEverythingIf *iface = EVERY_EVERYTHING_IF (fixture.client);

  FOR_ALL_TYPES (CHECK_GIVE)
  calls_fixture_clear (&fixture);
}

void
calls_check_exceptions (GType handler)
{
  CallsFixture fixture;
  g_autoptr (EveryBroken) value = g_object_new (EVERY_TYPE_BROKEN, "why", "no", NULL);
  g_autoptr (EveryBroken) returned = g_object_new (EVERY_TYPE_BROKEN, NULL);
  g_autoptr (EveryBroken) broken = NULL;
  g_autoptr (EveryBaseOther) other = NULL;
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  calls_fixture_init (&fixture, handler, "tcp://127.0.0.1:0");

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
  calls_fixture_clear (&fixture);
}

void
calls_check_parent (GType handler)
{
  CallsFixture fixture;
  g_autoptr (EveryBaseOther) other = NULL;
  g_autoptr (GError) error = NULL;
  gint32 result = 0;

  calls_fixture_init (&fixture, handler, "tcp://127.0.0.1:0");
  CU_ASSERT_TRUE (
      every_base_base_if_twice (EVERY_BASE_BASE_IF (fixture.client), &result, 21, &other, &error));
  assert_no_error (error);
  assert_int (result, 42);
  calls_fixture_clear (&fixture);
}

void
calls_check_oneway (GType handler)
{
  CallsFixture fixture;
  g_autoptr (EveryTree) tree = g_object_new (EVERY_TYPE_TREE, "value", 1, NULL);
  g_autoptr (EveryTree) grown = g_object_new (EVERY_TYPE_TREE, NULL);
  g_autoptr (GError) error = NULL;

  calls_fixture_init (&fixture, handler, "tcp://127.0.0.1:0");

  EveryEverythingIf *iface = EVERY_EVERYTHING_IF (fixture.client);

  /* The next call on the connection is served after the oneway one. */
  CU_ASSERT_TRUE (every_everything_client_forget (iface, 40, &error));
  CU_ASSERT_TRUE (every_everything_client_grow (iface, &grown, tree, &error));
  assert_no_error (error);
  assert_int (grown->value, 41);
  CU_ASSERT_TRUE (grown->__isset_left);
  assert_int (grown->left->value, 1);
  calls_fixture_clear (&fixture);
}
