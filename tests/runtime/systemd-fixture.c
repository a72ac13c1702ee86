#include "systemd-fixture.h"

#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness.h"

static socklen_t
fill_address (const Manager *self, struct sockaddr_un *address)
{
  gsize length = strlen (self->address);

  *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
  memcpy (address->sun_path, self->address, length);
  address->sun_path[0] = '\0';
  return offsetof (struct sockaddr_un, sun_path) + length;
}

void
manager_open (Manager *self)
{
  static gint count;
  struct sockaddr_un address;
  socklen_t length;

  self->address = g_strdup_printf ("@tally-systemd-%d-%d", (gint) getpid (), count++);
  length = fill_address (self, &address);
  self->fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  CU_ASSERT_FATAL (bind (self->fd, (struct sockaddr *) &address, length) == 0);
}

/* A socket that has sent much may be full itself: then the next one goes on, until one cannot even begin. */
void
manager_fill (const Manager *self)
{
  static const gchar report[] = "WATCHDOG=1\n";
  struct sockaddr_un address;
  socklen_t length = fill_address (self, &address);
  guint n_sent;

  do
    {
      gint fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

      for (n_sent = 0;
           sendto (fd, report, strlen (report), 0, (struct sockaddr *) &address, length) > 0;
           n_sent++)
        continue;
      close (fd);
    }
  while (n_sent > 0);
}

void
manager_close (Manager *self)
{
  close (self->fd);
  g_free (self->address);
}

gchar *
manager_read (const Manager *self, gint milliseconds)
{
  struct pollfd readable = { .fd = self->fd, .events = POLLIN };
  gchar text[1024];
  gssize length;

  if (poll (&readable, 1, milliseconds) != 1)
    return NULL;
  length = recv (self->fd, text, sizeof text, 0);
  return length > 0 ? g_strndup (text, (gsize) length) : NULL;
}

gchar *
manager_expect (const Manager *self, const gchar *begin)
{
  gchar *text;

  while ((text = manager_read (self, MANAGER_PATIENCE_MS)) != NULL
         && g_str_has_prefix (text, "WATCHDOG=1"))
    g_free (text);
  CU_ASSERT_PTR_NOT_NULL_FATAL (text);
  if (!g_str_has_prefix (text, begin))
    assert_string (text, begin);
  return text;
}

void
manager_check (const Manager *self, const gchar *begin)
{
  g_free (manager_expect (self, begin));
}

gchar *
manager_expect_ready (const Manager *self)
{
  static const gchar status[] = "STATUS=Serving ";
  g_autofree gchar *report = manager_expect (self, "READY=1\n");
  const gchar *uri = strstr (report, status);

  CU_ASSERT_PTR_NOT_NULL_FATAL (uri);
  uri += strlen (status);
  return g_strndup (uri, strcspn (uri, "\n"));
}
