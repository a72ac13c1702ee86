/* Keeps generated code loaded once GObject refers to it: a plugin that is unloaded would leave types
 * behind whose functions are gone. libtally itself is linked so that it stays (-z nodelete). */
#include "resident-private.h"

#include <dlfcn.h>

void
tally_make_resident (gconstpointer address)
{
  Dl_info info;
  gpointer module;

  if (dladdr (address, &info) == 0 || info.dli_fname == NULL)
    return;
  /* Nothing is loaded here; the program itself, which is not found by its name, stays anyhow. */
  module = dlopen (info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  if (module != NULL)
    dlclose (module);
}
