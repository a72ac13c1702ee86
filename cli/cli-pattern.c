/* Owns what the parts of a text that varies are, and what they come to in a call. Nothing is allocated for a call. */
#include "cli-pattern.h"

#include <string.h>

#define MAX_LETTERS 100000000
/* A number with its sign. */
#define DIGITS 20
#define UUID_LENGTH 36

/* Letters that are made for each call, and how many of others, from the stock, follow them. */
#define FRESH 16
#define STRETCH 4096
#define STOCK 65536

typedef enum
{
  PART_LITERAL,
  PART_COUNTER,
  PART_RANDOM,
  PART_LETTERS,
  PART_UUID,
  PART_CHOICE
} PartKind;

/* What stands between ${ and }, or else. */
typedef struct
{
  PartKind kind;
  gchar *literal;
  gsize length;       /* of a literal; of a choice's longest text */
  gint64 first, last; /* a counter's start; a random number's limits; how many letters */
  gchar **choices;
  guint n_choices;
  guint64
      salt; /* so that two texts of letters differ, and two random numbers of different limits */
} Part;

struct _CliPattern
{
  GArray *parts; /* of Part */
  CliPatternKind kind;
  gsize longest;
};

static void
clear_part (gpointer data)
{
  Part *part = data;

  g_free (part->literal);
  g_strfreev (part->choices);
}

void
cli_pattern_free (CliPattern *self)
{
  g_array_unref (self->parts);
  g_free (self);
}

/* ---- chance ---- */

/* Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014). */
static guint64
scatter (guint64 value)
{
  value += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  value = (value ^ value >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  value = (value ^ value >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return value ^ value >> 31;
}

/* Eight letters, one of each byte: byte * 26 / 256, four bytes at once. */
static guint64
to_letters (guint64 bits)
{
  const guint64 mask = G_GUINT64_CONSTANT (0x00ff00ff00ff00ff);
  const guint64 some = (bits & mask) * 26 >> 8 & mask;
  const guint64 others = (bits >> 8 & mask) * 26 & ~mask;

  return (some | others) + G_GUINT64_CONSTANT (0x6161616161616161);
}

static gpointer
make_stock (gpointer unused)
{
  gchar *stock = g_malloc (STOCK);

  for (gsize i = 0; i < STOCK; i += 8)
    {
      const guint64 eight = to_letters (scatter (i));

      memcpy (stock + i, &eight, 8);
    }
  return stock;
}

/* Random letters, made once. */
static const gchar *
get_stock (void)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, make_stock, NULL);
}

/* ---- what a part says ---- */

static gboolean
parse_limits (const gchar *value, Part *part)
{
  gchar *end = NULL;

  part->kind = PART_RANDOM;
  part->first = g_ascii_strtoll (value, &end, 10);
  if (end == value || *end != '-')
    return FALSE;
  value = end + 1;
  part->last = g_ascii_strtoll (value, &end, 10);
  part->salt = scatter ((guint64) part->first) + (guint64) part->last;
  return end != value && *end == '\0' && part->last >= part->first;
}

/* "A|B|C" */
static gboolean
parse_choices (const gchar *value, Part *part)
{
  part->kind = PART_CHOICE;
  part->choices = g_strsplit (value, "|", -1);
  part->n_choices = g_strv_length (part->choices);
  part->salt = g_str_hash (value);
  for (guint i = 0; i < part->n_choices; i++)
    part->length = MAX (part->length, strlen (part->choices[i]));
  return part->n_choices > 0;
}

static gboolean
parse_number (const gchar *value, gint64 least, gint64 most, Part *part)
{
  gchar *end = NULL;

  part->first = g_ascii_strtoll (value, &end, 10);
  return end != value && *end == '\0' && part->first >= least && part->first <= most;
}

static gboolean
parse_part (const gchar *word, Part *part)
{
  const gchar *colon = strchr (word, ':');
  g_autofree gchar *name = g_strndup (word, colon != NULL ? (gsize) (colon - word) : strlen (word));

  part->kind = PART_COUNTER;
  if (g_str_equal (name, "counter"))
    return colon == NULL || parse_number (colon + 1, G_MININT64, G_MAXINT64, part);
  part->kind = PART_UUID;
  if (g_str_equal (name, "uuid"))
    return colon == NULL;
  if (colon == NULL)
    return FALSE;
  if (g_str_equal (name, "random"))
    return parse_limits (colon + 1, part);
  if (g_str_equal (name, "choice"))
    return parse_choices (colon + 1, part);
  part->kind = PART_LETTERS;
  return g_str_equal (name, "letters") && parse_number (colon + 1, 0, MAX_LETTERS, part);
}

/* ---- patterns ---- */

static gsize
get_longest (const Part *part)
{
  switch (part->kind)
    {
    case PART_LITERAL:
    case PART_CHOICE:
      return part->length;
    case PART_LETTERS:
      return (gsize) part->first;
    case PART_UUID:
      return UUID_LENGTH;
    default:
      return DIGITS;
    }
}

static void
add_part (CliPattern *self, Part part)
{
  self->longest += get_longest (&part);
  g_array_append_val (self->parts, part);
}

static void
add_literal (CliPattern *self, const gchar *text, gsize length)
{
  if (length > 0)
    add_part (self, (Part){ .kind = PART_LITERAL,
                            .literal = g_memdup2 (text, length),
                            .length = length });
}

static void
find_kind (CliPattern *self)
{
  static const CliPatternKind kinds[] = {
    CLI_PATTERN_FIXED, CLI_PATTERN_NUMBER, CLI_PATTERN_NUMBER,
    CLI_PATTERN_TEXT,  CLI_PATTERN_UUID,   CLI_PATTERN_CHOICE
  };

  self->kind = CLI_PATTERN_FIXED;
  for (guint i = 0; i < self->parts->len; i++)
    {
      const CliPatternKind kind = kinds[g_array_index (self->parts, Part, i).kind];

      if (kind != CLI_PATTERN_FIXED)
        self->kind = self->parts->len == 1 ? kind : CLI_PATTERN_TEXT;
    }
}

/* The first "${" from @at on. (nullable) */
static const gchar *
find_sign (const gchar *at, const gchar *end)
{
  for (; end - at >= 2; at++)
    if (at[0] == '$' && at[1] == '{')
      return at;
  return NULL;
}

CliPattern *
cli_pattern_new (const gchar *text, gsize length, gchar **mistake)
{
  g_autoptr (CliPattern) self = g_new0 (CliPattern, 1);
  const gchar *end = text + length, *at = text, *sign;

  self->parts = g_array_new (FALSE, FALSE, sizeof (Part));
  g_array_set_clear_func (self->parts, clear_part);
  while ((sign = find_sign (at, end)) != NULL)
    {
      const gchar *brace = memchr (sign, '}', (gsize) (end - sign));
      g_autofree gchar *word = NULL;
      Part part = { .salt = self->parts->len };

      if (sign > at && sign[-1] == '$') /* "$${" is "${" */
        {
          add_literal (self, at, (gsize) (sign - 1 - at));
          add_literal (self, "${", 2);
          at = sign + 2;
          continue;
        }
      word = g_strndup (sign + 2, (gsize) ((brace != NULL ? brace : end) - sign - 2));
      if (brace == NULL || strlen (word) < (gsize) (brace - sign - 2) || !parse_part (word, &part))
        {
          clear_part (&part);
          *mistake = g_strconcat ("${", word, brace != NULL ? "}" : NULL, NULL);
          return NULL;
        }
      add_literal (self, at, (gsize) (sign - at));
      add_part (self, part);
      at = brace + 1;
    }
  add_literal (self, at, (gsize) (end - at));
  find_kind (self);
  return g_steal_pointer (&self);
}

CliPatternKind
cli_pattern_get_kind (const CliPattern *self)
{
  return self->kind;
}

gsize
cli_pattern_get_longest (const CliPattern *self)
{
  return self->longest;
}

/* ---- what it comes to ---- */

static gint64
part_get_number (const Part *part, guint64 number)
{
  const guint64 range = (guint64) part->last - (guint64) part->first + 1; /* 0: all */
  guint64 value;

  if (part->kind == PART_COUNTER)
    return (gint64) ((guint64) part->first + number);
  value = scatter (scatter (number) ^ part->salt);
  return (gint64) ((guint64) part->first + (range == 0 ? value : value % range));
}

static guint
choose (const Part *part, guint64 number)
{
  return (guint) (scatter (scatter (number) ^ part->salt) % part->n_choices);
}

/* A random one, of version 4. */
static TallyUuid
get_uuid (const Part *part, guint64 number)
{
  const guint64 high = scatter (scatter (number) + part->salt);
  const guint64 low = scatter (high);
  const guint64 halves[2] = {
    GUINT64_TO_BE ((high & ~G_GUINT64_CONSTANT (0xf000)) | 0x4000),
    GUINT64_TO_BE (low >> 2 | G_GUINT64_CONSTANT (0x8000000000000000)),
  };
  TallyUuid uuid;

  memcpy (uuid.bytes, halves, sizeof uuid.bytes);
  return uuid;
}

static gchar *
write_number (gchar *at, gint64 value)
{
  static const gchar pairs[] = "0001020304050607080910111213141516171819202122232425262728293031323"
                               "334353637383940414243444546474849"
                               "5051525354555657585960616263646566676869707172737475767778798081828"
                               "384858687888990919293949596979899";
  guint64 rest = value < 0 ? -(guint64) value : (guint64) value;
  guint64 power = 10;
  guint n = 1;
  gchar *end;

  if (value < 0)
    *at++ = '-';
  for (; n < DIGITS - 1 && rest >= power; power *= 10)
    n++;
  end = at + n;
  for (; n >= 2; n -= 2, rest /= 100)
    memcpy (at + n - 2, pairs + rest % 100 * 2, 2);
  if (n == 1)
    *at = (gchar) ('0' + rest);
  return end;
}

/* No two calls have the same: each stretch begins with letters of its own, and goes on with a piece of the stock. */
static gchar *
write_letters (gchar *at, guint64 seed, gint64 count)
{
  while (count > 0)
    {
      const guint64 fresh[FRESH / 8] = { to_letters (seed), to_letters (scatter (seed)) };
      const gsize n_fresh = (gsize) MIN (count, FRESH);
      const gsize n_others = (gsize) MIN (count, STRETCH) - n_fresh;

      memcpy (at, fresh, n_fresh);
      if (n_others > 0)
        memcpy (at + n_fresh, get_stock () + seed % (STOCK - STRETCH), n_others);
      at += n_fresh + n_others;
      count -= (gint64) (n_fresh + n_others);
      seed = scatter (seed ^ (guint64) count);
    }
  return at;
}

/* Eight digits, in the order of memory; as in to_letters () a byte of the result is one of them. */
static guint64
to_hex (guint32 value)
{
  guint64 digits = value;

  digits = (digits | digits << 16) & G_GUINT64_CONSTANT (0x0000ffff0000ffff);
  digits = (digits | digits << 8) & G_GUINT64_CONSTANT (0x00ff00ff00ff00ff);
  digits = (digits | digits << 4) & G_GUINT64_CONSTANT (0x0f0f0f0f0f0f0f0f);
  digits += G_GUINT64_CONSTANT (0x3030303030303030)
            + ((digits + G_GUINT64_CONSTANT (0x0606060606060606)) >> 4
               & G_GUINT64_CONSTANT (0x0101010101010101))
                  * ('a' - '0' - 10);
  return GUINT64_TO_BE (digits);
}

static gchar *
write_uuid (gchar *at, TallyUuid uuid)
{
  guint32 words[4];
  guint64 digits[4];
  gchar text[32];

  memcpy (words, uuid.bytes, sizeof words);
  for (guint i = 0; i < 4; i++)
    digits[i] = to_hex (GUINT32_FROM_BE (words[i]));
  memcpy (text, digits, sizeof text);
  memcpy (at, text, 8);
  at[8] = at[13] = at[18] = at[23] = '-';
  memcpy (at + 9, text + 8, 4);
  memcpy (at + 14, text + 12, 4);
  memcpy (at + 19, text + 16, 4);
  memcpy (at + 24, text + 20, 12);
  return at + UUID_LENGTH;
}

static gchar *
write_part (gchar *at, const Part *part, guint64 number)
{
  switch (part->kind)
    {
    case PART_LITERAL:
      memcpy (at, part->literal, part->length);
      return at + part->length;
    case PART_LETTERS:
      return write_letters (at, scatter (scatter (number) + part->salt), part->first);
    case PART_UUID:
      return write_uuid (at, get_uuid (part, number));
    case PART_CHOICE:
      return g_stpcpy (at, part->choices[choose (part, number)]);
    default:
      return write_number (at, part_get_number (part, number));
    }
}

gsize
cli_pattern_write (const CliPattern *self, guint64 number, gchar *text)
{
  gchar *at = text;

  for (guint i = 0; i < self->parts->len; i++)
    at = write_part (at, &g_array_index (self->parts, Part, i), number);
  *at = '\0';
  return (gsize) (at - text);
}

gsize
cli_pattern_write_over (const CliPattern *self, guint64 number, gchar *text)
{
  const Part *part = &g_array_index (self->parts, Part, 0);
  const Part *end = part + self->parts->len;
  gchar *at = text;

  if (part->kind == PART_LITERAL)
    at += part++->length;
  for (; part < end; part++)
    at = write_part (at, part, number);
  *at = '\0';
  return (gsize) (at - text);
}

/* The only one. */
static const Part *
get_part (const CliPattern *self)
{
  return &g_array_index (self->parts, Part, 0);
}

gint64
cli_pattern_get_number (const CliPattern *self, guint64 number)
{
  return part_get_number (get_part (self), number);
}

TallyUuid
cli_pattern_get_uuid (const CliPattern *self, guint64 number)
{
  return get_uuid (get_part (self), number);
}

guint
cli_pattern_choose (const CliPattern *self, guint64 number)
{
  return choose (get_part (self), number);
}

const gchar *const *
cli_pattern_get_choices (const CliPattern *self)
{
  return (const gchar *const *) get_part (self)->choices;
}
