/* Owns the way tests are run and reported; knows nothing of what they test. */
#include "harness.h"

#include <CUnit/TestRun.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* For so long a test waits for what must come; one that fails takes as long. */
#define PATIENCE (120 * G_TIME_SPAN_SECOND)

static const gchar *skip_reason;
static guint test_number;
static guint descriptors_before;
static guint threads_before;
static gboolean any_failed;

static guint
count_entries (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint count = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    count++;
  return count;
}

guint
test_count_descriptors (void)
{
  return count_entries ("/proc/self/fd") - 1; /* without the directory itself */
}

/* The file @name of /proc about thread @id, or NULL when it has ended. */
static gchar *
read_of_thread (const gchar *id, const gchar *name)
{
  g_autofree gchar *path = g_build_filename ("/proc/self/task", id, name, NULL);
  gchar *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? text : NULL;
}

/* A joined thread leaves /proc a moment after pthread_join () returned, so that the count is taken
 * again until it is down, for a bounded time. GLib's own threads live on and are not counted. */
static guint
count_threads (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  const gchar *id;
  guint count = 0;

  while (dir != NULL && (id = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *name = read_of_thread (id, "comm");

      if (name == NULL)
        continue;
      g_strstrip (name);
      if (!g_str_has_prefix (name, "pool") && strcmp (name, "gmain") != 0
          && strcmp (name, "gdbus") != 0)
        count++;
    }
  return count;
}

static gboolean
threads_are_back (void)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (count_threads () > threads_before)
    {
      if (g_get_monotonic_time () > end)
        return FALSE;
      g_thread_yield ();
    }
  return TRUE;
}

/* A thread of GIO's gives back what a handshake took a moment after its end; so does the relay what both sides have
 * closed. */
static guint
await_descriptors (void)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (test_count_descriptors () > descriptors_before && g_get_monotonic_time () < end)
    g_thread_yield ();
  return test_count_descriptors ();
}

static gboolean
is_asleep (const gchar *id)
{
  g_autofree gchar *stat = read_of_thread (id, "stat");
  const gchar *state = stat != NULL ? strrchr (stat, ')') : NULL;

  return state != NULL && state[2] == 'S';
}

gboolean
test_thread_is_asleep (gint id)
{
  g_autofree gchar *text = g_strdup_printf ("%d", id);

  return is_asleep (text);
}

gboolean
test_thread_awaits_socket (gint id)
{
  static const gint64 calls[] = { SYS_connect, SYS_poll,    SYS_ppoll, SYS_recvfrom,
                                  SYS_recvmsg, SYS_sendmsg, SYS_sendto };
  g_autofree gchar *text = g_strdup_printf ("%d", id);
  g_autofree gchar *call = read_of_thread (text, "syscall");
  gint64 number;
  guint i;

  if (call == NULL || !g_ascii_isdigit (*call)) /* "running" */
    return FALSE;
  number = g_ascii_strtoll (call, NULL, 10);
  for (i = 0; i < G_N_ELEMENTS (calls) && calls[i] != number; i++)
    ;
  return i < G_N_ELEMENTS (calls);
}

/* How often each other thread has slept, in words; NULL when one of them is not asleep. */
static gchar *
describe_sleepers (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree gchar *own = g_strdup_printf ("%d", gettid ());
  const gchar *id;

  while ((id = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *status = NULL;

      if (strcmp (id, own) == 0)
        continue;
      status = read_of_thread (id, "status");
      if (status == NULL || !is_asleep (id))
        return NULL;
      g_string_append (text, strstr (status, "voluntary_ctxt_switches"));
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

pid_t
test_fork (void)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;
  gboolean quiet = FALSE;

  fflush (NULL);
  while (!quiet && g_get_monotonic_time () < end)
    {
      g_autofree gchar *before = describe_sleepers ();
      g_autofree gchar *after = describe_sleepers ();

      quiet = before != NULL && g_strcmp0 (before, after) == 0; /* nobody ran in between */
      if (!quiet)
        g_thread_yield ();
    }
  CU_ASSERT_TRUE (quiet);
  return fork ();
}

static void
on_test_start (const CU_pTest test, const CU_pSuite suite)
{
  skip_reason = NULL;
  threads_before = count_threads ();
  descriptors_before = test_count_descriptors ();
}

static void
on_test_complete (const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord first)
{
  const CU_FailureRecord *failure;
  guint descriptors_after = await_descriptors ();
  gboolean threads_back = threads_are_back ();
  gboolean failed = first != NULL || descriptors_after > descriptors_before || !threads_back;

  test_number++;
  printf ("%s %u - %s/%s%s%s\n", failed ? "not ok" : "ok", test_number, suite->pName, test->pName,
          skip_reason != NULL && !failed ? " # SKIP " : "",
          skip_reason != NULL && !failed ? skip_reason : "");
  for (failure = first; failure != NULL; failure = failure->pNext)
    printf ("# %s:%u: %s\n", failure->strFileName, failure->uiLineNumber, failure->strCondition);
  if (descriptors_after > descriptors_before)
    printf ("# %u descriptors before, %u after\n", descriptors_before, descriptors_after);
  if (!threads_back)
    printf ("# %u threads before, %u after\n", threads_before, count_threads ());
  if (failed)
    any_failed = TRUE;
  fflush (stdout);
}

void
test_skip (const gchar *reason)
{
  skip_reason = reason;
}

gchar *
test_corpus_dir (void)
{
  g_autofree gchar *path = g_strdup (g_getenv ("TALLY_CORPUS"));

  if (path == NULL)
    path = g_build_filename (TESTS_SOURCE_ROOT, "..", "shared", "corpus", NULL);

  return g_file_test (path, G_FILE_TEST_IS_DIR) ? g_steal_pointer (&path) : NULL;
}

static void
fail_at (const gchar *file, int line, gchar *message)
{
  CU_assertImplementation (CU_FALSE, line, message, file, "", CU_FALSE);
  g_free (message);
}

void
test_assert_string (const gchar *actual, const gchar *expected, const gchar *file, int line)
{
  if (g_strcmp0 (actual, expected) != 0)
    fail_at (file, line, g_strdup_printf ("\"%s\" is not \"%s\"", actual, expected));
  else
    CU_PASS ();
}

void
test_assert_int (gint64 actual, gint64 expected, const gchar *file, int line)
{
  if (actual != expected)
    fail_at (file, line,
             g_strdup_printf ("%" G_GINT64_FORMAT " is not %" G_GINT64_FORMAT, actual, expected));
  else
    CU_PASS ();
}

void
test_assert_error (
    const GError *error, GQuark domain, gint code, const gchar *part, const gchar *file, int line)
{
  if (error == NULL)
    fail_at (file, line,
             g_strdup_printf ("no error; %s %d expected", g_quark_to_string (domain), code));
  else if (!g_error_matches (error, domain, code)
           || (part != NULL && strstr (error->message, part) == NULL))
    fail_at (file, line,
             g_strdup_printf ("error %s %d \"%s\" is not %s %d \"…%s…\"",
                              g_quark_to_string (error->domain), error->code, error->message,
                              g_quark_to_string (domain), code, part != NULL ? part : ""));
  else
    CU_PASS ();
}

void
test_assert_no_error (const GError *error, const gchar *file, int line)
{
  if (error != NULL)
    fail_at (file, line,
             g_strdup_printf ("unexpected error %s %d \"%s\"", g_quark_to_string (error->domain),
                              error->code, error->message));
  else
    CU_PASS ();
}

static gboolean
is_selected (const gchar *name, int argc, char **argv)
{
  int i;

  for (i = 1; i < argc; i++)
    if (strstr (name, argv[i]) != NULL)
      return TRUE;
  return argc <= 1;
}

static gpointer
do_nothing (gpointer data)
{
  return NULL;
}

int
test_main (const gchar *suite_name, const TestCase *cases, int argc, char **argv)
{
  const TestCase *test_case;
  CU_pSuite suite;
  guint count = 0;

  g_thread_join (
      g_thread_new ("first", do_nothing, NULL)); /* ThreadSanitizer adds its own with the first */
  if (CU_initialize_registry () != CUE_SUCCESS
      || (suite = CU_add_suite (suite_name, NULL, NULL)) == NULL)
    g_error ("CUnit: %s", CU_get_error_msg ());
  for (test_case = cases; test_case->name != NULL; test_case++)
    if (is_selected (test_case->name, argc, argv))
      {
        if (CU_add_test (suite, test_case->name, test_case->run) == NULL)
          g_error ("CUnit: %s: %s", test_case->name, CU_get_error_msg ());
        count++;
      }
  printf ("1..%u\n", count);
  fflush (stdout);
  CU_set_test_start_handler (on_test_start);
  CU_set_test_complete_handler (on_test_complete);
  CU_run_all_tests ();
  if (CU_get_number_of_tests_run () != count)
    any_failed = TRUE;
  CU_cleanup_registry ();
  return any_failed ? 1 : 0;
}
