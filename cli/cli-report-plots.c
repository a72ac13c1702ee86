/* Owns the pictures of a report: what each shows, and of which figures. */
#include "cli-report.h"

#include <math.h>

/* ---- parts ---- */

/* What colour each mode has. */
static void
append_legend (GString *page, const CliReport *self)
{
  if (self->modes->len < 2)
    return;
  g_string_append (page, "<p class=\"legend\">");
  for (guint i = 0; i < self->modes->len; i++)
    {
      const CliReportMode *mode = g_ptr_array_index (self->modes, i);
      g_autofree gchar *label = g_markup_escape_text (mode->label, -1);

      g_string_append_printf (page, "<span><i class=\"b%u\"></i>%s</span>", i, label);
    }
  g_string_append (page, "</p>\n");
}

static void
append_value (GString *page, const gchar *key, guint index, gdouble value, const gchar *text)
{
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (
      page, "<span class=\"value\" data-mode=\"%u\" data-key=\"%s\" data-value=\"%s\">%s</span>",
      index, key, g_ascii_formatd (number, sizeof number, "%.3f", value), text);
}

static void
append_row_head (GString *page, const CliReportMode *mode)
{
  g_autofree gchar *label = g_markup_escape_text (mode->label, -1);

  g_string_append_printf (page, "<div class=\"row\"><div class=\"head\"><b>%s</b>", label);
}

/* Of all modes' times, from @low to @high; the field's offset in a mode says which. */
static CliScale
find_scale (const CliReport *self)
{
  gdouble low = G_MAXDOUBLE, high = 0;

  for (guint i = 0; i < self->modes->len; i++)
    {
      const CliReportMode *mode = g_ptr_array_index (self->modes, i);

      if (mode->calls <= 0)
        continue;
      low = MIN (low, mode->min);
      high = MAX (high, mode->p9999);
    }
  return cli_scale_new_log (low, high);
}

/* ---- throughput ---- */

static void
append_bar (GString *page, const CliReportMode *mode, guint index, const CliScale *scale)
{
  cli_svg_begin (page, 26, mode->label);
  g_string_append_printf (page,
                          "<rect class=\"bar b%u\" x=\"0\" y=\"3\" height=\"20\" rx=\"2\" width=\"",
                          index);
  cli_svg_append_percent (page, cli_scale_place (scale, mode->rate));
  g_string_append (page, "\"/>\n");
  cli_svg_line (page, "spread", (CliPoint){ cli_scale_place (scale, mode->lowest_rate), 0.5 },
                (CliPoint){ cli_scale_place (scale, mode->highest_rate), 0.5 });
  for (guint i = 0; i < mode->rates->len; i++)
    {
      g_string_append (page, "<circle class=\"round\" cy=\"13\" r=\"3\" cx=\"");
      cli_svg_append_percent (page,
                              cli_scale_place (scale, g_array_index (mode->rates, gdouble, i)));
      g_string_append (page, "\"/>");
    }
  cli_svg_end (page);
}

void
cli_report_plot_throughput (GString *page, const CliReport *self)
{
  gdouble most = 0;
  CliScale scale;

  for (guint i = 0; i < self->modes->len; i++)
    most = MAX (most, ((const CliReportMode *) g_ptr_array_index (self->modes, i))->highest_rate);
  scale = cli_scale_new_linear (most * 1.01);
  for (guint i = 0; i < self->modes->len; i++)
    {
      const CliReportMode *mode = g_ptr_array_index (self->modes, i);
      g_autofree gchar *count = cli_format_count (mode->rate);
      g_autofree gchar *text = g_strdup_printf ("%s calls/s", count);

      append_row_head (page, mode);
      append_value (page, "calls_per_second", i, mode->rate, text);
      g_string_append (page, "</div>\n");
      append_bar (page, mode, i, &scale);
      g_string_append (page, "</div>\n");
    }
  g_string_append (page,
                   "<p class=\"note\">The bar is the median of the rounds, each of which is a "
                   "dot.</p>\n");
}

/* ---- percentiles ---- */

/* 0, 90, 99, 99.9 and 99.99 per cent at equal distances. */
static gdouble
place_percentile (gdouble percent)
{
  const gdouble rest = MAX (1 - percent / 100, 1e-4);

  return -log10 (rest) / 4;
}

static void
append_percentile_axis (GString *page)
{
  static const struct
  {
    gdouble percent;
    const gchar *text;
  } ticks[] = {
    { 0, "0 %" }, { 90, "90 %" }, { 99, "99 %" }, { 99.9, "99.9 %" }, { 99.99, "99.99 %" }
  };

  for (guint i = 0; i < G_N_ELEMENTS (ticks); i++)
    {
      const gdouble x = place_percentile (ticks[i].percent);

      cli_svg_line (page, "grid", (CliPoint){ x, 0 }, (CliPoint){ x, 1 });
      cli_svg_text (page, "tick",
                    i == 0     ? "start"
                    : x > 0.99 ? "end"
                               : "middle",
                    (CliPoint){ x, 1 }, 0, 18, ticks[i].text);
    }
}

void
cli_report_plot_percentiles (GString *page, const CliReport *self)
{
  const CliScale scale = find_scale (self);

  append_legend (page, self);
  g_string_append (page, "<div class=\"wide\">");
  cli_svg_begin (page, 260, "Of how many calls took at most how long");
  cli_svg_axis_y (page, &scale, cli_format_us);
  append_percentile_axis (page);
  for (guint i = 0; i < self->modes->len; i++)
    {
      const CliReportMode *mode = g_ptr_array_index (self->modes, i);
      g_autoptr (GArray) points = g_array_new (FALSE, FALSE, sizeof (CliPoint));

      for (guint k = 0; mode->calls > 0 && k < mode->curve->len; k++)
        {
          const CliPoint *at = &g_array_index (mode->curve, CliPoint, k);
          const CliPoint point = { place_percentile (at->x), 1 - cli_scale_place (&scale, at->y) };

          if (at->x < 100)
            g_array_append_val (points, point);
        }
      cli_svg_curve (page, "line", i, (const CliPoint *) points->data, points->len, FALSE);
    }
  cli_svg_end (page);
  g_string_append (page, "</div>\n");
}

/* ---- distribution ---- */

/* A bin of the histogram begins at its value; what lies between two bins that hold something may be empty. */
static void
append_hill (GString *page, const CliReportMode *mode, guint index, const CliScale *scale)
{
  g_autoptr (GArray) points = g_array_new (FALSE, FALSE, sizeof (CliPoint));
  gdouble most = 1;

  for (guint i = 0; i < mode->histogram->len; i++)
    most = MAX (most, g_array_index (mode->histogram, CliPoint, i).y);
  for (guint i = 0; i < mode->histogram->len; i++)
    {
      const CliPoint *bin = &g_array_index (mode->histogram, CliPoint, i);
      const gdouble end = bin->x * 1.1; /* eight bins for each power of two */
      const CliPoint corners[] = { { cli_scale_place (scale, bin->x), 1 },
                                   { cli_scale_place (scale, bin->x), 1 - bin->y / most },
                                   { cli_scale_place (scale, end), 1 - bin->y / most },
                                   { cli_scale_place (scale, end), 1 } };

      g_array_append_vals (points, corners, G_N_ELEMENTS (corners));
    }
  cli_svg_curve (page, "hill", index, (const CliPoint *) points->data, points->len, TRUE);
}

void
cli_report_plot_distribution (GString *page, const CliReport *self)
{
  const CliScale scale = find_scale (self);

  for (guint i = 0; i < self->modes->len; i++)
    {
      const CliReportMode *mode = g_ptr_array_index (self->modes, i);
      const gboolean is_last = i + 1 == self->modes->len;
      g_autofree gchar *p50 = cli_format_us (mode->p50);
      g_autofree gchar *p99 = cli_format_us (mode->p99);

      append_row_head (page, mode);
      g_string_append (page, "<span class=\"values\">half within ");
      append_value (page, "p50", i, mode->p50, p50);
      g_string_append (page, ", 99 of 100 within ");
      append_value (page, "p99", i, mode->p99, p99);
      g_string_append_printf (page, "</span></div>\n<div class=\"%s\">", is_last ? "axis" : "");
      cli_svg_begin (page, 56, mode->label);
      if (is_last)
        cli_svg_axis_x (page, &scale, 6, cli_format_us);
      append_hill (page, mode, i, &scale);
      cli_svg_line (page, "mark", (CliPoint){ cli_scale_place (&scale, mode->p50), 0 },
                    (CliPoint){ cli_scale_place (&scale, mode->p50), 1 });
      cli_svg_line (page, "mark", (CliPoint){ cli_scale_place (&scale, mode->p99), 0 },
                    (CliPoint){ cli_scale_place (&scale, mode->p99), 1 });
      cli_svg_end (page);
      g_string_append (page, "</div></div>\n");
    }
}

/* ---- over time ---- */

static gchar *
format_seconds (gdouble seconds)
{
  return g_strdup_printf ("%g\u00a0s", seconds);
}

static void
append_times (
    GString *page, const CliReportMode *mode, guint index, const CliScale *x, const CliScale *y)
{
  g_autofree CliPoint *medians = g_new (CliPoint, mode->samples->len + 1);
  g_autofree CliPoint *tails = g_new (CliPoint, mode->samples->len + 1);

  for (guint i = 0; i < mode->samples->len; i++)
    {
      const CliReportSample *sample = &g_array_index (mode->samples, CliReportSample, i);

      medians[i] = tails[i] = (CliPoint){ .x = cli_scale_place (x, sample->at_s) };
      medians[i].y = 1 - cli_scale_place (y, sample->p50_us);
      tails[i].y = 1 - cli_scale_place (y, sample->p99_us);
    }
  cli_svg_curve (page, "line", index, medians, mode->samples->len, FALSE);
  cli_svg_curve (page, "line tail", index, tails, mode->samples->len, FALSE);
}

void
cli_report_plot_time (GString *page, const CliReport *self)
{
  gdouble end = 0, low = G_MAXDOUBLE, high = 0;
  CliScale x, y;

  for (guint i = 0; i < self->modes->len; i++)
    {
      const CliReportMode *mode = g_ptr_array_index (self->modes, i);

      for (guint k = 0; k < mode->samples->len; k++)
        {
          const CliReportSample *sample = &g_array_index (mode->samples, CliReportSample, k);

          end = MAX (end, sample->at_s);
          low = MIN (low, sample->p50_us);
          high = MAX (high, sample->p99_us);
        }
    }
  x = cli_scale_new_linear (end);
  y = cli_scale_new_log (low, high);
  append_legend (page, self);
  g_string_append (page, "<div class=\"wide\">");
  cli_svg_begin (page, 240, "Latency over time");
  cli_svg_axis_y (page, &y, cli_format_us);
  cli_svg_axis_x (page, &x, 5, format_seconds);
  for (guint i = 0; i < self->modes->len; i++)
    append_times (page, g_ptr_array_index (self->modes, i), i, &x, &y);
  cli_svg_end (page);
  g_string_append (
      page, "</div><p class=\"note\">Solid: half of the calls took at most that long; dashed: "
            "99 of 100. The rounds of a mode follow each other.</p>\n");
}

/* ---- where the time went ---- */

static void
append_steps_of (GString *page, const CliReportMode *mode, guint index, gdouble most)
{
  const struct
  {
    const gchar *name, *style;
    gdouble us;
  } steps[] = { { "connect", "s0", mode->connect },
                { "wait", "s1", mode->wait },
                { "send", "s2", mode->send },
                { "answer", "s3", mode->answer } };
  const gdouble sum = mode->connect + mode->wait + mode->send + mode->answer;
  g_autofree gchar *all = cli_format_us (sum);
  gdouble x = 0;

  append_row_head (page, mode);
  append_value (page, "steps", index, sum, all);
  g_string_append (page, "</div>\n");
  cli_svg_begin (page, 22, mode->label);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_string_append_printf (page, "<rect class=\"%s\" y=\"2\" height=\"18\" x=\"",
                              steps[i].style);
      cli_svg_append_percent (page, x);
      g_string_append (page, "\" width=\"");
      cli_svg_append_percent (page, steps[i].us / most);
      g_string_append (page, "\"/>");
      x += steps[i].us / most;
    }
  cli_svg_end (page);
  g_string_append (page, "<p class=\"parts\">");
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autofree gchar *us = cli_format_us (steps[i].us);

      g_string_append_printf (page, "<span>%s ", steps[i].name);
      append_value (page, steps[i].name, index, steps[i].us, us);
      g_string_append (page, "</span> ");
    }
  g_string_append (page, "</p></div>\n");
}

void
cli_report_plot_steps (GString *page, const CliReport *self)
{
  gdouble most = 0;

  for (guint i = 0; i < self->modes->len; i++)
    {
      const CliReportMode *mode = g_ptr_array_index (self->modes, i);

      most = MAX (most, mode->connect + mode->wait + mode->send + mode->answer);
    }
  g_string_append (page, "<p class=\"legend\"><span><i class=\"s0\"></i>connect</span>"
                         "<span><i class=\"s1\"></i>wait for a connection</span>"
                         "<span><i class=\"s2\"></i>encode and send</span>"
                         "<span><i class=\"s3\"></i>until the answer is there</span></p>\n");
  for (guint i = 0; i < self->modes->len; i++)
    {
      const CliReportMode *mode = g_ptr_array_index (self->modes, i);

      if (mode->has_steps)
        append_steps_of (page, mode, i, MAX (most, 1e-9));
    }
  g_string_append (page,
                   "<p class=\"note\">On average, of calls of their own that were watched. The "
                   "answer's part is the server's time and the way to it and back.</p>\n");
}
