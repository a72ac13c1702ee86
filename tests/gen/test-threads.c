/* Generated types that many threads use for the first time at once are registered once. */
#include <thrift/c_glib/processor/thrift_dispatch_processor.h>

#include "every_everything.h"
#include "harness.h"
#include "values_values_types.h"

#define N_THREADS 8

static GType (*const get_types[]) (void) = {
  every_of_bool_get_type,
  every_of_string_get_type,
  every_of_inner_get_type,
  every_of_list_inner_get_type,
  every_one_of_choice_get_type,
  every_tree_get_type,
  every_broken_get_type,
  every_base_inner_get_type,
  values_defaults_get_type,
  values_needy_get_type,
  every_everything_if_get_type,
  every_everything_client_get_type,
  every_everything_handler_get_type,
  every_everything_processor_get_type,
  every_base_base_if_get_type,
  every_base_base_client_get_type,
  every_base_base_handler_get_type,
  every_base_base_processor_get_type,
};

/* What one thread saw. */
typedef struct
{
  GType types[G_N_ELEMENTS (get_types)];
  gpointer constant;
  GQuark quark;
} Seen;

static gint waiting; /* threads that are not there yet; atomic */

static gpointer
use_all (gpointer data)
{
  Seen *seen = data;

  g_atomic_int_dec_and_test (&waiting);
  while (g_atomic_int_get (&waiting) > 0)
    g_thread_yield ();

  for (guint i = 0; i < G_N_ELEMENTS (get_types); i++)
    {
      seen->types[i] = get_types[i]();
      if (!G_TYPE_IS_INTERFACE (seen->types[i]))
        g_object_unref (g_object_new (seen->types[i], NULL));
    }
  seen->constant = VALUES_INNERS;
  seen->quark = EVERY_BROKEN_ERROR;
  return NULL;
}

/* GLib complains when a name is registered twice; that must end the test. */
static void
eight_threads_register_each_type_once (void)
{
  GThread *threads[N_THREADS];
  Seen seen[N_THREADS] = { 0 };
  GLogLevelFlags before = g_log_set_always_fatal (G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL);

  g_atomic_int_set (&waiting, N_THREADS);
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("user", use_all, &seen[i]);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_log_set_always_fatal (before);

  for (guint i = 0; i < N_THREADS; i++)
    {
      for (guint j = 0; j < G_N_ELEMENTS (get_types); j++)
        {
          CU_ASSERT_NOT_EQUAL (seen[i].types[j], 0);
          CU_ASSERT_EQUAL (seen[i].types[j], seen[0].types[j]);
        }
      CU_ASSERT_PTR_NOT_NULL (seen[i].constant);
      CU_ASSERT_PTR_EQUAL (seen[i].constant, seen[0].constant);
      CU_ASSERT_EQUAL (seen[i].quark, seen[0].quark);
    }
}

static void
names_and_parents_are_apaches (void)
{
  assert_string (g_type_name (EVERY_TYPE_OF_BOOL), "EveryOfBoolType");
  assert_string (g_type_name (EVERY_TYPE_EVERYTHING_CLIENT), "EveryEverythingClient");
  assert_string (g_type_name (EVERY_TYPE_EVERYTHING_IF), "EveryEverythingIf");
  assert_string (g_quark_to_string (EVERY_BROKEN_ERROR), "every_broken_error_quark");
  CU_ASSERT_TRUE (g_type_is_a (EVERY_TYPE_OF_BOOL, THRIFT_TYPE_STRUCT));
  CU_ASSERT_TRUE (g_type_is_a (EVERY_TYPE_EVERYTHING_CLIENT, EVERY_BASE_TYPE_BASE_CLIENT));
  CU_ASSERT_TRUE (g_type_is_a (EVERY_TYPE_EVERYTHING_CLIENT, EVERY_TYPE_EVERYTHING_IF));
  CU_ASSERT_TRUE (g_type_is_a (EVERY_TYPE_EVERYTHING_CLIENT, EVERY_BASE_TYPE_BASE_IF));
  CU_ASSERT_TRUE (g_type_is_a (EVERY_TYPE_EVERYTHING_HANDLER, EVERY_BASE_TYPE_BASE_HANDLER));
  CU_ASSERT_TRUE (g_type_is_a (EVERY_TYPE_EVERYTHING_PROCESSOR, EVERY_BASE_TYPE_BASE_PROCESSOR));
  CU_ASSERT_TRUE (g_type_is_a (EVERY_TYPE_EVERYTHING_PROCESSOR, THRIFT_TYPE_DISPATCH_PROCESSOR));
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (eight_threads_register_each_type_once), /* must come first */
    TEST (names_and_parents_are_apaches),
    { NULL, NULL },
  };

  return test_main ("threads", cases, argc, argv);
}
