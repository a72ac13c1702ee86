/* Owns how plots are drawn. A line through points lies in a picture of its own that is stretched; its stroke is not. */
#include "cli-svg.h"

#include <math.h>

/* ---- scales ---- */

/* The greatest of 1, 2, 5 times a power of ten that is not more than @value; the least that is not less. */
static gdouble
round_down (gdouble value)
{
  const gdouble power = pow (10, floor (log10 (value) + 1e-9));
  const gdouble digits = value / power + 1e-9;

  return power * (digits >= 5 ? 5 : digits >= 2 ? 2 : 1);
}

static gdouble
round_up (gdouble value)
{
  const gdouble power = pow (10, floor (log10 (value) + 1e-9));
  const gdouble digits = value / power - 1e-9;

  return power * (digits <= 1 ? 1 : digits <= 2 ? 2 : digits <= 5 ? 5 : 10);
}

CliScale
cli_scale_new_log (gdouble low, gdouble high)
{
  CliScale scale = { .is_log = TRUE };

  if (!(low > 0) || !(high >= low))
    low = high = 1;
  scale.low = round_down (low);
  scale.high = round_up (high);
  if (scale.high <= scale.low)
    scale.high = scale.low * 10;
  return scale;
}

CliScale
cli_scale_new_linear (gdouble high)
{
  return (CliScale){ .low = 0, .high = high > 0 ? high : 1 };
}

gdouble
cli_scale_place (const CliScale *scale, gdouble value)
{
  gdouble place;

  if (!scale->is_log)
    place = (value - scale->low) / (scale->high - scale->low);
  else if (value <= scale->low)
    place = 0;
  else
    place = log (value / scale->low) / log (scale->high / scale->low);
  return CLAMP (place, 0, 1);
}

static GArray *
get_log_ticks (const CliScale *scale, guint most)
{
  static const gdouble steps[][3] = { { 1, 2, 5 }, { 1, 3, 0 }, { 1, 0, 0 } };
  GArray *ticks = g_array_new (FALSE, FALSE, sizeof (gdouble));

  for (guint kind = 0; kind < G_N_ELEMENTS (steps); kind++)
    {
      g_array_set_size (ticks, 0);
      for (gdouble power = pow (10, floor (log10 (scale->low) + 1e-9));
           power <= scale->high * 1.001; power *= 10)
        for (guint i = 0; i < 3 && steps[kind][i] > 0; i++)
          {
            const gdouble value = power * steps[kind][i];

            if (value >= scale->low * 0.999 && value <= scale->high * 1.001)
              g_array_append_val (ticks, value);
          }
      if (ticks->len <= most)
        break;
    }
  while (ticks->len > most) /* every other power of ten */
    for (guint i = 1; i < ticks->len; i++)
      g_array_remove_index (ticks, i);
  return ticks;
}

GArray *
cli_scale_get_ticks (const CliScale *scale, guint most)
{
  GArray *ticks;
  gdouble step;

  if (scale->is_log)
    return get_log_ticks (scale, most);
  ticks = g_array_new (FALSE, FALSE, sizeof (gdouble));
  step = round_up (scale->high / most);
  for (gdouble value = 0; value <= scale->high * 1.001; value += step)
    g_array_append_val (ticks, value);
  return ticks;
}

/* ---- numbers ---- */

gchar *
cli_format_us (gdouble us)
{
  const gdouble value = us >= 999500 ? us / 1e6 : us >= 999.5 ? us / 1e3 : us;
  const gchar *unit = us >= 999500 ? "s" : us >= 999.5 ? "ms" : "µs";
  const gboolean is_whole = fabs (value - round (value)) < 0.005 || value >= 100;
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (number, sizeof number, is_whole ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value);
  return g_strdup_printf ("%s\u00a0%s", number, unit);
}

gchar *
cli_format_count (gdouble count)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_printf (text, "%.0f", count);
  for (gssize at = (gssize) text->len - 3; at > 0; at -= 3)
    g_string_insert_c (text, at, ',');
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* ---- drawing ---- */

void
cli_svg_append_percent (GString *svg, gdouble share)
{
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (svg, g_ascii_formatd (number, sizeof number, "%.2f", 100 * share));
  g_string_append_c (svg, '%');
}

static void
append_share (GString *svg, const gchar *name, gdouble share)
{
  g_string_append_printf (svg, " %s=\"", name);
  cli_svg_append_percent (svg, share);
  g_string_append_c (svg, '"');
}

void
cli_svg_begin (GString *svg, guint height, const gchar *title)
{
  g_autofree gchar *escaped = g_markup_escape_text (title, -1);

  g_string_append_printf (svg,
                          "<svg class=\"plot\" role=\"img\" aria-label=\"%s\" "
                          "style=\"height:%upx\">\n",
                          escaped, height);
}

void
cli_svg_end (GString *svg)
{
  g_string_append (svg, "</svg>\n");
}

void
cli_svg_line (GString *svg, const gchar *style, CliPoint from, CliPoint to)
{
  g_string_append_printf (svg, "<line class=\"%s\"", style);
  append_share (svg, "x1", from.x);
  append_share (svg, "y1", from.y);
  append_share (svg, "x2", to.x);
  append_share (svg, "y2", to.y);
  g_string_append (svg, "/>\n");
}

void
cli_svg_text (GString *svg,
              const gchar *style,
              const gchar *anchor,
              CliPoint at,
              gint dx,
              gint dy,
              const gchar *text)
{
  g_autofree gchar *escaped = g_markup_escape_text (text, -1);

  g_string_append_printf (svg, "<text class=\"%s\" text-anchor=\"%s\"", style, anchor);
  append_share (svg, "x", at.x);
  append_share (svg, "y", at.y);
  g_string_append_printf (svg, " dx=\"%d\" dy=\"%d\">%s</text>\n", dx, dy, escaped);
}

void
cli_svg_curve (GString *svg,
               const gchar *style,
               guint colour,
               const CliPoint *points,
               guint n_points,
               gboolean is_area)
{
  if (n_points == 0)
    return;
  g_string_append (svg, "<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\">");
  g_string_append_printf (svg, "<path class=\"%s c%u\" d=\"", style, colour);
  if (is_area)
    g_string_append_printf (svg, "M%.0f 1000", 1000 * points[0].x);
  for (guint i = 0; i < n_points; i++)
    g_string_append_printf (svg, "%c%.0f %.0f", i == 0 && !is_area ? 'M' : 'L', 1000 * points[i].x,
                            1000 * points[i].y);
  if (is_area)
    g_string_append_printf (svg, "L%.0f 1000Z", 1000 * points[n_points - 1].x);
  g_string_append (svg, "\"/></svg>\n");
}

void
cli_svg_axis_y (GString *svg, const CliScale *scale, gchar *(*format) (gdouble value))
{
  g_autoptr (GArray) ticks = cli_scale_get_ticks (scale, 7);

  for (guint i = 0; i < ticks->len; i++)
    {
      const gdouble value = g_array_index (ticks, gdouble, i);
      const gdouble y = 1 - cli_scale_place (scale, value);
      g_autofree gchar *text = format (value);

      cli_svg_line (svg, "grid", (CliPoint){ 0, y }, (CliPoint){ 1, y });
      cli_svg_text (svg, "tick", "end", (CliPoint){ 0, y }, -8, 4, text);
    }
}

void
cli_svg_axis_x (GString *svg, const CliScale *scale, guint most, gchar *(*format) (gdouble value))
{
  g_autoptr (GArray) ticks = cli_scale_get_ticks (scale, most);

  for (guint i = 0; i < ticks->len; i++)
    {
      const gdouble value = g_array_index (ticks, gdouble, i);
      const gdouble x = cli_scale_place (scale, value);
      g_autofree gchar *text = format (value);

      cli_svg_line (svg, "grid", (CliPoint){ x, 0 }, (CliPoint){ x, 1 });
      cli_svg_text (svg, "tick",
                    x < 0.02   ? "start"
                    : x > 0.98 ? "end"
                               : "middle",
                    (CliPoint){ x, 1 }, 0, 18, text);
    }
}
