/* Holds that only streams, dialing and the listener make system calls on connected sockets. It knows the
 * names of such calls, and which files make them for what. */
#include "harness.h"
#include "sources.h"

#include <string.h>

/* What acts on a descriptor that may be a socket's, and what gives one away. */
#define CALLS                                                                                      \
  "send|recv|sendto|recvfrom|sendmsg|recvmsg|sendmmsg|recvmmsg|read|write|readv|writev|sendfile|"  \
  "splice|socket|socketpair|connect|bind|listen|accept|accept4|shutdown|close|g_close|dup|dup2|"   \
  "dup3|poll|ppoll|g_poll|select|pselect|getsockopt|setsockopt|getsockname|getpeername|ioctl|"     \
  "fcntl|syscall|g_socket_new\\w*|g_socket_(?!address|connectable)\\w+|tally_send|tally_recv|"     \
  "tally_wait|tally_wait_fd|tally_stream_get_fd|tally_socket_get_fd"

typedef struct
{
  const gchar *file;
  const gchar *calls; /* NULL: any */
  const gchar *why;
} Allowance;

/* This is the list: which files speak to the kernel. */
static const Allowance allowances[] = {
  { "syscall-internal.h", NULL, "the plain stream's" },
  { "stream-internal.h", NULL, "the plain stream's" },
  { "stream-private.h", NULL, "the plain stream's" },
  { "stream-receive.c", NULL, "the plain stream's" },
  { "stream.c", NULL, "the plain stream's" },
  { "dial.c", NULL, "dialing: until a stream is opened" },
  { "tls-base.c",
    "g_socket_new_from_fd|g_socket_connection_get_socket|g_socket_create_source|g_socket_close",
    "for GIO's TLS, to which the descriptor is a socket of GIO's" },
  { "server-listener.c", NULL, "the listener: until a stream is opened" },
  { "server-handshakes.c", "socket|sendto|recv|close",
    "the listener's: what the kernel says of it" },
  { "server-path.c", NULL, "the listener's: its path" },
  { "wait.c", "tally_wait|tally_wait_fd|ppoll|close", "waits for what the above give it" },
  { "wait-private.h", "tally_wait|tally_wait_fd", "declares that" },
  { "tally-socket.c", "tally_socket_get_fd|tally_stream_get_fd", "public: for the program" },
  { "tally-socket.h", "tally_socket_get_fd", "declares that" },
  { "server-loop.c", "tally_stream_get_fd", "for epoll to watch" },
  { "server-loop.c", "close", "its eventfd's and epoll's own" },
  { "server-owner.c", "tally_stream_get_fd", "for epoll to watch" },
  { "server-owner.c", "read|write", "the eventfds'" },
  { "server-systemd.c", "socket|sendto|close|fcntl", "systemd's datagram, and what it passes on" },
  { "tally-server.c", "write|close", "its eventfd's own" },
};

static gboolean
is_among (const gchar *call, const gchar *calls)
{
  g_auto (GStrv) names = calls != NULL ? g_strsplit (calls, "|", -1) : NULL;

  return names == NULL || g_strv_contains ((const gchar *const *) names, call);
}

static gboolean
is_allowed (const gchar *file, const gchar *call)
{
  for (guint i = 0; i < G_N_ELEMENTS (allowances); i++)
    if (strcmp (allowances[i].file, file) == 0 && is_among (call, allowances[i].calls))
      return TRUE;
  return FALSE;
}

/* @text without comments and strings. (transfer full) */
static gchar *
strip (const gchar *text)
{
  g_autoptr (GRegex) regex =
      g_regex_new ("/\\*.*?\\*/|\"(?:\\\\.|[^\"\\\\\\n])*\"", G_REGEX_DOTALL, 0, NULL);

  return g_regex_replace_literal (regex, text, -1, 0, " ", 0, NULL);
}

/* Appends what is wrong with @text, of the file named @file, to @mistakes. */
static void
check_text (const gchar *file, const gchar *text, GPtrArray *mistakes)
{
  g_autoptr (GRegex) regex = g_regex_new ("(?<![\\w.>])(" CALLS ")\\s*\\(", 0, 0, NULL);
  g_autofree gchar *code = strip (text);
  g_autoptr (GMatchInfo) match = NULL;

  g_assert_nonnull (regex);
  g_regex_match (regex, code, 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL))
    {
      g_autofree gchar *call = g_match_info_fetch (match, 1);

      if (!is_allowed (file, call))
        g_ptr_array_add (mistakes, g_strdup_printf ("%s calls %s ()", file, call));
    }
}

static void
check_source (const gchar *path, gpointer data)
{
  g_autofree gchar *file = g_path_get_basename (path);
  g_autofree gchar *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  check_text (file, text, data);
}

static void
only_those_that_may_call_the_kernel_do (void)
{
  g_autoptr (GPtrArray) mistakes = g_ptr_array_new_with_free_func (g_free);

  sources_foreach (PROJECT_SOURCE_ROOT "/pool", check_source, mistakes);
  sources_foreach (PROJECT_SOURCE_ROOT "/runtime", check_source, mistakes);
  for (guint i = 0; i < mistakes->len; i++)
    assert_string (g_ptr_array_index (mistakes, i), NULL);
}

static guint
count_mistakes (const gchar *file, const gchar *text)
{
  g_autoptr (GPtrArray) mistakes = g_ptr_array_new_with_free_func (g_free);

  check_text (file, text, mistakes);
  return mistakes->len;
}

static void
a_call_elsewhere_is_found (void)
{
  assert_int (count_mistakes ("stream.c", "n = recv (fd, bytes, 1, 0);"), 0);
  assert_int (count_mistakes ("call.c", "n = recv (fd, bytes, 1, 0);"), 1);
  assert_int (count_mistakes ("call.c", "if (shutdown(fd, SHUT_WR) != 0 && poll (&fd, 1, 0))"), 2);
  assert_int (count_mistakes ("call.c", "close (tally_socket_get_fd (socket));"), 2);
  assert_int (count_mistakes ("server-owner.c", "write (self->wake_fd, &one, 8);"), 0);
  assert_int (count_mistakes ("server-loop.c", "send (fd, &one, 8, 0);"), 1);
  assert_int (count_mistakes ("call.c", "g_socket_send (socket, bytes, 1, NULL, NULL);"), 1);
  assert_int (count_mistakes ("call.c", "g_socket_address_get_family (address);"), 0);
  assert_int (count_mistakes ("call.c", "/* send () */ x = \"recv (\"; resend (1); a->close (b);"),
              0);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (only_those_that_may_call_the_kernel_do),
    TEST (a_call_elsewhere_is_found),
    { NULL, NULL },
  };

  return test_main ("system-calls", cases, argc, argv);
}
