/* The peers' programs, for the tests that run them. */
#ifndef PEER_PROGRAMS_H
#define PEER_PROGRAMS_H

#include "harness.h"

/* A program's path is empty where its library is not installed. */
typedef struct
{
  const gchar *name;
  const gchar *command[5];
  const gchar *missing;
} Peer;

extern const Peer tally;
extern const Peer glib;
extern const Peer cpp;
extern const Peer python;
extern const Peer go;
extern const Peer java;
/* With their sockets over TLS. */
extern const Peer glib_ssl;
extern const Peer cpp_ssl;

typedef struct
{
  GPid pid;
  gint output;       /* its standard output's end */
  gchar *complaints; /* the file with its standard error */
} Program;

/* Whether it is; else the test was skipped. */
gboolean peer_is_there (const Peer *peer);
/* Starts @peer with @arguments and the words of @flags. */
gboolean program_start (Program *program,
                        const Peer *peer,
                        const gchar *const *arguments,
                        const gchar *flags);
/* @socket: its standard input and output; what it prints is not kept then. */
gboolean program_start_on (Program *program,
                           const Peer *peer,
                           const gchar *const *arguments,
                           const gchar *flags,
                           gint socket);
/* The line that a server prints when it listens. (transfer full) (nullable) */
gchar *program_read_address (Program *server);
/* Waits for its end, and kills it when that does not come. (transfer full) (nullable): what was wrong. */
gchar *program_finish (Program *program, const Peer *peer);
/* Fails the test with @wrong and what @program wrote to its standard error. */
void program_report (const gchar *wrong, Program *program);
void program_forget (Program *program);
void program_stop_server (Program *server, const Peer *peer);

/* Runs @peer as a client of what serves at @address, which a server's first line said; the test fails with it. */
void peer_run_client (const Peer *peer,
                      const gchar *protocol,
                      const gchar *transport,
                      const gchar *address,
                      const gchar *flags);
/* Runs @server, and @client against it; @wire: tcp, local, tls. */
void peer_run_case (const Peer *client,
                    const gchar *client_flags,
                    const Peer *server,
                    const gchar *server_flags,
                    const gchar *protocol,
                    const gchar *transport,
                    const gchar *wire);

/* As test_main (), with a directory for sockets and captured output. */
int programs_main (const gchar *suite, const TestCase *cases, int argc, char **argv);
const gchar *programs_get_directory (void);

#endif /* PEER_PROGRAMS_H */
