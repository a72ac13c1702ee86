/* Owns how containers are keys of maps and elements of sets: a GHashTable's functions are told a value and not what type
 * it is of, so that each such type needs functions of its own. Compiled code has them; here there is a stock of them. */
#include "cli-tables.h"

static const TallyType *key_types[64];
static guint n_key_types;

#define KEY(number)                                                                                \
  static guint hash_key_##number (gconstpointer value)                                             \
  {                                                                                                \
    return tally_value_hash (key_types[0##number], &value);                                        \
  }                                                                                                \
  static gboolean equal_keys_##number (gconstpointer a, gconstpointer b)                           \
  {                                                                                                \
    return tally_value_equal (key_types[0##number], &a, &b);                                       \
  }
#define FUNCTIONS(number) { hash_key_##number, equal_keys_##number },
/* In octal. */
#define EIGHT(X, ten)                                                                              \
  X (ten##0) X (ten##1) X (ten##2) X (ten##3) X (ten##4) X (ten##5) X (ten##6) X (ten##7)
#define ALL(X)                                                                                     \
  EIGHT (X, 0)                                                                                     \
  EIGHT (X, 1) EIGHT (X, 2) EIGHT (X, 3) EIGHT (X, 4) EIGHT (X, 5) EIGHT (X, 6) EIGHT (X, 7)

ALL (KEY)

static const struct
{
  GHashFunc hash;
  GEqualFunc equal;
} functions[] = { ALL (FUNCTIONS) };

gboolean
cli_key_register (TallyType *type)
{
  G_STATIC_ASSERT (G_N_ELEMENTS (functions) == G_N_ELEMENTS (key_types));

  if (n_key_types == G_N_ELEMENTS (functions))
    return FALSE;
  type->hash = functions[n_key_types].hash;
  type->equal = functions[n_key_types].equal;
  key_types[n_key_types++] = type;
  return TRUE;
}
