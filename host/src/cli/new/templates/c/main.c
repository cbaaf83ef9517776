/* Keeps what root sends, and counts it by process. */
#include "weir.h"
#include "weir_sums.h"

WEIR_SCRIPT("{\"name\":\"SCRIPT_NAME\",\"version\":\"0.1.0\",\"summary\":\"Keeps what root sends\",\"role\":\"filter\","
            "\"language\":\"c\",\"tables\":[{\"name\":\"calls\",\"kind\":\"counter\",\"help\":\"Calls of root\"}]}")

static struct weir_sums calls;

WEIR_EXPORT uint64_t weir_start(void) {
    calls.table = weir_table_open(WEIR_COUNTER, WEIR_STR("calls"),
                                  WEIR_STR("{\"labels\":[\"process\"],\"unit\":\"1\",\"help\":\"Calls of root\"}"));
    return 0;
}

WEIR_EXPORT void weir_batch(void *bytes, uint32_t len) {
    struct weir_batch batch;
    if (!weir_batch_read(&batch, bytes, len)) __builtin_trap();
    for (uint32_t i = 0; i < batch.count; i++) {
        const struct weir_head *event = weir_event(&batch, i);
        if (event->uid == 0) weir_sums_add(&calls, event->comm, weir_comm_len(event), 1);
        else weir_drop(&batch, i);
    }
    weir_sums_flush(&calls);
}
