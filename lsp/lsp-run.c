/* Owns the descriptors: reads what there is, lets the server answer, writes, and publishes diagnostics when
 * the client is quiet. */
#include "lsp.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Before what was read is answered. */
#define MAX_READS 64

static gboolean
write_all (gint output, GString *bytes)
{
  gsize at = 0;

  while (at < bytes->len)
    {
      gssize written = write (output, bytes->str + at, bytes->len - at);

      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0 && errno == EAGAIN)
        {
          struct pollfd wait = { .fd = output, .events = POLLOUT };

          poll (&wait, 1, -1);
          continue;
        }
      if (written <= 0)
        return FALSE;
      at += (gsize) written;
    }
  g_string_truncate (bytes, 0);
  return TRUE;
}

static gboolean
has_input (gint input)
{
  struct pollfd wait = { .fd = input, .events = POLLIN };

  return poll (&wait, 1, 0) > 0;
}

/* Waits for bytes; FALSE at the end of the input. */
static gboolean
read_some (LspServer *server, gint input)
{
  gchar buffer[64 * 1024];

  for (;;)
    {
      struct pollfd wait = { .fd = input, .events = POLLIN };
      gssize got = read (input, buffer, sizeof buffer);

      if (got > 0)
        lsp_server_feed (server, buffer, (gsize) got);
      if (got >= 0)
        return got > 0;
      if (errno == EAGAIN)
        poll (&wait, 1, -1);
      else if (errno != EINTR)
        return FALSE;
    }
}

int
lsp_run (const LspOptions *options, gint input, gint output)
{
  g_autoptr (LspServer) server = lsp_server_new (options);
  gboolean is_open = TRUE;

  while (is_open && !lsp_server_has_ended (server))
    {
      is_open = read_some (server, input);
      /* What has arrived may cancel what is before it. */
      for (guint i = 0; i < MAX_READS && is_open && has_input (input); i++)
        is_open = read_some (server, input);
      while (lsp_server_step (server))
        if (!write_all (output, lsp_server_get_output (server)))
          return 1;
      if (!is_open || !has_input (input))
        lsp_server_settle (server);
      if (!write_all (output, lsp_server_get_output (server)))
        return 1;
    }
  return lsp_server_get_status (server);
}
