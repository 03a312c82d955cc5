/* SPDX-License-Identifier: Apache-2.0 */
/* From a bound request to a payment, and back to an answer: rules that cost money when they are wrong. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "gateway/faces/commercehub/commercehub.h"

#include <stdlib.h>
#include <string.h>

#define CARD \
    "\"card\":{\"cardData\":\"4012001472472642\",\"expirationMonth\":\"12\",\"expirationYear\":\"2030\",\"securityCode\":\"123\"}"
#define MERCHANT "\"merchantDetails\":{\"merchantId\":\"m\",\"terminalId\":\"t\"}"

struct bench {
    struct commercehub_request request;
    struct gateway_payment payment;
    struct gateway_payment_secret secret;
    struct gateway_faults faults;
};

static struct bench *parse(enum commercehub_call call, bool sandbox, const char *body)
{
    struct bench *b = calloc(1, sizeof *b);
    commercehub_parse(call, span_text(body), &b->request, &b->faults);
    commercehub_check(call, sandbox, &b->request, &b->faults);
    return b;
}

static bool has_fault(const struct bench *b, enum gateway_fault_id id)
{
    for (size_t i = 0; i < b->faults.count; i++)
        if (b->faults.at[i].id == id)
            return true;
    return false;
}

static void take(enum commercehub_call call, struct bench *b)
{
    commercehub_payment(call, &b->request, &b->payment, &b->secret, &b->faults);
    assert_int_equal(b->faults.count, 0);
}

/* "Verify card, AVS, security code; no charge": an amount in the body is not authorised. */
static void a_verification_moves_no_money(void **state)
{
    (void)state;
    static const char body[] =
        "{\"amount\":{\"total\":12.34,\"currency\":\"USD\"},\"source\":{\"sourceType\":\"PaymentCard\"," CARD "}," MERCHANT "}";
    struct bench *b = parse(COMMERCEHUB_VERIFICATION, true, body);
    take(COMMERCEHUB_VERIFICATION, b);
    assert_int_equal(b->payment.kind, GATEWAY_KIND_VERIFICATION);
    assert_int_equal(b->payment.amount_minor, 0);
    assert_string_equal(b->payment.currency->alpha, "USD");
    free(b);
    b = parse(COMMERCEHUB_CHARGES, true, body);
    take(COMMERCEHUB_CHARGES, b);
    assert_int_equal(b->payment.amount_minor, 1234);
    free(b);
}

/* A number in clear is for sandbox merchants alone, whether or not an encryption block comes with it. */
static void numbers_in_clear_are_for_the_sandbox(void **state)
{
    (void)state;
    static const char plain[] = "{\"source\":{\"sourceType\":\"PaymentCard\"," CARD "}," MERCHANT "}";
    static const char beside[] = "{\"source\":{\"sourceType\":\"PaymentCard\"," CARD ","
                                 "\"encryptionData\":{\"encryptionType\":\"RSA\",\"encryptionTarget\":\"MANUAL\","
                                 "\"encryptionBlock\":\"AAAA\","
                                 "\"encryptionBlockFields\":\"card.securityCode:3\",\"keyId\":\"k\"}}," MERCHANT "}";
    for (int i = 0; i < 4; i++) {
        struct bench *b = parse(COMMERCEHUB_VERIFICATION, i % 2 == 0, i < 2 ? plain : beside);
        assert_int_equal(has_fault(b, GATEWAY_FAULT_CARD_PLAIN), i % 2 != 0);
        free(b);
    }
}

static void a_partial_approval_shows_its_part(void **state)
{
    (void)state;
    static const struct gateway_merchant merchant = {.name = "m"};
    static const struct commercehub_identity identity = {.trace_id = "0123456789abcdef0123456789abcdef"};
    char room[8192];
    struct buf out = buf_over(room, sizeof room - 1);
    struct bench *b = calloc(1, sizeof *b);
    b->payment = (struct gateway_payment){.kind = GATEWAY_KIND_SALE,
                                          .state = GATEWAY_STATE_CAPTURED,
                                          .amount_minor = 1000,
                                          .approved_minor = 400,
                                          .currency = gateway_money_currency(span_text("USD")),
                                          .de39 = "10",
                                          .approval = "ABC123"};
    assert_int_equal(commercehub_payment_write(&identity, &b->payment, &b->request, &merchant, &out), ERR_OK);
    assert_non_null(strstr(buf_text(&out), "\"approvedAmount\":{\"total\":4.00,\"currency\":\"USD\"}"));
    assert_non_null(strstr(room, "\"responseCode\":\"001\""));
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verification_moves_no_money),
        cmocka_unit_test(numbers_in_clear_are_for_the_sandbox),
        cmocka_unit_test(a_partial_approval_shows_its_part),
    };
    return cmocka_run_group_tests_name("commercehub payment", tests, NULL, NULL);
}
