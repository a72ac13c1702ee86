// What every.thrift has from another namespace.
namespace c_glib EveryBase

enum Color {
  RED = 0
  GREEN = 5
  BLUE = -3
}

struct Inner {
  1: i32 number = 7
  2: string text
}

exception Other {
  1: string reason
}

service Base {
  i32 twice (1: i32 number) throws (1: Other other)
}
