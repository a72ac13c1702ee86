/* A service in the shape in which tallyc emits one, its handler, and a peer that writes and reads
 * messages by hand. Knows no test. */
#ifndef TESTS_RUNTIME_SERVICE_FIXTURE_H
#define TESTS_RUNTIME_SERVICE_FIXTURE_H

#include <pthread.h>

#include "fixture.h"
#include "tally-endpoint.h"
#include "tally-processor.h"
#include "tally-reply.h"
#include "harness.h"
#include "tally-error.h"
#include "tally-server.h"

G_BEGIN_DECLS

/* service Base {
 *   string act (1: string how) throws (1: Oops oops)      // how it ends is what `how` says
 *   i32 add (1: i32 a, 2: i32 b = 5)
 *   binary blob (1: binary data)
 *   void block ()                                         // until test_handler_release ()
 *   string echo (1: string text)                          // "header:NAME": that header; "deadline": whether there is one
 *   Half half ()                                          // its second field is required, and NULL
 *   oneway void note (1: string text)                     // "fail" fails
 *   void ping ()
 * }
 * service Derived extends Base { i32 extra (1: Point point, 2: list<string> words) } */
extern const TallyService base_service;
extern const TallyService derived_service;

typedef struct
{
  gchar *text;
} TextArgs;
extern const TallyStructInfo text_args_info;

typedef struct
{
  gint32 a;
  gint32 b;
} AddArgs;
extern const TallyStructInfo add_args_info;

typedef struct
{
  GByteArray *data;
} BlobArgs;
extern const TallyStructInfo blob_args_info;

typedef struct
{
  GObject parent;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  guint n_inside; /* calls that block () holds now */
  guint max_inside;
  gboolean released;
  guint n_passes; /* held calls that are let go all the same */
  guint n_calls;
  guint n_notes;
  gboolean saw_null;
} TestHandler;
/* Of a subclass that answers later. */
typedef struct
{
  GObjectClass parent;
  void (*act_async) (TestHandler *self, const gchar *how, TallyReply *reply);
  void (*echo_async) (TestHandler *self, const gchar *text, TallyReply *reply);
  void (*note_async) (TestHandler *self, const gchar *text, TallyReply *reply);
  void (*ping_async) (TestHandler *self, TallyReply *reply);
} TestHandlerClass;
GType test_handler_get_type (void);
/* As generated code answers. */
extern const TallyMethod *const test_echo_method;
extern const TallyMethod *const test_ping_method;
/* Blocks until @count calls are held. */
void test_handler_wait_inside (TestHandler *self, guint count);
void test_handler_wait_calls (TestHandler *self, guint count);
void test_handler_wait_notes (TestHandler *self, guint count);
void test_handler_release (TestHandler *self);
/* Lets one call that block () holds go. */
void test_handler_release_one (TestHandler *self);
/* block () holds its calls again. */
void test_handler_hold (TestHandler *self);
guint test_handler_n_calls (TestHandler *self);

GType base_processor_get_type (void);
GType derived_processor_get_type (void);
/* (transfer full) */
ThriftProcessor *test_processor_new (GType type, TestHandler *handler);

/* ---- messages by hand ---- */

/* How a peer speaks. */
typedef struct
{
  const TallyCodec *codec;
  TallyProtocolId protocol;
  gboolean framed;
} Speech;

extern const Speech framed_binary;
extern const Speech all_speeches[4];

/* Appends a message; @args may be NULL for a method without. */
void write_request (TallyBuffer *buffer,
                    const Speech *speech,
                    const gchar *name,
                    ThriftMessageType type,
                    gint32 seqid,
                    const TallyStructInfo *info,
                    gconstpointer args);
void write_echo (TallyBuffer *buffer, const Speech *speech, gint32 seqid, const gchar *text);
/* Appends a call of ping, in compact, with a map of 2^31 - 1 elements: it cannot be, and without a frame has no end. */
void write_endless (TallyBuffer *buffer, const Speech *speech, gint32 seqid);
/* Appends @bytes as a frame, or as they are. */
void write_raw (TallyBuffer *buffer, const Speech *speech, gconstpointer bytes, gsize length);

/* What came back. */
typedef struct
{
  gint type; /* 0: nothing came, or nothing that can be read */
  gint32 seqid;
  gchar *name;
  gchar *text;   /* a string result, or an exception's message */
  gint32 number; /* an i32 result, or an exception's type */
} Answer;
void answer_clear (Answer *answer);
/* Reads one message that ends where @bytes end, its result as @kind (STRING, BINARY, I32; else
 * none). */
void answer_parse (
    Answer *answer, const Speech *speech, const guint8 *bytes, gsize length, TallyKind kind);

G_END_DECLS

#endif /* TESTS_RUNTIME_SERVICE_FIXTURE_H */
