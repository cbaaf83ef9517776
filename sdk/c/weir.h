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
 * The layout is that of sdk/src/event.rs, which says what each field means. Little-endian, integers only; new fields are
 * appended and the stride grows, so an old script keeps working on a new host.
 */
#ifndef WEIR_H
#define WEIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Version of the layout and of the calls between host and script. */
#define WEIR_ABI 1u

/* Most events in one batch. */
#define WEIR_BATCH_EVENTS 1024u

/* ---- What the host calls -------------------------------------------------------------------------------------------- */

/* Marks a function that the host calls.
 *
 * Needed: weir_abi, weir_alloc (both from WEIR_SCRIPT) and
 *     void weir_batch(void *bytes, uint32_t len);       a batch of events
 * Optional: weir_describe (from WEIR_SCRIPT) and
 *     uint64_t weir_start(void);                        once, before the first batch; 0, or weir_text() with the reason for a
 *                                                       refusal
 *     void weir_tick(uint32_t now_ms);                  about once a second; milliseconds since the pipeline began, wrapping */
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
 *      "tables": [{"name": "calls", "kind": "counter|histogram", "help": "one line"}],
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

/* A string literal and its length, for the calls above. */
#define WEIR_STR(literal) ("" literal), (sizeof(literal) - 1)

/* ---- The layout ------------------------------------------------------------------------------------------------------ */

/* A variable part of an event: a range of the batch's heap. */
struct weir_span {
    uint32_t offset; /* from the start of the heap, bytes */
    uint32_t len;    /* bytes; 0 when there is nothing */
};

/* What stands at the start of a batch. Offsets are counted from the start of the batch, in bytes. */
struct weir_batch_header {
    uint32_t version;     /* WEIR_ABI of the host */
    uint32_t count;       /* number of events */
    uint32_t stride;      /* bytes from one head to the next */
    uint32_t heads;       /* offset of the first head */
    uint32_t verdicts;    /* offset of the verdicts: WEIR_KEEP (as the host left it) or WEIR_DROP, a byte per event */
    uint32_t heap;        /* offset of the heap */
    uint32_t heap_len;    /* bytes */
    uint32_t reserved;    /* 0 */
    uint64_t first_seq;   /* seq of the first event */
    uint64_t lost_before; /* calls lost since the batch before this one */
    uint64_t now_ns;      /* when the host closed the batch: nanoseconds since the Unix epoch */
};

enum weir_verdict { WEIR_KEEP, WEIR_DROP };

/* How a group of fields was read: status[WEIR_GROUP_…] is a WEIR_STATUS_…. */
enum weir_group {
    WEIR_GROUP_PPID,    /* ppid */
    WEIR_GROUP_MSG,     /* namelen, iovlen, controllen; for sendfile offset */
    WEIR_GROUP_NAME,    /* the destination address; of a call that receives: the source address */
    WEIR_GROUP_IOV,     /* iov, bytes */
    WEIR_GROUP_START,   /* start_ns */
    WEIR_GROUP_CONTROL, /* control */
    WEIR_GROUP_PAYLOAD, /* payload */
    WEIR_GROUP_SOCKET,  /* the socket behind fd; absent when fd is not a socket */
    WEIR_GROUPS
};

enum weir_status {
    WEIR_STATUS_NOT_SEEN, /* not looked at: the backend cannot, or nobody asked */
    WEIR_STATUS_OK,       /* read whole */
    WEIR_STATUS_ABSENT,   /* the caller left it out */
    WEIR_STATUS_FAULT,    /* the memory could not be read */
    WEIR_STATUS_TRUNCATED /* read up to a limit: what is here is its beginning */
};

/* Whether caller and kernel saw the same message. */
enum weir_toctou {
    WEIR_TOCTOU_NOT_SEEN, /* not compared: the backend cannot see the kernel's copy */
    WEIR_TOCTOU_SAME,     /* address, control messages and number of bytes were the same */
    WEIR_TOCTOU_CHANGED,  /* one of them was another when the kernel used it; see kernel */
    WEIR_TOCTOU_UNREAD    /* the call ended before the kernel used the message, or a part could not be read */
};

/* Parts of event->process: weir_next_process_part finds them. */
enum weir_process {
    WEIR_PROCESS_CMDLINE = 1, /* the command line, arguments separated by NUL */
    WEIR_PROCESS_USER,        /* the name of the user */
    WEIR_PROCESS_STARTED,     /* when it started: 64 bits, nanoseconds since the Unix epoch */
    WEIR_PROCESS_PARENT,      /* an ancestor, the parent first: process id of 32 bits, name */
    WEIR_PROCESS_CONTAINER,   /* id of the container */
    WEIR_PROCESS_RUNTIME,     /* what runs the container */
    WEIR_PROCESS_POD          /* uid of the Kubernetes pod */
};

/* Address families, as far as they have fields of their own, and calls. */
enum { WEIR_AF_UNIX = 1, WEIR_AF_INET = 2, WEIR_AF_INET6 = 10 };
enum weir_call {
    WEIR_CALL_SENDMSG = 1,
    WEIR_CALL_SENDMMSG,
    WEIR_CALL_SENDTO,
    WEIR_CALL_RECVMSG,
    WEIR_CALL_RECVMMSG,
    WEIR_CALL_RECVFROM,
    WEIR_CALL_SENDFILE,
    WEIR_CALL_IO_URING
};

/* The fixed part of an event. */
struct weir_head {
    uint64_t seq;         /* number of the event, from 1, without gaps */
    uint64_t time_ns;     /* when the call entered the kernel: nanoseconds since the Unix epoch */
    uint64_t duration_ns; /* from entry to return, time asleep included */
    int64_t ret;          /* bytes, or a negative errno; of sendmmsg and recvmmsg those of the message */
    uint64_t bytes;       /* what the caller asked to send, or has room for, bytes (WEIR_GROUP_IOV) */
    uint64_t cgroup_id;   /* the caller's cgroup in the v2 hierarchy */
    uint64_t start_ns;    /* when the process started: nanoseconds since boot; 0 when not seen */
    uint64_t msg_ptr;     /* the caller's pointer to struct msghdr; 0 for a call without one */
    uint64_t iovlen;      /* entries in the iovec table, as the caller says (WEIR_GROUP_MSG) */
    uint64_t controllen;  /* bytes of control messages, as the caller says (WEIR_GROUP_MSG) */
    uint32_t pid;         /* process id (thread group id) */
    uint32_t tid;         /* thread id */
    uint32_t ppid;        /* process id of the parent (WEIR_GROUP_PPID) */
    uint32_t uid;         /* real user id */
    uint32_t gid;         /* real group id */
    uint32_t cpu;         /* processor on which the call entered */
    int32_t fd;           /* the socket's descriptor, as the caller says; -1 for io_uring */
    uint32_t flags;       /* MSG_*, as the caller gave them */
    int32_t namelen;      /* bytes of the destination address, as the caller says (WEIR_GROUP_MSG) */
    uint32_t scope_id;    /* of an IPv6 destination, or 0 */
    uint16_t call;        /* WEIR_CALL_* */
    uint16_t family;      /* AF_* of the destination, 0 when there is none */
    uint16_t port;        /* of an IPv4 or IPv6 destination, or 0 */
    uint16_t reserved;    /* 0 */
    uint8_t status[WEIR_GROUPS];
    char comm[16];     /* the calling thread's name, padded with NUL; see weir_comm_len */
    uint8_t addr[16];  /* IPv4 (first four bytes) or IPv6 destination, network byte order */
    /* Variable parts, for weir_part: */
    struct weir_span name;   /* the destination as the caller gave it: struct sockaddr (WEIR_GROUP_NAME) */
    struct weir_span path;   /* of an AF_UNIX destination; an abstract one starts with @ */
    struct weir_span attrs;  /* attributes that scripts added; see weir_find_attr */
    struct weir_span exe;    /* path of the executable, when known */
    struct weir_span cgroup; /* path of the cgroup, when known */
    int64_t offset;           /* sendfile: where in the input the caller asked to start (WEIR_GROUP_MSG) */
    int64_t offset_after;     /* sendfile: the same place after the call */
    uint64_t sock_inode;      /* inode of the socket, as in socket:[…] (WEIR_GROUP_SOCKET, as all of the socket) */
    uint64_t sock_cookie;     /* SO_COOKIE, 0 when nobody has asked for one */
    uint64_t control_room;    /* recvmsg: bytes of the buffer for control messages, as the caller says */
    uint32_t index;           /* sendmmsg, recvmmsg: number of the message within the call, from 0 */
    uint32_t vlen;            /* sendmmsg, recvmmsg: messages that the caller offered */
    int32_t in_fd;            /* sendfile: descriptor of the input file */
    int32_t name_room;        /* recvmsg, recvfrom: bytes of the buffer for the source address */
    uint32_t msg_flags;       /* msghdr.msg_flags: as the caller left them; of a call that receives as the kernel set them */
    uint32_t netns;           /* inode of the caller's network namespace, 0 when not seen */
    uint32_t sock_netns;      /* inode of the socket's network namespace, 0 when not seen */
    uint32_t peer_pid;        /* who holds the other end of a unix socket, 0 when not known */
    uint32_t peer_uid;        /* its effective user id when it connected; with peer_pid */
    uint32_t peer_gid;        /* its effective group id when it connected; with peer_pid */
    uint16_t sock_family;     /* AF_* */
    uint16_t sock_type;       /* SOCK_* */
    uint16_t sock_protocol;   /* IPPROTO_*, NETLINK_*, … */
    uint16_t local_port;      /* of an IPv4 or IPv6 socket, or 0 */
    uint16_t peer_port;       /* of an IPv4 or IPv6 socket, or 0 */
    uint8_t sock_state;       /* TCP_*; other families use them too */
    uint8_t toctou;           /* WEIR_TOCTOU_*: whether caller and kernel saw the same message */
    uint8_t late;             /* 1 << WEIR_GROUP_…: the group was read at return, not at entry */
    uint8_t compat;           /* 1 when the caller used the 32-bit interface */
    uint16_t reserved2;       /* 0 */
    uint8_t local_addr[16];   /* IPv4 (first four bytes) or IPv6 address of the socket's own end, network byte order */
    uint8_t peer_addr[16];    /* the same of its peer; all zero, with port 0, when there is none */
    /* Variable parts; weir_parts.h takes them apart: */
    struct weir_span iov;     /* the first 16 entries of the iovec table: base and len of 64 bits each (WEIR_GROUP_IOV) */
    struct weir_span control; /* control messages; see weir_next_control (WEIR_GROUP_CONTROL) */
    struct weir_span payload; /* the first bytes of the payload, as many as scripts want (WEIR_GROUP_PAYLOAD) */
    struct weir_span files;   /* what descriptors are; see weir_next_file */
    struct weir_span local;   /* own address of a socket that is neither IPv4 nor IPv6: struct sockaddr */
    struct weir_span peer;    /* its peer's */
    struct weir_span kernel;  /* what the kernel used, if it is not what the caller showed; see weir_read_kernel */
    struct weir_span process; /* what else is known of the process; see weir_next_process_part */
};

#define WEIR_AT(type, field, at) _Static_assert(offsetof(struct type, field) == (at), #type "." #field)
_Static_assert(sizeof(struct weir_span) == 8, "span");
_Static_assert(sizeof(struct weir_batch_header) == 56, "header");
_Static_assert(_Alignof(struct weir_batch_header) == 8, "header");
WEIR_AT(weir_batch_header, count, 4);
WEIR_AT(weir_batch_header, stride, 8);
WEIR_AT(weir_batch_header, heads, 12);
WEIR_AT(weir_batch_header, verdicts, 16);
WEIR_AT(weir_batch_header, heap, 20);
WEIR_AT(weir_batch_header, heap_len, 24);
WEIR_AT(weir_batch_header, first_seq, 32);
WEIR_AT(weir_batch_header, lost_before, 40);
WEIR_AT(weir_batch_header, now_ns, 48);
_Static_assert(sizeof(struct weir_head) == 400, "head");
_Static_assert(_Alignof(struct weir_head) == 8, "head");
WEIR_AT(weir_head, time_ns, 8);
WEIR_AT(weir_head, duration_ns, 16);
WEIR_AT(weir_head, ret, 24);
WEIR_AT(weir_head, bytes, 32);
WEIR_AT(weir_head, cgroup_id, 40);
WEIR_AT(weir_head, start_ns, 48);
WEIR_AT(weir_head, msg_ptr, 56);
WEIR_AT(weir_head, iovlen, 64);
WEIR_AT(weir_head, controllen, 72);
WEIR_AT(weir_head, pid, 80);
WEIR_AT(weir_head, tid, 84);
WEIR_AT(weir_head, ppid, 88);
WEIR_AT(weir_head, uid, 92);
WEIR_AT(weir_head, gid, 96);
WEIR_AT(weir_head, cpu, 100);
WEIR_AT(weir_head, fd, 104);
WEIR_AT(weir_head, flags, 108);
WEIR_AT(weir_head, namelen, 112);
WEIR_AT(weir_head, scope_id, 116);
WEIR_AT(weir_head, call, 120);
WEIR_AT(weir_head, family, 122);
WEIR_AT(weir_head, port, 124);
WEIR_AT(weir_head, status, 128);
WEIR_AT(weir_head, comm, 136);
WEIR_AT(weir_head, addr, 152);
WEIR_AT(weir_head, name, 168);
WEIR_AT(weir_head, path, 176);
WEIR_AT(weir_head, attrs, 184);
WEIR_AT(weir_head, exe, 192);
WEIR_AT(weir_head, cgroup, 200);
WEIR_AT(weir_head, offset, 208);
WEIR_AT(weir_head, offset_after, 216);
WEIR_AT(weir_head, sock_inode, 224);
WEIR_AT(weir_head, sock_cookie, 232);
WEIR_AT(weir_head, control_room, 240);
WEIR_AT(weir_head, index, 248);
WEIR_AT(weir_head, vlen, 252);
WEIR_AT(weir_head, in_fd, 256);
WEIR_AT(weir_head, name_room, 260);
WEIR_AT(weir_head, msg_flags, 264);
WEIR_AT(weir_head, netns, 268);
WEIR_AT(weir_head, sock_netns, 272);
WEIR_AT(weir_head, peer_pid, 276);
WEIR_AT(weir_head, peer_uid, 280);
WEIR_AT(weir_head, peer_gid, 284);
WEIR_AT(weir_head, sock_family, 288);
WEIR_AT(weir_head, sock_type, 290);
WEIR_AT(weir_head, sock_protocol, 292);
WEIR_AT(weir_head, local_port, 294);
WEIR_AT(weir_head, peer_port, 296);
WEIR_AT(weir_head, sock_state, 298);
WEIR_AT(weir_head, toctou, 299);
WEIR_AT(weir_head, late, 300);
WEIR_AT(weir_head, compat, 301);
WEIR_AT(weir_head, local_addr, 304);
WEIR_AT(weir_head, peer_addr, 320);
WEIR_AT(weir_head, iov, 336);
WEIR_AT(weir_head, control, 344);
WEIR_AT(weir_head, payload, 352);
WEIR_AT(weir_head, files, 360);
WEIR_AT(weir_head, local, 368);
WEIR_AT(weir_head, peer, 376);
WEIR_AT(weir_head, kernel, 384);
WEIR_AT(weir_head, process, 392);

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

/* Why a call failed: a number of errno(3), or 0. */
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
