/* Plots as SVG that fits any width: places are shares of the width and height, texts have their own size. */
#ifndef CLI_SVG_H
#define CLI_SVG_H

#include <glib.h>

G_BEGIN_DECLS

/* From values to places. */
typedef struct
{
  gdouble low, high;
  gboolean is_log; /* both are more than 0 then */
} CliScale;

typedef struct
{
  gdouble x, y; /* 0 to 1, from the left and from above */
} CliPoint;

/* Widened to ends that can be written shortly: 1, 2 or 5 times a power of ten. */
CliScale cli_scale_new_log (gdouble low, gdouble high);
/* From 0. */
CliScale cli_scale_new_linear (gdouble high);
/* 0 to 1; what is beyond an end lies at it. */
gdouble cli_scale_place (const CliScale *scale, gdouble value);
/* Values to be written at an axis, at most @most of them. (element-type gdouble) (transfer full) */
GArray *cli_scale_get_ticks (const CliScale *scale, guint most);

/* "50 µs", "1.5 ms", "2 s". (transfer full) */
gchar *cli_format_us (gdouble us);
/* "41,300". (transfer full) */
gchar *cli_format_count (gdouble count);

/* @height in pixels; @title is what a reader that sees no picture is told. */
void cli_svg_begin (GString *svg, guint height, const gchar *title);
void cli_svg_end (GString *svg);
/* @style is a class of the page's style sheet. */
void cli_svg_line (GString *svg, const gchar *style, CliPoint from, CliPoint to);
/* @anchor is "start", "middle" or "end"; @dx and @dy in pixels. */
void cli_svg_text (GString *svg,
                   const gchar *style,
                   const gchar *anchor,
                   CliPoint at,
                   gint dx,
                   gint dy,
                   const gchar *text);
/* Through @points, in colour @colour; @is_area: filled down to the lower edge. */
void cli_svg_curve (GString *svg,
                    const gchar *style,
                    guint colour,
                    const CliPoint *points,
                    guint n_points,
                    gboolean is_area);
/* Labels and lines for the values of both axes. @format (nullable): of values at the x axis; where there is none, @x has no
 * axis. */
void cli_svg_axis_y (GString *svg, const CliScale *scale, gchar *(*format) (gdouble value));
void
cli_svg_axis_x (GString *svg, const CliScale *scale, guint most, gchar *(*format) (gdouble value));
/* A place as CSS and SVG have it: "12.34%". */
void cli_svg_append_percent (GString *svg, gdouble share);

G_END_DECLS

#endif /* CLI_SVG_H */
