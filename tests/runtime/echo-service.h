/* A service's tables written by hand in the shape in which tallyc emits them, and a scripted server
 * that speaks it honestly or lies. */
#ifndef TESTS_RUNTIME_ECHO_SERVICE_H
#define TESTS_RUNTIME_ECHO_SERVICE_H

#include "fixture.h"
#include "framing-private.h"
#include "peer.h"
#include "tally-channel.h"

G_BEGIN_DECLS

/* service Echo {
 *   string echo (1: string text) throws (1: Oops oops)
 *   string get (1: string text) throws (1: Oops oops) (idempotent)
 *   i32 count (1: required string text)
 *   Point point (1: string text)
 *   list<i32> numbers (1: string text)
 *   void ping (1: string text) throws (1: Oops oops)
 *   oneway void note (1: string text)
 * } */
typedef struct
{
  gchar *text;
} EchoArgs;
typedef struct
{
  gchar *success;
  FixOops *oops;
} EchoResult;
typedef struct
{
  FixPoint *success;
} PointResult;
typedef struct
{
  FixOops *oops;
} PingResult;

enum
{
  ECHO_COUNT,
  ECHO_ECHO,
  ECHO_GET,
  ECHO_NOTE,
  ECHO_NUMBERS,
  ECHO_PING,
  ECHO_POINT,
  N_ECHO_METHODS
};
extern const TallyMethod echo_methods[N_ECHO_METHODS];

/* One request that a scripted server has read. */
typedef struct
{
  gint fd;
  TallySocket *socket; /* on a copy of fd */
  const TallyCodec *codec;
  TallyFraming framing;
  guint connection; /* counts from 0 */
  guint request;    /* of the connection, from 0 */
  gchar *name;
  gint32 type;
  gint32 seqid;
  gchar *text;
  gpointer user_data;
} EchoRequest;

/* Answers @request; FALSE closes the connection. */
typedef gboolean (*EchoAnswer) (EchoRequest *request);

typedef struct
{
  EchoAnswer answer;
  gpointer user_data;
  const gchar *options; /* of the URI: how to speak */
  gint requests;        /* atomic: how many were read */
  TestPeer *peer;
} EchoServer;

void
echo_server_start (EchoServer *server, EchoAnswer answer, const gchar *options, gpointer user_data);
void echo_server_stop (EchoServer *server);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EchoServer, echo_server_stop)
/* A channel to @server on @pool, for whose calls ten seconds must do. */
/* What errors of its calls of "echo" begin with. */
const gchar *echo_get_place (void);
TallyChannel *echo_server_connect (EchoServer *server, TallyPool *pool);

/* Appends a whole message. */
void echo_put (EchoRequest *request,
               TallyBuffer *output,
               const gchar *name,
               gint type,
               gint32 seqid,
               const TallyStructInfo *info,
               gconstpointer value);
/* Appends the honest reply to echo and get. */
void echo_put_reply (EchoRequest *request, TallyBuffer *output);
/* Sends it. */
gboolean echo_honest (EchoRequest *request);
gboolean echo_send (EchoRequest *request, const TallyBuffer *output);

/* Answers honestly, but takes the second request of the first connection and ends. */
gboolean echo_answer_all_but_second (EchoRequest *request);

/* A pool's check hook that finds every connection alive, so that a call meets a dead one. */
gboolean echo_believe_everything (ThriftTransport *transport, gint64 idle_time, gpointer user_data);

/* Of what can have become of a request that was not answered, @error says one thing, once. */
void echo_assert_says_once (const GError *error);

/* Calls echo with @text; the reply in @reply (transfer full). */
gboolean
echo_call (TallyChannel *channel, guint method, const gchar *text, gchar **reply, GError **error);

G_END_DECLS

#endif /* TESTS_RUNTIME_ECHO_SERVICE_H */
