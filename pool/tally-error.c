/* Owns the error domain's quark and nothing else. */
#include "tally-error.h"

/* As G_DEFINE_QUARK (), but the threads that come first at once may each look it up and store it,
 * and do so atomically. */
/**
 * tally_error_quark:
 *
 * Returns: the error domain %TALLY_ERROR
 */
GQuark
tally_error_quark (void)
{
  static guint quark;
  guint known = g_atomic_int_get (&quark);

  if (G_UNLIKELY (known == 0))
    {
      known = g_quark_from_static_string ("tally-error-quark");
      g_atomic_int_set (&quark, known);
    }
  return known;
}
