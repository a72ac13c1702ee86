/* Runs a fuzz target over the files of a directory, without libFuzzer: so its corpus is an ordinary
 * test. With prefixes of each file, and each byte changed, as a little more than the corpus itself.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

/* Larger files are only run as they are. */
#define MAX_VARIED 2000

static void
run (const gchar *bytes, gsize length)
{
  /* Exactly as long as it says, so that a sanitizer sees a read beyond. */
  g_autofree guint8 *copy = g_memdup2 (bytes, MAX (length, 1));

  LLVMFuzzerTestOneInput (copy, length);
}

static void
run_variants (gchar *bytes, gsize length)
{
  static const gchar others[] = "{}()<>[],;:=&*./\"'\\-0a \n\t\377";

  for (gsize i = 0; i < length; i++)
    {
      gchar kept = bytes[i];

      run (bytes, i);
      bytes[i] = others[i % (sizeof others - 1)];
      run (bytes, length);
      bytes[i] = kept;
    }
}

int
main (int argc, char **argv)
{
  const gchar *path = argc > 1 ? argv[1] : ".";
  GDir *directory = g_dir_open (path, 0, NULL);
  const gchar *name;
  guint files = 0;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree gchar *file = g_build_filename (path, name, NULL);
      g_autofree gchar *bytes = NULL;
      gsize length;

      if (!g_file_get_contents (file, &bytes, &length, NULL))
        continue;
      run (bytes, length);
      if (length <= MAX_VARIED)
        run_variants (bytes, length);
      files++;
    }
  g_clear_pointer (&directory, g_dir_close);
  printf ("1..1\n%s 1 - %u files\n", files > 0 ? "ok" : "not ok", files);
  return files > 0 ? 0 : 1;
}
