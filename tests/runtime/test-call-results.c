/* What becomes of the caller's variables. */
#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "echo-service.h"
#include "harness.h"

static gboolean
answer_by_text (EchoRequest *request)
{
  g_autoptr (GObject) point = G_OBJECT (fix_point_new (5, "tag"));
  g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), "message", "so", "code", 3, NULL);
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (gint32));
  gboolean throws = strcmp (request->text, "throw") == 0;
  gboolean none = strcmp (request->text, "none") == 0;
  FixListResult list = { .success = none ? NULL : numbers };
  PointResult point_result = { .success = none ? NULL : (FixPoint *) point };
  PingResult ping = { .oops = throws ? (FixOops *) oops : NULL };
  FixCountResult count = { .success = 42, .__isset_success = !none };
  EchoResult echo = { .success = throws ? NULL : request->text, .oops = ping.oops };
  gconstpointer values[] = { [ECHO_COUNT] = &count,
                             [ECHO_ECHO] = &echo,
                             [ECHO_NUMBERS] = &list,
                             [ECHO_PING] = &ping,
                             [ECHO_POINT] = &point_result };
  TallyBuffer output = { 0 };
  gint32 number = 9;
  guint i;

  g_array_append_val (numbers, number);
  for (i = 0; i < N_ECHO_METHODS && strcmp (echo_methods[i].name, request->name) != 0; i++)
    ;
  echo_put (request, &output, request->name, T_REPLY, request->seqid, echo_methods[i].result,
            values[i]);
  echo_send (request, &output);
  tally_buffer_clear (&output);
  return TRUE;
}

typedef struct
{
  TallyPool *pool;
  EchoServer server;
  TallyChannel *channel;
} Results;

static void
results_start (Results *self)
{
  self->pool = tally_pool_new ();
  echo_server_start (&self->server, answer_by_text, "?", NULL);
  self->channel = echo_server_connect (&self->server, self->pool);
}

static void
results_stop (Results *self)
{
  assert_int (test_peer_get_accepted (self->server.peer), 1); /* all of it was clean */
  tally_pool_close (self->pool);
  echo_server_stop (&self->server);
  g_object_unref (self->channel);
  g_object_unref (self->pool);
}

static gboolean
call (Results *self, guint method, const gchar *text, gpointer const *results, GError **error)
{
  EchoArgs args = { (gchar *) text };

  g_clear_error (error);
  return tally_channel_call (self->channel, &echo_methods[method], &args, results, -1, NULL, error);
}

static void
structs_and_containers_are_filled_in_place_or_made (void)
{
  Results self;
  g_autoptr (GError) error = NULL;
  g_autoptr (GObject) owned = G_OBJECT (fix_point_new (1, "old"));
  FixPoint *point = (FixPoint *) owned;
  FixPoint *made = NULL;
  GArray *numbers = g_array_new (FALSE, FALSE, sizeof (gint32));
  GArray *made_numbers = NULL;
  gint32 old = 1;

  results_start (&self);
  g_array_append_val (numbers, old);
  CU_ASSERT_TRUE (call (&self, ECHO_POINT, "x", (gpointer[]){ &point }, &error));
  CU_ASSERT_PTR_EQUAL (point, owned);
  assert_int (point->x, 5);
  assert_int (point->tags->len, 1);
  CU_ASSERT_TRUE (call (&self, ECHO_POINT, "x", (gpointer[]){ &made }, &error));
  assert_int (made->x, 5);
  CU_ASSERT_TRUE (call (&self, ECHO_NUMBERS, "x", (gpointer[]){ &numbers }, &error));
  assert_int (numbers->len, 1);
  assert_int (g_array_index (numbers, gint32, 0), 9);
  CU_ASSERT_TRUE (call (&self, ECHO_NUMBERS, "x", (gpointer[]){ &made_numbers }, &error));
  assert_int (made_numbers->len, 1);
  /* nobody wants it */
  CU_ASSERT_TRUE (call (&self, ECHO_NUMBERS, "x", NULL, &error));
  CU_ASSERT_TRUE (call (&self, ECHO_POINT, "x", (gpointer[]){ NULL }, &error));
  assert_no_error (error);
  g_object_unref (made);
  g_array_unref (numbers);
  g_array_unref (made_numbers);
  results_stop (&self);
}

/* Though a variable that is filled in place is never NULL. */
static void
a_missing_result_is_noticed_in_every_type (void)
{
  Results self;
  g_autoptr (GError) error = NULL;
  g_autoptr (GObject) owned = G_OBJECT (fix_point_new (1, "old"));
  FixPoint *point = (FixPoint *) owned;
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (gint32));
  gint32 count = 1;

  results_start (&self);
  CU_ASSERT_FALSE (call (&self, ECHO_POINT, "none", (gpointer[]){ &point }, &error));
  assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT, "point at");
  assert_int (point->x, 1);
  CU_ASSERT_FALSE (call (&self, ECHO_NUMBERS, "none", (gpointer[]){ &numbers }, &error));
  assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT, NULL);
  CU_ASSERT_FALSE (call (&self, ECHO_COUNT, "none", (gpointer[]){ &count }, &error));
  assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT, NULL);
  assert_int (count, 1);
  CU_ASSERT_TRUE (call (&self, ECHO_COUNT, "some", (gpointer[]){ &count }, &error));
  assert_int (count, 42);
  CU_ASSERT_TRUE (call (&self, ECHO_PING, "none", NULL, &error)); /* void: nothing is due */
  results_stop (&self);
}

static void
declared_exceptions_are_handed_out (void)
{
  Results self;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = g_strdup ("old");
  FixOops *oops = NULL;

  results_start (&self);
  CU_ASSERT_FALSE (call (&self, ECHO_ECHO, "throw", (gpointer[]){ &reply, &oops }, &error));
  assert_error (error, fix_oops_error_quark (), 0, NULL);
  assert_string (error->message, "Oops");
  assert_string (reply, "old");
  CU_ASSERT_PTR_NOT_NULL_FATAL (oops);
  assert_string (oops->message, "so");
  assert_int (oops->code, 3);
  g_clear_object (&oops);
  CU_ASSERT_FALSE (call (&self, ECHO_PING, "throw", (gpointer[]){ &oops }, &error));
  assert_error (error, fix_oops_error_quark (), 0, "Oops");
  g_clear_object (&oops);
  CU_ASSERT_FALSE (call (&self, ECHO_PING, "throw", NULL, &error));
  assert_error (error, fix_oops_error_quark (), 0, "Oops");
  CU_ASSERT_TRUE (call (&self, ECHO_ECHO, "new", (gpointer[]){ &reply, &oops }, &error));
  assert_string (reply, "new"); /* the old value was freed */
  CU_ASSERT_PTR_NULL (oops);
  results_stop (&self);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (structs_and_containers_are_filled_in_place_or_made),
    TEST (a_missing_result_is_noticed_in_every_type),
    TEST (declared_exceptions_are_handed_out),
    { NULL },
  };

  return test_main ("call-results", cases, argc, argv);
}
