/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS context that the configuration describes. */
#include "base/buf.h"
#include "base/err.h"
#include "core/state.h"

static const char *text_of(const kc_config *config, kci_prop prop)
{
    const char *text = kci_config_str(config, prop);
    return text && *text ? text : NULL;
}

static kc_bytes bytes_of(const kc_config *config, kci_prop prop)
{
    return kc_str(text_of(config, prop));
}

static kc_err take_truststore(const kc_config *config, kci_tls_params *p, kc_error *detail)
{
    int type = KCI_STORE_PEM;

    const char *file = text_of(config, KCI_P_SSL_TRUSTSTORE_LOCATION);
    p->ca_pem = bytes_of(config, KCI_P_SSL_TRUSTSTORE_CERTIFICATES);
    if (!file)
        return KC_OK;
    kc_err err = kci_config_store_type(config, KCI_P_SSL_TRUSTSTORE_LOCATION, &type, detail);
    if (type == KCI_STORE_PKCS12) {
        p->ca_pkcs12_file = file;
        p->ca_pkcs12_password = text_of(config, KCI_P_SSL_TRUSTSTORE_PASSWORD);
    } else {
        p->ca_file = file;
    }
    return err;
}

static kc_err take_keystore(const kc_config *config, kci_tls_params *p, kc_error *detail)
{
    const char *store = text_of(config, KCI_P_SSL_KEYSTORE_LOCATION);
    int type = KCI_STORE_PEM;

    p->cert_pem = bytes_of(config, KCI_P_SSL_KEYSTORE_CERTIFICATE_CHAIN);
    p->key_pem = bytes_of(config, KCI_P_SSL_KEYSTORE_KEY);
    p->cert_file = text_of(config, KCI_P_SSL_CERTIFICATE_LOCATION);
    p->key_file = text_of(config, KCI_P_SSL_KEY_LOCATION);
    p->key_password = text_of(config, KCI_P_SSL_KEY_PASSWORD);
    if (!store)
        return KC_OK;
    kc_err err = kci_config_store_type(config, KCI_P_SSL_KEYSTORE_LOCATION, &type, detail);
    if (err != KC_OK)
        return err;
    if (type == KCI_STORE_PKCS12) {
        p->pkcs12_file = store;
        p->pkcs12_password = text_of(config, KCI_P_SSL_KEYSTORE_PASSWORD);
    } else {
        p->cert_file = p->key_file = store;
        if (!p->key_password)
            p->key_password = text_of(config, KCI_P_SSL_KEYSTORE_PASSWORD);
    }
    return KC_OK;
}

static bool is_suite_of_13(kc_bytes name)
{
    static const char *const starts[] = { "TLS_AES_", "TLS_CHACHA20_" };

    for (size_t i = 0; i < 2; i++)
        if (name.size > strlen(starts[i]) && memcmp(name.data, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

/* OpenSSL has one list for TLS 1.3 and one for those before, parted by colons. */
static bool split_suites(const char *list, kci_buf *old, kci_buf *new)
{
    while (list && *list) {
        size_t size = strcspn(list, ", ");
        kci_buf *to = is_suite_of_13(kc_mem(list, size)) ? new : old;
        if (size && to->size)
            kci_buf_put8(to, ':');
        kci_buf_put(to, list, size);
        list += size;
        list += strspn(list, ", ");
    }
    if (old->size)
        kci_buf_put8(old, '\0');
    if (new->size)
        kci_buf_put8(new, '\0');
    return !old->failed && !new->failed;
}

static void take_versions(const kc_config *config, kci_tls_params *p)
{
    const char *versions = text_of(config, KCI_P_SSL_ENABLED_PROTOCOLS);

    p->min_version = versions && !strstr(versions, "TLSv1.2") ? 13 : 12;
    p->max_version = versions && !strstr(versions, "TLSv1.3") ? 12 : 0;
}

kc_err kci_client_make_tls(kc_client *client, kc_error *detail)
{
    const kc_config *config = client->config;
    kci_buf old = { 0 }, new = { 0 };
    kci_tls_params p = {
        .verify_host = kci_config_int(config, KCI_P_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM) != 0,
        .verify_peer = kci_config_bool(config, KCI_P_ENABLE_SSL_CERTIFICATE_VERIFICATION),
    };

    take_versions(config, &p);

    kc_err err = take_truststore(config, &p, detail);
    if (err == KC_OK)
        err = take_keystore(config, &p, detail);
    if (err == KC_OK && !split_suites(text_of(config, KCI_P_SSL_CIPHER_SUITES), &old, &new))
        err = kci_fail(detail, KC_E_NO_MEMORY, NULL);
    p.ciphers = (const char *)old.data;
    p.ciphersuites = (const char *)new.data;
    if (err == KC_OK)
        err = kci_tls_new(&p, &client->tls, detail);
    kci_buf_free(&old);
    kci_buf_free(&new);
    return err;
}
