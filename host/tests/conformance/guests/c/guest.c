/* Says all that it sees: the conformance suite compares it with what the host has. */
#include "weir.h"
#include "weir_errno.h"
#include "weir_parts.h"
#include "weir_sums.h"

WEIR_SCRIPT("{\"name\":\"conformance\",\"version\":\"1.2.3\",\"summary\":\"what a script sees and does\",\"role\":\"filter\","
            "\"language\":\"c\",\"state_version\":7,"
            "\"params\":[{\"name\":\"greeting\",\"type\":\"string\",\"default\":\"hello\",\"help\":\"is logged\"}],"
            "\"tables\":[],\"wants\":{\"calls\":[\"sendmsg\",\"recvmsg\"],\"payload\":64}}")

/* A text that grows. */
static char text[16384];
static uint32_t text_len;

static void put(const char *bytes, uint32_t len) {
    for (uint32_t i = 0; i < len; i++) text[text_len++] = bytes[i];
}

static void put_text(const char *bytes) {
    while (*bytes) text[text_len++] = *bytes++;
}

static void put_number(uint64_t number) {
    char digits[20];
    uint32_t len = 0;
    do digits[len++] = (char)('0' + number % 10);
    while (number /= 10);
    while (len > 0) text[text_len++] = digits[--len];
}

static void put_signed_number(int64_t number) {
    if (number < 0) put_text("-");
    put_number(number < 0 ? -(uint64_t)number : (uint64_t)number);
}

static void put_hex(struct weir_bytes bytes) {
    for (uint32_t i = 0; i < bytes.len; i++) {
        text[text_len++] = "0123456789abcdef"[(unsigned char)bytes.ptr[i] >> 4];
        text[text_len++] = "0123456789abcdef"[bytes.ptr[i] & 15];
    }
}

static void put_unsigned(const char *name, uint64_t value) {
    put_text(name), put_text("="), put_number(value), put_text("\n");
}

static void put_signed(const char *name, int64_t value) {
    put_text(name), put_text("="), put_signed_number(value), put_text("\n");
}

static void put_bytes(const char *name, struct weir_bytes value) {
    put_text(name), put_text("="), put_hex(value), put_text("\n");
}

#include "fields.h"

static uint64_t count;
static struct weir_sums tables[6];

static bool sums(uint32_t kind) { return kind != WEIR_HISTOGRAM && kind != WEIR_DISTINCT && kind != WEIR_GAUGE; }

WEIR_EXPORT uint64_t weir_start(void) {
    static char greeting[256];
    const int32_t len = weir_param(WEIR_STR("greeting"), greeting, sizeof greeting);
    if (weir_same((struct weir_bytes){greeting, (uint32_t)len}, WEIR_STR("refuse")))
        return weir_text(WEIR_STR("told to refuse: gr\xc3\xbc\xc3\x9f" "e"));
    text_len = 0;
    put_text("greeting: "), put(greeting, (uint32_t)len);
    weir_log(WEIR_INFO, text, text_len);
    if (weir_param(WEIR_STR("nothing"), 0, 0) != -1)
        return weir_text(WEIR_STR("there is a parameter that was not declared"));
    static const char *const names[] = {"counter", "histogram", "gauge", "topk", "distinct", "rate"};
    for (uint32_t kind = 0; kind < 6; kind++)
        tables[kind].table = weir_table_open(kind, names[kind], __builtin_strlen(names[kind]),
                                             WEIR_STR("{\"labels\":[\"process\",\"call\"],\"unit\":\"1\",\"help\":\"\"}"));
    return 0;
}

static const char *call_name(const struct weir_head *event) {
    static const char *const names[] = {"unknown",  "sendmsg",  "sendmmsg", "sendto",  "recvmsg",
                                        "recvmmsg", "recvfrom", "sendfile", "io_uring"};
    return names[event->call];
}

static void put_control(const char *name, struct weir_control message) {
    put_text(name), put_signed_number(message.level), put_text(":"), put_signed_number(message.type);
    put_text(":"), put_hex(message.data), put_text("\n");
}

static void put_parts(const struct weir_batch *batch, const struct weir_head *event, uint32_t at) {
    put_unsigned("at", at);
    put_text("call="), put_text(call_name(event));
    put_text("\ncomm="), put(event->comm, weir_comm_len(event));
    put_text("\n"), put_unsigned("errno", weir_errno(event));
    const struct weir_bytes error = weir_error_name(weir_errno(event));
    put_text("error=");
    if (error.len > 0) put(error.ptr, error.len);
    else put_text("-");
    put_text("\nread=");
    for (enum weir_group group = 0; group < WEIR_GROUPS; group++) put_text(weir_is_read(event, group) ? "1" : "0");
    const struct weir_bytes team = weir_find_attr(batch, event, WEIR_STR("team"));
    put_text("\nteam=");
    if (team.ptr) put(team.ptr, team.len);
    else put_text("-");
    put_text("\n");
    struct weir_bytes rest = weir_part(batch, event->attrs);
    struct weir_attr attr;
    while (weir_next_attr(&rest, &attr)) {
        put_text("attr="), put(attr.name.ptr, attr.name.len), put_text(":");
        put(attr.value.ptr, attr.value.len), put_text("\n");
    }
    rest = weir_part(batch, event->iov);
    for (; rest.len >= 16; weir_take(&rest, 16)) {
        put_text("iov="), put_number(weir_u64_at(rest.ptr)), put_text(":");
        put_number(weir_u64_at(rest.ptr + 8)), put_text("\n");
    }
    rest = weir_part(batch, event->control);
    struct weir_control message;
    while (weir_next_control(&rest, &message)) {
        put_control("control=", message);
        if (message.level == 1 && message.type == 2 && message.data.len >= 12) {
            put_text("credentials="), put_number(weir_u32_at(message.data.ptr)), put_text(":");
            put_number(weir_u32_at(message.data.ptr + 4)), put_text(":");
            put_number(weir_u32_at(message.data.ptr + 8)), put_text("\n");
        }
    }
    rest = weir_part(batch, event->files);
    struct weir_file file;
    while (weir_next_file(&rest, &file)) {
        put_text("file="), put_signed_number(file.fd), put_text(":");
        put(file.text.ptr, file.text.len), put_text("\n");
    }
    rest = weir_part(batch, event->process);
    struct weir_process_part part;
    while (weir_next_process_part(&rest, &part)) {
        put_text("process="), put_number(part.kind), put_text(":"), put_hex(part.bytes), put_text("\n");
    }
    struct weir_kernel kernel;
    if (weir_read_kernel(weir_part(batch, event->kernel), &kernel)) {
        put_text("kernel="), put_number(kernel.bytes), put_text(":"), put_hex(kernel.name), put_text("\n");
        while (weir_next_control(&kernel.control, &message)) put_control("kernel_control=", message);
    }
}

WEIR_EXPORT void weir_batch(void *bytes, uint32_t len) {
    struct weir_batch batch;
    if (!weir_batch_read(&batch, bytes, len)) __builtin_trap();
    count += batch.count;
    text_len = 0;
    header_fields(batch.header);
    weir_attr(0, WEIR_STR("header"), text, text_len);
    text_len = 0;
    put_text("{\"events\":"), put_number(count), put_text("}");
    weir_emit(text, text_len);
    if (weir_process(weir_event(&batch, 0)->pid, 0, 0) < 0) weir_log(WEIR_DEBUG, WEIR_STR("process: none"));
    else weir_log(WEIR_DEBUG, WEIR_STR("process: known"));
    for (uint32_t at = 0; at < batch.count; at++) {
        const struct weir_head *event = weir_event(&batch, at);
        text_len = 0;
        event_fields(&batch, event);
        weir_attr(at, WEIR_STR("event"), text, text_len);
        text_len = 0;
        put_parts(&batch, event, at);
        weir_attr(at, WEIR_STR("parts"), text, text_len);
        text_len = 0;
        put(event->comm, weir_comm_len(event)), put("", 1), put_text(call_name(event));
        for (uint32_t kind = 0; kind < 6; kind++) {
            const uint64_t value = kind == WEIR_DISTINCT ? event->tid : event->bytes;
            if (sums(kind)) weir_sums_add(&tables[kind], text, text_len, value);
            else weir_table_add(tables[kind].table, text, text_len, value);
        }
        if (weir_errno(event) != 0) weir_drop(&batch, at);
    }
    for (uint32_t kind = 0; kind < 6; kind++) weir_sums_flush(&tables[kind]);
}

WEIR_EXPORT void weir_tick(uint32_t now_ms) {
    text_len = 0;
    put_text("tick "), put_number(now_ms);
    weir_log(WEIR_WARN, text, text_len);
}

WEIR_EXPORT uint64_t weir_save(void) {
    text_len = 0;
    put_text("events="), put_number(count);
    return weir_text(text, text_len);
}

WEIR_EXPORT uint64_t weir_restore(uint32_t version, const char *state, uint32_t len) {
    if (version != 7) return weir_text(WEIR_STR("the state is not of version 7"));
    count = 0;
    for (uint32_t i = sizeof "events=" - 1; i < len; i++) count = count * 10 + (uint64_t)(state[i] - '0');
    return 0;
}
