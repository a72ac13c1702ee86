/* Owns what is known of the last call beyond its result. */
#include "cli-watch.h"

#include "cli-message.h"

struct _CliWatch
{
  GObject parent_instance;

  gboolean keeps;
  TallyCallInfo *last; /* nullable */
};

static gboolean
cli_watch_before (TallyInterceptor *interceptor, TallyCallInfo *info, GError **error)
{
  if (CLI_WATCH (interceptor)->keeps)
    tally_call_info_keep_messages (info);
  return TRUE;
}

static void
cli_watch_after (TallyInterceptor *interceptor, TallyCallInfo *info)
{
  g_set_object (&CLI_WATCH (interceptor)->last, info);
}

static void
cli_watch_interceptor_init (TallyInterceptorInterface *interface)
{
  interface->before = cli_watch_before;
  interface->after = cli_watch_after;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (CliWatch,
                               cli_watch,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TALLY_TYPE_INTERCEPTOR,
                                                      cli_watch_interceptor_init))

static void
cli_watch_finalize (GObject *object)
{
  g_clear_object (&CLI_WATCH (object)->last);
  G_OBJECT_CLASS (cli_watch_parent_class)->finalize (object);
}

static void
cli_watch_class_init (CliWatchClass *class)
{
  G_OBJECT_CLASS (class)->finalize = cli_watch_finalize;
}

static void
cli_watch_init (CliWatch *self)
{
}

CliWatch *
cli_watch_new (gboolean keeps)
{
  CliWatch *self = g_object_new (CLI_TYPE_WATCH, NULL);

  self->keeps = keeps;
  return self;
}

TallyCallOutcome
cli_watch_get_outcome (CliWatch *self)
{
  return self->last != NULL ? tally_call_info_get_outcome (self->last) : TALLY_CALL_FAILED;
}

gint64
cli_watch_get_time (CliWatch *self)
{
  return self->last != NULL ? tally_call_info_get_end_time (self->last)
                                  - tally_call_info_get_start_time (self->last)
                            : 0;
}

static const TallyStructInfo *
find_watched_body (const gchar *name, ThriftMessageType type, gpointer user_data)
{
  const TallyMethod *method = user_data;

  return type == T_REPLY ? method->result : method->args;
}

/* @is_whole: the message; else @bytes are a part of it, with the header of its frame. */
static void
print_message (const gchar *what, GBytes *bytes, gboolean is_whole, const TallyMethod *method)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (CliMessage) message = NULL;
  gsize length, size;
  const guint8 *data;

  data = g_bytes_get_data (bytes, &length);
  message =
      cli_message_read (data, length, CLI_FORM_AUTO, find_watched_body, (gpointer) method, &size);
  if (size < length)
    cli_message_take_rest (message, length);
  cli_message_annotate (message, text);
  g_printerr ("%s %" G_GSIZE_FORMAT " bytes%s:\n%s", what, length,
              is_whole ? "" : ", and no whole message", text->str);
}

void
cli_watch_print (CliWatch *self, const TallyMethod *method)
{
  const gchar *sent = "sent";
  GBytes *request, *reply;

  if (self->last == NULL)
    return;
  if (tally_call_info_get_sent_time (self->last) == 0)
    sent = "made, and did not send all of,"; /* the error says what became of it */
  request = tally_call_info_get_request (self->last);
  reply = tally_call_info_get_reply (self->last);
  if (request != NULL)
    print_message (sent, request, TRUE, method);
  else
    g_printerr ("sent nothing\n");
  if (reply != NULL)
    print_message ("received", reply, tally_call_info_get_reply_bytes (self->last) > 0, method);
  else if (!method->oneway)
    g_printerr ("received no whole message\n");
}
