/* Adds values up by key within the script, so that a batch costs a host call per key instead of one per event.
 *
 *     static struct weir_sums calls;                     a table with room for one batch
 *     calls.table = weir_table_open(…);                  in weir_start
 *     weir_sums_add(&calls, key, key_len, 1);            per event
 *     weir_sums_flush(&calls);                           at the end of weir_batch
 */
#ifndef WEIR_SUMS_H
#define WEIR_SUMS_H

#include "weir.h"

enum {
    WEIR_SUMS_SLOTS = 2048, /* a power of two, twice the events of a batch */
    WEIR_SUMS_BYTES = 65536 /* room for keys */
};

/* Sums by key. Zero is empty. */
struct weir_sums {
    uint32_t table; /* the handle from weir_table_open */
    uint32_t count; /* keys at hand */
    uint32_t used;  /* bytes of keys at hand */
    struct weir_sum {
        uint32_t start, len, hash;
        uint64_t value;
    } sums[WEIR_BATCH_EVENTS];      /* in the order in which their keys came */
    uint16_t slots[WEIR_SUMS_SLOTS]; /* 1 + index of a sum, at its key's hash or behind it; 0 is free */
    char keys[WEIR_SUMS_BYTES];
};

/* FxHash, eight bytes at a time. */
static inline uint32_t weir_sums_hash(const char *key, uint32_t len) {
    uint64_t hash = len, last = 0;
    uint32_t i = 0;
    for (; i + 8 <= len; i += 8) hash = ((hash << 5 | hash >> 59) ^ *(const weir_word *)(key + i)) * 0x517cc1b727220a95u;
    for (; i < len; i++) last = last << 8 | (unsigned char)key[i];
    hash = ((hash << 5 | hash >> 59) ^ last) * 0x517cc1b727220a95u;
    return (uint32_t)(hash >> 32); /* the product's upper half depends on all bits */
}

/* Hands all sums to the host. */
static inline void weir_sums_flush(struct weir_sums *sums) {
    for (uint32_t i = 0; i < sums->count; i++) {
        const struct weir_sum *sum = &sums->sums[i];
        weir_table_add(sums->table, sums->keys + sum->start, sum->len, sum->value);
    }
    if (sums->count > 0)
        for (uint32_t i = 0; i < WEIR_SUMS_SLOTS; i++) sums->slots[i] = 0;
    sums->count = sums->used = 0;
}

/* Adds to the sum of a key: labels joined by NUL. When there is no more room, what is there goes to the host first. */
static inline void weir_sums_add(struct weir_sums *sums, const char *key, uint32_t len, uint64_t value) {
    const uint32_t hash = weir_sums_hash(key, len);
    uint32_t slot = hash;
    for (;; slot++) {
        slot %= WEIR_SUMS_SLOTS;
        if (sums->slots[slot] == 0) break;
        struct weir_sum *sum = &sums->sums[sums->slots[slot] - 1];
        if (sum->hash == hash && weir_same((struct weir_bytes){sums->keys + sum->start, sum->len}, key, len)) {
            sum->value += value;
            return;
        }
    }
    if (len > WEIR_SUMS_BYTES) {
        weir_table_add(sums->table, key, len, value);
        return;
    }
    if (sums->count == WEIR_BATCH_EVENTS || len > WEIR_SUMS_BYTES - sums->used) {
        weir_sums_flush(sums);
        slot = hash % WEIR_SUMS_SLOTS;
    }
    for (uint32_t i = 0; i < len; i++) sums->keys[sums->used + i] = key[i];
    sums->sums[sums->count] = (struct weir_sum){sums->used, len, hash, value};
    sums->used += len;
    sums->slots[slot] = (uint16_t)++sums->count;
}

#endif
