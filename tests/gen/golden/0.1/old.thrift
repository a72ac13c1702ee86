/* What a program had its code generated from by 0.1: the files beside this one are what 0.1 wrote, and stay so. */
namespace c_glib Old

enum Color { RED = 1, BLUE = 2 }

const i32 LIMIT = 7

struct Item {
  1: required i32 id
  2: optional string name = "item"
  3: list<i32> numbers
  4: map<string, Color> colors
  5: set<string> tags
  6: binary blob
}

union Choice {
  1: i32 number
  2: string text
}

exception Refused {
  1: string why
}

service Base {
  i32 twice (1: i32 number) (idempotent)
}

service Shop extends Base {
  Item give (1: Item item, 2: Choice choice) throws (1: Refused refused)
  oneway void forget (1: string text)
}
