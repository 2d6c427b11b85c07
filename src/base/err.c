/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

kc_err kci_fail(kc_error *detail, kc_err code, const char *fmt, ...)
{
    if (!detail)
        return code;
    detail->code = code;
    detail->flags = kc_error_flags(code);
    if (!fmt) {
        snprintf(detail->text, sizeof detail->text, "%s", kc_error_text(code));
        return code;
    }
    va_list args;
    va_start(args, fmt);
    vsnprintf(detail->text, sizeof detail->text, fmt, args);
    va_end(args);
    return code;
}
