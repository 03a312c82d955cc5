/* SPDX-License-Identifier: Apache-2.0 */
/* From a bound request to a payment, and back to an answer: rules that cost money when they are wrong. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "gateway/faces/commercehub/commercehub.h"

#include <stdio.h>
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
    const struct gateway_merchant merchant = {.sandbox = sandbox, .currency = "USD AUD"};
    struct bench *b = calloc(1, sizeof *b);
    commercehub_parse(call, span_text(body), &b->request, &b->faults);
    commercehub_check(call, &merchant, &b->request, &b->faults);
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

/* An integer where free text stands is read as its digits; a card number or a code is not, since it would lose its zeros. */
static void integers_are_read_as_text(void **state)
{
    (void)state;
    static const char body[] =
        "{\"amount\":{\"total\":1,\"currency\":\"USD\"},\"source\":{\"sourceType\":\"PaymentCard\"," CARD "},"
        "\"transactionDetails\":{\"merchantOrderId\":12345},\"merchantDetails\":{\"merchantId\":7,\"terminalId\":10000001},"
        "\"billingAddress\":{\"address\":{\"houseNumberOrName\":1,\"postalCode\":30301}}}";
    struct bench *b = parse(COMMERCEHUB_CHARGES, true, body);
    assert_int_equal(b->faults.count, 0);
    assert_true(span_is(WIRE_SPAN(b->request.merchant_order_id), "12345"));
    assert_true(span_is(WIRE_SPAN(b->request.merchant_id), "7"));
    assert_true(span_is(WIRE_SPAN(b->request.house_number), "1"));
    assert_true(span_is(WIRE_SPAN(b->request.postal_code), "30301"));
    free(b);
    static const char *const refused[] = {"\"merchantOrderId\":1.5", "\"merchantOrderId\":1e5", "\"merchantOrderId\":true",
                                          "\"merchantOrderId\":4012001472472642"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "{\"transactionDetails\":{%s}," MERCHANT "}", refused[i]);
        b = parse(COMMERCEHUB_CHARGES, true, text);
        assert_true(gateway_fault_of(&b->faults, "transactionDetails.merchantOrderId"));
        free(b);
    }
    b = parse(COMMERCEHUB_CHARGES, true,
              "{\"source\":{\"sourceType\":\"PaymentCard\",\"card\":{\"cardData\":4012001472472642,"
              "\"securityCode\":123}}}");
    assert_true(gateway_fault_of(&b->faults, "source.card.cardData"));
    assert_true(gateway_fault_of(&b->faults, "source.card.securityCode"));
    free(b);
}

/* Every fault at once: a wrong type hides neither a wrong value nor what is missing elsewhere, and stands for all that it holds. */
static void all_faults_are_told(void **state)
{
    (void)state;
    static const char *const fields[] = {"amount.total", "source.card.expirationMonth", "source.card.expirationYear",
                                         "source.card.securityCode", "merchantDetails"};
    struct bench *b =
        parse(COMMERCEHUB_CHARGES, true,
              "{\"amount\":{\"total\":\"x\",\"currency\":\"USD\"},\"merchantDetails\":\"m\",\"source\":{\"sourceType\":"
              "\"PaymentCard\",\"card\":{\"cardData\":\"4012001472472642\",\"expirationMonth\":\"13\","
              "\"expirationYear\":\"29\",\"securityCode\":\"12x\"}}}");
    commercehub_payment(COMMERCEHUB_CHARGES, &b->request, &b->payment, &b->secret, &b->faults);
    commercehub_order(COMMERCEHUB_CHARGES, &b->faults);
    assert_int_equal(b->faults.count, sizeof fields / sizeof fields[0]);
    for (size_t i = 0; i < b->faults.count; i++)
        assert_string_equal(b->faults.at[i].field, fields[i]);
    free(b);
    b = parse(COMMERCEHUB_CHARGES, true,
              "{\"amount\":{\"total\":1,\"currency\":\"USD\"},\"source\":{\"sourceType\":\"PaymentCard\",\"card\":{\"cardData\":"
              "\"4012001472472642\",\"expirationMonth\":\"12\",\"expirationYear\":\"2030\",\"securityCode\":\"12\\n\"}}," MERCHANT
              "}");
    commercehub_payment(COMMERCEHUB_CHARGES, &b->request, &b->payment, &b->secret, &b->faults);
    assert_int_equal(b->faults.count, 1);
    assert_int_equal(b->faults.at[0].id, GATEWAY_FAULT_CHARACTERS);
    free(b);
}

/* An amount in a currency that none of the merchant's accounts is in would be another amount. */
static void amounts_are_in_a_currency_of_the_merchant(void **state)
{
    (void)state;
    static const char *const row[][2] = {{"USD", "ok"}, {"AUD", "ok"}, {"JPY", ""}, {"KWD", ""}, {"XXX", ""}, {"US", ""}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       "{\"amount\":{\"total\":500,\"currency\":\"%s\"},\"source\":{\"sourceType\":\"PaymentCard\"," CARD
                       "}," MERCHANT "}",
                       row[i][0]);
        struct bench *b = parse(COMMERCEHUB_CHARGES, true, text);
        assert_int_equal(b->faults.count, row[i][1][0] ? 0 : 1);
        assert_int_equal(has_fault(b, GATEWAY_FAULT_CURRENCY), !row[i][1][0]);
        free(b);
    }
}

/* The digest of a request does not change with its ciphertext, nor with the code. */
static void a_block_encrypted_anew_is_the_same_request(void **state)
{
    (void)state;
    static const char form[] =
        "{\"amount\":{\"total\":%s,\"currency\":\"USD\"},\"source\":{\"sourceType\":\"PaymentCard\",\"encryptionData\":{"
        "\"encryptionType\":\"RSA\",\"encryptionBlock\":\"%s\",\"encryptionBlockFields\":\"%s\",\"keyId\":\"k\"}}," MERCHANT "}";
    static const char *const row[][4] = {
        {"1", "AAAA", "card.cardData:16,card.expirationMonth:2,card.securityCode:3", "401200147247264212123"},
        {"1", "BBBB", "card.securityCode:3,card.cardData:16,card.expirationMonth:2", "999401200147247264212"},
        {"2", "AAAA", "card.cardData:16,card.expirationMonth:2,card.securityCode:3", "401200147247264212123"},
        {"1", "AAAA", "card.cardData:16,card.expirationMonth:2,card.securityCode:0", "401200147247264211"}};
    uint8_t digest[4][32];
    for (size_t i = 0; i < 4; i++) {
        char text[1024];
        struct commercehub_slices slices;
        (void)snprintf(text, sizeof text, form, row[i][0], row[i][1], row[i][2]);
        struct bench *b = parse(COMMERCEHUB_CHARGES, false, text);
        assert_int_equal(b->faults.count, 0); /* without encryptionTarget: MANUAL */
        assert_int_equal(commercehub_slices_parse(span_text(row[i][2]), &slices), ERR_OK);
        commercehub_merge(&slices, span_text(row[i][3]), &b->request, &b->faults);
        assert_int_equal(b->faults.count, 0);
        assert_int_equal(commercehub_digest(COMMERCEHUB_CHARGES, &b->request, NULL, digest[i]), ERR_OK);
        free(b);
    }
    assert_memory_equal(digest[0], digest[1], 32);
    assert_memory_not_equal(digest[0], digest[2], 32);
    assert_memory_not_equal(digest[0], digest[3], 32); /* another month */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verification_moves_no_money),
        cmocka_unit_test(numbers_in_clear_are_for_the_sandbox),
        cmocka_unit_test(a_partial_approval_shows_its_part),
        cmocka_unit_test(integers_are_read_as_text),
        cmocka_unit_test(all_faults_are_told),
        cmocka_unit_test(amounts_are_in_a_currency_of_the_merchant),
        cmocka_unit_test(a_block_encrypted_anew_is_the_same_request),
    };
    return cmocka_run_group_tests_name("commercehub payment", tests, NULL, NULL);
}
