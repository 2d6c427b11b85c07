/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sasl.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/scram.h"

enum { NONCE_BYTES = 24 };

typedef enum mechanism { PLAIN, SCRAM_SHA_256, SCRAM_SHA_512, UNKNOWN } mechanism;

/* How far the exchange is: PLAIN has one message, SCRAM two. */
typedef enum step { FIRST, FINAL, VERIFY, DONE } step;

struct kci_sasl {
    mechanism mechanism;
    step step;
    kc_bytes user, password; /* the configuration's */
    kci_buf plain;
    kci_scram scram;
};

static mechanism mechanism_of(const kc_config *config)
{
    static const char *const names[] = { "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512" };
    const char *name = kci_sasl_mechanism(config);

    for (size_t i = 0; i < KCI_COUNT_OF(names); i++)
        if (strcmp(name, names[i]) == 0)
            return (mechanism)i;
    return UNKNOWN;
}

const char *kci_sasl_mechanism(const kc_config *config)
{
    const char *name = kci_config_str(config, KCI_P_SASL_MECHANISM);
    return name ? name : "";
}

kc_err kci_sasl_check(const kc_config *config, kc_error *detail)
{
    kc_bytes user = kc_str(kci_config_str(config, KCI_P_SASL_USERNAME));

    if (mechanism_of(config) == UNKNOWN)
        return kci_fail(detail, KC_E_NOT_SUPPORTED,
                        "sasl.mechanism=%.40s is not built in: set PLAIN, SCRAM-SHA-256 or "
                        "SCRAM-SHA-512",
                        kci_sasl_mechanism(config));
    if (!user.data || !kci_config_str(config, KCI_P_SASL_PASSWORD))
        return kci_fail(detail, KC_E_BAD_PROPERTY,
                        "SASL needs credentials: set sasl.username and sasl.password");
    return KC_OK;
}

static kc_err begin_scram(kci_sasl *sasl, kci_sys *sys)
{
    uint8_t random[NONCE_BYTES];
    kci_buf nonce = { 0 };
    kc_err err = KC_E_NO_MEMORY;

    sys->random(sys, random, sizeof random);
    kci_base64_put(&nonce, kc_mem(random, sizeof random));
    if (!nonce.failed)
        err = kci_scram_begin(&sasl->scram,
                              sasl->mechanism == SCRAM_SHA_256 ? KCI_SHA256 : KCI_SHA512,
                              sasl->user, sasl->password, false, kc_mem(nonce.data, nonce.size));
    kci_buf_free(&nonce);
    return err;
}

kc_err kci_sasl_new(kci_sys *sys, const kc_config *config, kci_sasl **out)
{
    kc_err err = kci_sasl_check(config, NULL);

    *out = NULL;
    if (err != KC_OK)
        return err;
    kci_sasl *sasl = kci_calloc(1, sizeof *sasl);
    if (!sasl)
        return KC_E_NO_MEMORY;
    sasl->mechanism = mechanism_of(config);
    sasl->user = kc_str(kci_config_str(config, KCI_P_SASL_USERNAME));
    sasl->password = kc_str(kci_config_str(config, KCI_P_SASL_PASSWORD));
    if (sasl->mechanism != PLAIN)
        err = begin_scram(sasl, sys);
    if (err != KC_OK) {
        kci_sasl_free(sasl);
        return err;
    }
    *out = sasl;
    return KC_OK;
}

void kci_sasl_free(kci_sasl *sasl)
{
    if (!sasl)
        return;
    if (sasl->plain.data)
        explicit_bzero(sasl->plain.data, sasl->plain.size);
    kci_buf_free(&sasl->plain);
    kci_scram_end(&sasl->scram);
    kci_free(sasl);
}

/* RFC 4616: no identity to act for, user, password. */
static kc_err step_plain(kci_sasl *sasl, kc_bytes *message, bool *done, kc_error *detail)
{
    if (sasl->step != FIRST) { /* the broker has accepted it, or there would be an error */
        *done = true;
        return KC_OK;
    }
    sasl->step = DONE;
    kci_buf_put8(&sasl->plain, '\0');
    kci_buf_put(&sasl->plain, sasl->user.data, sasl->user.size);
    kci_buf_put8(&sasl->plain, '\0');
    kci_buf_put(&sasl->plain, sasl->password.data, sasl->password.size);
    if (sasl->plain.failed)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    *message = kc_mem(sasl->plain.data, sasl->plain.size);
    return KC_OK;
}

static kc_err step_scram(kci_sasl *sasl, kc_bytes received, kc_bytes *message, bool *done,
                         kc_error *detail)
{
    kc_err err = KC_OK;

    switch (sasl->step) {
    case FIRST:
        sasl->step = FINAL;
        err = kci_scram_client_first(&sasl->scram, message);
        return err == KC_OK ? KC_OK : kci_fail(detail, err, NULL);
    case FINAL:
        sasl->step = VERIFY;
        return kci_scram_client_final(&sasl->scram, received, message, detail);
    case VERIFY:
        sasl->step = DONE;
        err = kci_scram_verify(&sasl->scram, received, detail);
        *done = err == KC_OK;
        return err;
    case DONE:
        break;
    }
    return kci_fail(detail, KC_E_PROTOCOL, "the broker goes on after the end of the SASL exchange");
}

kc_err kci_sasl_step(kci_sasl *sasl, kc_bytes received, kc_bytes *message, bool *done,
                     kc_error *detail)
{
    *message = kc_mem(NULL, 0);
    *done = false;
    if (sasl->mechanism == PLAIN)
        return step_plain(sasl, message, done, detail);
    return step_scram(sasl, received, message, done, detail);
}
