/* Owns how bytes of a peer are shown, and the guess at what they are. It knows no protocol but by
 * its first bytes. */
#include "peer-text.h"

#include <string.h>

#include "codec-private.h"
#include "protocols-internal.h"

/* ---- text ---- */

static gboolean
is_plain (gunichar character)
{
  if (character == (gunichar) -1 || character == (gunichar) -2 || character == '\\')
    return FALSE;
  return character == ' ' || (g_unichar_isprint (character) && !g_unichar_isspace (character));
}

static void
append_escaped (GString *text, guint8 byte)
{
  static const gchar letters[] = "t\tn\nr\r\\\\";

  for (guint i = 0; i < sizeof letters - 1; i += 2)
    if (byte == (guint8) letters[i + 1])
      {
        g_string_append_c (text, '\\');
        g_string_append_c (text, letters[i]);
        return;
      }
  g_string_append_printf (text, "\\%03o", byte);
}

gchar *
tally_peer_text (gconstpointer bytes, gsize length, gsize longest)
{
  GString *text = g_string_new (NULL);
  const gchar *at = bytes;
  const gchar *end = at + length;

  while (at < end && text->len < longest)
    {
      /* A NUL ends the string that is validated; it is one byte that is not plain. */
      gunichar character = *at != '\0' ? g_utf8_get_char_validated (at, end - at) : 0;
      gsize size = 1;

      if (is_plain (character))
        {
          size = g_utf8_skip[*(const guint8 *) at];
          g_string_append_len (text, at, size);
        }
      else
        append_escaped (text, *(const guint8 *) at);
      at += size;
    }
  if (at < end)
    g_string_append_printf (text, "... (%" G_GSIZE_FORMAT " bytes more)", (gsize) (end - at));
  return g_string_free (text, FALSE);
}

/* ---- guesses ---- */

/* (nullable): what a message of one of the protocols is called, if @bytes begin one. */
static const gchar *
guess_message (const guint8 *bytes, gsize length, const gchar *kind)
{
  guint n_codecs;
  const TallyCodec *const *codecs = tally_codec_get_all (&n_codecs);

  for (guint i = 0; i < n_codecs; i++)
    if (codecs[i]->begins_message != NULL && codecs[i]->begins_message (bytes, length))
      {
        g_autofree gchar *text =
            g_strdup_printf ("%s message of the %s protocol", kind, tally_protocol_get_name (i));

        return g_intern_string (text); /* of few: two for each protocol */
      }
  return NULL;
}

static gboolean
is_theader (const guint8 *bytes)
{
  return bytes[0] == 0x0f && bytes[1] == 0xff;
}

static gboolean
is_json_message (const guint8 *bytes)
{
  return memcmp (bytes, "[1,\"", 4) == 0;
}

/* A name's length, and what may begin the name. */
static gboolean
is_unversioned (const guint8 *bytes, gsize length)
{
  return length >= 5 && bytes[0] == 0 && bytes[1] == 0 && bytes[2] == 0 && bytes[3] > 0
         && g_ascii_isgraph ((gchar) bytes[4]);
}

/* A guess for bytes that begin with a length. */
static const gchar *
guess_behind_length (const guint8 *bytes, gsize length)
{
  const gchar *message = guess_message (bytes + 4, length - 4, "a framed");

  if (length >= 6 && is_theader (bytes + 4))
    return "Thrift's header transport (THeader)";
  if (message != NULL)
    return message;
  if (length >= 8 && is_json_message (bytes + 4))
    return "a framed message of Thrift's JSON protocol";
  if (is_unversioned (bytes, length))
    return "a binary message without a version, which strict=no takes";
  if (length >= 4 && is_unversioned (bytes + 4, length - 4))
    return "a framed binary message without a version, which strict=no takes";
  return NULL;
}

const gchar *
tally_peer_guess (gconstpointer data, gsize length)
{
  static const gchar http[][5] = { "HTTP", "GET ", "POST", "PUT ", "HEAD",
                                   "PRI ", "OPTI", "DELE", "CONN", "PATC" };
  const guint8 *bytes = data;
  const gchar *message;

  if (length < 4)
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (http); i++)
    if (memcmp (bytes, http[i], 4) == 0)
      return "HTTP";
  if (is_json_message (bytes))
    return "Thrift's JSON protocol";
  if (bytes[0] == '{')
    return "JSON";
  if ((bytes[0] == 0x15 || bytes[0] == 0x16) && bytes[1] == 3) /* an alert, a handshake */
    return "TLS";
  if (is_theader (bytes))
    return "Thrift's header transport (THeader)";
  message = guess_message (bytes, length, "an unframed");
  if (message != NULL)
    return message;
  return bytes[0] == 0 ? guess_behind_length (bytes, length) : NULL;
}

void
tally_peer_add_guess (GError **error, gconstpointer bytes, gsize length)
{
  const gchar *guess = tally_peer_guess (bytes, length);
  gchar *message;

  if (error == NULL || *error == NULL || guess == NULL)
    return;
  message = g_strdup_printf ("%s; its first bytes look like %s", (*error)->message, guess);
  g_free ((*error)->message);
  (*error)->message = message;
}
