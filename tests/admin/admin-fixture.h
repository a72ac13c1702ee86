/* A served shop with an admin listener, and what asks it. Knows no test. */
#ifndef TESTS_ADMIN_ADMIN_FIXTURE_H
#define TESTS_ADMIN_ADMIN_FIXTURE_H

#include <gio/gio.h>
#include <tally-admin.h>

#include "demo_shop.h"

#define LOOPBACK "http://127.0.0.1:0"

/* What GLib and libsoup open once and keep is open before descriptors are counted. */
void admin_warm_up (void);

typedef struct
{
  TallyAdmin *admin;
  TallyServer *server;
  GThread *thread; /* that serves */
  TallyPool *pool;
  TallyChannel *channel;
  DemoShopClient *shop;
} Fixture;

/* Listens, but is not served before fixture_serve (). Both are added to an admin listener at @admin_uri. */
Fixture *fixture_new (const gchar *admin_uri);
void fixture_serve (Fixture *self);
/* Stops the server, after handlers were released, if it serves. */
void fixture_join (Fixture *self);
void fixture_free (Fixture *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

/* Calls a method that the served shop does not have, on a connection of its own. */
void fixture_call_made_up (Fixture *self, const gchar *method);
/* A handler of count_stock () waits for its release; the call is made on a thread of its own. */
GThread *fixture_begin_call (Fixture *self);
void fixture_end_call (GThread *call);

/* A connection to the listener. */
GSocket *admin_connect (TallyAdmin *admin);
void admin_send (GSocket *socket, const gchar *text);
/* (transfer full): all that comes until the connection ends, also by a reset. */
gchar *admin_receive (GSocket *socket);
/* (transfer full): the answer to these words, head and body. */
gchar *admin_exchange (TallyAdmin *admin, const gchar *request);
/* (transfer full): the answer to a GET of @path. */
gchar *admin_get (TallyAdmin *admin, const gchar *path);

#define assert_status(answer, status)                                                              \
  CU_ASSERT (g_str_has_prefix ((answer), "HTTP/1.1 " #status " "))
#define assert_part(text, part) assert_part_at ((text), (part), __FILE__, __LINE__)
void assert_part_at (const gchar *text, const gchar *part, const gchar *file, int line);

#endif /* TESTS_ADMIN_ADMIN_FIXTURE_H */
