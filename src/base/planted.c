/* SPDX-License-Identifier: Apache-2.0 */
#include "base/planted.h"

#ifdef KCI_PLANTED_BUGS
kci_planted_bug kci_planted = KCI_BUG_NONE;
unsigned kci_planted_times = 0;
#endif
