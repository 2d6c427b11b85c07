/* SPDX-License-Identifier: Apache-2.0 */
/* What a stranger's first program needs: it is built against the installed library only. */
#include <stdio.h>
#include <string.h>

#include <kclient/kclient.h>

int main(void)
{
    kc_error error;
    kc_config *config = kc_config_new();
    kc_config_property row = KC_CONFIG_PROPERTY_INIT;
    if (!config || kc_config_set(config, "linger.ms", "1.5", &error) != KC_OK)
        return 1;
    if (kc_config_set(config, "linger", "1", &error) != KC_E_UNKNOWN_PROPERTY)
        return 2;
    if (!kc_config_property_at(0, &row) || strcmp(kc_config_get(config, "linger.ms"), "1.5") != 0)
        return 3;
    printf("%s\n", error.text);
    kc_config_free(config);
    return 0;
}
