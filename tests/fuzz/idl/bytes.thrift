// astruct S { 1: S b }
/** Ã© ÿ */ senum X @y package "z" stream<i32>