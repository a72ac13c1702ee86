/* Dialing: addresses tried in turn, deadlines, cancellation, and what the errors say. */
#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"
#include "tally-error.h"
#include "tally-socket.h"

#define SOON (g_get_monotonic_time () + 120 * G_TIME_SPAN_SECOND)

/* ---- a resolver whose answers the test chooses ---- */

typedef struct
{
  GResolver parent;
  GStrv answers; /* addresses as text; NULL = never answers */
  guint lookups;
} FakeResolver;

typedef struct
{
  GResolverClass parent_class;
} FakeResolverClass;

static GType fake_resolver_get_type (void);
G_DEFINE_TYPE (FakeResolver, fake_resolver, G_TYPE_RESOLVER)

static gboolean
on_lookup_cancelled (GCancellable *cancellable, gpointer task)
{
  g_task_return_error_if_cancelled (task);
  return G_SOURCE_REMOVE;
}

static void
fake_lookup_async (GResolver *resolver,
                   const gchar *name,
                   GResolverNameLookupFlags flags,
                   GCancellable *cancellable,
                   GAsyncReadyCallback callback,
                   gpointer user_data)
{
  FakeResolver *self = (FakeResolver *) resolver;
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GList *list = NULL;
  guint i;

  self->lookups++;
  if (self->answers == NULL)
    {
      g_autoptr (GSource) source = g_cancellable_source_new (cancellable);

      g_task_attach_source (task, source, G_SOURCE_FUNC (on_lookup_cancelled));
      return;
    }
  for (i = 0; self->answers[i] != NULL; i++)
    {
      gboolean v6 = strchr (self->answers[i], ':') != NULL;

      if ((flags == G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY && v6)
          || (flags == G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY && !v6))
        continue;
      list = g_list_append (list, g_inet_address_new_from_string (self->answers[i]));
    }
  if (list != NULL)
    g_task_return_pointer (task, list, (GDestroyNotify) g_resolver_free_addresses);
  else
    g_task_return_new_error (task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "no such name: %s",
                             name);
}

static GList *
fake_lookup_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
fake_resolver_finalize (GObject *object)
{
  g_strfreev (((FakeResolver *) object)->answers);
  G_OBJECT_CLASS (fake_resolver_parent_class)->finalize (object);
}

static void
fake_resolver_class_init (FakeResolverClass *class)
{
  G_OBJECT_CLASS (class)->finalize = fake_resolver_finalize;
  G_RESOLVER_CLASS (class)->lookup_by_name_with_flags_async = fake_lookup_async;
  G_RESOLVER_CLASS (class)->lookup_by_name_with_flags_finish = fake_lookup_finish;
}

static void
fake_resolver_init (FakeResolver *self)
{
}

/* Until the returned object is dropped with unset_resolver (), names lead to @answers, "a b c". */
static FakeResolver *
set_resolver (const gchar *answers)
{
  FakeResolver *resolver = g_object_new (fake_resolver_get_type (), NULL);

  if (answers != NULL)
    resolver->answers = g_strsplit (answers, " ", -1);
  g_resolver_set_default (G_RESOLVER (resolver));
  return resolver;
}

static void
unset_resolver (FakeResolver *resolver)
{
  g_autoptr (GResolver) plain = g_object_new (fake_resolver_get_type (), NULL);

  g_resolver_set_default (plain);
  g_object_unref (resolver);
}

/* ---- helpers ---- */

static void
wait_for_end (gint fd, guint index, gpointer user_data)
{
  guint8 byte;

  test_read_exact (fd, &byte, 1);
}

static TallySocket *
dial (const gchar *uri, gint64 deadline, GCancellable *cancellable, GError **error)
{
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, error);

  return endpoint != NULL ? tally_socket_dial (endpoint, deadline, cancellable, error) : NULL;
}

/* A listener that never answers: its queue is full, and the kernel drops further SYNs. */
typedef struct
{
  gint listener;
  gint queued[3];
  guint16 port;
} Blackhole;

static void
blackhole_init (Blackhole *self)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  guint i;

  self->listener = test_listen (&self->port, 0);
  address.sin_port = htons (self->port);
  for (i = 0; i < G_N_ELEMENTS (self->queued); i++)
    {
      self->queued[i] = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (connect (self->queued[i], (struct sockaddr *) &address, sizeof address) != 0
          && errno != EINPROGRESS)
        g_error ("connect: %s", g_strerror (errno));
    }
}

static void
blackhole_clear (Blackhole *self)
{
  guint i;

  close (self->listener);
  for (i = 0; i < G_N_ELEMENTS (self->queued); i++)
    close (self->queued[i]);
}

static gpointer
cancel_when_asleep (gpointer cancellable)
{
  while (!test_thread_awaits_socket (getpid ()))
    g_thread_yield ();
  g_cancellable_cancel (cancellable);
  return NULL;
}

/* A cancellation that still goes on when the dial has been left. */
typedef struct
{
  GCancellable *cancellable;
  gboolean left; /* atomic */
} SlowCancellation;

static void
linger (GCancellable *cancellable, gpointer left)
{
  while (!__atomic_load_n ((gboolean *) left, __ATOMIC_ACQUIRE))
    g_thread_yield ();
}

static gpointer
cancel_slowly_when_asleep (gpointer data)
{
  SlowCancellation *self = data;

  while (!test_thread_awaits_socket (getpid ()))
    g_thread_yield ();
  g_cancellable_connect (self->cancellable, G_CALLBACK (linger), &self->left, NULL);
  g_cancellable_cancel (self->cancellable);
  return NULL;
}

/* ---- tests ---- */

static void
a_numeric_address_is_dialed (void)
{
  g_autoptr (TestPeer) peer = test_peer_start (wait_for_end, NULL);
  g_autofree gchar *uri = test_peer_dup_uri (peer, "");
  g_autoptr (GError) error = NULL;
  g_autoptr (TallySocket) socket = dial (uri, SOON, NULL, &error);
  int on = 0;
  socklen_t size = sizeof on;

  assert_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (socket);
  CU_ASSERT_TRUE (tally_socket_is_clean (socket));
  getsockopt (tally_socket_get_fd (socket), IPPROTO_TCP, TCP_NODELAY, &on, &size);
  CU_ASSERT_TRUE (on != 0);
}

static void
a_unix_socket_is_dialed (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("tally-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (dir, "s", NULL);
  g_autofree gchar *uri = g_strconcat ("unix://", path, NULL);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gint listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_autoptr (GError) error = NULL;
  g_autoptr (TallySocket) socket = NULL;

  socket = dial (uri, SOON, NULL, &error);
  CU_ASSERT_PTR_NULL (socket);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, g_strerror (ENOENT));
  g_clear_error (&error);
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  CU_ASSERT_EQUAL (bind (listener, (struct sockaddr *) &address, sizeof address), 0);
  CU_ASSERT_EQUAL (listen (listener, 1), 0);
  socket = dial (uri, SOON, NULL, &error);
  assert_no_error (error);
  CU_ASSERT_PTR_NOT_NULL (socket);
  close (listener);
  g_unlink (path);
  g_rmdir (dir);
}

/* The kernel picks a name that is free: an autobind, unix(7). */
static void
an_abstract_name_is_dialed (void)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  socklen_t size = sizeof address;
  gint listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_autofree gchar *name = NULL;
  g_autofree gchar *uri = NULL;
  g_autofree gchar *shown = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TallySocket) socket = NULL;

  CU_ASSERT_EQUAL (bind (listener, (struct sockaddr *) &address, sizeof (sa_family_t)), 0);
  CU_ASSERT_EQUAL (listen (listener, 1), 0);
  getsockname (listener, (struct sockaddr *) &address, &size);
  name =
      g_strndup (address.sun_path + 1, size - G_STRUCT_OFFSET (struct sockaddr_un, sun_path) - 1);
  uri = g_strconcat ("unix:@", name, NULL);
  socket = dial (uri, SOON, NULL, &error);
  assert_no_error (error);
  CU_ASSERT_PTR_NOT_NULL (socket);
  close (listener);
  g_clear_object (&socket);
  socket = dial (uri, SOON, NULL, &error);
  CU_ASSERT_PTR_NULL (socket);
  shown = g_strdup_printf ("%s: @%s: %s", uri, name, g_strerror (ECONNREFUSED));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, shown);
}

static void
a_refusal_names_endpoint_and_address (void)
{
  guint16 port;
  gint refusing = test_reserve_port (&port);
  g_autofree gchar *uri = g_strdup_printf ("tcp://127.0.0.1:%u?protocol=compact", port);
  g_autoptr (GError) error = NULL;
  g_autoptr (TallySocket) socket = dial (uri, SOON, NULL, &error);

  CU_ASSERT_PTR_NULL (socket);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, uri);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, g_strerror (ECONNREFUSED));
  close (refusing);
}

static void
a_name_leads_to_the_address_that_answers (void)
{
  FakeResolver *resolver = set_resolver ("127.0.0.2 127.0.0.1");
  g_autoptr (TestPeer) peer = test_peer_start (wait_for_end, NULL);
  g_autofree gchar *uri = g_strdup_printf ("tcp://service.test:%u", test_peer_get_port (peer));
  g_autoptr (GError) error = NULL;
  g_autoptr (TallySocket) socket = dial (uri, SOON, NULL, &error);

  assert_no_error (error);
  CU_ASSERT_PTR_NOT_NULL (socket);
  unset_resolver (resolver);
}

static void
localhost_needs_no_server_for_names (void)
{
  FakeResolver *resolver = set_resolver (NULL);
  g_autoptr (TestPeer) peer = test_peer_start (wait_for_end, NULL);
  g_autofree gchar *uri = g_strdup_printf ("tcp://localhost:%u", test_peer_get_port (peer));
  g_autoptr (GError) error = NULL;
  g_autoptr (TallySocket) socket = dial (uri, SOON, NULL, &error);

  assert_no_error (error);
  CU_ASSERT_PTR_NOT_NULL (socket);
  assert_int (resolver->lookups, 0);
  unset_resolver (resolver);
}

static void
every_dial_resolves_anew (void)
{
  FakeResolver *resolver = set_resolver ("127.0.0.2");
  g_autoptr (TestPeer) peer = test_peer_start (wait_for_end, NULL);
  g_autofree gchar *uri = g_strdup_printf ("tcp://service.test:%u", test_peer_get_port (peer));
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TallySocket) socket = tally_socket_dial (endpoint, SOON, NULL, &error);

  CU_ASSERT_PTR_NULL (socket);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "127.0.0.2");
  g_clear_error (&error);
  g_strfreev (resolver->answers);
  resolver->answers = g_strsplit ("127.0.0.1", " ", -1); /* the service has moved */
  socket = tally_socket_dial (endpoint, SOON, NULL, &error);
  assert_no_error (error);
  CU_ASSERT_PTR_NOT_NULL (socket);
  unset_resolver (resolver);
}

static void
every_address_that_failed_is_named (void)
{
  FakeResolver *resolver = set_resolver ("127.0.0.2 ::1 127.0.0.3");
  guint16 port;
  gint refusing = test_reserve_port (&port);
  g_autofree gchar *uri = g_strdup_printf ("tcp://service.test:%u", port);
  g_autoptr (GError) error = NULL;
  g_autoptr (TallySocket) socket = dial (uri, SOON, NULL, &error);

  CU_ASSERT_PTR_NULL (socket);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, uri);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "127.0.0.2");
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "127.0.0.3");
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "[::1]");
  close (refusing);
  unset_resolver (resolver);
}

static void
an_unknown_name_is_an_error (void)
{
  FakeResolver *resolver = set_resolver ("");
  g_autoptr (GError) error = NULL;
  g_autoptr (TallySocket) socket = NULL;

  g_strfreev (resolver->answers);
  resolver->answers = g_new0 (gchar *, 1);
  socket = dial ("tcp://nowhere.test:1", SOON, NULL, &error);
  CU_ASSERT_PTR_NULL (socket);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "no such name: nowhere.test");
  unset_resolver (resolver);
}

static void
a_silent_resolver_is_left_in_time (void)
{
  FakeResolver *resolver = set_resolver (NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  SlowCancellation cancellation = { cancellable, FALSE };
  g_autoptr (GError) error = NULL;
  g_autoptr (TallySocket) socket =
      dial ("tcp://service.test:1", g_get_monotonic_time () + 5000, NULL, &error);
  GThread *thread;

  CU_ASSERT_PTR_NULL (socket);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "resolving tcp://service.test:1");
  g_clear_error (&error);
  thread = g_thread_new ("cancel", cancel_slowly_when_asleep, &cancellation);
  socket = dial ("tcp://service.test:1", SOON, cancellable, &error);
  __atomic_store_n (&cancellation.left, TRUE, __ATOMIC_RELEASE);
  CU_ASSERT_PTR_NULL (socket);
  assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "resolving");
  g_thread_join (thread);
  unset_resolver (resolver);
}

static void
a_silent_peer_is_left_in_time (void)
{
  Blackhole hole;
  g_autofree gchar *uri = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (TallySocket) socket = NULL;
  GThread *thread;

  blackhole_init (&hole);
  uri = g_strdup_printf ("tcp://127.0.0.1:%u", hole.port);
  socket = dial (uri, g_get_monotonic_time () + 5000, NULL, &error);
  CU_ASSERT_PTR_NULL (socket);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "no answer yet");
  g_clear_error (&error);
  thread = g_thread_new ("cancel", cancel_when_asleep, cancellable);
  socket = dial (uri, SOON, cancellable, &error);
  CU_ASSERT_PTR_NULL (socket);
  assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "connecting to");
  g_thread_join (thread);
  blackhole_clear (&hole);
}

static void
a_silent_address_does_not_hold_up_the_next (void)
{
  FakeResolver *resolver = set_resolver ("127.0.0.1 127.0.0.2");
  struct sockaddr_in second = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl (INADDR_LOOPBACK + 1) };
  Blackhole hole;
  gint listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_autofree gchar *uri = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TallySocket) socket = NULL;

  blackhole_init (&hole);
  second.sin_port = htons (hole.port);
  CU_ASSERT_EQUAL_FATAL (bind (listener, (struct sockaddr *) &second, sizeof second), 0);
  CU_ASSERT_EQUAL_FATAL (listen (listener, 1), 0);
  uri = g_strdup_printf ("tcp://service.test:%u", hole.port);
  /* Well before an address that is tried alone would be given up. */
  socket = dial (uri, SOON, NULL, &error);
  assert_no_error (error);
  CU_ASSERT_PTR_NOT_NULL (socket);
  close (listener);
  blackhole_clear (&hole);
  unset_resolver (resolver);
}

/* A free port of those that connect () gives to its own side; bind () takes from the others. */
static guint16
unused_port_of_callers (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };

  for (;;)
    {
      gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      guint16 port;
      gint result;

      close (test_listen (&port, 1));
      port ^= 1;
      address.sin_port = htons (port);
      result = bind (fd, (struct sockaddr *) &address, sizeof address);
      close (fd);
      if (result == 0)
        return port;
    }
}

/* The kernel walks through the ephemeral ports for one destination, so that dialing a free one of
 * them often enough would meet itself. */
static void
no_connection_to_oneself (void)
{
  g_autofree gchar *uri = g_strdup_printf ("tcp://127.0.0.1:%u", unused_port_of_callers ());
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);
  guint i;

  for (i = 0; i < 30000; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TallySocket) socket = tally_socket_dial (endpoint, SOON, NULL, &error);

      if (socket != NULL || !g_error_matches (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED))
        {
          CU_FAIL ("connected to itself");
          return;
        }
    }
}

static void
no_descriptor_left_is_a_clear_error (void)
{
  guint16 port;
  gint listener = test_listen (&port, 1);
  g_autofree gchar *uri = g_strdup_printf ("tcp://127.0.0.1:%u", port);
  struct rlimit limit;
  struct rlimit none;
  g_autoptr (GError) error = NULL;
  g_autoptr (TallySocket) socket = NULL;

  getrlimit (RLIMIT_NOFILE, &limit);
  none = limit;
  none.rlim_cur = 0;
  setrlimit (RLIMIT_NOFILE, &none);
  socket = dial (uri, SOON, NULL, &error);
  setrlimit (RLIMIT_NOFILE, &limit);
  CU_ASSERT_PTR_NULL (socket);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, g_strerror (EMFILE));
  close (listener);
}

static void
a_cancelled_caller_dials_nothing (void)
{
  g_autoptr (TestPeer) peer = test_peer_start (wait_for_end, NULL);
  g_autofree gchar *uri = test_peer_dup_uri (peer, "");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (TallySocket) socket = NULL;

  g_cancellable_cancel (cancellable);
  socket = dial (uri, SOON, cancellable, &error);
  CU_ASSERT_PTR_NULL (socket);
  assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled while connecting");
  assert_int (test_peer_get_accepted (peer), 0);
}

/* tests/runtime/test-tls.c has the rest. */
static void
tls_is_dialed_where_it_is_there (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TallySocket) socket = dial ("tls://127.0.0.1:1", SOON, NULL, &error);
  gboolean has_tls = g_tls_backend_supports_tls (g_tls_backend_get_default ());

  CU_ASSERT_PTR_NULL (socket);
  assert_error (error, TALLY_ERROR,
                has_tls ? TALLY_ERROR_CONNECT_FAILED : TALLY_ERROR_NOT_SUPPORTED,
                "tls://127.0.0.1:1");
}

/* GLib keeps a worker thread with descriptors of its own from the first timeout on; they are no
 * leak. */
static void
make_glib_open_its_own (void)
{
  FakeResolver *resolver = set_resolver (NULL);
  g_autoptr (TallySocket) socket =
      dial ("tcp://service.test:1", g_get_monotonic_time (), NULL, NULL);

  unset_resolver (resolver);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_numeric_address_is_dialed),
    TEST (a_unix_socket_is_dialed),
    TEST (an_abstract_name_is_dialed),
    TEST (a_refusal_names_endpoint_and_address),
    TEST (a_name_leads_to_the_address_that_answers),
    TEST (localhost_needs_no_server_for_names),
    TEST (every_dial_resolves_anew),
    TEST (every_address_that_failed_is_named),
    TEST (an_unknown_name_is_an_error),
    TEST (a_silent_resolver_is_left_in_time),
    TEST (a_silent_peer_is_left_in_time),
    TEST (a_silent_address_does_not_hold_up_the_next),
    TEST (no_connection_to_oneself),
    TEST (no_descriptor_left_is_a_clear_error),
    TEST (a_cancelled_caller_dials_nothing),
    TEST (tls_is_dialed_where_it_is_there),
    { NULL },
  };

  make_glib_open_its_own ();
  return test_main ("dial", cases, argc, argv);
}
