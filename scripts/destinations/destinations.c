/* destinations: counts calls and bytes per destination. */
#include "weir.h"
#include "weir_sums.h"

#define LABELS_AND(rest) "{\"labels\":[\"destination\"]," rest "}"

WEIR_SCRIPT("{\"name\":\"destinations\",\"version\":\"0.1.0\",\"role\":\"aggregate\",\"language\":\"c\","
            "\"summary\":\"Calls and bytes per destination\",\"params\":[],\"tables\":["
            "{\"name\":\"calls\",\"kind\":\"counter\",\"help\":\"Calls\"},"
            "{\"name\":\"bytes\",\"kind\":\"counter\",\"help\":\"Bytes sent\"}],"
            "\"wants\":{\"calls\":[\"sendmsg\",\"sendmmsg\",\"sendto\"]}}")

static struct weir_sums calls, bytes_sent;

WEIR_EXPORT uint64_t weir_start(void) {
    calls.table = weir_table_open(WEIR_COUNTER, WEIR_STR("calls"),
                                  WEIR_STR(LABELS_AND("\"unit\":\"1\",\"help\":\"Calls\"")));
    bytes_sent.table = weir_table_open(WEIR_COUNTER, WEIR_STR("bytes"),
                                       WEIR_STR(LABELS_AND("\"unit\":\"By\",\"help\":\"Bytes sent\"")));
    return 0;
}

/* A row's key as it is being written. A unix path has at most 108 bytes; what does not fit is cut. */
struct key {
    char text[256];
    uint32_t len;
};

static void put(struct key *key, char byte) {
    /* A NUL would begin a second label; /proc/net/unix writes @ for it too. */
    if (key->len < sizeof key->text) key->text[key->len++] = byte ? byte : '@';
}

static void put_bytes(struct key *key, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) put(key, text[i]);
}

static void put_number(struct key *key, uint32_t number, uint32_t base) {
    char digits[10];
    uint32_t len = 0;
    do digits[len++] = "0123456789abcdef"[number % base];
    while (number /= base);
    while (len > 0) put(key, digits[--len]);
}

static void put_inet(struct key *key, const uint8_t *addr) {
    for (int i = 0; i < 4; i++) {
        if (i > 0) put(key, '.');
        put_number(key, addr[i], 10);
    }
}

/* As RFC 5952 has it: the longest run of two zeros or more, the first of equals, becomes `::`. */
static void put_inet6(struct key *key, const uint8_t *addr) {
    int best = 8, best_len = 1;
    for (int i = 0; i < 8; i++) {
        int len = 0;
        while (i + len < 8 && (addr[2 * (i + len)] | addr[2 * (i + len) + 1]) == 0) len++;
        if (len > best_len) best = i, best_len = len;
    }
    if (best == 0 && best_len == 5 && (addr[10] & addr[11]) == 0xff) {
        put_bytes(key, WEIR_STR("::ffff:"));
        put_inet(key, addr + 12);
        return;
    }
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            put_bytes(key, WEIR_STR("::"));
            i += best_len - 1;
            continue;
        }
        if (i > 0 && i != best + best_len) put(key, ':');
        put_number(key, (uint32_t)addr[2 * i] << 8 | addr[2 * i + 1], 16);
    }
}

static void put_family(struct key *key, uint32_t family) {
    switch (family) {
    case 0: put_bytes(key, WEIR_STR("(AF_UNSPEC)")); break;
    case 16: put_bytes(key, WEIR_STR("(AF_NETLINK)")); break;
    case 17: put_bytes(key, WEIR_STR("(AF_PACKET)")); break;
    case 40: put_bytes(key, WEIR_STR("(AF_VSOCK)")); break;
    default:
        put_bytes(key, WEIR_STR("(family "));
        put_number(key, family, 10);
        put(key, ')');
    }
}

static void put_destination(struct key *key, const struct weir_batch *batch, const struct weir_head *event) {
    if (event->status[WEIR_GROUP_NAME] == WEIR_STATUS_ABSENT) {
        put_bytes(key, WEIR_STR("(connected)"));
    } else if (!weir_is_read(event, WEIR_GROUP_NAME)) {
        put_bytes(key, WEIR_STR("(unread)"));
    } else if (event->family == WEIR_AF_INET && event->name.len >= 8) {
        put_inet(key, event->addr);
        put(key, ':');
        put_number(key, event->port, 10);
    } else if (event->family == WEIR_AF_INET6 && event->name.len >= 24) {
        put(key, '[');
        put_inet6(key, event->addr);
        if (event->scope_id != 0) {
            put(key, '%');
            put_number(key, event->scope_id, 10);
        }
        put_bytes(key, WEIR_STR("]:"));
        put_number(key, event->port, 10);
    } else if (event->family == WEIR_AF_UNIX && event->name.len >= 2) {
        const struct weir_bytes path = weir_part(batch, event->path);
        if (path.len > 0) put_bytes(key, path.ptr, path.len);
        else put_bytes(key, WEIR_STR("(unnamed)"));
    } else {
        put_family(key, event->family);
    }
}

WEIR_EXPORT void weir_batch(void *bytes, uint32_t len) {
    struct weir_batch batch;
    if (!weir_batch_read(&batch, bytes, len)) {
        weir_log(WEIR_ERROR, WEIR_STR("this is no batch that the script can read"));
        __builtin_trap();
    }
    for (uint32_t i = 0; i < batch.count; i++) {
        const struct weir_head *event = weir_event(&batch, i);
        struct key key;
        key.len = 0;
        put_destination(&key, &batch, event);
        weir_sums_add(&calls, key.text, key.len, 1);
        /* A negative return is an error: nothing was sent. */
        weir_sums_add(&bytes_sent, key.text, key.len, event->ret > 0 ? (uint64_t)event->ret : 0);
    }
    weir_sums_flush(&calls);
    weir_sums_flush(&bytes_sent);
}
