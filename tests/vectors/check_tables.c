/* SPDX-License-Identifier: Apache-2.0 */
/* apiheaders.txt and errors.txt: the tables of APIs and of errors. */
#include <string.h>

#include <kclient/error.h>

#include "check.h"
#include "wire/codec.h"

void check_apiheaders(vec_file *v)
{
    while (vec_next(v)) {
        int16_t key = (int16_t)vec_number(v);
        const kci_api *api = kci_api_describe(key);
        if (!api) {
            vec_unknown(v);
            continue;
        }
        bool ok = strcmp(api->name, vec_word(v)) == 0;
        int16_t version = (int16_t)vec_number(v);
        ok = ok && version >= api->min_version && version <= api->max_unstable;
        ok = ok && kci_api_request_header_version(key, version) == vec_number(v);
        ok = ok && kci_api_response_header_version(key, version) == vec_number(v);
        vec_word(v);
        ok = ok && (version > api->max_version) == (vec_number(v) == 1);
        vec_expect(v, ok, "name, version or header differ");
    }
}

void check_errors(vec_file *v)
{
    while (vec_next(v)) {
        kc_err code = (kc_err)vec_number(v);
        uint32_t flags = kc_error_flags(code);
        bool ok = strcmp(kc_error_name(code), vec_word(v)) == 0;
        ok = ok && ((flags & KC_ERROR_RETRIABLE) != 0) == (vec_number(v) == 1);
        ok = ok && ((flags & KC_ERROR_REFRESH_METADATA) != 0) == (vec_number(v) == 1);
        vec_expect(v, ok, "name or flags differ");
    }
}
