/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

void store_needs(const char *url, struct confine_needs *needs)
{
    const char *place = NULL;
    const struct store_driver *driver = store_driver_of(url, &place);
    if (driver)
        driver->needs(place, needs);
}
