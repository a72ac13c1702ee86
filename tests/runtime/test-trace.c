/* Traces by W3C's Trace Context: what is valid, and that they are carried from a client through one server to the next. */
#include <string.h>

#include "recorder.h"
#include "server-fixture.h"
#include "tally-channel.h"
#include "tally-pool.h"
#include "tally-trace-propagator.h"
#include "tls-relay-socket.h"

#define TRACE_ID "12345678901234567890123456789012"
#define SPAN_ID "1234567890123456"
#define VALID "00-" TRACE_ID "-" SPAN_ID "-01"

/* ---- the headers ---- */

static const struct
{
  const gchar *parent;
  gint flags; /* -1: malformed */
} parents[] = {
  { VALID, TALLY_TRACE_SAMPLED },
  { "00-" TRACE_ID "-" SPAN_ID "-00", 0 },
  { "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03",
    TALLY_TRACE_SAMPLED | TALLY_TRACE_RANDOM },
  { "00-" TRACE_ID "-" SPAN_ID "-ff", TALLY_TRACE_SAMPLED | TALLY_TRACE_RANDOM },
  { "", -1 },
  /* versions */
  { "00-" TRACE_ID "-" SPAN_ID "-01.", -1 },
  { "00-" TRACE_ID "-" SPAN_ID "-01-what-the-future-will-be-like", -1 },
  { "cc-" TRACE_ID "-" SPAN_ID "-01", TALLY_TRACE_SAMPLED },
  { "cc-" TRACE_ID "-" SPAN_ID "-03", TALLY_TRACE_SAMPLED },
  { "cc-" TRACE_ID "-" SPAN_ID "-01-", TALLY_TRACE_SAMPLED },
  { "cc-" TRACE_ID "-" SPAN_ID "-01-what-the-future-will-be-like", TALLY_TRACE_SAMPLED },
  { "cc-" TRACE_ID "-" SPAN_ID "-01.what-the-future-will-not-be-like", -1 },
  { "cc-" TRACE_ID "-" SPAN_ID, -1 },
  { "ff-" TRACE_ID "-" SPAN_ID "-01", -1 },
  { ".0-" TRACE_ID "-" SPAN_ID "-01", -1 },
  { "0.-" TRACE_ID "-" SPAN_ID "-01", -1 },
  { "CC-" TRACE_ID "-" SPAN_ID "-01", -1 },
  { "000-" TRACE_ID "-" SPAN_ID "-01", -1 },
  { "0000-" TRACE_ID "-" SPAN_ID "-01", -1 },
  { "0-" TRACE_ID "-" SPAN_ID "-01", -1 },
  /* the trace's id */
  { "00-00000000000000000000000000000000-" SPAN_ID "-01", -1 },
  { "00-.2345678901234567890123456789012-" SPAN_ID "-01", -1 },
  { "00-1234567890123456789012345678901.-" SPAN_ID "-01", -1 },
  { "00-123456789012345678901234567890123-" SPAN_ID "-01", -1 },
  { "00-1234567890123456789012345678901-" SPAN_ID "-01", -1 },
  { "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN_ID "-01", -1 },
  /* the parent's */
  { "00-" TRACE_ID "-0000000000000000-01", -1 },
  { "00-" TRACE_ID "-.234567890123456-01", -1 },
  { "00-" TRACE_ID "-123456789012345.-01", -1 },
  { "00-" TRACE_ID "-12345678901234567-01", -1 },
  { "00-" TRACE_ID "-123456789012345-01", -1 },
  { "00-" TRACE_ID "-00F067AA0BA902B7-01", -1 },
  /* the flags */
  { "00-" TRACE_ID "-" SPAN_ID "-.0", -1 },
  { "00-" TRACE_ID "-" SPAN_ID "-0.", -1 },
  { "00-" TRACE_ID "-" SPAN_ID "-0F", -1 },
  { "00-" TRACE_ID "-" SPAN_ID "-001", -1 },
  { "00-" TRACE_ID "-" SPAN_ID "-1", -1 },
  { "00-" TRACE_ID "-" SPAN_ID, -1 },
  /* what is between them, and around */
  { "00 " TRACE_ID "-" SPAN_ID "-01", -1 },
  { "00-" TRACE_ID "_" SPAN_ID "-01", -1 },
  { "00-" TRACE_ID "-" SPAN_ID "+01", -1 },
  { " " VALID, -1 },
  { VALID " ", -1 },
  { VALID "\n", -1 },
};

static void
a_parent_is_taken_if_it_is_valid (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (parents); i++)
    {
      TallyTrace *trace = tally_trace_parse (parents[i].parent, NULL);

      assert_int (trace != NULL ? (gint) tally_trace_get_flags (trace) : -1, parents[i].flags);
      if (trace == NULL)
        continue;
      CU_ASSERT (strncmp (tally_trace_get_trace_id (trace), parents[i].parent + 3, 32) == 0);
      CU_ASSERT (strncmp (tally_trace_get_span_id (trace), parents[i].parent + 36, 16) == 0);
      assert_int (strlen (tally_trace_get_trace_id (trace)), 32);
      assert_int (strlen (tally_trace_get_span_id (trace)), 16);
      tally_trace_unref (trace);
    }
}

#define Z10 "zzzzzzzzzz"
#define Z100 Z10 Z10 Z10 Z10 Z10 Z10 Z10 Z10 Z10 Z10
#define Z240 Z100 Z100 Z10 Z10 Z10 Z10
#define TEN "a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,"

static const struct
{
  const gchar *state;
  gboolean is_valid;
} states[] = {
  { "foo=1", TRUE },
  { "foo=1,bar=2", TRUE },
  { "foo=1 \t , \t bar=2, \t baz=3", TRUE },
  { "foo=1,", TRUE },
  { "foo=1,,bar=2", TRUE },
  { "foo=1,foo=1", TRUE },
  { "", FALSE },
  { " , ", FALSE },
  { "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", TRUE },
  { "foo=x y", TRUE },
  { "abcdefghijklmnopqrstuvwxyz0123456789_-*/= !\"#$%&'()*+-./0123456789:;<>?@ABC[\\]^_`xyz{|}~",
    TRUE },
  { "a-b@c-d_*/=1", TRUE },
  { "0a@b=1", TRUE },
  { "foo =1", FALSE },
  { "FOO=1", FALSE },
  { "foo.bar=1", FALSE },
  { "0foo=1", FALSE },
  { "_foo=1", FALSE },
  { "foo@=1,bar=2", FALSE },
  { "@foo=1,bar=2", FALSE },
  { "foo@@bar=1,bar=2", FALSE },
  { "foo@bar@baz=1,bar=2", FALSE },
  { "foo@0bar=1", FALSE },
  { "foo", FALSE },
  { "=1", FALSE },
  { "foo=", FALSE },
  { "foo=,bar=3", FALSE },
  { "foo=bar=baz", FALSE },
  { "foo=\x7f", FALSE },
  { "foo=b\tr", FALSE },
  { "foo=b\303\244r", FALSE },
  { TEN TEN TEN "x=1,y=1", TRUE },
  { TEN TEN TEN "x=1,y=1,z=1", FALSE },
  { Z240 Z10 "zzzzzz=1", TRUE },
  { Z240 Z10 "zzzzzzz=1", FALSE },
  { Z240 "z@" Z10 "zzzz=1", TRUE },
  { Z240 "zz@v=1", FALSE },
  { "t@" Z10 "zzzzz=1", FALSE },
  { "foo=" Z240 Z10 "zzzzzz", TRUE },
  { "foo=" Z240 Z10 "zzzzzzz", FALSE },
};

/* One that is not valid does not make the parent invalid. */
static void
a_state_is_taken_if_it_is_valid (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_autoptr (TallyTrace) trace = tally_trace_parse (VALID, states[i].state);

      assert_string (tally_trace_get_state (trace), states[i].is_valid ? states[i].state : NULL);
    }
}

static void
a_child_is_of_its_parents_trace (void)
{
  g_autoptr (TallyTrace) parent = tally_trace_parse (VALID, "foo=1");
  g_autoptr (TallyTrace) child = tally_trace_new_child (parent);
  g_autoptr (TallyTrace) other = tally_trace_new_child (parent);
  g_autoptr (TallyTrace) late =
      tally_trace_parse ("cc-" TRACE_ID "-" SPAN_ID "-05-later", "bad state");
  g_autofree gchar *text = tally_trace_to_string (parent);
  g_autofree gchar *late_text = tally_trace_to_string (late);

  assert_string (text, VALID);
  assert_string (late_text, VALID); /* what it writes is of the version that it knows */
  assert_string (tally_trace_get_trace_id (child), TRACE_ID);
  assert_string (tally_trace_get_state (child), "foo=1");
  assert_int (tally_trace_get_flags (child), TALLY_TRACE_SAMPLED);
  CU_ASSERT (strcmp (tally_trace_get_span_id (child), SPAN_ID) != 0);
  CU_ASSERT (strcmp (tally_trace_get_span_id (child), tally_trace_get_span_id (other)) != 0);
}

static void
a_new_trace_is_valid (void)
{
  for (guint i = 0; i < 100; i++)
    {
      TallyTraceFlags flags = i % 2 ? TALLY_TRACE_SAMPLED : 0;
      g_autoptr (TallyTrace) trace = tally_trace_new (flags);
      g_autofree gchar *text = tally_trace_to_string (trace);
      g_autoptr (TallyTrace) again = tally_trace_parse (text, NULL);

      CU_ASSERT_PTR_NOT_NULL_FATAL (again);
      assert_int (tally_trace_get_flags (again), flags | TALLY_TRACE_RANDOM);
      assert_string (tally_trace_get_trace_id (again), tally_trace_get_trace_id (trace));
    }
}

static void
the_names_may_be_in_upper_case_once (void)
{
  static const gchar *const names[] = { "traceparent", "TraceParent", "TrAcEpArEnT",
                                        "TRACEPARENT" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (TallyHeaders) headers = tally_headers_new ();
      g_autoptr (TallyTrace) found = NULL;
      g_autoptr (TallyTrace) twice = NULL;
      g_autoptr (TallyTrace) fresh = tally_trace_new (0);

      tally_headers_set (headers, names[i], VALID);
      tally_headers_set (headers, "TraceState", "foo=1");
      found = tally_trace_new_from_headers (headers);
      CU_ASSERT_PTR_NOT_NULL_FATAL (found);
      assert_string (tally_trace_get_state (found), "foo=1");
      tally_headers_set (headers, "Traceparent", VALID);
      twice = tally_trace_new_from_headers (headers);
      CU_ASSERT_PTR_NULL (twice);
      CU_ASSERT_TRUE (tally_trace_set_in (fresh, headers));
      assert_int (tally_headers_get_size (headers), 1);
    }
}

/* ---- a chain: a client calls server A, whose handler calls server B ---- */

/* Its echo is B's. */
typedef struct
{
  TestHandler parent;
  TallyChannel *channel;
  GMainContext *context; /* where calls end that do not block */
} RelayHandler;
typedef TestHandlerClass RelayHandlerClass;
static GType relay_handler_get_type (void);
G_DEFINE_TYPE (RelayHandler, relay_handler, test_handler_get_type ())

static TallyMethod relay_methods[1]; /* main () makes it */
static const TallyService relay_service = { "Relay", NULL, relay_methods, 1 };
GType relay_processor_get_type (void);
TALLY_DEFINE_PROCESSOR (
    RelayProcessor, relay_processor, tally_processor_get_type, test_handler_get_type, relay_service)

static gboolean
invoke_relay (gpointer handler, gpointer args, gpointer result, GError **error)
{
  gpointer results[] = { result }; /* it begins with what succeeds */

  return tally_channel_call_with (((RelayHandler *) handler)->channel, test_echo_method, args,
                                  results, NULL, error);
}

static void
on_relayed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (TallyReply) reply = data;
  g_autofree gchar *text = NULL;
  gpointer results[] = { &text };
  GError *error = NULL;

  tally_channel_call_finish (TALLY_CHANNEL (source), test_echo_method, result, results, &error);
  assert_no_error (error);
  tally_reply_return (reply, test_echo_method, &text, NULL);
}

/* Handed from a server's thread to the loop's. */
static GMutex relaying;

/* What is to be relayed, by the loop's thread: the trace is taken along. */
typedef struct
{
  TallyChannel *channel;
  const gchar *text;
  TallyReply *reply;
  TallyTrace *trace; /* nullable */
} Relayed;

static gboolean
relay_in_loop (gpointer data)
{
  g_autofree Relayed *self = data;
  TextArgs args;

  g_mutex_lock (&relaying); /* ThreadSanitizer does not see that the loop's thread comes after */
  g_mutex_unlock (&relaying);
  args.text = (gchar *) self->text;
  if (self->trace != NULL)
    tally_trace_push (self->trace);
  tally_channel_call_async (self->channel, test_echo_method, &args, NULL, NULL, on_relayed,
                            self->reply);
  if (self->trace != NULL)
    tally_trace_pop (self->trace);
  g_clear_pointer (&self->trace, tally_trace_unref);
  return G_SOURCE_REMOVE;
}

static void
attach (GMainContext *context, GSourceFunc function, gpointer data)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, function, data, NULL);
  g_source_attach (source, context);
}

static void
relay_later (TestHandler *handler, const gchar *text, TallyReply *reply)
{
  RelayHandler *self = (RelayHandler *) handler;
  Relayed *relayed = g_new (Relayed, 1);

  g_mutex_lock (&relaying);
  *relayed = (Relayed){ self->channel, text, tally_reply_ref (reply), tally_trace_dup_current () };
  g_mutex_unlock (&relaying);
  attach (self->context, relay_in_loop, relayed);
}

static void
relay_handler_class_init (RelayHandlerClass *klass)
{
  klass->echo_async = relay_later;
}

static void
relay_handler_init (RelayHandler *self)
{
}

typedef struct
{
  Running *a;
  Running *b;
  Recorder *at_a;
  TallyPool *pool;
  TallyChannel *from_client;
  TallyChannel *from_a;
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
} Chain;

static gpointer
run_loop (gpointer loop)
{
  GMainContext *context = g_main_loop_get_context (loop);

  g_main_context_push_thread_default (context);
  g_main_loop_run (loop);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static TallyChannel *
reach (const Chain *self, const Running *running, const gchar *query)
{
  g_autofree gchar *uri = running_dup_client_uri (running, query);
  GError *error = NULL;
  TallyChannel *channel = tally_channel_new_with_pool (uri, self->pool, &error);

  assert_no_error (error);
  return channel;
}

static void
chain_init (Chain *self, gboolean is_later, const gchar *query, TallyTraceRoots roots)
{
  g_autoptr (TallyTracePropagator) propagator = tally_trace_propagator_new (roots);
  RelayHandler *relay = g_object_new (relay_handler_get_type (), NULL);
  TestHandler *last = g_object_new (test_handler_get_type (), NULL);

  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->thread = g_thread_new ("loop", run_loop, self->loop);
  self->pool = tls_relay_new_pool ();
  self->b = running_start_at (test_processor_new (base_processor_get_type (), last), last,
                              "tcp://127.0.0.1:0", "transport=auto&protocol=auto");
  self->from_a = reach (self, self->b, query);
  tally_channel_add_interceptor (self->from_a, TALLY_INTERCEPTOR (propagator));
  relay->channel = self->from_a;
  relay->context = self->context;
  self->a =
      running_start_at (test_processor_new (is_later ? base_processor_get_type ()
                                                     : relay_processor_get_type (),
                                            (TestHandler *) relay),
                        (TestHandler *) relay, "tcp://127.0.0.1:0", "transport=auto&protocol=auto");
  tally_server_add_interceptor (self->a->server, TALLY_INTERCEPTOR (propagator));
  self->at_a = recorder_new ("a", NULL);
  tally_server_add_interceptor (self->a->server, TALLY_INTERCEPTOR (self->at_a));
  self->from_client = reach (self, self->a, query);
}

static gboolean
quit_loop (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static void
chain_clear (Chain *self)
{
  tally_pool_close (self->pool);
  running_stop (self->a);
  running_stop (self->b);
  attach (self->context, quit_loop, self->loop);
  g_thread_join (self->thread);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_object_unref (self->at_a);
  g_object_unref (self->from_client);
  g_object_unref (self->from_a);
  g_object_unref (self->pool);
}

/* What B's handler sees in its request's header @name. */
static gchar *
ask_last (Chain *self, const gchar *name, TallyHeaders *headers)
{
  g_autofree gchar *text = g_strconcat ("header:", name, NULL);
  TallyCallOptions options = { .headers = headers };
  TextArgs args = { text };
  gchar *reply = NULL;
  gpointer results[] = { &reply };
  GError *error = NULL;

  tally_channel_call_with (self->from_client, test_echo_method, &args, results, &options, &error);
  assert_no_error (error);
  return reply;
}

static const gchar *const queries[] = { "transport=header",
                                        "transport=header&mode=unpooled&protocol=compact",
                                        "transport=header&mode=shared",
                                        "transport=header&transform=zlib" };

static void
a_trace_goes_through_a_server (void)
{
  for (guint i = 0; i < 2 * G_N_ELEMENTS (queries); i++)
    {
      g_autoptr (TallyHeaders) headers = tally_headers_new ();
      g_autofree gchar *parent = NULL;
      g_autofree gchar *state = NULL;
      g_autoptr (TallyTrace) trace = NULL;
      Chain chain;

      chain_init (&chain, i % 2, queries[i / 2], TALLY_TRACE_ROOTS_NONE);
      tally_headers_set (headers, TALLY_TRACE_PARENT, VALID);
      tally_headers_set (headers, TALLY_TRACE_STATE, "foo=1,bar=2");
      parent = ask_last (&chain, TALLY_TRACE_PARENT, headers);
      state = ask_last (&chain, TALLY_TRACE_STATE, headers);
      trace = tally_trace_parse (parent, NULL);
      CU_ASSERT_PTR_NOT_NULL_FATAL (trace);
      assert_string (tally_trace_get_trace_id (trace), TRACE_ID);
      CU_ASSERT (strcmp (tally_trace_get_span_id (trace), SPAN_ID) != 0);
      assert_int (tally_trace_get_flags (trace), TALLY_TRACE_SAMPLED);
      assert_string (state, "foo=1,bar=2");
      chain_clear (&chain);
    }
}

/* What is malformed is as if it were not there. */
static void
no_trace_is_made_up (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TallyHeaders) headers = tally_headers_new ();
      g_autofree gchar *without = NULL;
      g_autofree gchar *with = NULL;
      g_autofree gchar *state = NULL;
      Chain chain;

      chain_init (&chain, i, "transport=header", TALLY_TRACE_ROOTS_NONE);
      without = ask_last (&chain, TALLY_TRACE_PARENT, NULL);
      assert_string (without, "");
      tally_headers_set (headers, TALLY_TRACE_PARENT, VALID "-");
      tally_headers_set (headers, TALLY_TRACE_STATE, "foo=1");
      with = ask_last (&chain, TALLY_TRACE_PARENT, headers);
      state = ask_last (&chain, TALLY_TRACE_STATE, headers);
      assert_string (with, "");
      assert_string (state, "");
      chain_clear (&chain);
    }
}

/* All calls of one handler are of the trace that its server began. */
static void
a_server_begins_a_trace_where_it_is_told_to (void)
{
  for (guint i = 0; i < 4; i++)
    {
      gboolean is_sampled = i % 2;
      g_autoptr (TallyHeaders) headers = tally_headers_new ();
      g_autofree gchar *parent = NULL;
      g_autoptr (TallyTrace) trace = NULL;
      g_autoptr (TallyTrace) at_a = NULL;
      Chain chain;

      chain_init (&chain, i / 2, "transport=header",
                  is_sampled ? TALLY_TRACE_ROOTS_SAMPLED : TALLY_TRACE_ROOTS_UNSAMPLED);
      tally_headers_set (headers, TALLY_TRACE_PARENT, "malformed");
      parent = ask_last (&chain, TALLY_TRACE_PARENT, i / 2 ? headers : NULL);
      trace = tally_trace_parse (parent, NULL);
      CU_ASSERT_PTR_NOT_NULL_FATAL (trace);
      at_a = tally_trace_new_from_headers (
          tally_call_info_get_request_headers (recorder_wait (chain.at_a, 1)));
      CU_ASSERT_PTR_NOT_NULL_FATAL (at_a);
      assert_string (tally_trace_get_trace_id (trace), tally_trace_get_trace_id (at_a));
      CU_ASSERT (strcmp (tally_trace_get_span_id (trace), tally_trace_get_span_id (at_a)) != 0);
      assert_int (tally_trace_get_flags (trace) & TALLY_TRACE_SAMPLED,
                  is_sampled ? TALLY_TRACE_SAMPLED : 0);
      chain_clear (&chain);
    }
}

/* They have no headers. */
static void
framed_peers_carry_nothing (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TallyHeaders) headers = tally_headers_new ();
      g_autofree gchar *parent = NULL;
      Chain chain;

      chain_init (&chain, i, "transport=framed", TALLY_TRACE_ROOTS_SAMPLED);
      tally_headers_set (headers, TALLY_TRACE_PARENT, VALID);
      parent = ask_last (&chain, TALLY_TRACE_PARENT, headers);
      assert_string (parent, "");
      CU_ASSERT_PTR_NULL (tally_call_info_get_request_headers (recorder_wait (chain.at_a, 1)));
      CU_ASSERT_PTR_NULL (tally_call_info_get_reply_headers (chain.at_a->last));
      chain_clear (&chain);
    }
}

/* ---- what a thread has ---- */

static void
what_was_pushed_is_current (void)
{
  Chain chain;
  g_autoptr (TallyTrace) outer = tally_trace_parse (VALID, NULL);
  g_autoptr (TallyTrace) inner = tally_trace_new (0);
  g_autoptr (TallyTracePropagator) propagator = tally_trace_propagator_new (TALLY_TRACE_ROOTS_NONE);
  g_autoptr (TallyHeaders) own = tally_headers_new ();
  TallyTrace *top;

  CU_ASSERT_PTR_NULL (tally_trace_dup_current ());
  chain_init (&chain, FALSE, "transport=header", TALLY_TRACE_ROOTS_NONE);
  tally_channel_add_interceptor (chain.from_client, TALLY_INTERCEPTOR (propagator));
  tally_trace_push (outer);
  tally_trace_push (inner);
  top = tally_trace_dup_current ();
  CU_ASSERT_PTR_EQUAL (top, inner);
  tally_trace_unref (top);
  tally_trace_pop (inner);
  tally_headers_set (own, TALLY_TRACE_PARENT, "00-" TRACE_ID "-1111111111111111-00");
  for (guint i = 0; i < 2; i++)
    {
      g_autofree gchar *parent = ask_last (&chain, TALLY_TRACE_PARENT, i == 0 ? NULL : own);
      g_autoptr (TallyTrace) at_b = tally_trace_parse (parent, NULL);

      CU_ASSERT_PTR_NOT_NULL_FATAL (at_b);
      assert_string (tally_trace_get_trace_id (at_b), TRACE_ID);
      assert_int (tally_trace_get_flags (at_b), i == 0 ? TALLY_TRACE_SAMPLED : 0);
      if (i == 1) /* the caller's own is not overruled */
        assert_string (tally_headers_lookup (tally_call_info_get_request_headers (
                                                 recorder_wait (chain.at_a, 2)),
                                             TALLY_TRACE_PARENT),
                       "00-" TRACE_ID "-1111111111111111-00");
    }
  tally_trace_pop (outer);
  CU_ASSERT_PTR_NULL (tally_trace_dup_current ());
  chain_clear (&chain);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_parent_is_taken_if_it_is_valid),
    TEST (a_state_is_taken_if_it_is_valid),
    TEST (a_child_is_of_its_parents_trace),
    TEST (a_new_trace_is_valid),
    TEST (the_names_may_be_in_upper_case_once),
    TEST (a_trace_goes_through_a_server),
    TEST (no_trace_is_made_up),
    TEST (a_server_begins_a_trace_where_it_is_told_to),
    TEST (framed_peers_carry_nothing),
    TEST (what_was_pushed_is_current),
    { NULL, NULL },
  };

  /* what GLib opens once */
  g_main_context_default ();
  g_type_ensure (G_TYPE_TASK);
  relay_methods[0] = *test_echo_method;
  relay_methods[0].invoke = invoke_relay;
  relay_methods[0].async_vfunc = 0;
  return test_main ("trace", cases, argc, argv);
}
