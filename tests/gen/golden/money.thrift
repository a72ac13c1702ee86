namespace c_glib Money

struct Amount {
  1: i64 cents
}

service Bank {
  Amount balance ()
}
