/* Gathers what a batch does to tables within the script, so that it costs one host call per table instead of one per event.
 *
 *     static struct weir_sums calls;                     a table with room for one batch
 *     calls.table = weir_table_open(…);                  in weir_start
 *     weir_sums_add(&calls, key, key_len, 1);            per event
 *     weir_sums_flush(&calls);                           at the end of weir_batch and weir_tick
 *
 * What to call per event goes by the kind of the table:
 *     counter, topk, rate   weir_sums_add      adds up
 *     gauge                 weir_sums_set      the last value counts
 *     distinct              weir_sums_once     an item once; of a text it is weir_item(text, len)
 *     histogram             weir_sums_each     every value
 */
#ifndef WEIR_SUMS_H
#define WEIR_SUMS_H

#include "weir.h"

enum {
    WEIR_SUMS_SLOTS = 2048, /* a power of two, twice the events of a batch */
    WEIR_SUMS_BYTES = 65536, /* room for rows */
    WEIR_SUMS_HEAD = 16      /* of a row: length of the key, 0, value */
};

/* Rows by key. Zero is empty. */
struct weir_sums {
    uint32_t table; /* the handle from weir_table_open */
    uint32_t count; /* keys at hand */
    uint32_t used;  /* bytes of rows at hand */
    struct weir_sum {
        uint32_t start, len, hash; /* start of the row, length of its key */
    } sums[WEIR_BATCH_EVENTS];       /* in the order in which their keys came */
    uint16_t slots[WEIR_SUMS_SLOTS]; /* 1 + index of a sum, at its key's hash or behind it; 0 is free */
    _Alignas(8) char rows[WEIR_SUMS_BYTES]; /* as weir_table_add_many wants them */
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

/* A text as an item of a distinct: FNV-1a, as in the other languages' SDKs. */
static inline uint64_t weir_item(const char *text, size_t len) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++) hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return hash;
}

/* Hands all rows to the host. */
static inline void weir_sums_flush(struct weir_sums *sums) {
    if (sums->used == 0) return;
    weir_table_add_many(sums->table, sums->rows, sums->used);
    if (sums->count > 0)
        for (uint32_t i = 0; i < WEIR_SUMS_SLOTS; i++) sums->slots[i] = 0;
    sums->count = sums->used = 0;
}

/* Writes a row behind the others, after what is there went to the host if there is no more room. A key that no row has room
 * for goes to the host by itself. */
static inline bool weir_sums_write(struct weir_sums *sums, const char *key, uint32_t len, uint64_t value) {
    if (len > WEIR_SUMS_BYTES - WEIR_SUMS_HEAD) {
        weir_table_add(sums->table, key, len, value);
        return false;
    }
    const uint32_t bytes = (WEIR_SUMS_HEAD + len + 7) & ~7u;
    if (sums->count == WEIR_BATCH_EVENTS || bytes > WEIR_SUMS_BYTES - sums->used) weir_sums_flush(sums);
    char *row = sums->rows + sums->used;
    *(weir_word *)row = len; /* and 0 behind it */
    *(weir_word *)(row + 8) = value;
    for (uint32_t i = 0; i < len; i++) row[WEIR_SUMS_HEAD + i] = key[i];
    sums->used += bytes;
    return true;
}

/* The value of the row with this key, or 0 when there is none; then `value` has a row of its own. With `alike` it is the row
 * that has both. */
static inline weir_word *weir_sums_row(struct weir_sums *sums, const char *key, uint32_t len, uint64_t value, bool alike) {
    const uint32_t hash = weir_sums_hash(key, len) ^ (alike ? (uint32_t)(value * 0x9e3779b97f4a7c15u >> 32) : 0);
    uint32_t slot = hash;
    for (;; slot++) {
        slot %= WEIR_SUMS_SLOTS;
        if (sums->slots[slot] == 0) break;
        const struct weir_sum *sum = &sums->sums[sums->slots[slot] - 1];
        char *row = sums->rows + sum->start;
        if (sum->hash == hash && weir_same((struct weir_bytes){row + WEIR_SUMS_HEAD, sum->len}, key, len) &&
            (!alike || *(weir_word *)(row + 8) == value))
            return (weir_word *)(row + 8);
    }
    if (!weir_sums_write(sums, key, len, value)) return 0;
    if (sums->count == 0) slot = hash % WEIR_SUMS_SLOTS; /* all others went to the host */
    const uint32_t start = sums->used - ((WEIR_SUMS_HEAD + len + 7) & ~7u);
    sums->sums[sums->count] = (struct weir_sum){start, len, hash};
    sums->slots[slot] = (uint16_t)++sums->count;
    return 0;
}

/* Adds to the sum of a key: labels joined by NUL. For a counter, a topk or a rate. */
static inline void weir_sums_add(struct weir_sums *sums, const char *key, uint32_t len, uint64_t value) {
    weir_word *sum = weir_sums_row(sums, key, len, value, false);
    if (sum) *sum += value;
}

/* Sets the value of a key. For a gauge. */
static inline void weir_sums_set(struct weir_sums *sums, const char *key, uint32_t len, int64_t value) {
    weir_word *last = weir_sums_row(sums, key, len, (uint64_t)value, false);
    if (last) *last = (uint64_t)value;
}

/* Adds an item to a key. For a distinct. */
static inline void weir_sums_once(struct weir_sums *sums, const char *key, uint32_t len, uint64_t item) {
    weir_sums_row(sums, key, len, item, true);
}

/* Adds a value to a key, whatever it had before. For a histogram. */
static inline void weir_sums_each(struct weir_sums *sums, const char *key, uint32_t len, uint64_t value) {
    weir_sums_write(sums, key, len, value);
}

#endif
