/* Peers that answer one call wrongly and every other honestly: what the caller is told, and whether the
 * connection serves again, which is counted by the peer's accepts. */
#ifndef TESTS_RUNTIME_LIE_H
#define TESTS_RUNTIME_LIE_H

#include "echo-service.h"
#include "harness.h"

G_BEGIN_DECLS

typedef struct
{
  const gchar *name;
  EchoAnswer lie;
  const gchar *domain; /* NULL: the call succeeds */
  gint code;
  const gchar *part; /* of the message */
  gboolean reused;   /* whether the connection serves the next call too */
} Lie;
#define LIE(function, ...)                                                                         \
  {                                                                                                \
#function, function, __VA_ARGS__                                                               \
  }

/* Options of a URI: both protocols in both framings. */
extern const gchar *const lie_dialects[4];

void lie_tell (const Lie *lie, const gchar *dialect);
/* Each of the @n lies in each dialect. */
void lie_tell_all (const Lie *lies, guint n);

/* Ways to answer, and parts of them. A caller gives up soon on the silent ones. */
gboolean lie_silence (EchoRequest *request);
gboolean lie_half_then_silence (EchoRequest *request);
gboolean lie_send_half (EchoRequest *request);
/* Sends what was put into @output and drops it. */
gboolean lie_send (EchoRequest *request, TallyBuffer *output);
/* As one message. */
gboolean lie_send_bytes (EchoRequest *request, const gchar *bytes, gsize length);

G_END_DECLS

#endif /* TESTS_RUNTIME_LIE_H */
