/* SPDX-License-Identifier: Apache-2.0 */
/* The library's version and what was built into it. */
#include <kclient/client.h>

/* Each as ",name", so that the first comma can be passed over. */
#if KCI_HAVE_TLS
#define TLS ",tls"
#else
#define TLS ""
#endif
#if KCI_HAVE_ZSTD
#define ZSTD ",zstd"
#else
#define ZSTD ""
#endif
#if KCI_HAVE_LZ4
#define LZ4 ",lz4"
#else
#define LZ4 ""
#endif
#if KCI_HAVE_SNAPPY
#define SNAPPY ",snappy"
#else
#define SNAPPY ""
#endif

const char *kc_version(void)
{
    return KCI_VERSION;
}

const char *kc_features(void)
{
    static const char features[] = TLS ZSTD LZ4 SNAPPY ",gzip";
    return features + 1;
}
