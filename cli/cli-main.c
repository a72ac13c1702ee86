/* The program: its subcommands, and what is asked for about itself. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli-commands.h"
#include "cli-fill.h"
#include "cli-json.h"

typedef struct
{
  const gchar *name;
  CliStatus (*run) (gchar **words);
  const gchar *about;
} Command;

static const Command commands[] = {
  { "call", cli_call, "Call a method of any service; arguments and result are JSON" },
  { "describe", cli_describe, "Tell what a service offers, and what a method takes" },
  { "decode", cli_decode, "Tell what messages say that were captured" },
  { "proxy", cli_proxy, "Pass calls on, print each, and check that replies match" },
  { "serve", cli_serve, "Stand in for a server, with answers from a file" },
  { "bench", cli_bench, "Measure a method: unpooled, pooled and shared connections" },
  { "report", cli_report, "Show what bench measured as a page, several runs side by side" },
  { "simulate", cli_simulate, "Predict waits for a connection, for each limit of a pool" },
};

static void
print_help (void)
{
  printf ("Usage: tally COMMAND [OPTION...] ...\n\n"
          "Speaks to any Thrift service, by its IDL and without generated code. Commands:\n");
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    printf ("  tally %-9s%s\n", commands[i].name, commands[i].about);
  printf ("\n"
          "tally COMMAND --help shows the command's words and options.\n\n"
          "URI is tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH or unix:@NAME, and after\n"
          "it, behind \"?\" and with \"&\" between them, what is not as here:\n"
          "  protocol=binary (or compact)   transport=framed (or buffered, header)\n"
          "  service=NAME (multiplexed)     timeout=MILLISECONDS\n"
          "  over TLS: ca=FILE cert=FILE key=FILE identity=NAME host-check=no\n\n"
          "Exit status: 0 a result; 1 damaged bytes, or past a limit; 2 a mistake, nothing\n"
          "was sent; 3 a declared exception; 4 the server refused; 5 the call failed and\n"
          "was not executed; 6 it failed and may have been.\n");
}

static const Command *
find_command (const gchar *name)
{
  const gchar *names[G_N_ELEMENTS (commands)];
  g_autofree gchar *suggestion = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      if (g_str_equal (commands[i].name, name))
        return &commands[i];
      names[i] = commands[i].name;
    }
  suggestion = cli_suggest (name, names, G_N_ELEMENTS (names));
  g_printerr ("tally: there is no command \"%s\"%s\nTry: tally --help\n", name, suggestion);
  return NULL;
}

/* Where one of the three is closed the next socket would take its place, and get what is printed. What is opened instead cannot
 * be used. */
static void
keep_standard_descriptors (void)
{
  for (gint fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl (fd, F_GETFD) < 0
        && open ("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
      _exit (CLI_FAILED);
}

int
main (int argc, char **argv)
{
  g_auto (GStrv) words = NULL;
  const Command *command;

  keep_standard_descriptors ();
  setlocale (LC_ALL, "");
  signal (SIGPIPE, SIG_IGN);
  g_set_prgname ("tally");
  if (argc < 2)
    {
      g_printerr ("tally: which command?\nTry: tally --help\n");
      return CLI_MISTAKE;
    }
  if (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h")
      || g_str_equal (argv[1], "help"))
    {
      print_help ();
      return cli_end_output (CLI_OK);
    }
  if (g_str_equal (argv[1], "--version"))
    {
      printf ("tally %s\n", TALLY_VERSION);
      return cli_end_output (CLI_OK);
    }
  command = find_command (argv[1]);
  if (command == NULL)
    return CLI_MISTAKE;
  words = g_strdupv (argv + 1);
  return cli_end_output (command->run (words));
}
