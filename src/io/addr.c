/* SPDX-License-Identifier: Apache-2.0 */
#include "io/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

uint16_t kci_addr_port(const kci_addr *addr)
{
    if (addr->sa.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&addr->sa)->sin_port);
    if (addr->sa.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&addr->sa)->sin6_port);
    return 0;
}

const char *kci_addr_text(const kci_addr *addr, char *buf)
{
    char ip[INET6_ADDRSTRLEN] = "?";
    bool v6 = addr->sa.ss_family == AF_INET6;
    if (v6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&addr->sa)->sin6_addr, ip, sizeof ip);
    else if (addr->sa.ss_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)&addr->sa)->sin_addr, ip, sizeof ip);
    else
        return "?";
    snprintf(buf, KCI_ADDR_TEXT_SIZE, v6 ? "[%s]:%u" : "%s:%u", ip, kci_addr_port(addr));
    return buf;
}

bool kci_addr_parse(const char *host, uint16_t port, kci_addr *out)
{
    memset(out, 0, sizeof *out);
    struct sockaddr_in *v4 = (struct sockaddr_in *)&out->sa;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->sa;
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        out->len = sizeof *v4;
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        out->len = sizeof *v6;
        return true;
    }
    return false;
}
