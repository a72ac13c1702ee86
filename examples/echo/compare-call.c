/* The calls that echo-compare makes: each sends something else, and what comes back must be that. */
#include <string.h>

#include "compare.h"
#include "demo_echo.h"
#include "payload.h"

/* One thread's. */
typedef struct
{
  DemoEchoClient *client;
  gsize size;
  DemoPayload *payload; /* (nullable): what is sent, or else the text */
  gchar *text;
  DemoPayload *payload_reply; /* (nullable) */
  gchar *text_reply;          /* (nullable) */
} Caller;

static gpointer
caller_new (gpointer data, TallyChannel *channel, guint index)
{
  const gint size = *(const gint *) data;
  Caller *self = g_new0 (Caller, 1);

  self->client = demo_echo_client_new (channel);
  self->size = size < 0 ? 0 : (gsize) size;
  if (size < 0)
    self->payload = payload_new (index);
  self->text = g_strnfill (self->size, 'x');
  return self;
}

static void
caller_free (gpointer caller)
{
  Caller *self = caller;

  g_object_unref (self->client);
  g_clear_object (&self->payload);
  g_free (self->text);
  g_free (self);
}

/* What is sent is another one for each call, so that an answer to another call is seen. */
static void
prepare (gpointer caller, guint64 number)
{
  Caller *self = caller;
  gchar stamp[32];
  gsize length;

  if (self->payload != NULL)
    {
      ((DemoItem *) g_ptr_array_index (self->payload->items, 0))->stamp = (gint64) number;
      return;
    }
  length = (gsize) g_snprintf (stamp, sizeof stamp, "%" G_GUINT64_FORMAT "/", number);
  memset (self->text, 'x', MIN (self->size, sizeof stamp)); /* what is left of a longer one */
  memcpy (self->text, stamp, MIN (self->size, length));
}

static gboolean
call (gpointer caller, GError **error)
{
  Caller *self = caller;
  DemoEchoIf *echo = DEMO_ECHO_IF (self->client);

  if (self->payload == NULL)
    return demo_echo_if_echo (echo, &self->text_reply, self->text, error);
  self->payload_reply = g_object_new (DEMO_TYPE_PAYLOAD, NULL);
  return demo_echo_if_echo_payload (echo, &self->payload_reply, self->payload, error);
}

static void
begin (gpointer caller, GAsyncReadyCallback callback, gpointer user_data)
{
  Caller *self = caller;

  if (self->payload == NULL)
    demo_echo_client_echo_async (self->client, self->text, NULL, NULL, callback, user_data);
  else
    demo_echo_client_echo_payload_async (self->client, self->payload, NULL, NULL, callback,
                                         user_data);
}

static gboolean
finish (gpointer caller, GAsyncResult *result, GError **error)
{
  Caller *self = caller;

  return self->payload == NULL
             ? demo_echo_client_echo_finish (self->client, result, &self->text_reply, error)
             : demo_echo_client_echo_payload_finish (self->client, result, &self->payload_reply,
                                                     error);
}

static gboolean
check (gpointer caller, guint64 number, GError **error)
{
  Caller *self = caller;
  gboolean is_right;

  prepare (self, number); /* of several calls under way another one may have been prepared since */
  if (self->payload == NULL)
    is_right = self->text_reply != NULL && strcmp (self->text_reply, self->text) == 0;
  else
    is_right =
        self->payload_reply != NULL && tally_struct_equal (self->payload_reply, self->payload);
  g_clear_pointer (&self->text_reply, g_free);
  g_clear_object (&self->payload_reply);
  if (!is_right)
    g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_FAILED, "an answer is not what was sent");
  return is_right;
}

LoadWork
compare_call (const gint *size)
{
  return (
      LoadWork){ caller_new, caller_free, prepare, call, check, begin, finish, (gpointer) size };
}
