/* What a load costs the machine: CPU time, and sockets that linger. */
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "load.h"

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

static guint64
read_cpu_ns (clockid_t clock)
{
  struct timespec cpu = { 0 };

  clock_gettime (clock, &cpu);
  return (guint64) cpu.tv_sec * 1000000000u + (guint64) cpu.tv_nsec;
}

LoadMachine
load_machine_read (const LoadOptions *options)
{
  LoadMachine machine = { .client_cpu_ns = read_cpu_ns (CLOCK_PROCESS_CPUTIME_ID) };
  const guint port = get_port (options->uri);
  clockid_t clock;

  if (options->server_pid != 0 && clock_getcpuclockid (options->server_pid, &clock) == 0)
    machine.server_cpu_ns = read_cpu_ns (clock);
  if (port != 0)
    machine.time_waits =
        count_time_waits ("/proc/net/tcp", port) + count_time_waits ("/proc/net/tcp6", port);
  return machine;
}

void
load_machine_charge (LoadMode *mode, const LoadMachine *before, const LoadMachine *after)
{
  mode->used.client_cpu_ns += after->client_cpu_ns - before->client_cpu_ns;
  mode->used.server_cpu_ns += after->server_cpu_ns - before->server_cpu_ns;
  /* Those of the rounds before go while this one runs. */
  if (after->time_waits > before->time_waits)
    mode->used.time_waits += after->time_waits - before->time_waits;
}

gchar *
load_machine_get_cpu (void)
{
  g_autofree gchar *text = NULL;
  const gchar *name;

  if (!g_file_get_contents ("/proc/cpuinfo", &text, NULL, NULL))
    return g_strdup ("");
  name = strstr (text, "model name");
  name = name != NULL ? strchr (name, ':') : NULL;
  if (name == NULL)
    return g_strdup ("");
  return g_strstrip (g_strndup (name + 1, strcspn (name + 1, "\n")));
}
