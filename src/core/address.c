/* SPDX-License-Identifier: Apache-2.0 */
#include "core/address.h"

#include "base/err.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The entry's text without spaces around it; false at the end of the list. */
static bool next_entry(const char **text, kc_bytes *entry)
{
    for (const char *at = *text; *at;) {
        size_t size = strcspn(at, ",");
        const char *end = at + size;
        *text = *end ? end + 1 : end;
        const char *begin = at;
        while (begin < end && is_space(*begin))
            begin++;
        while (end > begin && is_space(end[-1]))
            end--;
        if (end > begin) {
            *entry = kc_mem(begin, (size_t)(end - begin));
            return true;
        }
        at = *text;
    }
    return false;
}

static kc_bytes without_scheme(kc_bytes e)
{
    for (size_t i = 0; i + 3 <= e.size; i++)
        if (memcmp(e.data + i, "://", 3) == 0)
            return kc_mem(e.data + i + 3, e.size - i - 3);
    return e;
}

static bool port_of(kc_bytes digits, uint16_t *port)
{
    uint32_t value = 0;

    if (digits.size == 0 || digits.size > 5)
        return false;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(digits.data[i] - '0');
    }
    *port = (uint16_t)value;
    return value > 0 && value <= UINT16_MAX;
}

/* host, [host], host:port, [host]:port; an IPv6 address without brackets has no port. */
static bool split(kc_bytes e, kc_bytes *host, kc_bytes *port)
{
    const uint8_t *first = memchr(e.data, ':', e.size);
    const uint8_t *last = memrchr(e.data, ':', e.size);

    *port = kc_mem(NULL, 0);
    if (e.size && e.data[0] == '[') {
        const uint8_t *close = memchr(e.data, ']', e.size);
        if (!close)
            return false;
        *host = kc_mem(e.data + 1, (size_t)(close - e.data) - 1);
        size_t left = e.size - (size_t)(close + 1 - e.data);
        if (left == 0)
            return true;
        *port = kc_mem(close + 2, left - 1);
        return close[1] == ':';
    }
    if (!last || first != last) {
        *host = e;
        return true;
    }
    *host = kc_mem(e.data, (size_t)(last - e.data));
    *port = kc_mem(last + 1, e.size - host->size - 1);
    return true;
}

static bool parse(kc_bytes entry, kci_host_port *out)
{
    kc_bytes host, port;

    if (!split(without_scheme(entry), &host, &port))
        return false;
    if (host.size == 0 || host.size > KCI_HOST_MAX || memchr(host.data, ' ', host.size))
        return false;
    out->port = KCI_DEFAULT_PORT;
    if (port.data && !port_of(port, &out->port))
        return false;
    memcpy(out->host, host.data, host.size);
    out->host[host.size] = '\0';
    return true;
}

bool kci_address_next(const char **text, kci_host_port *out, kc_err *err, kc_error *detail)
{
    kc_bytes entry;

    *err = KC_OK;
    if (!next_entry(text, &entry))
        return false;
    if (parse(entry, out))
        return true;
    *err = kci_fail(detail, KC_E_BAD_PROPERTY,
                    "bootstrap.servers: \"%.*s\" is not host:port (port 1 to 65535)",
                    (int)(entry.size < 200 ? entry.size : 200), (const char *)entry.data);
    return false;
}
