/** The program. */
include "nowhere/../no.thrift"
namespace * a.b (x = "y", z)
cpp_include '<m>' c_include "n"
typedef map cpp_type "M" <i32, list<set<uuid>>> (a) T, typedef T U (b = 'c')
enum E { /** A. */ A, B = 0x10; C = -3 (d) } (e)
const map<string, list<E>> M = {"a\n\"": [E.A; 1,], 'b': []}
const double D = -1.5e-3; const i64 I = -0x8000000000000000
struct S xsd_all { 1: required i32 a = 5 (f = "g"); /* c */ 2: optional S& b xsd_optional xsd_nillable xsd_attrs { 1: byte q }
  string list // trailing
} (h)
union N { 1: binary x = "y"; 2: bool z }
exception X { 1: T m }
service P { void ping() }
service Q extends P { /** F. */ list<S> f(1: i32 a = 3, 2: E e = E.B) throws (1: X x) (idempotent),
  oneway void g(); async void h(1: N n) } # end
