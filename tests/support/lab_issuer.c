/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's issuer: what the holder's app asks for a code. */
#include "support/lab.h"

#include <stdio.h>

void lab_issuer_start(struct lab *lab)
{
    char text[2048], path[128];
    char *argv[] = {"build/countersign", "issuer", "--config", path, NULL};
    if (lab->issuer_port == 0) {
        lab->issuer_port = lab_free_port(lab);
        lab->issuer_admin_port = lab_free_port(lab);
    }
    (void)snprintf(
        text, sizeof text,
        "[store]\nurl = %s\n[rest]\nlisten = 127.0.0.1:%u\n[admin]\nlisten = 127.0.0.1:%u\n[hsm]\naddress = 127.0.0.1:%u\n"
        "[keys]\nfile = %s/keys.ini\n[vault]\nfile = %s/vault.key\n[sandbox]\nenabled = true\nissuer_id = " LAB_ISSUER
        "\napi_key = " LAB_API_KEY "\n",
        lab->url, lab->issuer_port, lab->issuer_admin_port, lab->hsm_port, lab->dir, lab->dir);
    lab_file_write(lab, "issuer.ini", text);
    (void)snprintf(path, sizeof path, "%s/issuer.ini", lab->dir);
    lab->issuer = lab_spawn(lab, "issuer.log", argv);
    lab_wait_ready(lab->issuer_admin_port);
}
