/* What a comparison costs the machine: CPU time, and sockets that linger. */
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "compare.h"

/* 0 for a Unix socket, which has no port. */
static guint
get_port (const gchar *uri)
{
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);
  GSocketConnectable *address = endpoint != NULL ? tally_endpoint_get_connectable (endpoint) : NULL;

  if (G_IS_NETWORK_ADDRESS (address))
    return g_network_address_get_port (G_NETWORK_ADDRESS (address));
  if (G_IS_INET_SOCKET_ADDRESS (address))
    return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
  return 0;
}

/* Of @table, which is proc(5)'s net/tcp or net/tcp6. */
static guint
count_time_waits (const gchar *table, guint port)
{
  FILE *file = fopen (table, "re");
  gchar line[256];
  guint count = 0;

  while (file != NULL && fgets (line, sizeof line, file) != NULL)
    {
      guint local, remote, state;

      if (sscanf (line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%x %x", &local, &remote, &state) == 3
          && state == 6 && (local == port || remote == port))
        count++;
    }
  if (file != NULL)
    fclose (file);
  return count;
}

CompareMachine
compare_machine_read (const CompareOptions *options, const CompareServer *server)
{
  CompareMachine machine = { 0 };
  guint port = get_port (options->uri);
  struct timespec cpu;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &cpu);
  machine.client_cpu_ns = (guint64) cpu.tv_sec * 1000000000u + cpu.tv_nsec;
  if (server != NULL)
    machine.server_cpu_ns = compare_server_get_cpu_ns (server);
  if (port != 0)
    machine.time_waits =
        count_time_waits ("/proc/net/tcp", port) + count_time_waits ("/proc/net/tcp6", port);
  return machine;
}

void
compare_machine_charge (CompareMode *mode,
                        const CompareMachine *before,
                        const CompareMachine *after)
{
  mode->used.client_cpu_ns += after->client_cpu_ns - before->client_cpu_ns;
  mode->used.server_cpu_ns += after->server_cpu_ns - before->server_cpu_ns;
  /* Those of the rounds before go while this one runs. */
  if (after->time_waits > before->time_waits)
    mode->used.time_waits += after->time_waits - before->time_waits;
}
