/* A client and a target that talk through `tally proxy`'s relay. The client is a thread of the test, the target a scripted peer;
 * what goes between them goes through the main loop. */
#ifndef PROXY_FIXTURE_H
#define PROXY_FIXTURE_H

#include <pthread.h>

#include "cli-proxy-link.h"
#include "harness.h"
#include "peer.h"

#define CALL_1 "0000000c 822101 03616464 1502 1504 00"
#define CALL_2 "0000000c 822102 03616464 1502 1504 00"
#define CALL_3 "0000000c 822103 03616464 1502 1504 00"
#define REPLY_1 "0000000b 82410103616464 05000600"
#define REPLY_2 "0000000b 82410203616464 05000600"
#define REPLY_3 "0000000b 82410303616464 05000600"
#define ONEWAY "00000009 8281000470696e6700"

/* A relay, and what one client and the target do. */
typedef struct
{
  CliRelay relay;
  CliRecord record;
  CliRules *rules;
  GSocketService *service;
  guint16 port;
  TestPeer *target; /* nullable */
  gchar *output;
  gsize output_length;

  void (*client) (gint fd);
  void (*meanwhile) (CliRelay *relay); /* nullable: after each turn of the main loop */
  pthread_t thread;
  gboolean is_over; /* atomic */
  gsize most_held;
} Passing;

void append_hex (GByteArray *bytes, const gchar *hex);
void send_hex (gint fd, const gchar *hex);
/* Reads as many bytes as @hex says; whether these are they. */
gboolean takes_hex (gint fd, const gchar *hex);
gboolean sees_end (gint fd);
gboolean sees_reset (gint fd);
/* Runs the client against the target until both are done and the connection has ended. @rules: separated by spaces. @meanwhile:
 * (nullable) */
Passing *pass_with (void (*client) (gint fd),
                    TestPeerScript target,
                    const gchar *rules,
                    guint max_links,
                    void (*meanwhile) (CliRelay *relay));
Passing *pass_between (void (*client) (gint fd), TestPeerScript target, const gchar *rules);
/* What was said, and that so many calls were seen, of which so many were wrong. Consumes @self. */
void check_passing (Passing *self, guint n_calls, guint n_wrong, const gchar *part);
/* What GIO opens once for all is open before the first test. */
void passing_warm_up (void);

/* ---- parts that several tests play ---- */

void call_three (gint fd);
void answer_three (gint fd, guint index, gpointer user_data);
void take_nothing (gint fd, guint index, gpointer user_data);
void expect_the_end (gint fd);
void answer_first (gint fd, guint index, gpointer user_data);

#endif /* PROXY_FIXTURE_H */
