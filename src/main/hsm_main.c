/* SPDX-License-Identifier: Apache-2.0 */
#include "main/services.h"

int main(int argc, char **argv)
{
    return main_hsm(argc, argv);
}
