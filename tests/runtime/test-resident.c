/* A plugin that holds generated code is loaded, used and unloaded again and again. This program
 * itself is not linked with libtally: the plugin brings it. */
#include "harness.h"

#include <dlfcn.h>

static void
use_plugin (const gchar *path)
{
  gpointer plugin = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  gboolean (*use) (void);

  if (plugin == NULL)
    {
      assert_string (dlerror (), NULL);
      return;
    }
  use = (gboolean (*) (void)) dlsym (plugin, "plugin_use");
  CU_ASSERT_FATAL (use != NULL);
  CU_ASSERT (use ());
  dlclose (plugin);
}

/* Its types are registered once, and their functions are there as long as GObject knows them. */
static void
a_plugin_may_be_unloaded_and_loaded_again (void)
{
  guint i;

  for (i = 0; i < 3; i++)
    use_plugin (PLUGIN);
}

/* Threads and types of libtally outlive every plugin that brought it. */
static void
the_library_stays (void)
{
  gpointer library;

  use_plugin (PLUGIN);
  library = dlopen (LIBTALLY, RTLD_LAZY | RTLD_NOLOAD);
  CU_ASSERT (library != NULL);
  if (library != NULL)
    dlclose (library);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_plugin_may_be_unloaded_and_loaded_again),
    TEST (the_library_stays),
    { NULL, NULL },
  };

  return test_main ("resident", cases, argc, argv);
}
