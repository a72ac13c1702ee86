/* Owns the tests of a channel over several endpoints: which of them gets the calls, what its URI may say, what its errors tell. */
#include "fleet-fixture.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"
#include "recorder.h"
#include "tally-call-info.h"
#include "tls-relay.h"

#define N_CALLS 60

/* ---- which gets the calls ---- */

/* Each in turn, whatever the mode. */
static void
round_robin_is_even (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_modes) * G_N_ELEMENTS (fleet_echoes); i++)
    {
      g_autofree gchar *options =
          g_strconcat ("picker=round-robin&mode=", fleet_modes[i / 2], NULL);
      Fleet fleet;

      fleet_start (&fleet, NULL, NULL);
      fleet_open (&fleet, options);
      fleet_check_echoes (&fleet, fleet_echoes[i % 2], N_CALLS);
      for (guint k = 0; k < FLEET_SERVERS; k++)
        assert_int (fleet_count (&fleet, k), N_CALLS / FLEET_SERVERS);
      fleet_stop (&fleet);
    }
}

static void
weights_count (void)
{
  Fleet fleet;

  fleet_start (&fleet, NULL, NULL);
  fleet_open (&fleet, "picker=round-robin&weights=4,1,1");
  fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
  assert_int (fleet_count (&fleet, 0), N_CALLS * 4 / 6);
  assert_int (fleet_count (&fleet, 1), N_CALLS / 6);
  fleet_stop (&fleet);
}

/* It counts once, with the sum of its weights. */
static void
an_endpoint_may_be_there_twice (void)
{
  g_autofree gchar *dump = NULL;
  Fleet fleet;

  fleet_start (&fleet, NULL, NULL);
  fleet_add (&fleet, fleet.addresses[0]);
  fleet_open (&fleet, "picker=round-robin");
  fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
  assert_int (fleet_count (&fleet, 0), N_CALLS / 2);
  assert_int (fleet_count (&fleet, 1), N_CALLS / 4);
  dump = tally_pool_dump (fleet.pool);
  CU_ASSERT_PTR_NOT_NULL (strstr (dump, "round-robin among 3 of 3 endpoints"));
  fleet_stop (&fleet);
}

static void
the_first_gets_all (void)
{
  Fleet fleet;

  fleet_start (&fleet, NULL, NULL);
  fleet_open (&fleet, "picker=first");
  fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
  assert_int (fleet_count (&fleet, 0), N_CALLS);
  fleet_stop_server (&fleet, 0);
  fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
  assert_int (fleet_count (&fleet, 1), N_CALLS);
  assert_int (fleet_count (&fleet, 2), 0);
  fleet_stop (&fleet);
}

static gpointer
call_block (gpointer data)
{
  const TallyMethod *block = tally_service_find_method (&base_service, "block", 5);
  const TallyCallOptions options = { .timeout = -1 };

  CU_ASSERT_TRUE (tally_channel_call_with (data, block, NULL, NULL, &options, NULL));
  return NULL;
}

/* A server that has a call is busier than one without. Others may have been slow for a moment, and then it gets one, which
 * it answers beside the other. */
static void
a_busy_one_gets_none (void)
{
  static const gchar *const pickers[] = { "picker=least", "picker=least&mode=shared" };

  for (guint i = 0; i < G_N_ELEMENTS (pickers); i++)
    {
      guint busy;
      GThread *thread;
      Fleet fleet;

      fleet_start (&fleet, "tcp://127.0.0.1:0?order=any", NULL);
      fleet_open (&fleet, pickers[i]);
      thread = g_thread_new ("caller", call_block, fleet.channel);
      busy = fleet_find_blocked (&fleet);
      fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
      CU_ASSERT (fleet_count (&fleet, busy) < N_CALLS / 4);
      test_handler_release (fleet.servers[busy]->handler);
      g_thread_join (thread);
      fleet_stop (&fleet);
    }
}

static void
a_subset_gets_all (void)
{
  guint n_used = 0;
  Fleet fleet;

  fleet_start (&fleet, NULL, NULL);
  fleet_open (&fleet, "picker=round-robin&subset=2");
  fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
  for (guint i = 0; i < FLEET_SERVERS; i++)
    n_used += fleet_count (&fleet, i) > 0;
  assert_int (n_used, 2);
  fleet_stop (&fleet);
}

/* The one that it uses ends: no call fails, and they go to one of the others. */
static void
a_subset_that_ends_has_spares (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_modes) * G_N_ELEMENTS (fleet_echoes); i++)
    {
      g_autofree gchar *options = g_strconcat ("subset=1&mode=", fleet_modes[i / 2], NULL);
      guint n_used = 0;
      guint used = 0;
      Fleet fleet;

      fleet_start (&fleet, NULL, NULL);
      fleet_open (&fleet, options);
      fleet_check_echoes (&fleet, fleet_echoes[i % 2], 1);
      while (fleet_count (&fleet, used) == 0)
        used++;
      fleet_stop_server (&fleet, used);
      fleet_check_echoes (&fleet, fleet_echoes[i % 2], N_CALLS);
      for (guint k = 0; k < FLEET_SERVERS; k++)
        n_used += k != used && fleet_count (&fleet, k) > 0;
      assert_int (n_used, 1);
      fleet_stop (&fleet);
    }
}

/* ---- an endpoint where nobody listens ---- */

/* Its address; close @fd when it may be another's. (transfer full) */
static gchar *
make_refusing (gint *fd)
{
  guint16 port;

  *fd = test_reserve_port (&port);
  return g_strdup_printf ("127.0.0.1:%u", port);
}

/* No call fails, and it gets none for a while. */
static void
one_that_refuses_does_no_harm (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_modes) * G_N_ELEMENTS (fleet_echoes); i++)
    {
      g_autofree gchar *options =
          g_strconcat ("picker=round-robin&mode=", fleet_modes[i / 2], NULL);
      g_autofree gchar *refusing = NULL;
      g_autofree gchar *dump = NULL;
      Fleet fleet;
      gint fd;

      fleet_start (&fleet, NULL, NULL);
      refusing = make_refusing (&fd);
      fleet_add (&fleet, refusing);
      fleet_open (&fleet, options);
      fleet_check_echoes (&fleet, fleet_echoes[i % 2], N_CALLS);
      while (dump == NULL || strstr (dump, ", out for ") == NULL)
        {
          fleet_check_echoes (&fleet, fleet_echoes[i % 2], 1);
          g_free (dump);
          dump = tally_pool_dump (fleet.pool);
        }
      close (fd);
      fleet_stop (&fleet);
    }
}

/* What went wrong is told of each, but not of a hundred. */
/* The pause after its failed dial is not over, but the others have failed: servers that are restarted one after the other. */
static void
one_that_is_back_is_dialed_where_no_other_is_left (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_modes) * G_N_ELEMENTS (fleet_echoes); i++)
    {
      g_autofree gchar *options = g_strconcat ("picker=first&mode=", fleet_modes[i / 2], NULL);
      g_autofree gchar *address = NULL;
      g_autofree gchar *uri = NULL;
      g_autoptr (GError) error = NULL;
      Running *back;
      Fleet fleet;
      gint fd;

      address = make_refusing (&fd);
      uri = g_strconcat ("tcp://", address, NULL);
      fleet_start (&fleet, NULL, NULL);
      g_string_assign (fleet.list, address);
      fleet_add (&fleet, fleet.addresses[0]);
      g_object_set (fleet.pool, "backoff-base", 600 * 1000, "backoff-max", 600 * 1000, NULL);
      fleet_open (&fleet, options);
      fleet_check_echoes (&fleet, fleet_echoes[i % 2], 1);
      back = running_start (&framed_binary, uri, NULL);
      fleet_stop_server (&fleet, 0);
      fleet_check_echoes (&fleet, fleet_echoes[i % 2], 2);
      assert_int (test_handler_n_calls (back->handler), 2);
      running_stop (back);
      CU_ASSERT_FALSE (fleet_echoes[i % 2](&fleet, NULL, &error));
      fleet_stop (&fleet);
      close (fd);
    }
}

static void
an_error_tells_of_each (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_echoes); i++)
    {
      g_autoptr (GString) uri = g_string_new ("tcp://");
      g_autoptr (GError) error = NULL;
      g_autofree gchar *first = NULL;
      Fleet fleet = { .pool = tally_pool_new () };
      gint fds[6];

      for (guint k = 0; k < G_N_ELEMENTS (fds); k++)
        {
          g_autofree gchar *address = make_refusing (&fds[k]);

          g_string_append_printf (uri, "%s%s", k > 0 ? "," : "", address);
          if (k == 0)
            first = g_steal_pointer (&address);
        }
      g_string_append (uri, "?picker=first");
      fleet.channel = tally_channel_new_with_pool (uri->str, fleet.pool, NULL);
      CU_ASSERT_FALSE (fleet_echoes[i](&fleet, NULL, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, first);
      assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "6 endpoints failed: ");
      assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED,
                    "; and 2 more; nothing was sent");
      CU_ASSERT (strlen (error->message) < 1500);
      for (guint k = 0; k < G_N_ELEMENTS (fds); k++)
        close (fds[k]);
      g_object_unref (fleet.channel);
      g_object_unref (fleet.pool);
    }
}

/* An error of the method's own names the endpoint that it came from. */
static void
an_error_names_its_endpoint (void)
{
  const TallyMethod *act = tally_service_find_method (&base_service, "act", 3);
  TextArgs args = { (gchar *) "fail" };

  for (guint i = 0; i < N_CALLS / 10; i++)
    {
      g_autoptr (GError) error = NULL;
      Recorder *recorder = recorder_new ("a", NULL);
      const gchar *peer;
      Fleet fleet;

      fleet_start (&fleet, NULL, NULL);
      fleet_open (&fleet, "");
      tally_channel_add_interceptor (fleet.channel, (TallyInterceptor *) recorder);
      CU_ASSERT_FALSE (tally_channel_call_with (fleet.channel, act, &args, NULL, NULL, &error));
      peer = tally_call_info_get_peer (recorder_wait (recorder, 1));
      CU_ASSERT_PTR_NOT_NULL_FATAL (error);
      CU_ASSERT_PTR_NOT_NULL (strstr (error->message, peer));
      CU_ASSERT_PTR_NULL (strchr (peer, ','));
      g_object_unref (recorder);
      fleet_stop (&fleet);
    }
}

/* ---- what a URI may say ---- */

static void
refuse_uri (const gchar *uri, const gchar *part)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_PTR_NULL (tally_channel_new (uri, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, part);
}

static void
bad_lists_are_refused (void)
{
  refuse_uri ("tcp://h:1,", "endpoint 2 of its list is empty");
  refuse_uri ("tcp://,h:1", "endpoint 1 of its list is empty");
  refuse_uri ("tcp://h:1,,i:1", "endpoint 2 of its list is empty");
  refuse_uri ("tcp://h:1,i", "it names no port");
  refuse_uri ("tcp://h:1,i:0", "nobody can be reached at port 0");
  refuse_uri ("tcp://h:1,i:2?picker=best", "must be two-choices, least, round-robin or first");
  refuse_uri ("tcp://h:1,i:2?subset=0", "subset is \"0\"");
  refuse_uri ("tcp://h:1,i:2?weights=1", "one for each of the 2 endpoints");
  refuse_uri ("tcp://h:1,i:2?weights=1,0", "weights is \"1,0\"");
  refuse_uri ("tcp://h:1,i:2?weights=1,1001", "weights is \"1,1001\"");
  refuse_uri ("tcp://h:1,i:2?colour=red", "unknown option");
  refuse_uri ("unix:///run/a,b?weights=1,1", "one for each of the 1 endpoints");
}

/* Of one endpoint a picker has nothing to say. */
static void
one_endpoint_may_have_a_picker (void)
{
  g_autoptr (TallyChannel) channel =
      tally_channel_new ("tcp://h:1?picker=least&subset=3&weights=7", NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (channel);
  assert_string (tally_endpoint_get_uri (tally_channel_get_endpoint (channel)), "tcp://h:1");
}

static void
both_families_in_a_list (void)
{
  Running *other;
  Fleet fleet;
  g_autofree gchar *address = NULL;
  gint fd = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  gboolean has_ipv6 = fd >= 0 && bind (fd, (struct sockaddr *) &any, sizeof any) == 0;

  if (fd >= 0)
    close (fd);
  if (!has_ipv6
      || tls_relay_is_on ()) /* GnuTLS's server refuses a client that names it by an IPv6 address */
    {
      test_skip ("no IPv6 here, or not with TLS");
      return;
    }
  fleet_start (&fleet, NULL, NULL);
  other = running_start (&framed_binary, "tcp://[::1]:0", NULL);
  address =
      g_strndup (strstr (other->uri, "://") + 3, strcspn (strstr (other->uri, "://") + 3, "?"));
  fleet_add (&fleet, address);
  fleet_open (&fleet, "picker=round-robin");
  fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
  assert_int (test_handler_n_calls (other->handler), N_CALLS / 4);
  running_stop (other);
  fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
  fleet_stop (&fleet);
}

/* More than may be open at once: the pool's limit is one over all. */
static void
a_thousand_endpoints (void)
{
  Running *running;
  const gchar *port;
  Fleet fleet;
  TallyPoolSnapshot snapshot;

  if (tls_relay_is_on ())
    {
      test_skip ("its certificate is for one address");
      return;
    }
  running = running_start (&framed_binary, "tcp://0.0.0.0:0", NULL);
  port = strrchr (running->uri, ':') + 1;
  fleet = (Fleet){ .pool = tally_pool_new (),
                   .list = g_string_new (NULL),
                   .scheme = g_strdup ("tcp://"),
                   .files = g_strdup ("") };
  g_object_set (fleet.pool, "max-open-total", 20, NULL);
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree gchar *address = g_strdup_printf ("127.0.%u.%u:%.*s", i / 250, 1 + i % 250,
                                                   (gint) strcspn (port, "?"), port);

      fleet_add (&fleet, address);
    }
  fleet_open (&fleet, "picker=round-robin");
  fleet_check_echoes (&fleet, fleet_echo, 1500);
  assert_int (test_handler_n_calls (running->handler), 1500);
  fleet_snapshot (&fleet, &snapshot);
  CU_ASSERT (snapshot.open <= 20);
  assert_int (snapshot.dials, 1500);
  fleet_stop (&fleet);
  running_stop (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (round_robin_is_even),
    TEST (weights_count),
    TEST (an_endpoint_may_be_there_twice),
    TEST (the_first_gets_all),
    TEST (a_busy_one_gets_none),
    TEST (a_subset_gets_all),
    TEST (a_subset_that_ends_has_spares),
    TEST (one_that_refuses_does_no_harm),
    TEST (one_that_is_back_is_dialed_where_no_other_is_left),
    TEST (an_error_tells_of_each),
    TEST (an_error_names_its_endpoint),
    TEST (bad_lists_are_refused),
    TEST (one_endpoint_may_have_a_picker),
    TEST (both_families_in_a_list),
    TEST (a_thousand_endpoints),
    { NULL, NULL },
  };

  g_main_context_default (); /* which stays: its descriptor is no leak */
  return test_main ("fleet", cases, argc, argv);
}
