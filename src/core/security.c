/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS context that the configuration describes. */
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

static void take_versions(const kc_config *config, kci_tls_params *p)
{
    const char *versions = text_of(config, KCI_P_SSL_ENABLED_PROTOCOLS);

    p->min_version = versions && !strstr(versions, "TLSv1.2") ? 13 : 12;
    p->max_version = versions && !strstr(versions, "TLSv1.3") ? 12 : 0;
}

kc_err kci_client_make_tls(kc_client *client, kc_error *detail)
{
    const kc_config *config = client->config;
    kci_tls_params p = {
        .verify_host = kci_config_int(config, KCI_P_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM) != 0,
        .verify_peer = kci_config_bool(config, KCI_P_ENABLE_SSL_CERTIFICATE_VERIFICATION),
        .suites = text_of(config, KCI_P_SSL_CIPHER_SUITES),
    };

    take_versions(config, &p);

    kc_err err = take_truststore(config, &p, detail);
    if (err == KC_OK)
        err = take_keystore(config, &p, detail);
    if (err == KC_OK)
        err = kci_tls_new(&p, &client->tls, detail);
    return err;
}
