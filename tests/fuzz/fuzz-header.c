/* Fuzz target: bytes into a frame of the header transport, as it stands behind its length. What is taken has its
 * headers collected, its message opened, and is written and read again. */
#include <string.h>

#include "fuzz.h"
#include "header-frame-private.h"

static void
write_again (const TallyHeaderFrame *frame, const TallyHeaders *headers)
{
  TallyBuffer bytes = { NULL, 0, 0 };
  TallyHeaderFrame again;

  tally_buffer_append (&bytes, frame->payload, frame->payload_length);
  if (tally_header_frame_wrap (frame, &bytes, 0, headers, 1, NULL))
    {
      g_autoptr (TallyHeaders) back = tally_headers_new ();

      g_assert (tally_header_frame_read (&again, bytes.data, bytes.length, NULL)
                || tally_headers_get_size (headers) == TALLY_HEADERS_MAX);
      g_assert (again.seqid == frame->seqid && again.flags == frame->flags);
    }
  tally_buffer_clear (&bytes);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (TallyHeaders) headers = tally_headers_new ();
  g_autoptr (GError) error = NULL;
  TallyBuffer inflated = { NULL, 0, 0 };
  TallyHeaderFrame frame;
  const guint8 *message;
  gsize length;

  if (!tally_header_frame_read (&frame, data, size, &error))
    {
      g_assert (error != NULL);
      return 0;
    }
  tally_header_frame_get_timeout (&frame);
  g_assert (tally_header_frame_collect (&frame, headers, FALSE, NULL));
  if (tally_header_frame_open (&frame, &tally_limits_default, &inflated, &message, &length, NULL))
    g_assert (length <= tally_limits_default.max_message || !frame.is_compressed);
  inflated.length = 0;
  tally_header_frame_peek (&frame, &inflated, &message, &length, NULL);
  tally_buffer_clear (&inflated);
  write_again (&frame, headers);
  return 0;
}
