/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CVV2 of cards, one by one and together.
 *
 *   cc cvv2.c $(pkg-config --cflags --libs countersign) -o cvv2
 *   ./cvv2 0123456789ABCDEFFEDCBA9876543210 2812 4123456789012345 ...
 *
 * The key stands on the command line because it is a test key; a real one never leaves the key holder.
 */
#include <countersign.h>
#include <stdio.h>
#include <string.h>

enum { CARDS_MAX = 64, KEY_SIZE = 16 };

static int read_key(const char *hex, unsigned char key[KEY_SIZE])
{
    if (strlen(hex) != 2 * KEY_SIZE)
        return 0;
    for (int i = 0; i < KEY_SIZE; i++)
        if (sscanf(hex + 2 * i, "%2hhx", &key[i]) != 1)
            return 0;
    return 1;
}

static int show(struct countersign_key *key, const char *expiry, char **pans, int count)
{
    struct countersign_card cards[CARDS_MAX];
    struct countersign_code codes[CARDS_MAX];
    int failed = 0;
    for (int i = 0; i < count; i++) {
        (void)snprintf(cards[i].pan, sizeof cards[i].pan, "%s", pans[i]);
        (void)snprintf(cards[i].expiry, sizeof cards[i].expiry, "%s", expiry);
        (void)snprintf(cards[i].service, sizeof cards[i].service, "000");
    }
    countersign_cvv_batch(key, cards, (size_t)count, codes);
    for (int i = 0; i < count; i++) {
        char code[4] = "";
        int status = countersign_cvv_generate(key, pans[i], expiry, "000", 3, code);
        if (status != COUNTERSIGN_OK || codes[i].status != COUNTERSIGN_OK || strcmp(code, codes[i].digits) != 0) {
            printf("%s %s\n", pans[i], countersign_status_text(status));
            failed = 1;
            continue;
        }
        printf("%s %s\n", pans[i], code);
    }
    return failed;
}

int main(int argc, char **argv)
{
    unsigned char clear[KEY_SIZE];
    struct countersign_key *key = NULL;
    if (argc < 4 || argc - 3 > CARDS_MAX || !read_key(argv[1], clear)) {
        fprintf(stderr, "usage: cvv2 KEY EXPIRY PAN ...\n");
        return 2;
    }
    int status = countersign_key_load(clear, sizeof clear, &key);
    if (status != COUNTERSIGN_OK) {
        fprintf(stderr, "cvv2: %s\n", countersign_status_text(status));
        return 1;
    }
    int failed = show(key, argv[2], argv + 3, argc - 3);
    countersign_key_unload(key);
    return failed;
}
