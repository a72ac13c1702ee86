/* Owns the tests of where an admin listener may listen, and which one has a Unix socket's path. */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin-fixture.h"
#include "harness.h"

/* ---- addresses ---- */

static void
bad_addresses_are_refused (void)
{
  static const struct
  {
    const gchar *uri;
    const gchar *part;
  } bad[] = {
    { "http://0.0.0.0:0", "allow-remote" },
    { "http://[::]:0", "allow-remote" },
    { "http://192.0.2.1:80", "allow-remote" },
    { "http://example.org:80", "neither an IP address nor localhost" },
    { "http://127.0.0.1", "no port" },
    { "http://127.0.0.1:0/metrics", "no path" },
    { "http://me@127.0.0.1:0", "http://ADDRESS:PORT" },
    { "http://127.0.0.1:0?x", "http://ADDRESS:PORT" },
    { "https://127.0.0.1:0", "http://ADDRESS:PORT" },
    { "unix:@name", "http://ADDRESS:PORT" },
    { "127.0.0.1:80", "http://ADDRESS:PORT" },
    { "", "http://ADDRESS:PORT" },
    { "unix:///12345678901234567890123456789012345678901234567890123456789012345678901234567890"
      "1234567890123456789012345678",
      "too long" },
  };
  g_autoptr (TallyAdmin) admin = tally_admin_new ();

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_FALSE (tally_admin_listen (admin, bad[i].uri, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, bad[i].part);
      CU_ASSERT_PTR_NULL (tally_admin_dup_uri (admin));
    }
}

static void
a_program_may_insist (void)
{
  g_autoptr (TallyAdmin) admin = g_object_new (TALLY_TYPE_ADMIN, "allow-remote", TRUE, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *answer = NULL;

  CU_ASSERT_TRUE (tally_admin_listen (admin, "http://0.0.0.0:0", &error));
  assert_no_error (error);
  answer = admin_get (admin, "/healthz");
  assert_status (answer, 200);
}

static void
a_taken_port_is_named (void)
{
  g_autoptr (TallyAdmin) first = tally_admin_new ();
  g_autoptr (TallyAdmin) second = tally_admin_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) again = NULL;
  g_autofree gchar *uri = NULL;

  CU_ASSERT_TRUE (tally_admin_listen (first, "http://localhost:0", NULL));
  uri = tally_admin_dup_uri (first);
  CU_ASSERT_TRUE (g_str_has_prefix (uri, "http://127.0.0.1:"));
  CU_ASSERT_FALSE (tally_admin_listen (second, uri, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, uri);
  CU_ASSERT_FALSE (tally_admin_listen (first, LOOPBACK, &again));
  assert_error (again, TALLY_ERROR, TALLY_ERROR_FAILED, "listens at");
}

/* ---- paths ---- */

/* A path in a directory of its own, in which nothing is to be left. */
typedef struct
{
  gchar *directory;
  gchar *path;
  gchar *uri;
} Place;

static void
place_init (Place *self)
{
  self->directory = g_dir_make_tmp ("admin-XXXXXX", NULL);
  self->path = g_build_filename (self->directory, "admin", NULL);
  self->uri = g_strconcat ("unix://", self->path, NULL);
}

static void
place_clear (Place *self)
{
  assert_int (g_rmdir (self->directory), 0);
  g_free (self->directory);
  g_free (self->path);
  g_free (self->uri);
}

static gboolean
has_file (const Place *self)
{
  return g_file_test (self->path, G_FILE_TEST_EXISTS);
}

/* As a listener leaves it that is killed. */
static void
leave_stale_file (const Place *self)
{
  pid_t child = test_fork ();

  if (child == 0)
    {
      g_autoptr (TallyAdmin) admin = tally_admin_new ();

      _exit (tally_admin_listen (admin, self->uri, NULL) ? 0 : 1);
    }
  assert_int (waitpid (child, NULL, 0), child);
  CU_ASSERT_TRUE (has_file (self));
}

static void
assert_answers (TallyAdmin *admin)
{
  /* no host, and no need of one */
  g_autofree gchar *answer = admin_exchange (admin, "GET /healthz HTTP/1.0\n\n");

  assert_part (answer, " 200 OK");
}

static void
a_stale_path_is_replaced (void)
{
  g_autoptr (TallyAdmin) first = tally_admin_new ();
  g_autoptr (TallyAdmin) second = tally_admin_new ();
  g_autoptr (GError) error = NULL;
  g_autofree gchar *words = NULL;
  Place place;

  place_init (&place);
  leave_stale_file (&place);
  CU_ASSERT_TRUE (tally_admin_listen (first, place.uri, &error));
  assert_no_error (error);
  CU_ASSERT_FALSE (tally_admin_listen (second, place.uri, &error));
  words = g_strdup_printf ("cannot listen at %s: another socket has the path", place.uri);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, words);
  assert_answers (first);
  tally_admin_stop (first);
  CU_ASSERT_FALSE (has_file (&place));
  place_clear (&place);
}

/* What is no socket stays, and a socket's file that has become another one's. */
static void
the_files_of_others_stay (void)
{
  g_autoptr (TallyAdmin) first = tally_admin_new ();
  g_autoptr (TallyAdmin) second = tally_admin_new ();
  Place place;

  place_init (&place);
  CU_ASSERT_TRUE (g_file_set_contents (place.path, "mine", -1, NULL));
  CU_ASSERT_FALSE (tally_admin_listen (second, place.uri, NULL));
  CU_ASSERT_TRUE (has_file (&place));
  assert_int (g_unlink (place.path), 0);
  CU_ASSERT_TRUE (tally_admin_listen (first, place.uri, NULL));
  assert_int (g_unlink (place.path), 0);
  CU_ASSERT_TRUE (tally_admin_listen (second, place.uri, NULL));
  tally_admin_stop (first);
  CU_ASSERT_TRUE (has_file (&place));
  assert_answers (second);
  tally_admin_stop (second);
  place_clear (&place);
}

#define N_RIVALS 8

typedef struct
{
  const Place *place;
  gint *n_ready; /* atomic */
  TallyAdmin *admin;
  gboolean listens;
} Rival;

static gpointer
compete (gpointer data)
{
  Rival *self = data;

  g_atomic_int_inc (self->n_ready);
  while (g_atomic_int_get (self->n_ready) < N_RIVALS)
    g_thread_yield ();
  self->listens = tally_admin_listen (self->admin, self->place->uri, NULL);
  return NULL;
}

/* However many begin at one path, free or with a stale file. The one that gets it keeps it. */
static void
of_several_one_gets_the_path (void)
{
  Place place;

  place_init (&place);
  for (guint round = 0; round < 20; round++)
    {
      Rival rivals[N_RIVALS];
      GThread *threads[N_RIVALS];
      gint n_ready = 0;
      guint n_listen = 0;

      if (round % 4 != 0)
        leave_stale_file (&place);
      for (guint i = 0; i < N_RIVALS; i++)
        {
          rivals[i] = (Rival){ &place, &n_ready, tally_admin_new (), FALSE };
          threads[i] = g_thread_new ("rival", compete, &rivals[i]);
        }
      for (guint i = 0; i < N_RIVALS; i++)
        g_thread_join (threads[i]);
      for (guint i = 0; i < N_RIVALS; i++)
        if (rivals[i].listens)
          {
            n_listen++;
            assert_answers (rivals[i].admin);
          }
      assert_int (n_listen, 1);
      for (guint i = 0; i < N_RIVALS; i++)
        g_object_unref (rivals[i].admin);
      CU_ASSERT_FALSE (has_file (&place));
    }
  place_clear (&place);
}

/* ---- beginning and end ---- */

static void
it_listens_again_after_a_stop (void)
{
  g_autoptr (TallyAdmin) admin = tally_admin_new ();

  tally_admin_stop (admin);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree gchar *answer = NULL;

      CU_ASSERT_TRUE (tally_admin_listen (admin, LOOPBACK, NULL));
      answer = admin_get (admin, "/healthz");
      assert_status (answer, 200);
      tally_admin_stop (admin);
      CU_ASSERT_PTR_NULL (tally_admin_dup_uri (admin));
    }
}

static void
a_child_process_leaves_it_alone (void)
{
  g_autoptr (Fixture) fixture = fixture_new (LOOPBACK);
  g_autofree gchar *answer = NULL;
  gint status = -1;
  pid_t child = test_fork ();

  if (child == 0)
    {
      tally_admin_stop (fixture->admin);
      _exit (0);
    }
  CU_ASSERT_EQUAL (waitpid (child, &status, 0), child);
  assert_int (status, 0);
  answer = admin_get (fixture->admin, "/servers");
  assert_status (answer, 200);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (bad_addresses_are_refused),
    TEST (a_program_may_insist),
    TEST (a_taken_port_is_named),
    TEST (a_stale_path_is_replaced),
    TEST (the_files_of_others_stay),
    TEST (of_several_one_gets_the_path),
    TEST (it_listens_again_after_a_stop),
    TEST (a_child_process_leaves_it_alone),
    { NULL, NULL },
  };

  admin_warm_up ();
  return test_main ("admin-place", cases, argc, argv);
}
