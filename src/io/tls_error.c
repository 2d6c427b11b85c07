/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong in OpenSSL, as a sentence. */
#include "io/tls.h"

#if KCI_HAVE_TLS

#include <openssl/err.h>

#include "io/tls_impl.h"

const char *kci_tls_take_reason(void)
{
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    return reason ? reason : "no reason given";
}

#endif
