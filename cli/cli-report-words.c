/* Owns the sentences that say what the figures mean. A difference is told only where it is greater than the rounds' own. */
#include "cli-report.h"

#include <math.h>
#include <string.h>

#include "load.h"

/* Rounds of one mode that differ by more say little. */
#define NOISE 1.5

static void say (GPtrArray *sentences, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

static void
say (GPtrArray *sentences, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_ptr_array_add (sentences, g_strdup_vprintf (format, arguments));
  va_end (arguments);
}

static const CliReportMode *
find_mode (const CliReport *self, guint run, const gchar *name)
{
  for (guint i = 0; i < self->modes->len; i++)
    {
      const CliReportMode *mode = g_ptr_array_index (self->modes, i);

      if (mode->run == run && g_str_equal (mode->mode, name))
        return mode;
    }
  return NULL;
}

static const gchar *
name_calls (const CliReportMode *mode)
{
  if (g_str_equal (mode->mode, "unpooled"))
    return "a connection for each call";
  if (g_str_equal (mode->mode, "pooled"))
    return "pooled connections";
  if (g_str_equal (mode->mode, "shared"))
    return "a shared connection";
  return mode->mode;
}

static gboolean
ranges_overlap (const CliReportMode *a, const CliReportMode *b)
{
  return a->lowest_rate <= b->highest_rate && b->lowest_rate <= a->highest_rate;
}

static gboolean
has_failed_a_lot (const CliReportMode *mode)
{
  return load_fails_a_lot (mode->failures, mode->calls);
}

/* "3.7"; "0.25": two digits that count, and whole numbers from 10 on. (transfer full) */
static gchar *
format_ratio (gdouble ratio)
{
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];

  return g_strdup (g_ascii_formatd (number, sizeof number,
                                    ratio >= 10  ? "%.0f"
                                    : ratio >= 1 ? "%.1f"
                                                 : "%.2f",
                                    ratio));
}

/* ---- two modes of one run ---- */

static gchar *
capitalize (const gchar *text)
{
  gchar *copy = g_strdup (text);

  *copy = g_ascii_toupper (*copy);
  return copy;
}

static void
compare_rates_of (GPtrArray *sentences,
                  const CliReportMode *base,
                  const CliReportMode *mode,
                  gboolean is_open)
{
  g_autofree gchar *name = capitalize (name_calls (mode));
  g_autofree gchar *ratio = format_ratio (mode->rate / base->rate);
  g_autofree gchar *before = cli_format_us (base->p50);
  g_autofree gchar *after = cli_format_us (mode->p50);
  const gboolean is_plural = g_str_equal (mode->mode, "pooled");

  if (is_open || ranges_overlap (base, mode)) /* the rate was given, or tells nothing */
    say (sentences, "%s: half of the calls took at most %s, and %s with %s.%s", name, after, before,
         name_calls (base),
         is_open ? ""
                 : " How many calls there are per second differs as much from round to round as "
                   "between the two.");
  else
    say (sentences,
         "%s %s %s times as many calls per second as %s: half of the calls took at most %s "
         "instead of %s.",
         name, is_plural ? "make" : "makes", ratio, name_calls (base), after, before);
}

/* "pooling saved 46 of 60 µs; to connect was 70 % of a call's time" */
static void
explain_saving (GPtrArray *sentences, const CliReportMode *base, const CliReportMode *mode)
{
  g_autofree gchar *all = cli_format_us (base->p50);
  g_autofree gchar *saved = cli_format_us (base->p50 - mode->p50);
  const gdouble sum = base->connect + base->wait + base->send + base->answer;

  if (!g_str_equal (base->mode, "unpooled") || !g_str_equal (mode->mode, "pooled")
      || mode->p50 >= base->p50)
    return;
  if (base->has_steps && base->connect > sum / 5)
    say (sentences,
         "Pooling saved %s of the %s of a call: to connect was %.0f %% of its time, and ending a "
         "connection costs both sides, too.",
         saved, all, 100 * base->connect / sum);
  else
    say (sentences, "Pooling saved %s of the %s of a call.", saved, all);
}

/* ---- one mode ---- */

static void
say_tail (GPtrArray *sentences, const CliReportMode *mode)
{
  g_autofree gchar *p50 = cli_format_us (mode->p50);
  g_autofree gchar *p99 = cli_format_us (mode->p99);

  if (mode->p50 <= 0 || mode->p99 < 10 * mode->p50)
    return;
  say (sentences, "%s: 1 of 100 calls took longer than %s, while half took at most %s.",
       mode->label, p99, p50);
}

static void
say_waits (GPtrArray *sentences, const CliReportMode *mode, const CliReportRun *run)
{
  const gdouble borrows = mode->hits + mode->waits + mode->connects;
  g_autofree gchar *p99 = cli_format_us (mode->wait_p99);

  if (borrows <= 0 || mode->waits < borrows / 100 || strstr (mode->mode, "shared") != NULL)
    return;
  say (sentences,
       "%s: %.0f of 100 calls waited for one of the %.0f connections, 1 of 100 of these for longer "
       "than %s. More connections would shorten that, if the server can serve them.",
       mode->label, round (100 * mode->waits / borrows), run->connections, p99);
}

static void
say_prediction (GPtrArray *sentences, const CliReportMode *mode)
{
  g_autofree gchar *measured = cli_format_us (mode->measured.p99);
  g_autofree gchar *predicted = cli_format_us (mode->predicted.p99);

  if (mode->measured.share < 1 || mode->predicted.p99 <= 0)
    return;
  if (mode->measured.p99 <= NOISE * mode->predicted.p99
      && mode->predicted.p99 <= NOISE * mode->measured.p99)
    say (sentences,
         "%s: 99 of 100 waits ended within %s, and a simulation of the pool says %s: tally "
         "simulate shows what another limit would do here.",
         mode->label, measured, predicted);
  else
    say (sentences,
         "%s: 99 of 100 waits ended within %s, but a simulation of the pool says %s: the "
         "difference is not the pool's limits', but that of a machine or server that stood still "
         "at times.",
         mode->label, measured, predicted);
}

static void
say_sockets (GPtrArray *sentences, const CliReportMode *mode)
{
  g_autofree gchar *count = cli_format_count (mode->time_waits);

  if (mode->time_waits >= 1000)
    say (sentences,
         "%s: %s sockets were left in TIME_WAIT. Each holds a port for a minute, and to one "
         "address there are some 28,000.",
         mode->label, count);
}

static void
say_failures (GPtrArray *sentences, const CliReportMode *mode)
{
  g_autofree gchar *failures = cli_format_count (mode->failures);
  g_autofree gchar *all = cli_format_count (mode->failures + mode->calls);

  if (mode->failures > 0)
    say (sentences, "%s: %s of %s calls failed%s%s.", mode->label, failures, all,
         mode->failure != NULL ? ", the first one so: " : "",
         mode->failure != NULL ? mode->failure : "");
}

static void
say_rate_kept (GPtrArray *sentences, const CliReportMode *mode, const CliReportRun *run)
{
  if (run->rate <= 0 || mode->rate >= 0.97 * run->rate)
    return;
  say (sentences,
       "%s: %.0f calls were to begin each second, and %.0f were made: the times count from when "
       "they were to begin, so that those which were late count in full.",
       mode->label, run->rate, mode->rate);
}

static void
say_noise (GPtrArray *sentences, const CliReport *self)
{
  for (guint i = 0; i < self->modes->len; i++)
    {
      const CliReportMode *mode = g_ptr_array_index (self->modes, i);

      if (mode->highest_rate <= NOISE * mode->lowest_rate || has_failed_a_lot (mode))
        continue;
      say (sentences,
           "The rounds of %s differ by %.0f %%: this machine did other things, too, and smaller "
           "differences mean nothing here.",
           mode->label, 100 * (mode->highest_rate / MAX (mode->lowest_rate, 1) - 1));
      return;
    }
}

/* ---- all ---- */

static void
compare_modes (GPtrArray *sentences, const CliReport *self, guint run)
{
  const CliReportRun *this_run = g_ptr_array_index (self->runs, run);
  const CliReportMode *base = NULL;

  for (guint i = 0; i < self->modes->len; i++)
    {
      const CliReportMode *mode = g_ptr_array_index (self->modes, i);

      if (mode->run != run || mode->rate <= 0 || has_failed_a_lot (mode))
        continue;
      if (base == NULL)
        {
          base = mode;
          continue;
        }
      compare_rates_of (sentences, base, mode, this_run->rate > 0);
      explain_saving (sentences, base, mode);
    }
}

/* Each mode of the first run with that of the others. */
static void
compare_runs (GPtrArray *sentences, const CliReport *self)
{
  const CliReportRun *first = g_ptr_array_index (self->runs, 0);

  for (guint i = 0; i < self->modes->len; i++)
    {
      const CliReportMode *mode = g_ptr_array_index (self->modes, i);
      const CliReportMode *base = mode->run > 0 ? find_mode (self, 0, mode->mode) : NULL;
      const CliReportRun *run = g_ptr_array_index (self->runs, mode->run);
      g_autofree gchar *ratio = NULL;
      g_autofree gchar *before = NULL;
      g_autofree gchar *after = NULL;

      if (base == NULL || base->rate <= 0 || has_failed_a_lot (base) || has_failed_a_lot (mode))
        continue;
      ratio = format_ratio (mode->rate / base->rate);
      before = cli_format_us (base->p50);
      after = cli_format_us (mode->p50);
      if (ranges_overlap (base, mode))
        say (sentences, "%s: %s and %s do not differ by more than their rounds do.", mode->mode,
             run->name, first->name);
      else
        say (sentences,
             "%s: %s makes %s times as many calls per second as %s; half of the calls took at most "
             "%s and %s.",
             mode->mode, run->name, ratio, first->name, after, before);
    }
}

GPtrArray *
cli_report_say (const CliReport *self)
{
  GPtrArray *sentences = g_ptr_array_new_with_free_func (g_free);

  if (self->runs->len > 1)
    compare_runs (sentences, self);
  else
    compare_modes (sentences, self, 0);
  if (sentences->len == 0)
    {
      const CliReportMode *mode = g_ptr_array_index (self->modes, 0);
      g_autofree gchar *rate = cli_format_count (mode->rate);
      g_autofree gchar *p50 = cli_format_us (mode->p50);
      g_autofree gchar *p99 = cli_format_us (mode->p99);

      say (sentences, "%s calls per second; half of them took at most %s, 99 of 100 at most %s.",
           rate, p50, p99);
    }
  for (guint i = 0; i < self->modes->len; i++)
    {
      const CliReportMode *mode = g_ptr_array_index (self->modes, i);
      const CliReportRun *run = g_ptr_array_index (self->runs, mode->run);

      say_failures (sentences, mode);
      say_rate_kept (sentences, mode, run);
      say_waits (sentences, mode, run);
      say_prediction (sentences, mode);
      if (self->runs->len > 1)
        continue;
      say_sockets (sentences, mode);
      say_tail (sentences, mode);
    }
  say_noise (sentences, self);
  return sentences;
}
