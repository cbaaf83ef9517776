/* What host/tests/c_sums.rs calls: sdk/c/weir_sums.h with a key that the test writes. */
#include "weir.h"
#include "weir_sums.h"

static struct weir_sums sums;
static char key[70000];

WEIR_EXPORT char *room(void) { return key; }
WEIR_EXPORT void add(uint32_t len, uint64_t value) { weir_sums_add(&sums, key, len, value); }
WEIR_EXPORT void set(uint32_t len, uint64_t value) { weir_sums_set(&sums, key, len, (int64_t)value); }
WEIR_EXPORT void once(uint32_t len, uint64_t value) { weir_sums_once(&sums, key, len, value); }
WEIR_EXPORT void each(uint32_t len, uint64_t value) { weir_sums_each(&sums, key, len, value); }
WEIR_EXPORT uint64_t item(uint32_t len) { return weir_item(key, len); }
WEIR_EXPORT void flush(void) { weir_sums_flush(&sums); }
