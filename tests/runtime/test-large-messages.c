/* Large messages, one after the other: client and server keep the memory that each of them takes, so that the next one costs
 * no page faults, and so nothing that gives memory to the system and takes it back. */
#include <string.h>
#include <sys/resource.h>

#include "codec-private.h"
#include "harness.h"
#include "server-fixture.h"
#include "tally-channel.h"

#define TEXT_BYTES (64 * 1024)
#define BLOB_BYTES (1024 * 1024)
#define WINDOW 40
/* The machine may take pages, a server looks at its heap now and then, and a thread that begins has a stack: one quiet window is
 * enough, with a few of these. What is given back and taken again with each message costs one to 16 for each 64 KiB, in all windows. */
#define MOST_WINDOWS 100
#define MOST_FAULTS (WINDOW / 4)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTHER_ALLOCATOR TRUE
#else
#define OTHER_ALLOCATOR FALSE
#endif

typedef struct
{
  TallyChannel *channel;
  const TallyMethod *method;
  TallyType type;
  gpointer sent;
} Caller;

static gboolean
is_echoed (const Caller *self, gpointer got)
{
  const GByteArray *sent_bytes = self->sent, *got_bytes = got;

  if (self->type.kind == TALLY_KIND_STRING)
    return g_strcmp0 (self->sent, got) == 0;
  return got != NULL && got_bytes->len == sent_bytes->len
         && memcmp (got_bytes->data, sent_bytes->data, sent_bytes->len) == 0;
}

static gboolean
call_once (const Caller *self)
{
  struct
  {
    gpointer only;
  } args = { self->sent };
  g_autoptr (GError) error = NULL;
  gpointer got = NULL;
  gpointer results[] = { &got };

  gboolean done = tally_channel_call (self->channel, self->method, &args, results, -1, NULL, &error)
                  && is_echoed (self, got);

  assert_no_error (error);
  tally_value_clear (&self->type, &got);
  return done;
}

static glong
count_faults (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

/* The fewest page faults that a window of calls took. */
static glong
find_least (const Caller *self)
{
  glong least = G_MAXLONG;

  for (guint window = 0; window < MOST_WINDOWS && least > MOST_FAULTS; window++)
    {
      const glong before = count_faults ();
      glong faults;

      for (guint i = 0; i < WINDOW; i++)
        if (!call_once (self))
          return G_MAXLONG;
      faults = count_faults () - before;
      least = MIN (least, faults);
    }
  return least;
}

static void
check_steady (const gchar *method, const TallyType *type, gpointer sent)
{
  static const gchar *const queries[] = { "mode=pooled", "mode=shared", "mode=unpooled",
                                          "transport=buffered" };

  for (guint i = 0; i < G_N_ELEMENTS (queries); i++)
    {
      const gchar *transport =
          strstr (queries[i], "transport") != NULL ? queries[i] : "transport=framed";
      g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
      ThriftProcessor *processor =
          test_processor_new (derived_processor_get_type (), (TestHandler *) handler);
      Running *running = running_start_at (processor, g_object_ref ((TestHandler *) handler),
                                           "tcp://127.0.0.1:0", transport);
      g_autofree gchar *uri = running_dup_client_uri (running, queries[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (TallyPool) pool = tally_pool_new ();
      Caller caller = { .method =
                            tally_service_find_method (&base_service, method, strlen (method)),
                        .type = *type,
                        .sent = sent };
      glong least;

      caller.channel =
          g_initable_new (TALLY_TYPE_CHANNEL, NULL, &error, "uri", uri, "pool", pool, NULL);
      assert_no_error (error);
      least = find_least (&caller);
      if (least > MOST_FAULTS)
        g_printerr ("# %s: %ld page faults in %d calls\n", uri, least, WINDOW);
      CU_ASSERT_TRUE (least <= MOST_FAULTS);
      g_object_unref (caller.channel);
      tally_pool_close (pool);
      running_stop (running);
    }
}

static void
large_strings_cost_no_page_faults (void)
{
  g_autofree gchar *text = g_strnfill (TEXT_BYTES, 'x');

  if (OTHER_ALLOCATOR)
    test_skip ("the sanitizer has an allocator of its own");
  else
    check_steady ("echo", &tally_type_string, text);
}

static void
large_blobs_cost_no_page_faults (void)
{
  g_autoptr (GByteArray) blob = g_byte_array_new ();

  g_byte_array_set_size (blob, BLOB_BYTES);
  memset (blob->data, 7, BLOB_BYTES);
  if (OTHER_ALLOCATOR)
    test_skip ("the sanitizer has an allocator of its own");
  else
    check_steady ("blob", &tally_type_binary, blob);
}

/* What a handler's argument and result take of its thread's heap, of all sizes about 64 KiB. */
static gpointer
take_and_give_back (gpointer data)
{
  guint *n_costly = data;

  for (gsize size = 60 * 1024; size < 70 * 1024; size += 256)
    {
      glong before = 0;

      for (guint i = 0; i <= 2 * WINDOW; i++)
        {
          gchar *argument = g_malloc0 (size), *result = g_malloc0 (size);

          if (i == WINDOW)
            before = count_faults ();
          g_free (result);
          g_free (argument);
        }
      *n_costly += count_faults () - before >= WINDOW;
    }
  return NULL;
}

static void
what_handlers_take_costs_no_page_faults (void)
{
  GTypeClass *class = g_type_class_ref (TALLY_TYPE_SERVER);
  pthread_t thread;
  guint n_costly = 0;

  if (OTHER_ALLOCATOR)
    test_skip ("the sanitizer has an allocator of its own");
  else
    {
      pthread_create (&thread, NULL, take_and_give_back, &n_costly);
      pthread_join (thread, NULL);
      assert_int (n_costly, 0);
    }
  g_type_class_unref (class);
}

static const TestCase cases[] = {
  TEST (what_handlers_take_costs_no_page_faults),
  TEST (large_strings_cost_no_page_faults),
  TEST (large_blobs_cost_no_page_faults),
  { NULL },
};

int
main (int argc, char **argv)
{
  return test_main ("large-messages", cases, argc, argv);
}
