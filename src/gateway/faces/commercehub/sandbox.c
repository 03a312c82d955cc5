/* SPDX-License-Identifier: Apache-2.0 */
/* Published test values (commerce-hub.md 9): what becomes of a payment of a sandbox merchant that no network sees. */
#include "gateway/faces/commercehub/commercehub.h"

#include <string.h>

/* clang-format off */
/* By security code; American Express writes the digit once more. */
static const struct {
    char digit;
    enum card_result result;
} codes[] = {
    {'1', CARD_RESULT_MATCH},
    {'9', CARD_RESULT_NO_MATCH},
    {'8', CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {'2', CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD},
    {'3', CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {'4', CARD_RESULT_NO_RESULT},
};
static const char good_code = '7';

enum kind { NO_CARD, BY_AMOUNT, APPROVED, ADDRESS, REFUSED_CODE };
static const struct {
    const char *number;
    enum kind kind;
} cards[] = {
    {"4012001472472642", BY_AMOUNT}, {"5500008286090219", BY_AMOUNT}, {"341111880552552", BY_AMOUNT},
    {"6011111273436666", BY_AMOUNT},
    {"4012001928706700", APPROVED},  {"5500007287297385", APPROVED},  {"341111227713933", APPROVED},
    {"6011114305944707", APPROVED},
    {"4012008565774776", ADDRESS},   {"5500002389250960", ADDRESS},   {"341111565369561", ADDRESS},
    {"6011116171399338", ADDRESS},
    {"4012000033330026", REFUSED_CODE},
};

/* Of the cards of each kind, by whole units of the amount. */
static const struct {
    uint64_t units;
    enum card_result result;
} code_amounts[] = {
    {5070, CARD_RESULT_MATCH},
    {5071, CARD_RESULT_NO_MATCH},
    {5072, CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {5073, CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD},
    {5074, CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {5075, CARD_RESULT_NO_RESULT},
};
static const struct address {
    uint64_t units;
    enum gateway_avs street, postal;
} addresses[] = {
    {5080, GATEWAY_AVS_MATCHED,       GATEWAY_AVS_MATCHED},
    {5081, GATEWAY_AVS_NOT_MATCHED,   GATEWAY_AVS_MATCHED},
    {5082, GATEWAY_AVS_NOT_CHECKED,   GATEWAY_AVS_MATCHED},
    {5083, GATEWAY_AVS_NO_INPUT_DATA, GATEWAY_AVS_MATCHED},
    {5086, GATEWAY_AVS_MATCHED,       GATEWAY_AVS_NOT_MATCHED},
    {5087, GATEWAY_AVS_MATCHED,       GATEWAY_AVS_NOT_CHECKED},
    {5088, GATEWAY_AVS_MATCHED,       GATEWAY_AVS_NO_INPUT_DATA},
};
static const struct {
    const char *code;
    enum gateway_avs match;
} postal_codes[] = {
    {"11111", GATEWAY_AVS_MATCHED}, {"22222", GATEWAY_AVS_NOT_MATCHED}, {"33333", GATEWAY_AVS_NOT_CHECKED},
};
/* clang-format on */
enum { NAME_FIRST = 5091, NAME_LAST = 5098, DECLINE_FIRST = 5001, DECLINE_LAST = 5999, REFUSED_MINOR = 4467 };

struct found {
    enum kind kind;
    bool good;          /* the code is 777 or 7777 */
    const char *postal; /* of the table; NULL: another */
    enum gateway_avs by_postal;
    bool by_code;            /* the code is of the table */
    enum card_result result; /* then */
    uint64_t units;          /* of the amount; 0: it is not whole, or there is none */
};

static bool all_are(const struct code_digits *code, size_t digits, char digit)
{
    for (size_t i = 0; i < code->len; i++)
        if (code->at[i] != digit)
            return false;
    return code->len == digits;
}

static enum kind kind_of(struct span pan)
{
    for (size_t i = 0; i < sizeof cards / sizeof cards[0]; i++)
        if (span_is(pan, cards[i].number))
            return cards[i].kind;
    return NO_CARD;
}

static uint64_t units_of(const struct gateway_payment *p)
{
    uint64_t unit = 1;
    for (uint8_t i = 0; i < p->currency->scale; i++)
        unit *= 10;
    return p->amount_minor % unit == 0 ? p->amount_minor / unit : 0;
}

static struct found look(const struct commercehub_request *r, const struct gateway_payment *p,
                         const struct gateway_payment_secret *secret)
{
    size_t digits = card_brand_row(p->brand)->code_digits;
    struct found f = {.kind = kind_of(card_pan_span(&secret->pan)), .units = units_of(p)};
    f.good = all_are(&secret->code, digits, good_code);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (all_are(&secret->code, digits, codes[i].digit)) {
            f.by_code = true;
            f.result = codes[i].result;
        }
    for (size_t i = 0; i < sizeof postal_codes / sizeof postal_codes[0]; i++)
        if (span_is(WIRE_SPAN(r->postal_code), postal_codes[i].code)) {
            f.postal = postal_codes[i].code;
            f.by_postal = postal_codes[i].match;
        }
    return f;
}

/* ---- what it comes to ---- */

static enum card_result code_of(const struct found *f, const struct gateway_payment *p)
{
    if (p->presence != GATEWAY_CODE_PRESENT)
        return p->presence == GATEWAY_CODE_NOT_ON_CARD ? CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD : CARD_RESULT_NOT_PROVIDED;
    if (f->by_code)
        return f->result;
    if (f->kind != BY_AMOUNT)
        return f->good ? CARD_RESULT_MATCH : CARD_RESULT_NOT_VERIFIED;
    for (size_t i = 0; i < sizeof code_amounts / sizeof code_amounts[0]; i++)
        if (f->units == code_amounts[i].units)
            return code_amounts[i].result;
    return CARD_RESULT_NO_RESULT;
}

static void put_address(const struct found *f, struct gateway_payment *p)
{
    if (f->kind == ADDRESS) {
        p->avs_street = GATEWAY_AVS_NONE;
        p->avs_postal = GATEWAY_AVS_MATCHED;
        for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
            if (f->units == addresses[i].units) {
                p->avs_street = addresses[i].street;
                p->avs_postal = addresses[i].postal;
            }
        if (p->brand == CARD_BRAND_AMEX && f->units >= NAME_FIRST && f->units <= NAME_LAST)
            p->avs_name = (char)('1' + (f->units - NAME_FIRST));
    }
    if (f->postal)
        p->avs_postal = f->by_postal;
}

/* An amount that is a response code, but for those that mean something else with their cards. */
static bool declines(const struct found *f)
{
    if (f->units < DECLINE_FIRST || f->units > DECLINE_LAST)
        return false;
    for (size_t i = 0; i < sizeof code_amounts / sizeof code_amounts[0]; i++)
        if (f->kind == BY_AMOUNT && f->units == code_amounts[i].units)
            return false;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        if (f->kind == ADDRESS && f->units == addresses[i].units)
            return false;
    return f->kind != ADDRESS || f->units < NAME_FIRST || f->units > NAME_LAST;
}

static void decline(const struct found *f, struct commercehub_request *r, struct gateway_payment *p)
{
    struct buf code = buf_over(r->told, sizeof r->told);
    buf_put_decimal(&code, f->units % 1000, 3);
    memcpy(p->de39, "05", sizeof p->de39);
}

static void approve(struct gateway_payment *p)
{
    memcpy(p->de39, "00", sizeof p->de39);
    for (size_t i = 0; i < sizeof p->approval - 1; i++) /* the end of the id is as good as drawn */
        p->approval[i] = (char)(p->id[26 + i] >= 'a' ? p->id[26 + i] - 0x20 : p->id[26 + i]);
    p->approved_minor = p->amount_minor;
}

bool commercehub_simulate(struct commercehub_request *request, const struct gateway_payment_secret *secret,
                          struct gateway_payment *payment)
{
    const struct found f = look(request, payment, secret);
    bool refused = f.kind == REFUSED_CODE && payment->amount_minor == REFUSED_MINOR;
    bool tested = f.kind != NO_CARD && f.kind != REFUSED_CODE && (f.good || payment->presence != GATEWAY_CODE_PRESENT);
    if (!f.by_code && !tested && !f.postal && !declines(&f) && !refused)
        return false;
    payment->cvv = refused ? CARD_RESULT_NO_MATCH : code_of(&f, payment);
    put_address(&f, payment);
    if (refused)
        memcpy(payment->de39, "N7", sizeof payment->de39);
    else if (declines(&f))
        decline(&f, request, payment);
    else
        approve(payment);
    return true;
}
