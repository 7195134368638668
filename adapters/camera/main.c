/* sampan-camera: see camera.h, and docs/devices/cameras.md. */
#include "camera.h"

int main(int argc, char **argv)
{
    struct program program;

    camera_program(&program);
    return program_main(&program, argc, argv);
}
