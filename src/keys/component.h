/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Components of an LMK: made, checked, combined, and carried on a medium.
 *
 * Purpose    An LMK is the exclusive-or of 2 to 9 components, each held by another officer. A component has odd parity, so that
 *            most typing errors show, and a check value of six digits that its holder compares with the paper. On a medium it is
 *            sealed under its holder's passphrase, as a smart card is by its PIN.
 * Ownership  Components are values; the holder wipes them (keys_material_cleanup).
 * Threading  Free of state.
 * Failure    What is wrong with a component or a result is told in words (const char *, NULL: fine); an officer has to act on it.
 * Limits     Components are those of a whole LMK: 20 pairs (variant) or a triple (key block).
 *
 * Layout     of a component file
 *                 8  "CSLMKCP1"
 *                 1  kind: 1 variant, 2 key block
 *             1 1 1  scrypt: log2 N, r, p
 *                16  salt
 *                 6A check value
 *          28 + 320  nonce 12 | component | tag 16; associated data: all of the above
 *
 * Example
 *     const char *wrong = keys_component_wrong(KEYS_LMK_BLOCK, &component[0]);
 *     ...
 *     wrong = keys_components_combine(KEYS_LMK_BLOCK, component, 3, &lmk);
 */
#ifndef KEYS_COMPONENT_H
#define KEYS_COMPONENT_H

#include "crypto/kdf.h"
#include "keys/keys.h"

enum { KEYS_COMPONENTS_MIN = 2, KEYS_COMPONENTS_MAX = 9, KEYS_COMPONENT_CHECK = 6, KEYS_COMPONENT_PROBLEM = 160 };

void keys_material_cleanup(struct keys_material *material);
#define KEYS_MATERIAL_SECRET __attribute__((cleanup(keys_material_cleanup))) struct keys_material

/* Bytes of a component: 320 or 24. */
size_t keys_component_len(enum keys_lmk_kind kind);
/* Random, odd parity, no weak key. */
void keys_component_generate(enum keys_lmk_kind kind, const struct env *env, struct keys_material *out);
/* Bad parity, or zero. */
const char *keys_component_wrong(enum keys_lmk_kind kind, const struct keys_material *component);
MUST_USE enum err keys_component_check(enum keys_lmk_kind kind, const struct keys_material *component,
                                       char out[static KEYS_COMPONENT_CHECK + 1]);
/* Equal components; a result that is weak, has equal halves or pairs, or is a public test LMK. `out` has odd parity. */
const char *keys_components_combine(enum keys_lmk_kind kind, const struct keys_material *component, size_t count,
                                    struct keys_material *out);

/* ---- on a medium ---- */

/* Never replaces a file. Mode 0600. */
MUST_USE enum err keys_component_write(const char *path, enum keys_lmk_kind kind, const struct keys_material *component,
                                       struct span passphrase, const struct env *env, char problem[static KEYS_COMPONENT_PROBLEM]);
/* The kind must be the one expected. ERR_AUTHENTICATION: wrong passphrase, or changed. */
MUST_USE enum err keys_component_read(const char *path, enum keys_lmk_kind kind, struct span passphrase, struct keys_material *out,
                                      char problem[static KEYS_COMPONENT_PROBLEM]);

#endif
