/* SPDX-License-Identifier: Apache-2.0 */
/* The table of APIs, and the headers that precede requests and responses. */
#include "wire/messages.h"
#include "wire/tables.h"

const kci_api *kci_api_at(size_t index)
{
    return index < kci_api_table_size ? &kci_api_table[index] : NULL;
}

static const kci_api *find(const kci_api *table, size_t size, int16_t key)
{
    size_t low = 0, high = size;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (table[mid].key == key)
            return &table[mid];
        if (table[mid].key < key)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const kci_api *kci_api_get(int16_t key)
{
    return find(kci_api_table, kci_api_table_size, key);
}

const kci_api *kci_api_describe(int16_t key)
{
    const kci_api *api = kci_api_get(key);
    return api ? api : find(kci_api_foreign_table, kci_api_foreign_table_size, key);
}

const char *kci_api_name(int16_t key)
{
    const kci_api *api = kci_api_get(key);
    return api ? api->name : "?";
}

const kci_msg *kci_msg_by_name(const char *name)
{
    for (size_t i = 0; i < kci_msg_table_size; i++)
        if (strcmp(kci_msg_table[i]->name, name) == 0)
            return kci_msg_table[i];
    return NULL;
}

int kci_api_request_header_version(int16_t key, int16_t version)
{
    const kci_api *api = kci_api_describe(key);
    if (!api)
        return -1;
    return version >= api->flexible_from ? 2 : 1;
}

int kci_api_response_header_version(int16_t key, int16_t version)
{
    const kci_api *api = kci_api_describe(key);
    if (!api)
        return -1;
    return key != KCI_API_API_VERSIONS && version >= api->flexible_from ? 1 : 0;
}

kc_err kci_request_header_encode(int16_t key, int16_t version, int32_t correlation_id,
                                 kc_bytes client_id, kci_buf *out)
{
    int header = kci_api_request_header_version(key, version);
    if (header < 0 || !kci_api_get(key))
        return KC_E_INVALID_ARGUMENT;
    kci_request_header h = { key, version, correlation_id, client_id };
    return kci_encode(&kci_request_header_msg, (int16_t)header, &h, out, NULL);
}

kc_err kci_request_header_decode(kci_reader *in, kci_request_head *out)
{
    *out = (kci_request_head){ 0 };
    kci_reader peek = *in;
    out->key = kci_rd_int16(&peek);
    out->version = kci_rd_int16(&peek);
    out->correlation_id = kci_rd_int32(&peek);
    if (peek.bad)
        return KC_E_PROTOCOL;
    int header = kci_api_request_header_version(out->key, out->version);
    if (header < 0 || !kci_api_get(out->key))
        return KC_E_NOT_SUPPORTED;

    kci_request_header h;
    kc_err err = kci_decode(&kci_request_header_msg, (int16_t)header, in, NULL, &h);
    out->client_id = err == KC_OK ? h.client_id : kc_str(NULL);
    return err;
}

kc_err kci_response_header_encode(int16_t key, int16_t version, int32_t correlation_id,
                                  kci_buf *out)
{
    int header = kci_api_response_header_version(key, version);
    if (header < 0 || !kci_api_get(key))
        return KC_E_INVALID_ARGUMENT;
    kci_response_header h = { correlation_id };
    return kci_encode(&kci_response_header_msg, (int16_t)header, &h, out, NULL);
}

kc_err kci_response_header_decode(int16_t key, int16_t version, kci_reader *in,
                                  int32_t *correlation_id)
{
    *correlation_id = 0;
    int header = kci_api_response_header_version(key, version);
    if (header < 0 || !kci_api_get(key))
        return KC_E_INVALID_ARGUMENT;
    kci_response_header h;
    kc_err err = kci_decode(&kci_response_header_msg, (int16_t)header, in, NULL, &h);
    *correlation_id = h.correlation_id;
    return err;
}
