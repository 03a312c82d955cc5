/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/jwe.h"

#include "base/secret.h"
#include "crypto/base64.h"
#include "crypto/internal.h"
#include "crypto/jose.h"
#include "crypto/mac.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

enum { POINT = 1 + 2 * CRYPTO_JWE_COORDINATE, KEY = 32, NONCE = 12, TAG = 16, HEADER_MAX = 1024 };
static const char ENC[] = "A256GCM";

/* `scalar` NULL: the public half alone. */
static EVP_PKEY *make_key(const struct crypto_jwe_public *point, const uint8_t *scalar)
{
    uint8_t octets[POINT];
    octets[0] = 4; /* uncompressed, SEC 1 2.3.3 */
    memcpy(octets + 1, point->x, CRYPTO_JWE_COORDINATE);
    memcpy(octets + 1 + CRYPTO_JWE_COORDINATE, point->y, CRYPTO_JWE_COORDINATE);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *d = scalar ? BN_secure_new() : NULL;
    bool pushed = build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
                  OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets) == 1 &&
                  (!scalar || (d && BN_bin2bn(scalar, CRYPTO_JWE_COORDINATE, d) &&
                               OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d) == 1));
    OSSL_PARAM *params = pushed ? OSSL_PARAM_BLD_to_param(build) : NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    if (!params || !context || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, scalar ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_clear_free(d);
    return key;
}

static EVP_PKEY *public_key(const struct crypto_jwe_public *point)
{
    return make_key(point, NULL);
}

static enum err coordinate(struct span text, uint8_t out[static CRYPTO_JWE_COORDINATE])
{
    struct buf b = buf_over(out, CRYPTO_JWE_COORDINATE);
    if (text.len != CRYPTO_JWE_COORDINATE_TEXT || crypto_base64url_decode(text, &b) != ERR_OK || b.len != CRYPTO_JWE_COORDINATE)
        return ERR_PARSE_VALUE;
    return ERR_OK;
}

enum err crypto_jwe_import_public(struct span x_text, struct span y_text, struct crypto_jwe_public *out)
{
    struct crypto_jwe_public point;
    TRY(coordinate(x_text, point.x));
    TRY(coordinate(y_text, point.y));
    EVP_PKEY *key = public_key(&point);
    EVP_PKEY_CTX *context = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
    bool valid = context && EVP_PKEY_public_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (!valid)
        return ERR_PARSE_VALUE;
    *out = point;
    return ERR_OK;
}

static enum err public_of(EVP_PKEY *key, struct crypto_jwe_public *out)
{
    uint8_t octets[POINT];
    size_t len = 0;
    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets, &len) != 1 || len != POINT)
        return crypto_failed();
    memcpy(out->x, octets + 1, CRYPTO_JWE_COORDINATE);
    memcpy(out->y, octets + 1 + CRYPTO_JWE_COORDINATE, CRYPTO_JWE_COORDINATE);
    return ERR_OK;
}

enum err crypto_jwe_generate(struct crypto_jwe_private *out_private, struct crypto_jwe_public *out_public)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key)
        return crypto_failed();
    enum err err = public_of(key, out_public);
    if (err != ERR_OK)
        EVP_PKEY_free(key);
    else
        out_private->key = key;
    return err;
}

enum err crypto_jwe_import_private(const struct crypto_jwe_public *point, struct span d_text, struct crypto_jwe_private *out)
{
    uint8_t scalar[CRYPTO_JWE_COORDINATE];
    enum err err = coordinate(d_text, scalar);
    EVP_PKEY *key = err == ERR_OK ? make_key(point, scalar) : NULL;
    secret_wipe(scalar, sizeof scalar);
    EVP_PKEY_CTX *context = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
    bool valid = context && EVP_PKEY_pairwise_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    if (!valid) {
        EVP_PKEY_free(key);
        return ERR_PARSE_VALUE;
    }
    out->key = key;
    return ERR_OK;
}

void crypto_jwe_private_free(struct crypto_jwe_private *key)
{
    EVP_PKEY_free(key->key);
    key->key = NULL;
}

static void put_u32(struct buf *b, size_t value)
{
    buf_put_u16(b, (uint16_t)(value >> 16));
    buf_put_u16(b, (uint16_t)value);
}

static void put_data(struct buf *b, struct span s)
{
    put_u32(b, s.len);
    buf_put_span(b, s);
}

/* One round of SHA-256 over counter | Z | AlgorithmID | PartyUInfo | PartyVInfo | SuppPubInfo (RFC 7518 4.6.2). */
enum err crypto_jwe_concat_kdf(const struct crypto_jwe_kdf *in, uint8_t *out, size_t len)
{
    uint8_t room[512], round[CRYPTO_DIGEST_SHA256];
    ASSERT(len <= sizeof round);
    struct buf b = buf_over(room, sizeof room);
    put_u32(&b, 1);
    buf_put_span(&b, in->shared);
    put_data(&b, in->algorithm);
    put_data(&b, in->apu);
    put_data(&b, in->apv);
    put_u32(&b, 8 * len);
    enum err err = buf_done(&b);
    if (err == ERR_OK)
        err = crypto_digest_sha256(buf_span(&b), round);
    if (err == ERR_OK)
        memcpy(out, round, len);
    secret_wipe(room, sizeof room);
    secret_wipe(round, sizeof round);
    return err;
}

static enum err agree(EVP_PKEY *own, EVP_PKEY *peer, struct span apu, struct span apv, uint8_t key[static KEY])
{
    uint8_t shared[CRYPTO_JWE_COORDINATE] = {0};
    size_t len = sizeof shared;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    bool done = context && EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, peer) == 1 &&
                EVP_PKEY_derive(context, shared, &len) == 1 && len == sizeof shared;
    EVP_PKEY_CTX_free(context);
    const struct crypto_jwe_kdf in = {span_of(shared, sizeof shared), span_text(ENC), apu, apv};
    enum err err = done ? crypto_jwe_concat_kdf(&in, key, KEY) : crypto_failed();
    secret_wipe(shared, sizeof shared);
    return err;
}

struct gcm {
    int encrypt;
    const uint8_t *key;
    const uint8_t *nonce;
    struct span aad;
    uint8_t *tag;
};

static bool gcm_run(const struct gcm *g, struct span in, uint8_t *out)
{
    int len = 0;
    uint8_t none[TAG];
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool done = cipher && context && EVP_CipherInit_ex2(context, cipher, g->key, g->nonce, g->encrypt, NULL) == 1 &&
                EVP_CipherUpdate(context, NULL, &len, g->aad.at, (int)g->aad.len) == 1 &&
                (in.len == 0 || EVP_CipherUpdate(context, out, &len, in.at, (int)in.len) == 1) &&
                (g->encrypt || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG, g->tag) == 1) &&
                EVP_CipherFinal_ex(context, none, &len) == 1 &&
                (!g->encrypt || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, g->tag) == 1);
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(cipher);
    return done;
}

static bool kid_valid(struct span kid)
{
    for (size_t i = 0; i < kid.len; i++) {
        uint8_t c = kid.at[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!plain && c != '.' && c != '_' && c != ':' && c != '-')
            return false;
    }
    return kid.len > 0 && kid.len <= CRYPTO_JWE_KID_MAX;
}

static void put_header(struct span kid, const struct crypto_jwe_public *epk, struct buf *out)
{
    uint8_t room[HEADER_MAX];
    struct buf b = buf_over(room, sizeof room);
    buf_put_text(&b, "{\"alg\":\"ECDH-ES\",\"enc\":\"A256GCM\",\"kid\":\"");
    buf_put_span(&b, kid);
    buf_put_text(&b, "\",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"");
    crypto_base64url_encode(span_of(epk->x, CRYPTO_JWE_COORDINATE), &b);
    buf_put_text(&b, "\",\"y\":\"");
    crypto_base64url_encode(span_of(epk->y, CRYPTO_JWE_COORDINATE), &b);
    buf_put_text(&b, "\"}}");
    ASSERT(b.err == ERR_OK);
    crypto_base64url_encode(buf_span(&b), out);
}

static enum err encrypt_to(EVP_PKEY *peer, struct span kid, struct span plain, const struct env *env, struct buf *out)
{
    struct crypto_jwe_private own = {0};
    struct crypto_jwe_public epk;
    uint8_t key[KEY] = {0}, nonce[NONCE], tag[TAG], cipher[CRYPTO_JWE_TEXT_MAX];
    TRY(crypto_jwe_generate(&own, &epk));
    enum err err = agree(own.key, peer, span_of(NULL, 0), span_of(NULL, 0), key);
    crypto_jwe_private_free(&own);
    size_t start = out->len;
    put_header(kid, &epk, out);
    env_random(env, nonce, sizeof nonce);
    const struct gcm g = {1, key, nonce, span_of(out->at + start, out->len - start), tag};
    if (err == ERR_OK && buf_done(out) == ERR_OK && !gcm_run(&g, plain, cipher))
        err = crypto_failed();
    secret_wipe(key, sizeof key);
    buf_put_text(out, ".."); /* direct agreement: the encrypted key is empty */
    crypto_base64url_encode(span_of(nonce, sizeof nonce), out);
    buf_put_byte(out, '.');
    crypto_base64url_encode(span_of(cipher, plain.len), out);
    buf_put_byte(out, '.');
    crypto_base64url_encode(span_of(tag, sizeof tag), out);
    if (err == ERR_OK && out->err == ERR_OK && out->len - start > CRYPTO_JWE_TEXT_MAX)
        err = ERR_PARSE_LONG;
    if (err != ERR_OK)
        out->len = start;
    return err != ERR_OK ? err : buf_done(out);
}

enum err crypto_jwe_encrypt(const struct crypto_jwe_public *recipient, struct span kid, struct span plain, const struct env *env,
                            struct buf *out)
{
    if (!kid_valid(kid))
        return ERR_PARSE_CHARACTER;
    if (plain.len > CRYPTO_JWE_TEXT_MAX / 2)
        return ERR_PARSE_LONG;
    EVP_PKEY *peer = public_key(recipient);
    if (!peer)
        return crypto_failed();
    enum err err = encrypt_to(peer, kid, plain, env, out);
    EVP_PKEY_free(peer);
    return err;
}

/* What a received message says, decoded. */
struct message {
    struct crypto_jwe_public epk;
    struct span header_text;
    uint8_t apu[64], apv[64];
    size_t apu_len, apv_len;
    uint8_t nonce[NONCE];
    uint8_t tag[TAG];
    uint8_t body[CRYPTO_JWE_TEXT_MAX];
    size_t body_len;
};

static enum err decode_into(struct span text, uint8_t *to, size_t cap, size_t *len)
{
    struct buf b = buf_over(to, cap);
    TRY(crypto_base64url_decode(text, &b));
    *len = b.len;
    return ERR_OK;
}

static enum err decode_exactly(struct span text, uint8_t *to, size_t wanted)
{
    size_t len = 0;
    TRY(decode_into(text, to, wanted, &len));
    return len == wanted ? ERR_OK : ERR_PARSE_SHORT;
}

static enum err read_party(struct span json, const char *name, uint8_t *to, size_t cap, size_t *len)
{
    struct span text;
    *len = 0;
    return crypto_jose_text(json, name, &text) == ERR_OK ? decode_into(text, to, cap, len) : ERR_OK;
}

static enum err read_header(struct span json, struct message *m)
{
    struct span value, epk, x, y;
    TRY(crypto_jose_text(json, "alg", &value));
    if (!span_is(value, "ECDH-ES"))
        return ERR_PARSE_VALUE;
    TRY(crypto_jose_text(json, "enc", &value));
    if (!span_is(value, ENC))
        return ERR_PARSE_VALUE;
    TRY(crypto_jose_object(json, "epk", &epk));
    TRY(crypto_jose_text(epk, "crv", &value));
    if (!span_is(value, "P-256"))
        return ERR_PARSE_VALUE;
    TRY(crypto_jose_text(epk, "x", &x));
    TRY(crypto_jose_text(epk, "y", &y));
    TRY(crypto_jwe_import_public(x, y, &m->epk));
    TRY(read_party(json, "apu", m->apu, sizeof m->apu, &m->apu_len));
    return read_party(json, "apv", m->apv, sizeof m->apv, &m->apv_len);
}

static enum err read_message(struct span compact, struct message *m)
{
    struct span part[5];
    uint8_t header[HEADER_MAX];
    size_t len = 0;
    TRY(crypto_jose_split(compact, part, 5));
    if (part[1].len != 0)
        return ERR_PARSE_VALUE;
    m->header_text = part[0];
    TRY(decode_into(part[0], header, sizeof header, &len));
    TRY(read_header(span_of(header, len), m));
    TRY(decode_exactly(part[2], m->nonce, NONCE));
    TRY(decode_into(part[3], m->body, sizeof m->body, &m->body_len));
    return decode_exactly(part[4], m->tag, TAG);
}

static enum err open_message(const struct crypto_jwe_private *own, struct message *m, uint8_t plain[static CRYPTO_JWE_TEXT_MAX])
{
    uint8_t key[KEY] = {0};
    EVP_PKEY *peer = public_key(&m->epk);
    enum err err = peer ? agree(own->key, peer, span_of(m->apu, m->apu_len), span_of(m->apv, m->apv_len), key) : crypto_failed();
    EVP_PKEY_free(peer);
    const struct gcm g = {0, key, m->nonce, m->header_text, m->tag};
    if (err == ERR_OK && !gcm_run(&g, span_of(m->body, m->body_len), plain))
        err = ERR_PARSE_VALUE;
    secret_wipe(key, sizeof key);
    return err;
}

enum err crypto_jwe_decrypt(const struct crypto_jwe_private *key, struct span compact, struct buf *out)
{
    struct message m;
    uint8_t plain[CRYPTO_JWE_TEXT_MAX];
    if (compact.len > CRYPTO_JWE_TEXT_MAX)
        return ERR_PARSE_VALUE;
    enum err err = read_message(compact, &m);
    if (err == ERR_OK)
        err = open_message(key, &m, plain);
    ERR_clear_error();
    if (err == ERR_OK)
        buf_put(out, plain, m.body_len);
    secret_wipe(plain, sizeof plain);
    return err == ERR_OK ? buf_done(out) : ERR_PARSE_VALUE;
}
