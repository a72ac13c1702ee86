/* Owns the tests of channels whose endpoints DNS finds, with a GResolver of the test's. */
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fleet-fixture.h"
#include "tls-relay.h"

#define N_CALLS 60

/* ---- what DNS says ---- */

typedef struct
{
  GResolver parent_instance;
  gint n_lookups;                /* atomic */
  gint is_broken;                /* atomic */
  gint is_blocked;               /* atomic: a lookup waits until it is cancelled, */
  gint n_free;                   /* but for the first ones, */
  gint gate;                     /* or until this can be read */
  const gchar *const *addresses; /* atomic */
  const GSrvTarget *const *targets;
} FakeResolver;
typedef GResolverClass FakeResolverClass;

static GType fake_resolver_get_type (void);

G_DEFINE_TYPE (FakeResolver, fake_resolver, G_TYPE_RESOLVER)

static gboolean
begin_lookup (FakeResolver *self, GCancellable *cancellable, GError **error)
{
  gint n_before = g_atomic_int_add (&self->n_lookups, 1);

  if (n_before >= self->n_free && g_atomic_int_get (&self->is_blocked))
    {
      GPollFD polled[] = { { .fd = self->gate, .events = G_IO_IN }, { .events = G_IO_IN } };

      g_cancellable_make_pollfd (cancellable, &polled[1]);
      g_poll (polled, G_N_ELEMENTS (polled), -1);
      g_cancellable_release_fd (cancellable);
    }
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (g_atomic_int_get (&self->is_broken))
    g_set_error_literal (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_TEMPORARY_FAILURE, "no answer");
  return !g_atomic_int_get (&self->is_broken);
}

static GList *
look_up_name (GResolver *resolver, const gchar *name, GCancellable *cancellable, GError **error)
{
  FakeResolver *self = (FakeResolver *) resolver;
  const gchar *const *addresses = g_atomic_pointer_get (&self->addresses);
  GList *found = NULL;

  if (!begin_lookup (self, cancellable, error))
    return NULL;
  assert_string (name, "fleet.test");
  for (guint i = 0; addresses[i] != NULL; i++)
    found = g_list_append (found, g_inet_address_new_from_string (addresses[i]));
  return found;
}

static GList *
look_up_service (GResolver *resolver, const gchar *name, GCancellable *cancellable, GError **error)
{
  FakeResolver *self = (FakeResolver *) resolver;
  GList *found = NULL;

  if (!begin_lookup (self, cancellable, error))
    return NULL;
  assert_string (name, "_thrift._tcp.fleet.test");
  for (guint i = 0; self->targets[i] != NULL; i++)
    found = g_list_append (found, g_srv_target_copy ((GSrvTarget *) self->targets[i]));
  return found;
}

static void
fake_resolver_class_init (FakeResolverClass *class)
{
  class->lookup_by_name = look_up_name;
  class->lookup_service = look_up_service;
}

static void
fake_resolver_init (FakeResolver *self)
{
}

static FakeResolver *fake; /* the default resolver of this process */

/* Or shuts it. */
static void
open_gate (gboolean is_open)
{
  eventfd_t count;

  if (is_open)
    eventfd_write (fake->gate, 1);
  else
    eventfd_read (fake->gate, &count);
}

static gchar *
dup_port (const Running *running)
{
  const gchar *port = strrchr (running->uri, ':') + 1;

  return g_strndup (port, strcspn (port, "?"));
}

/* ---- tests ---- */

/* Without TLS: its certificate is for one address. */
static void
start_dns (Fleet *fleet, const gchar *format, const gchar *port)
{
  g_autofree gchar *uri = g_strdup_printf (format, port);

  *fleet = (Fleet){ .pool = tally_pool_new (),
                    .list = g_string_new (NULL),
                    .scheme = g_strdup (""),
                    .files = g_strdup ("") };
  fake->n_lookups = fake->is_broken = fake->is_blocked = fake->n_free = 0;
  open_gate (FALSE);
  fleet->channel = tally_channel_new_with_pool (uri, fleet->pool, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (fleet->channel);
}

static gboolean
has_no_tls (void)
{
  if (tls_relay_is_on ())
    test_skip ("its certificate is for one address");
  return !tls_relay_is_on ();
}

static void
all_addresses_of_a_host (void)
{
  static const gchar *const both[] = { "127.0.0.1", "127.0.0.2", NULL };
  static const gchar *const other[] = { "127.0.0.3", NULL };

  for (guint i = 0; has_no_tls () && i < G_N_ELEMENTS (fleet_echoes); i++)
    {
      Running *running = running_start (&framed_binary, "tcp://0.0.0.0:0", NULL);
      g_autofree gchar *port = dup_port (running);
      g_autofree gchar *dump = NULL;
      Fleet fleet;

      g_atomic_pointer_set (&fake->addresses, both);
      start_dns (&fleet, "dns:///fleet.test:%s?picker=round-robin", port);
      fleet_check_echoes (&fleet, fleet_echoes[i], N_CALLS);
      assert_int (test_handler_n_calls (running->handler), N_CALLS);
      dump = tally_pool_dump (fleet.pool);
      CU_ASSERT_PTR_NOT_NULL (strstr (dump, "127.0.0.2"));
      CU_ASSERT_PTR_NOT_NULL (strstr (dump, "round-robin among 2 of 2 endpoints"));
      g_atomic_pointer_set (&fake->addresses, other);
      fleet_stop (&fleet);
      running_stop (running);
    }
}

/* Where nobody listens any more another lookup tells where the service is now. */
static void
a_failure_makes_it_look_again (void)
{
  static const gchar *const here[] = { "127.0.0.1", NULL };
  static const gchar *const nowhere[] = { "127.0.0.2", NULL };
  Running *running;
  g_autofree gchar *port = NULL;
  GError *error = NULL;
  Fleet fleet;

  if (!has_no_tls ())
    return;
  running = running_start (&framed_binary, "tcp://127.0.0.1:0", NULL);
  port = dup_port (running);
  g_atomic_pointer_set (&fake->addresses, nowhere);
  start_dns (&fleet, "dns:///fleet.test:%s", port);
  CU_ASSERT_FALSE (fleet_echo (&fleet, NULL, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "tcp://127.0.0.2:");
  g_clear_error (&error);
  g_atomic_pointer_set (&fake->addresses, here);
  while (!fleet_echo (&fleet, NULL, NULL))
    g_thread_yield ();
  CU_ASSERT (g_atomic_int_get (&fake->n_lookups) >= 2);
  fleet_stop (&fleet);
  running_stop (running);
}

static void
a_lookup_that_fails_is_told (void)
{
  static const gchar *const here[] = { "127.0.0.1", NULL };

  for (guint i = 0; has_no_tls () && i < G_N_ELEMENTS (fleet_echoes); i++)
    {
      g_autoptr (GError) error = NULL;
      Fleet fleet;

      g_atomic_pointer_set (&fake->addresses, here);
      start_dns (&fleet, "dns:///fleet.test:%s", "9");
      fake->is_broken = TRUE;
      CU_ASSERT_FALSE (fleet_echoes[i](&fleet, NULL, &error));
      assert_error (
          error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED,
          "echo at dns:///fleet.test:9: failed while looking up its endpoints: no answer");
      g_clear_error (&error);
      CU_ASSERT_FALSE (fleet_echoes[i](&fleet, NULL, &error));
      fleet_stop (&fleet);
    }
}

/* Targets of the first priority get the calls, by their weights, which may be greater than ours. */
static void
targets_of_a_service (void)
{
  GSrvTarget *targets[4] = { NULL };
  guint16 ports[FLEET_SERVERS];
  Fleet fleet, servers;

  if (!has_no_tls ())
    return;
  fleet_start (&servers, NULL, NULL);
  for (guint i = 0; i < FLEET_SERVERS; i++)
    ports[i] = (guint16) atoi (strchr (servers.addresses[i], ':') + 1);
  targets[0] = g_srv_target_new ("127.0.0.1", ports[0], 5, 30000);
  targets[1] = g_srv_target_new ("127.0.0.1", ports[1], 5, 15000);
  targets[2] = g_srv_target_new ("127.0.0.1", ports[2], 9, 0);
  fake->targets = (const GSrvTarget *const *) targets;
  start_dns (&fleet, "srv://_thrift._tcp.fleet.test?picker=round-robin%s", "");
  fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
  assert_int (fleet_count (&servers, 0), N_CALLS * 2 / 3);
  assert_int (fleet_count (&servers, 1), N_CALLS / 3);
  fleet_stop_server (&servers, 0);
  fleet_stop_server (&servers, 1);
  fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
  assert_int (fleet_count (&servers, 2), N_CALLS);
  fleet_stop (&fleet);
  fleet_stop (&servers);
  for (guint i = 0; i < 3; i++)
    g_srv_target_free (targets[i]);
}

/* One of 0 has hardly any of the calls beside another one, and its share among its like. */
static void
a_weight_of_0_is_a_very_small_one (void)
{
  static const guint16 weights[][2] = { { 1, 0 }, { 0, 0 } };
  guint16 ports[2];
  Fleet fleet, servers;

  if (!has_no_tls ())
    return;
  fleet_start (&servers, NULL, NULL);
  for (guint i = 0; i < 2; i++)
    ports[i] = (guint16) atoi (strchr (servers.addresses[i], ':') + 1);
  for (guint i = 0; i < G_N_ELEMENTS (weights); i++)
    {
      GSrvTarget *targets[] = { g_srv_target_new ("127.0.0.1", ports[0], 5, weights[i][0]),
                                g_srv_target_new ("127.0.0.1", ports[1], 5, weights[i][1]), NULL };
      guint before = fleet_count (&servers, 1);
      guint count;

      fake->targets = (const GSrvTarget *const *) targets;
      start_dns (&fleet, "srv://_thrift._tcp.fleet.test?picker=round-robin%s", "");
      fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
      count = fleet_count (&servers, 1) - before;
      CU_ASSERT (weights[i][0] > 0 ? count <= 1 : count == N_CALLS / 2);
      fleet_stop (&fleet);
      g_srv_target_free (targets[0]);
      g_srv_target_free (targets[1]);
    }
  fleet_stop (&servers);
}

/* Which DNS says of a service that is not available (RFC 2782). GIO's own resolver gives it as a name without a byte. */
static void
a_target_that_is_no_host_is_left_out (void)
{
  static const gchar *const absent[] = { "", "." };
  GSrvTarget *targets[3] = { NULL };
  guint16 port;
  Fleet fleet, servers;

  if (!has_no_tls ())
    return;
  fleet_start (&servers, NULL, NULL);
  port = (guint16) atoi (strchr (servers.addresses[0], ':') + 1);
  fake->targets = (const GSrvTarget *const *) targets;
  for (guint i = 0; i < G_N_ELEMENTS (absent); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree gchar *dump = NULL;

      targets[0] = g_srv_target_new (absent[i], port, 0, 10);
      start_dns (&fleet, "srv://_thrift._tcp.fleet.test?picker=first%s", "");
      CU_ASSERT_FALSE (fleet_echo (&fleet, NULL, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED,
                    "DNS says that _thrift._tcp.fleet.test is not available");
      fleet_stop (&fleet);
      targets[1] = g_srv_target_new ("127.0.0.1", port, 1, 10);
      start_dns (&fleet, "srv://_thrift._tcp.fleet.test?picker=first%s", "");
      fleet_check_echoes (&fleet, fleet_echo, 1);
      dump = tally_pool_dump (fleet.pool);
      CU_ASSERT_PTR_NOT_NULL (strstr (dump, "among 1 of 1 endpoints"));
      fleet_stop (&fleet);
      for (guint k = 0; k < 2; k++)
        g_clear_pointer (&targets[k], g_srv_target_free);
    }
  start_dns (&fleet, "srv://_thrift._tcp.fleet.test%s", "");
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_FALSE (fleet_echo (&fleet, NULL, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "is not available");
    }
  fleet_stop (&fleet);
  fleet_stop (&servers);
}

/* Nobody waits for DNS: neither a pool that closes nor a channel that ends. */
static void
a_lookup_ends_with_its_pool_and_channel (void)
{
  for (guint i = 0; i < 2; i++)
    {
      const TallyCallOptions hurried = { .timeout = 1 };
      g_autoptr (GError) error = NULL;
      Fleet fleet;

      start_dns (&fleet, "dns:///fleet.test:%s", "9");
      fake->is_blocked = TRUE;
      CU_ASSERT_FALSE (fleet_echo (&fleet, &hurried, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "looking up its endpoints");
      g_clear_error (&error);
      if (i == 0)
        {
          tally_pool_close (fleet.pool);
          while (!g_error_matches (error, TALLY_ERROR, TALLY_ERROR_POOL_CLOSED))
            {
              g_clear_error (&error);
              CU_ASSERT_FALSE (fleet_echo (&fleet, &hurried, &error));
            }
        }
      else
        g_clear_object (&fleet.channel);
      fleet_stop (&fleet);
    }
}

/* ---- a process that forks ---- */

/* What the child comes to; it has the test's processor alone for it. */
static int
call_in_child (const Fleet *fleet)
{
  alarm (100);
  g_atomic_int_set (&fake->is_blocked, FALSE);
  for (guint i = 0; i < 4; i++)
    {
      GError *error = NULL;

      if (fleet_echoes[i % 2](fleet, NULL, &error))
        continue;
      g_printerr ("# %s\n", error->message);
      return 1;
    }
  return 0;
}

static void
check_child (const Fleet *fleet)
{
  pid_t child = test_fork ();
  int status;

  if (child == 0)
    _exit (call_in_child (fleet));
  CU_ASSERT (waitpid (child, &status, 0) == child);
  CU_ASSERT (WIFEXITED (status) && WEXITSTATUS (status) == 0);
}

/* A failure while a lookup is under way asks for no other one: calls are made until there is one. */
static gpointer
call_until_blocked (gpointer data)
{
  do
    {
      CU_ASSERT_TRUE (fleet_echo (data, NULL, NULL));
    }
  while (g_atomic_int_get (&fake->n_lookups) <= fake->n_free);
  return NULL;
}

/* The thread that asks DNS is not in the child, which asks anew; the parent's goes on. Once for the first list, and once for one after
 * it. */
static void
rule_22_a_lookup_is_under_way (void)
{
  static const gchar *const addresses[] = { "127.0.0.2", "127.0.0.1", NULL };

  for (gint i = 0; fleet_can_follow_children () && i < 2; i++)
    {
      Running *running = running_start (&framed_binary, "tcp://127.0.0.1:0", NULL);
      g_autofree gchar *port = dup_port (running);
      GThread *caller;
      Fleet fleet;

      g_atomic_pointer_set (&fake->addresses, addresses);
      start_dns (&fleet, "dns:///fleet.test:%s?picker=first", port);
      fake->n_free = i;
      fake->is_blocked = TRUE;
      caller = g_thread_new ("caller", call_until_blocked, &fleet);
      while (g_atomic_int_get (&fake->n_lookups) <= i)
        g_thread_yield ();
      for (guint k = 0; k < 3; k++)
        check_child (&fleet);
      open_gate (TRUE);
      g_thread_join (caller);
      fleet_check_echoes (&fleet, fleet_echo, 1);
      fleet_stop (&fleet);
      running_stop (running);
    }
}

/* Whatever way they are written in a URI. */
static void
names_are_asked_for_as_dns_has_them (void)
{
  static const gchar *const here[] = { "127.0.0.1", NULL };
  static const gchar *const uris[] = { "dns:///fleet%%2etest:%s", "DNS:///fleet.test:%s",
                                       "srv://_thrift._tcp.fleet%%2Etest?timeout=%s0000",
                                       "SRV://_thrift._tcp.fleet.test?timeout=%s0000",
                                       "srv://%%5fthrift._tcp.fleet.test/?timeout=%s0000" };
  GSrvTarget *targets[] = { g_srv_target_new ("127.0.0.1", 9, 0, 0), NULL };

  g_atomic_pointer_set (&fake->addresses, here);
  fake->targets = (const GSrvTarget *const *) targets;
  for (guint i = 0; has_no_tls () && i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GError) error = NULL;
      Fleet fleet;

      start_dns (&fleet, uris[i], "9");
      fake->is_broken = FALSE;
      CU_ASSERT_FALSE (fleet_echo (&fleet, NULL, &error));
      CU_ASSERT (g_atomic_int_get (&fake->n_lookups) > 0); /* of the name that it compares */
      fleet_stop (&fleet);
    }
  g_srv_target_free (targets[0]);
}

static void
names_that_dns_cannot_have_are_refused (void)
{
  g_autofree gchar *label = g_strnfill (64, 'a');
  g_autofree gchar *most =
      g_strdup_printf ("%s.%s.%s.%.61s", label + 1, label + 1, label + 1, label);
  const gchar *const bad[] = { ".", "..", "a..b", ".a", "a..", label };
  const gchar *const good[] = { "a", "a.", "a.b.", "_a._b", label + 1 };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    for (guint k = 0; k < 2; k++)
      {
        g_autoptr (GError) error = NULL;
        g_autofree gchar *uri =
            g_strdup_printf (k == 0 ? "dns:///%s:1" : "srv://_a._b.c.%s", bad[i]);

        CU_ASSERT_PTR_NULL (tally_channel_new (uri, &error));
        assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
                      "its name must be of parts");
      }
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree gchar *uri = g_strdup_printf ("dns:///%s:1", good[i]);
      g_autoptr (TallyChannel) channel = tally_channel_new (uri, NULL);

      CU_ASSERT_PTR_NOT_NULL (channel);
    }
  assert_int (strlen (most), 253);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree gchar *uri = g_strdup_printf ("dns:///%s%s:1", i == 0 ? "" : "a", most);
      g_autoptr (TallyChannel) channel = tally_channel_new (uri, NULL);

      CU_ASSERT ((channel != NULL) == (i == 0));
    }
}

static void
bad_uris_of_resolvers_are_refused (void)
{
  static const gchar *const uris[] = {
    "dns://fleet.test:1",  "dns:///fleet.test",     "dns:///:1",
    "dns:///fleet.test:0", "srv://fleet.test",      "srv://_thrift.fleet.test",
    "srv://_thrift._tcp",  "srv://_thrift._tcp.",   "srv+tls://_._tcp.example",
    "dns+tls:///a:1,b:1",  "dns:///a:1?colour=red", "dns:///a:1?identity=x",
    "srv://_a._b.c/path",  "dnsx:///a:1",           "dns:///a:65536",
    "dns:///a:-1",         "dns:///a:1/path",       "dns:///a:1#part",
    "dns:///user@a:1",     "srv://_a._b.c:1",       "srv://_a._b.c:0",
    "srv://user@_a._b.c",  "srv://_a._b.c,_d._e.f", "dns:///a,b:1",
    "srv://_a._b.c#part"
  };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_PTR_NULL (tally_channel_new (uris[i], &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, NULL);
      CU_ASSERT_TRUE (g_utf8_validate (error->message, -1, NULL));
      /* by what was written */
      if (strchr (uris[i], '?') == NULL)
        assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, uris[i]);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (all_addresses_of_a_host),
    TEST (a_failure_makes_it_look_again),
    TEST (a_lookup_that_fails_is_told),
    TEST (targets_of_a_service),
    TEST (a_weight_of_0_is_a_very_small_one),
    TEST (a_target_that_is_no_host_is_left_out),
    TEST (names_are_asked_for_as_dns_has_them),
    TEST (a_lookup_ends_with_its_pool_and_channel),
    TEST (rule_22_a_lookup_is_under_way),
    TEST (names_that_dns_cannot_have_are_refused),
    TEST (bad_uris_of_resolvers_are_refused),
    { NULL, NULL },
  };

  /* what GLib opens once */
  g_main_context_default ();
  fake = g_object_new (fake_resolver_get_type (), NULL);
  fake->gate = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  g_resolver_set_default (G_RESOLVER (fake));
  return test_main ("resolver-dns", cases, argc, argv);
}
