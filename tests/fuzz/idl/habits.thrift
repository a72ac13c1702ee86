syntax = "proto3";
import "x.proto";
strukt A { 1: optinal i32 a, /** of a */ 2: repeated A b /**< of b */, -1: sting c (x = "y"
enmu E { X, /** of Y */ Y }
service S extnds T { onewy void f(), i32 g(1: i32 list) thows (1: A a), rpc h(A) returns (A); }
struct B { i32 end # tallyc: allow implicit-id, portable-name
// tallyc: allow nonpositive-id
0: set<set<double>> self = [1.0
union U { 1: i32 a } const U V = {} const bool W = 100 const map<double, i32> M = {1: 2}
