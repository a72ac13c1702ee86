/* Owns the page: its order, its style sheet, its tables. It asks for nothing from elsewhere, so that it can be kept and sent as one file. */
#include "cli-report.h"

static const gchar style_sheet[] =
    ":root{color-scheme:light "
    "dark;--ink:#1b2330;--quiet:#5b6676;--paper:#fff;--panel:#f5f7fa;--rule:#dde3ea;"
    "--c0:#c4622d;--c1:#2767c4;--c2:#1f8a70;--c3:#8a4fb0;--c4:#b8860b;--c5:#b03a5b;--c6:#4a6b8a;--"
    "c7:#6b7a2f}\n"
    "@media "
    "(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--quiet:#9aa6b5;--paper:#12161c;--panel:#"
    "1a2029;"
    "--rule:#2c3541;--c0:#e8925f;--c1:#6ea4f2;--c2:#55c2a5;--c3:#bf8ae0;--c4:#e0b84c;--c5:#e07a98;-"
    "-c6:#8fb0d0;--c7:#b0c26a}}\n"
    "@media "
    "print{:root{color-scheme:light;--ink:#000;--quiet:#444;--paper:#fff;--panel:#fff;--rule:#bbb;-"
    "-c0:#c4622d;"
    "--c1:#2767c4;--c2:#1f8a70;--c3:#8a4fb0;--c4:#b8860b;--c5:#b03a5b;--c6:#4a6b8a;--c7:#6b7a2f}"
    "section{break-inside:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n"
    "*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);"
    "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"
    "main{max-width:960px;margin:0 auto;padding:32px 20px 48px}\n"
    "h1{font-size:15px;font-weight:600;margin:0;color:var(--quiet)}h1 b{color:var(--ink)}\n"
    ".lead{font-size:26px;line-height:1.3;font-weight:600;margin:8px 0 "
    "24px;letter-spacing:-.01em}\n"
    "h2{font-size:17px;margin:0 0 12px}section{margin:32px 0 0;padding:24px 0 0;border-top:1px "
    "solid var(--rule)}\n"
    "section.first{margin-top:0;border:0;padding-top:0}\n"
    ".row{margin:0 0 14px}.head{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 "
    "16px}\n"
    ".head>.value{font-variant-numeric:tabular-nums;font-weight:600}.values{color:var(--quiet)}."
    "values .value{color:var(--ink)}\n"
    ".plot{display:block;width:100%;overflow:visible}.wide{padding:6px 8px 30px "
    "64px}.axis{padding-bottom:30px}\n"
    ".grid{stroke:var(--rule);stroke-width:1}.tick{fill:var(--quiet);font-size:12px;font-variant-"
    "numeric:tabular-nums}\n"
    ".line{fill:none;stroke-width:2.25;vector-effect:non-scaling-stroke;stroke-linejoin:round}\n"
    ".tail{stroke-dasharray:4 4;stroke-width:1.5}.hill{stroke:none;fill-opacity:.75}\n"
    ".mark{stroke:var(--ink);stroke-width:1.5}.spread{stroke:var(--ink);stroke-width:1.5}\n"
    ".round{fill:var(--paper);stroke:var(--ink);stroke-width:1.5}\n"
    ".legend{display:flex;flex-wrap:wrap;gap:4px 20px;margin:0 0 "
    "12px;color:var(--quiet);font-size:14px}\n"
    ".legend "
    "i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:7px;vertical-"
    "align:-1px}\n"
    ".note,.parts{color:var(--quiet);font-size:14px;margin:8px 0 "
    "0}.parts{display:flex;flex-wrap:wrap;gap:0 18px;margin:2px 0 0}\n"
    ".says{margin:0;padding-left:20px}.says li{margin:0 0 8px}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px;font-variant-"
    "numeric:tabular-nums}\n"
    "th,td{text-align:right;padding:6px 0 6px 16px;border-bottom:1px solid "
    "var(--rule);white-space:nowrap}\n"
    "th:first-child,td:first-child{text-align:left;padding-left:0}thead "
    "th{color:var(--quiet);font-weight:600}\n"
    "dl{margin:0;display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;font-size:14px}\n"
    "dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}\n"
    "@media (max-width:560px){.lead{font-size:21px}main{padding:20px 14px "
    "32px}dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 8px}"
    ".wide{padding-left:56px}th,td{padding-left:12px}}\n";

/* Colours of modes, as lines, areas and bars, and of steps. */
static void
append_colours (GString *page)
{
  static const gchar *const steps[] = { "var(--c0)", "var(--c4)", "var(--c3)", "var(--c6)" };

  for (guint i = 0; i < 64; i++)
    g_string_append_printf (page,
                            ".line.c%u{stroke:var(--c%u)}.hill.c%u{fill:var(--c%u)}"
                            ".b%u{fill:var(--c%u);background:var(--c%u)}\n",
                            i, i % 8, i, i % 8, i, i % 8, i % 8);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    g_string_append_printf (page, ".s%u{fill:%s;background:%s}\n", i, steps[i], steps[i]);
}

/* ---- tables ---- */

/* A figure of each mode. */
typedef struct
{
  const gchar *name;
  const gchar *key; /* as the page's values are called */
  gsize offset;     /* of a gdouble in CliReportMode */
  gchar *(*format) (gdouble value);
} Figure;

#define FIGURE(name, key, field, format)                                                           \
  {                                                                                                \
    name, key, G_STRUCT_OFFSET (CliReportMode, field), format                                      \
  }

static gdouble
get_figure (const CliReportMode *mode, const Figure *figure)
{
  return *(const gdouble *) ((const guint8 *) mode + figure->offset);
}

static void
append_figure (GString *page, const CliReportMode *mode, guint index, const Figure *figure)
{
  const gdouble value = get_figure (mode, figure);
  g_autofree gchar *text = figure->format (value);
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];

  if (value < 0) /* it is not known */
    g_string_append (page, "<td>–</td>");
  else
    g_string_append_printf (page, "<td data-mode=\"%u\" data-key=\"%s\" data-value=\"%s\">%s</td>",
                            index, figure->key,
                            g_ascii_formatd (number, sizeof number, "%.3f", value), text);
}

static void
append_table (GString *page, const CliReport *self, const Figure *figures, guint n_figures)
{
  g_string_append (page, "<div class=\"scroll\"><table><thead><tr><th></th>");
  for (guint i = 0; i < self->modes->len; i++)
    {
      const CliReportMode *mode = g_ptr_array_index (self->modes, i);
      g_autofree gchar *label = g_markup_escape_text (mode->label, -1);

      g_string_append_printf (page, "<th>%s</th>", label);
    }
  g_string_append (page, "</tr></thead><tbody>\n");
  for (guint k = 0; k < n_figures; k++)
    {
      g_string_append_printf (page, "<tr><td>%s</td>", figures[k].name);
      for (guint i = 0; i < self->modes->len; i++)
        append_figure (page, g_ptr_array_index (self->modes, i), i, &figures[k]);
      g_string_append (page, "</tr>\n");
    }
  g_string_append (page, "</tbody></table></div>\n");
}

static void
append_times_table (GString *page, const CliReport *self)
{
  static const Figure figures[] = {
    FIGURE ("half within", "p50", p50, cli_format_us),
    FIGURE ("90 % within", "p90", p90, cli_format_us),
    FIGURE ("99 % within", "p99", p99, cli_format_us),
    FIGURE ("99.9 % within", "p99_9", p999, cli_format_us),
    FIGURE ("99.99 % within", "p99_99", p9999, cli_format_us),
    FIGURE ("longest", "max", max, cli_format_us),
    FIGURE ("mean", "mean", mean, cli_format_us),
    FIGURE ("calls", "calls", calls, cli_format_count),
    FIGURE ("failures", "failures", failures, cli_format_count),
  };

  append_table (page, self, figures, G_N_ELEMENTS (figures));
}

static void
append_connections_table (GString *page, const CliReport *self)
{
  static const Figure figures[] = {
    FIGURE ("connections opened", "connects", connects, cli_format_count),
    FIGURE ("found an idle one", "hits", hits, cli_format_count),
    FIGURE ("waited for one", "waits", waits, cli_format_count),
    FIGURE ("99 % of these within", "wait_p99_us", wait_p99, cli_format_us),
    FIGURE ("left in TIME_WAIT", "time_waits", time_waits, cli_format_count),
    FIGURE ("client CPU of a call", "client", client_cpu, cli_format_us),
    FIGURE ("server CPU of a call", "server", server_cpu, cli_format_us),
  };

  append_table (page, self, figures, G_N_ELEMENTS (figures));
}

static gchar *
format_percent (gdouble percent)
{
  return g_strdup_printf ("%.0f\u00a0%%", percent);
}

static void
append_waits_table (GString *page, const CliReport *self)
{
  static const Figure figures[] = {
    FIGURE ("calls that waited", "waited", measured.share, format_percent),
    FIGURE ("predicted", "waited_predicted", predicted.share, format_percent),
    FIGURE ("half of the waits within", "wait_p50", measured.p50, cli_format_us),
    FIGURE ("predicted", "wait_p50_predicted", predicted.p50, cli_format_us),
    FIGURE ("99 % of the waits within", "wait_p99", measured.p99, cli_format_us),
    FIGURE ("predicted", "wait_p99_predicted", predicted.p99, cli_format_us),
  };

  append_table (page, self, figures, G_N_ELEMENTS (figures));
}

/* ---- sections ---- */

static void
begin_section (GString *page, const gchar *id, const gchar *title)
{
  g_string_append_printf (page, "<section id=\"%s\"><h2>%s</h2>\n", id, title);
}

static void
end_section (GString *page)
{
  g_string_append (page, "</section>\n");
}

static void
append_fact (GString *page, const gchar *name, const gchar *text)
{
  g_autofree gchar *escaped = g_markup_escape_text (text, -1);

  if (*text != '\0')
    g_string_append_printf (page, "<dt>%s</dt><dd>%s</dd>\n", name, escaped);
}

static void
append_facts (GString *page, const CliReport *self)
{
  begin_section (page, "facts", "What was measured, where");
  for (guint i = 0; i < self->runs->len; i++)
    {
      const CliReportRun *run = g_ptr_array_index (self->runs, i);

      g_string_append (page, "<dl>");
      if (self->runs->len > 1)
        append_fact (page, "run", run->name);
      append_fact (page, "method", run->method);
      append_fact (page, "server", run->uri);
      append_fact (page, "load", run->options);
      append_fact (page, "machine", run->machine);
      append_fact (page, "time", run->when);
      if (run->is_interrupted)
        append_fact (page, "interrupted", "what is shown was measured until then");
      g_string_append (page, "</dl>\n");
    }
  end_section (page);
}

static void
append_head (GString *page, const CliReport *self, GPtrArray *sentences)
{
  const CliReportRun *run = g_ptr_array_index (self->runs, 0);
  g_autofree gchar *method = g_markup_escape_text (run->method, -1);
  g_autofree gchar *lead = g_markup_escape_text (g_ptr_array_index (sentences, 0), -1);

  g_string_append_printf (
      page,
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<title>%s measured</title>\n<style>\n%s",
      method, style_sheet);
  append_colours (page);
  g_string_append_printf (page,
                          "</style></head><body><main>\n<h1><b>%s</b>, measured by Tally</h1>\n"
                          "<p class=\"lead\">%s</p>\n",
                          method, lead);
}

static void
append_sentences (GString *page, GPtrArray *sentences)
{
  if (sentences->len < 2)
    return;
  begin_section (page, "says", "What the figures say");
  g_string_append (page, "<ul class=\"says\">\n");
  for (guint i = 1; i < sentences->len; i++)
    {
      g_autofree gchar *escaped = g_markup_escape_text (g_ptr_array_index (sentences, i), -1);

      g_string_append_printf (page, "<li>%s</li>\n", escaped);
    }
  g_string_append (page, "</ul>\n");
  end_section (page);
}

static gboolean
has_waits (const CliReport *self)
{
  for (guint i = 0; i < self->modes->len; i++)
    if (((const CliReportMode *) g_ptr_array_index (self->modes, i))->measured.share > 0)
      return TRUE;
  return FALSE;
}

static void
append_waits (GString *page, const CliReport *self)
{
  begin_section (page, "waits", "Waits for a connection, measured and predicted");
  append_waits_table (page, self);
  g_string_append (
      page, "<p class=\"note\">Predicted is what the pool's policy alone makes of the load, by "
            "simulation; so does <b>tally simulate</b> for other limits. Where calls hold "
            "their connections for less than 0.1 ms it is left out: callers look again "
            "then before they wait.</p>\n");
  end_section (page);
}

static gboolean
has_steps (const CliReport *self)
{
  for (guint i = 0; i < self->modes->len; i++)
    if (((const CliReportMode *) g_ptr_array_index (self->modes, i))->has_steps)
      return TRUE;
  return FALSE;
}

gchar *
cli_report_make_page (const CliReport *self)
{
  g_autoptr (GPtrArray) sentences = cli_report_say (self);
  GString *page = g_string_new (NULL);

  append_head (page, self, sentences);
  g_string_append (page, "<section class=\"first\" id=\"throughput\">\n");
  cli_report_plot_throughput (page, self);
  end_section (page);
  append_sentences (page, sentences);
  begin_section (page, "percentiles", "How long calls took");
  cli_report_plot_percentiles (page, self);
  append_times_table (page, self);
  end_section (page);
  begin_section (page, "distribution", "How the times are spread");
  cli_report_plot_distribution (page, self);
  end_section (page);
  if (has_steps (self))
    {
      begin_section (page, "steps", "Where the time of a call went");
      cli_report_plot_steps (page, self);
      end_section (page);
    }
  begin_section (page, "time", "Latency over time");
  cli_report_plot_time (page, self);
  end_section (page);
  begin_section (page, "connections", "Connections and processor time");
  append_connections_table (page, self);
  end_section (page);
  if (has_waits (self))
    append_waits (page, self);
  append_facts (page, self);
  g_string_append (page, "</main></body></html>\n");
  return g_string_free (page, FALSE);
}
