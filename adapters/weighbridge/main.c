#include "weighbridge.h"

int main(int argc, char **argv)
{
    const struct program program = weighbridge_program();

    return program_main(&program, argc, argv);
}
