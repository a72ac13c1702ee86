/* a
 * b */ namespace c_glib t_test (x = "y", z)
/** doc
    more */
struct S { 1: i32 a = 1 /* in */, // after
  2: optional list<map<E, T>> b = [] (k)

  3: required string s = "\\\n'" }
enum E { A = 1, B }
typedef S T
const T C = {'s': "x", 'b': [{E.A: {'s': 'y'}}]}
const list<i32> L = [K, 2, 3] const i32 K = 7
exception X {} (z = 'y')
service V { T f(1: i32 a, 2: uuid u = '00112233-4455-6677-8899-aabbccddeeff') throws (1: X x), oneway void g() }
service W extends V {
  // last
}
