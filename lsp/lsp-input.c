/* Owns how messages are framed: `Content-Length: N`, an empty line, N bytes. A client whose lengths are
 * wrong is met again at its next header, so one mistake does not end the session. */
#include "lsp-input.h"

#include "source.h"

#include <string.h>

/* A document in JSON, where each byte may have become an escape of two. */
#define MAX_CONTENT (2 * (gsize) IDL_SOURCE_MAX_SIZE)
/* A header that is longer than this is none. */
#define MAX_HEADER (16 * 1024)

static const gchar length_name[] = "content-length:";

void
lsp_input_init (LspInput *input)
{
  *input = (LspInput){ .bytes = g_string_new (NULL) };
}

void
lsp_input_clear (LspInput *input)
{
  g_string_free (input->bytes, TRUE);
}

void
lsp_input_feed (LspInput *input, const gchar *bytes, gsize length)
{
  if (input->at > 0)
    {
      g_string_erase (input->bytes, 0, (gssize) input->at);
      input->at = 0;
    }
  g_string_append_len (input->bytes, bytes, (gssize) length);
}

/* The length of the header with the empty line that ends it; 0: it does not end yet. */
static gsize
find_header_end (const gchar *text, gsize length)
{
  const gchar *at = text;
  const gchar *end = text + length;

  while ((at = memchr (at, '\n', (gsize) (end - at))) != NULL)
    {
      at++;
      if (at < end && *at == '\n')
        return (gsize) (at + 1 - text);
      if (at + 1 < end && at[0] == '\r' && at[1] == '\n')
        return (gsize) (at + 2 - text);
    }
  return 0;
}

static gboolean
parse_number (const gchar *at, const gchar *end, gsize *number)
{
  *number = 0;
  while (at < end && (*at == ' ' || *at == '\t'))
    at++;
  if (at == end || !g_ascii_isdigit (*at))
    return FALSE;
  for (; at < end && g_ascii_isdigit (*at) && *number <= MAX_CONTENT; at++)
    *number = *number * 10 + (gsize) (*at - '0');
  return *number <= MAX_CONTENT && (at == end || *at == '\r' || *at == '\n' || *at == ' ');
}

/* The last length in the header counts, wherever it stands: the rest of a message that was longer than it
 * said may be before it. */
static gboolean
parse_header (const gchar *text, gsize header, gsize *content)
{
  gsize name = sizeof length_name - 1;

  for (gsize i = header; i >= name; i--)
    if (g_ascii_strncasecmp (text + i - name, length_name, name) == 0)
      return parse_number (text + i, text + header, content);
  return FALSE;
}

gchar *
lsp_input_take (LspInput *input, gsize *length)
{
  for (;;)
    {
      const gchar *text = input->bytes->str + input->at;
      gsize left = input->bytes->len - input->at;
      gsize header = find_header_end (text, MIN (left, MAX_HEADER));

      if (header == 0)
        {
          if (left < MAX_HEADER)
            return NULL;
          /* A header may begin in its last bytes. */
          input->at += MAX_HEADER - sizeof length_name - 32;
          continue;
        }
      if (!parse_header (text, header, length))
        {
          input->at += header;
          continue;
        }
      if (left - header < *length)
        return NULL;
      input->at += header + *length;
      return g_strndup (text + header, *length);
    }
}
