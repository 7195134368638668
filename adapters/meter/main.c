#include "meter_program.h"

int main(int argc, char **argv)
{
    return program_main(&meter_program, argc, argv);
}
