/* Write scripts for Weir in C.
 *
 * A script is a Wasm module that Weir hands events to, in batches. Include this file, define weir_batch, and build with
 *
 *     clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry -Wl,--export-dynamic -I sdk/c -o mine.wasm mine.c
 *
 * The smallest filter:
 *
 *     #include "weir.h"
 *
 *     WEIR_SCRIPT("{\"name\":\"root\",\"summary\":\"keeps what root sends\",\"role\":\"filter\",\"language\":\"c\"}")
 *
 *     WEIR_EXPORT void weir_batch(void *bytes, uint32_t len) {
 *         struct weir_batch batch;
 *         if (!weir_batch_read(&batch, bytes, len)) __builtin_trap();
 *         for (uint32_t i = 0; i < batch.count; i++)
 *             if (weir_event(&batch, i)->uid != 0) weir_drop(&batch, i);
 *     }
 *
 * The layout is in weir_layout.h, which says what each field means. Little-endian, integers only; new fields are appended
 * and the stride grows, so an old script keeps working on a new host.
 */
#ifndef WEIR_H
#define WEIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir_layout.h"

/* ---- What the host calls -------------------------------------------------------------------------------------------- */

/* Marks a function that the host calls.
 *
 * Needed: weir_abi, weir_alloc (both from WEIR_SCRIPT) and
 *     void weir_batch(void *bytes, uint32_t len);       a batch of events
 * Optional: weir_describe (from WEIR_SCRIPT) and
 *     uint64_t weir_start(void);                        once, before the first batch; 0, or weir_text() with the reason for a
 *                                                       refusal
 *     void weir_tick(uint32_t now_ms);                  about once a second; milliseconds since the pipeline began, wrapping
 *     uint64_t weir_save(void);                         weir_text() with what the next version goes on from, when this one is
 *                                                       swapped; 0 for nothing
 *     uint64_t weir_restore(uint32_t version, const void *state, uint32_t len);
 *                                                       after weir_start: what the version before saved, and its
 *                                                       "state_version"; 0, or weir_text() with the reason for a refusal */
#define WEIR_EXPORT __attribute__((used, visibility("default"))) extern

/* A text for the host, as weir_describe and weir_start return it. It must stay where it is until the next call. */
static inline uint64_t weir_text(const char *text, size_t len) {
    return (uint64_t)(uintptr_t)text << 32 | (uint32_t)len;
}

/* The end of the module's own data, from the linker: free memory begins there. */
extern unsigned char __heap_base;

/* Makes room for batches: from the end of the module's data on, growing the memory as needed. Room that was given before is
 * given again, so a script that uses this takes no memory there itself. Returns 0 when there is no more memory. */
static inline void *weir_room(uint32_t len) {
    const uintptr_t room = ((uintptr_t)&__heap_base + 7) & ~(uintptr_t)7;
    const size_t page = 65536, pages = (size_t)(((uint64_t)room + len + page - 1) / page);
    const size_t have = __builtin_wasm_memory_size(0);
    if (pages > have && __builtin_wasm_memory_grow(0, pages - have) == (size_t)-1) return 0;
    return (void *)room;
}

/* Defines weir_abi, weir_alloc and weir_describe. The description is a string literal, JSON:
 *     {"name": "mine", "version": "0.1.0", "summary": "one line", "role": "filter|enrich|aggregate", "language": "c",
 *      "params": [{"name": "min", "type": "string|int|duration", "default": "10ms", "help": "one line"}],
 *      "tables": [{"name": "calls", "kind": "counter", "help": "one line"}],
 *      "state_version": 0,
 *      "wants": {"calls": ["sendmsg", "sendto"], "payload": 256}}
 * The script is given the events of the calls that it wants; without "wants" it is sendmsg alone, without payload. */
#define WEIR_SCRIPT(description)                                                                   \
    WEIR_EXPORT uint32_t weir_abi(void) { return WEIR_ABI; }                                       \
    WEIR_EXPORT void *weir_alloc(uint32_t len) { return weir_room(len); }                          \
    WEIR_EXPORT uint64_t weir_describe(void) {                                                     \
        return weir_text("" description, sizeof(description) - 1);                                 \
    }

/* ---- What a script can ask of the host ------------------------------------------------------------------------------ */

#define WEIR_IMPORT(name) __attribute__((import_module("weir"), import_name(name))) extern

/* Adds an attribute to an event of the batch at hand: scripts further along the pipeline, the API and the page see it. */
WEIR_IMPORT("attr")
void weir_attr(uint32_t event, const char *name, size_t name_len, const char *value, size_t value_len);

enum weir_level { WEIR_DEBUG, WEIR_INFO, WEIR_WARN, WEIR_ERROR };

/* Adds a line to the script's log. */
WEIR_IMPORT("log")
void weir_log(uint32_t level, const char *text, size_t len);

/* Writes as much of a parameter's value as fits and returns its whole length, or -1 if there is no such parameter. */
WEIR_IMPORT("param")
int32_t weir_param(const char *name, size_t name_len, char *to, size_t to_len);

enum weir_kind { WEIR_COUNTER, WEIR_HISTOGRAM, WEIR_GAUGE, WEIR_TOPK, WEIR_DISTINCT, WEIR_RATE };

/* Finds or makes a table and returns its handle. Options are JSON:
 *     {"labels": ["process"], "unit": "ns", "help": "one line"} */
WEIR_IMPORT("table_open")
uint32_t weir_table_open(uint32_t kind, const char *name, size_t name_len, const char *options, size_t options_len);

/* Adds a value to a row of a table. The key is the row's labels, joined by NUL: as many as the table has. */
WEIR_IMPORT("table_add")
void weir_table_add(uint32_t table, const char *key, size_t key_len, uint64_t value);

/* The same for a run of rows: per row the key's length and 0 of 32 bits each, the value of 64, and the key, padded to a
 * multiple of 8. weir_sums.h makes it. */
WEIR_IMPORT("table_add_many")
void weir_table_add_many(uint32_t table, const void *rows, size_t len);

/* Hands on a result that is no row of a table: a JSON object, shown with the script. */
WEIR_IMPORT("emit")
void weir_emit(const char *json, size_t len);

/* Writes as much as fits of what the host knows of a process, a JSON object, and returns its whole length, or -1. */
WEIR_IMPORT("process")
int32_t weir_process(uint32_t pid, char *to, size_t to_len);

/* A string literal and its length, for the calls above. */
#define WEIR_STR(literal) ("" literal), (sizeof(literal) - 1)

/* ---- Reading a batch ------------------------------------------------------------------------------------------------- */

/* A batch whose header was checked: what it promises lies within the bytes. */
struct weir_batch {
    const struct weir_batch_header *header;
    uint32_t count; /* number of events */
    const unsigned char *heads;
    unsigned char *verdicts;
    const char *heap;
};

/* A part of a batch. It is not terminated. */
struct weir_bytes {
    const char *ptr;
    uint32_t len;
};

/* Reads the header of a batch, or returns false when it is not one that this script can read. */
static inline bool weir_batch_read(struct weir_batch *batch, void *bytes, uint32_t len) {
    const struct weir_batch_header *header = bytes;
    if (len < sizeof *header || header->version != WEIR_ABI || header->stride < sizeof(struct weir_head)) return false;
    /* In 64 bits nothing overflows; heads must be aligned to be read as structs. */
    if (header->heads + (uint64_t)header->count * header->stride > len) return false;
    if ((header->heads | header->stride) % _Alignof(struct weir_head) != 0) return false;
    if ((uint64_t)header->verdicts + header->count > len) return false;
    if ((uint64_t)header->heap + header->heap_len > len) return false;
    unsigned char *start = bytes;
    batch->header = header;
    batch->count = header->count;
    batch->heads = start + header->heads;
    batch->verdicts = start + header->verdicts;
    batch->heap = (const char *)start + header->heap;
    return true;
}

/* The event at an index below batch->count. Trap at one that is not. */
static inline const struct weir_head *weir_event(const struct weir_batch *batch, uint32_t index) {
    if (index >= batch->count) __builtin_trap();
    return (const struct weir_head *)(const void *)(batch->heads + (size_t)index * batch->header->stride);
}

/* Drops the event at an index: it ends here. What is not dropped goes on. */
static inline void weir_drop(const struct weir_batch *batch, uint32_t index) {
    if (index >= batch->count) __builtin_trap();
    batch->verdicts[index] = WEIR_DROP;
}

/* A variable part of an event: empty when there is nothing, or when it would lie outside of the heap. */
static inline struct weir_bytes weir_part(const struct weir_batch *batch, struct weir_span span) {
    const bool within = (uint64_t)span.offset + span.len <= batch->header->heap_len;
    return within ? (struct weir_bytes){batch->heap + span.offset, span.len} : (struct weir_bytes){batch->heap, 0};
}

/* Whether a group of fields was read, whole or up to a limit. */
static inline bool weir_is_read(const struct weir_head *event, enum weir_group group) {
    const uint8_t status = event->status[group];
    return status == WEIR_STATUS_OK || status == WEIR_STATUS_TRUNCATED;
}

/* Length of event->comm, without its padding. */
static inline uint32_t weir_comm_len(const struct weir_head *event) {
    uint32_t len = 0;
    while (len < sizeof event->comm && event->comm[len] != 0) len++;
    return len;
}

/* Why a call failed: a number of errno(3), or 0. weir_errno.h has the names. */
static inline uint32_t weir_errno(const struct weir_head *event) {
    return event->ret < 0 && event->ret >= -4095 ? (uint32_t)-event->ret : 0;
}

/* Eight bytes of text at once, wherever they lie. */
typedef uint64_t weir_word __attribute__((aligned(1), may_alias));

/* Whether two texts are the same. */
static inline bool weir_same(struct weir_bytes text, const char *other, size_t len) {
    if (text.len != len) return false;
    size_t i = 0;
    for (; i + 8 <= len; i += 8)
        if (*(const weir_word *)(text.ptr + i) != *(const weir_word *)(other + i)) return false;
    for (; i < len; i++)
        if (text.ptr[i] != other[i]) return false;
    return true;
}

/* An attribute that a script before this one added: the last of that name. Its ptr is 0 when there is none.
 * In the heap: name_len and value_len of 16 bits each, name, value; nothing is aligned. */
static inline struct weir_bytes weir_find_attr(const struct weir_batch *batch, const struct weir_head *event,
                                               const char *name, size_t name_len) {
    struct weir_bytes rest = weir_part(batch, event->attrs), found = {0, 0};
    while (rest.len >= 4) {
        const unsigned char *at = (const unsigned char *)rest.ptr;
        const uint32_t own_name = at[0] | (uint32_t)at[1] << 8, own_value = at[2] | (uint32_t)at[3] << 8;
        const uint32_t whole = 4 + own_name + own_value;
        if (whole > rest.len) break;
        if (weir_same((struct weir_bytes){rest.ptr + 4, own_name}, name, name_len))
            found = (struct weir_bytes){rest.ptr + 4 + own_name, own_value};
        rest.ptr += whole;
        rest.len -= whole;
    }
    return found;
}

#endif
