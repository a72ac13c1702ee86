/* The values that the C++ peer sends and expects, which the other peers know too. Included once. */
#ifndef PEER_CPP_VALUES_HPP
#define PEER_CPP_VALUES_HPP

#include <cstdint>
#include <limits>
#include <string>

#include "interop_types.h"

namespace
{

using namespace peer;
using std::string;

const int64_t i64_min = std::numeric_limits<int64_t>::min ();
const int64_t i64_max = std::numeric_limits<int64_t>::max ();

Point
make_point (int32_t x, int32_t y)
{
  Point point;

  point.x = x;
  point.y = y;
  return point;
}

Point
make_point (int32_t x, int32_t y, const string &label)
{
  Point point = make_point (x, y);

  point.__set_label (label);
  return point;
}

string
all_bytes (int times)
{
  string bytes;

  for (int i = 0; i < 256 * times; i++)
    bytes.push_back (static_cast<char> (i));
  return bytes;
}

Scalars
make_scalars ()
{
  Scalars scalars;

  scalars.__set_yes (true);
  scalars.__set_tiny (-128);
  scalars.__set_small (-32768);
  scalars.__set_medium (std::numeric_limits<int32_t>::min ());
  scalars.__set_large (i64_min);
  scalars.__set_number (-0.1);
  scalars.__set_text ("grüße 日本 🌿");
  scalars.__set_bytes (all_bytes (1));
  scalars.__set_color (Color::FAR);
  scalars.__set_stamp (i64_max);
  scalars.__set_no (false);
  scalars.__set_last (std::numeric_limits<int32_t>::max ());
  return scalars;
}

Nested
make_nested ()
{
  Nested nested;
  Choice choice;

  nested.__set_flags ({ true, false, true });
  nested.__set_tinies ({ -128, 0, 127 });
  nested.__set_smalls ({ -32768, 32767 });
  for (int32_t i = -5; i < 300; i++)
    nested.numbers.push_back (i);
  nested.__isset.numbers = true;
  nested.__set_larges ({ i64_min, -1, 0, i64_max });
  nested.__set_doubles ({ 0.5, -1e300, std::numeric_limits<double>::infinity () });
  nested.__set_names ({ "", "a", "ü" });
  nested.__set_blobs ({ "", string ("\0\xff", 2) });
  nested.__set_points ({ make_point (1, 2, "p"), make_point (-3, 4) });
  nested.__set_colors ({ Color::RED, Color::DARK, Color::FAR });
  nested.__set_chosen ({ 1, -2, 3 });
  nested.__set_words ({ "x", "y", "" });
  nested.__set_ages ({ { "a", 1 }, { "b", -2 } });
  nested.__set_titles ({ { i64_min, "low" }, { 5, "five" } });
  nested.__set_switches ({ { 1, true }, { 0, false } });
  nested.__set_series ({ { "odd", { 1, 3 } }, { "none", {} } });
  nested.__set_corners ({ { -1, make_point (9, 8, "c") } });
  nested.__set_matrix ({ { 1 }, {}, { 2, 3 } });
  nested.__set_tables ({ { "t", { { "u", 0.25 } } }, { "empty", {} } });
  nested.__set_records ({ { { "k", 7 } }, {} });
  nested.__set_origin (make_point (0, 0, ""));
  choice.__set_text ("chosen");
  nested.__set_choice (choice);
  nested.__set_scalars ({ make_scalars () });
  nested.__set_maybe (false);
  return nested;
}

Wide
make_wide ()
{
  Wide wide;

  wide.__set_sets ({ { 1, 2 }, {}, { -7 } });
  wide.__set_groups ({ { "g", { "a", "b" } }, { "none", {} } });
  wide.__set_colors ({ Color::RED, Color::DARK });
  wide.__set_names ({ { Color::RED, "red" }, { Color::FAR, "far" } });
  wide.__set_stamps ({ i64_min, i64_max });
  wide.__set_blobs ({ "", string ("\0a", 2), "\xff" });
  wide.__set_sizes ({ { string ("\0", 1), 1 }, { string ("\0\0", 2), 2 } });
  wide.__set_doubles ({ 0.5, -2.25 });
  wide.__set_bools ({ true, false });
  wide.__set_levels ({ { 1.5, true }, { -1.5, false } });
  wide.__set_deep ({ { { "a" }, {} }, {}, { { "b", "c" } } });
  return wide;
}

} // namespace

#endif /* PEER_CPP_VALUES_HPP */
