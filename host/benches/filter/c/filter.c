/* Keeps what failed: the benchmark's filter. */
#include "weir.h"

WEIR_SCRIPT("{\"name\":\"filter\",\"version\":\"0.1.0\",\"role\":\"filter\",\"language\":\"c\"}")

WEIR_EXPORT void weir_batch(void *bytes, uint32_t len) {
    struct weir_batch batch;
    if (!weir_batch_read(&batch, bytes, len)) __builtin_trap();
    for (uint32_t i = 0; i < batch.count; i++) {
        if (weir_event(&batch, i)->ret >= 0) weir_drop(&batch, i);
    }
}
