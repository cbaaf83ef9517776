/* Variable parts of an event, one piece at a time: control messages, descriptors, what is known of the process. Nothing is
 * copied, and no bytes, however wrong, lead outside of their part: a walk ends where a piece is malformed.
 *
 *     struct weir_bytes rest = weir_part(&batch, event->control);
 *     struct weir_control message;
 *     while (weir_next_control(&rest, &message)) …
 */
#ifndef WEIR_PARTS_H
#define WEIR_PARTS_H

#include "weir.h"

/* Numbers wherever they lie. */
static inline uint32_t weir_u16_at(const char *at) {
    uint16_t number;
    __builtin_memcpy(&number, at, sizeof number);
    return number;
}
static inline uint32_t weir_u32_at(const char *at) {
    uint32_t number;
    __builtin_memcpy(&number, at, sizeof number);
    return number;
}
static inline uint64_t weir_u64_at(const char *at) {
    uint64_t number;
    __builtin_memcpy(&number, at, sizeof number);
    return number;
}

/* Takes so many bytes off the start of a part, of which there must be as many. */
static inline struct weir_bytes weir_take(struct weir_bytes *rest, uint32_t len) {
    const struct weir_bytes taken = {rest->ptr, len};
    rest->ptr += len;
    rest->len -= len;
    return taken;
}

/* An attribute that a script before this one added. */
struct weir_attr {
    struct weir_bytes name, value;
};

/* Takes the next attribute off `rest`, which is weir_part(batch, event->attrs) at first. */
static inline bool weir_next_attr(struct weir_bytes *rest, struct weir_attr *attr) {
    if (rest->len < 4 || weir_u16_at(rest->ptr) + weir_u16_at(rest->ptr + 2) > rest->len - 4) return false;
    const char *head = weir_take(rest, 4).ptr;
    attr->name = weir_take(rest, weir_u16_at(head));
    attr->value = weir_take(rest, weir_u16_at(head + 2));
    return true;
}

/* A control message. */
struct weir_control {
    int32_t level;          /* SOL_*, IPPROTO_* */
    int32_t type;           /* by level: SCM_*, IP_*, … */
    struct weir_bytes data; /* without padding */
};

/* Takes the next control message off `rest`, which is weir_part(batch, event->control) at first. False at the end, and where
 * one is malformed. */
static inline bool weir_next_control(struct weir_bytes *rest, struct weir_control *message) {
    if (rest->len < 16) return false;
    const uint64_t len = weir_u64_at(rest->ptr), padded = (len + 7) & ~(uint64_t)7;
    if (len < 16 || len > rest->len) return false;
    message->level = (int32_t)weir_u32_at(rest->ptr + 8);
    message->type = (int32_t)weir_u32_at(rest->ptr + 12);
    message->data = (struct weir_bytes){rest->ptr + 16, (uint32_t)len - 16};
    /* The last one need not be padded. */
    weir_take(rest, padded < rest->len ? (uint32_t)padded : rest->len);
    return true;
}

/* A descriptor, and what it is of. */
struct weir_file {
    int32_t fd;
    struct weir_bytes text; /* as the link in /proc/PID/fd; empty where it was not seen */
};

/* Takes the next descriptor off `rest`, which is weir_part(batch, event->files) at first: those of the SCM_RIGHTS (and
 * SCM_PIDFD) messages in their order; of sendfile the input, then the output. */
static inline bool weir_next_file(struct weir_bytes *rest, struct weir_file *file) {
    if (rest->len < 6 || weir_u16_at(rest->ptr + 4) > rest->len - 6) return false;
    const char *head = weir_take(rest, 6).ptr;
    file->fd = (int32_t)weir_u32_at(head);
    file->text = weir_take(rest, weir_u16_at(head + 4));
    return true;
}

/* Something known of the process. */
struct weir_process_part {
    uint32_t kind; /* WEIR_PROCESS_* */
    struct weir_bytes bytes;
};

/* Takes the next part off `rest`, which is weir_part(batch, event->process) at first. */
static inline bool weir_next_process_part(struct weir_bytes *rest, struct weir_process_part *part) {
    if (rest->len < 4 || weir_u16_at(rest->ptr + 2) > rest->len - 4) return false;
    const char *head = weir_take(rest, 4).ptr;
    part->kind = weir_u16_at(head);
    part->bytes = weir_take(rest, weir_u16_at(head + 2));
    return true;
}

/* What the kernel used instead of what the caller showed. */
struct weir_kernel {
    uint64_t bytes;            /* number of bytes to send */
    struct weir_bytes name;    /* destination: struct sockaddr */
    struct weir_bytes control; /* control messages, for weir_next_control */
};

/* Reads weir_part(batch, event->kernel). False when there is nothing. */
static inline bool weir_read_kernel(struct weir_bytes part, struct weir_kernel *kernel) {
    if (part.len < 16) return false;
    const char *head = weir_take(&part, 16).ptr;
    const uint32_t name_len = weir_u32_at(head + 8), control_len = weir_u32_at(head + 12);
    const uint64_t padded = ((uint64_t)name_len + 7) & ~(uint64_t)7;
    if (name_len > part.len || (control_len > 0 && padded + control_len > part.len)) return false;
    kernel->bytes = weir_u64_at(head);
    kernel->name = (struct weir_bytes){part.ptr, name_len};
    kernel->control = (struct weir_bytes){part.ptr + (control_len > 0 ? padded : 0), control_len};
    return true;
}

#endif
