/* Texts that are written to a path: what is no file stays what it is, and a file keeps its permissions. */
#include "idl-test.h"
#include "replace.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The state of what is at @path itself. */
static struct stat
look (const gchar *path)
{
  struct stat info = { 0 };

  CU_ASSERT_EQUAL (lstat (path, &info), 0);
  return info;
}

/* A device that lay there would be lost; links lead to it, so that no test can lose it. */
static void
what_is_no_file_stays (void)
{
  g_autofree gchar *directory = idl_test_make_directory ();
  g_autofree gchar *pipe = g_build_filename (directory, "pipe", NULL);
  g_autofree gchar *full = g_build_filename (directory, "full", NULL);
  g_autofree gchar *link = g_build_filename (directory, "link", NULL);
  g_autofree gchar *file = g_build_filename (directory, "file", NULL);
  g_autofree gchar *text = NULL;
  g_autoptr (GError) error = NULL;
  gchar piped[4] = "";
  int reader;

  CU_ASSERT_EQUAL_FATAL (mkfifo (pipe, 0600), 0);
  reader = open (pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  CU_ASSERT_TRUE (idl_replace_file (pipe, "abc", 3, &error));
  assert_no_error (error);
  CU_ASSERT_EQUAL (read (reader, piped, sizeof piped), 3);
  assert_string (piped, "abc");
  close (reader);
  CU_ASSERT_TRUE (S_ISFIFO (look (pipe).st_mode));

  CU_ASSERT_EQUAL_FATAL (symlink ("file", link), 0);
  CU_ASSERT_TRUE (idl_replace_file (link, "linked", 6, NULL));
  CU_ASSERT_TRUE (g_file_get_contents (file, &text, NULL, NULL));
  assert_string (text, "linked");
  CU_ASSERT_TRUE (S_ISLNK (look (link).st_mode));

  CU_ASSERT_EQUAL_FATAL (symlink ("/dev/full", full), 0);
  CU_ASSERT_FALSE (idl_replace_file (full, "abc", 3, &error));
  assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC, "full: cannot write");
  CU_ASSERT_TRUE (S_ISLNK (look (full).st_mode));
  idl_test_remove_directory (directory);
}

static void
permissions_are_kept (void)
{
  g_autofree gchar *directory = idl_test_make_directory ();
  g_autofree gchar *path = g_build_filename (directory, "file", NULL);
  g_autofree gchar *text = NULL;

  CU_ASSERT_TRUE (idl_replace_file (path, "old", 3, NULL));
  CU_ASSERT_EQUAL (chmod (path, 0640), 0);
  CU_ASSERT_TRUE (idl_replace_file (path, "new", 3, NULL));
  CU_ASSERT_EQUAL (look (path).st_mode & 07777, 0640);
  CU_ASSERT_TRUE (g_file_get_contents (path, &text, NULL, NULL));
  assert_string (text, "new");
  idl_test_remove_directory (directory);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (what_is_no_file_stays),
    TEST (permissions_are_kept),
    { NULL, NULL },
  };

  return test_main ("idl-replace", cases, argc, argv);
}
