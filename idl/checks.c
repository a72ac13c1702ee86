#include "unit-private.h"
void
idl_check (IdlUnit *unit, IdlProgram *program)
{
}
