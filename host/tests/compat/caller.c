// A program without a library that makes the calls of kernel/compat.rs: built for 32 and for 64 bits,
// and in both it makes the same calls. `long` and pointers have the size that the kernel's structs of
// either kind have (include/linux/socket.h, include/net/compat.h).
//
// caller PORT FILE [socketcall]: the 32-bit one makes its socket calls through socketcall(2), if told.
// Ends with 0, or with the number of the call that did not do what it should.

typedef unsigned long size;

struct iovec { void *base; size len; };
struct msghdr {
    void *name;
    int namelen;
    struct iovec *iov;
    size iovlen;
    void *control;
    size controllen;
    unsigned flags;
};
struct mmsghdr { struct msghdr header; unsigned len; };
struct cmsghdr { size len; int level; int type; };
struct sockaddr_in { unsigned short family, port; unsigned address; char zero[8]; };

enum { AF_UNIX = 1, AF_INET = 2, SOCK_STREAM = 1, SOCK_DGRAM = 2, SOL_IP = 0, SOL_SOCKET = 1 };
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2, IP_TOS = 1, IP_PKTINFO = 8, SO_PASSCRED = 16 };
enum { MSG_DONTWAIT = 0x40, MSG_CMSG_CLOEXEC = 0x40000000 };
enum { EBADF = 9, EAGAIN = 11, EFAULT = 14 };

#ifdef __i386__
// arch/x86/entry/syscalls/syscall_32.tbl
enum {
    SOCKET = 359, SOCKETPAIR = 360, SETSOCKOPT = 366, OPEN = 5, EXIT_GROUP = 252, GETPID = 20,
    SENDMSG = 370, SENDMMSG = 345, SENDTO = 369, RECVMSG = 372, RECVMMSG = 337, RECVFROM = 371,
    SENDFILE = 187, SENDFILE64 = 239, SOCKETCALL = 102,
};
__asm__(".globl _start; _start: mov %esp, %eax; and $-16, %esp; sub $12, %esp; push %eax;"
        "call run; hlt;"
        "call6: push %ebp; push %edi; push %esi; push %ebx;"
        "mov 20(%esp), %eax; mov 24(%esp), %ebx; mov 28(%esp), %ecx; mov 32(%esp), %edx;"
        "mov 36(%esp), %esi; mov 40(%esp), %edi; mov 44(%esp), %ebp; int $0x80;"
        "pop %ebx; pop %esi; pop %edi; pop %ebp; ret");
#else
// arch/x86/entry/syscalls/syscall_64.tbl
enum {
    SOCKET = 41, SOCKETPAIR = 53, SETSOCKOPT = 54, OPEN = 2, EXIT_GROUP = 231, GETPID = 39,
    SENDMSG = 46, SENDMMSG = 307, SENDTO = 44, RECVMSG = 47, RECVMMSG = 299, RECVFROM = 45,
    SENDFILE = 40, SENDFILE64 = 40, SOCKETCALL = -1,
};
__asm__(".globl _start; _start: mov %rsp, %rdi; and $-16, %rsp; call run; hlt;"
        "call6: mov %rdi, %rax; mov %rsi, %rdi; mov %rdx, %rsi; mov %rcx, %rdx;"
        "mov %r8, %r10; mov %r9, %r8; mov 8(%rsp), %r9; syscall; ret");
#endif

long call6(long number, long a, long b, long c, long d, long e, long f);

static int by_socketcall;

// The number by which socketcall(2) knows a call (include/uapi/linux/net.h), 0 if it does not.
static int in_socketcall(long number)
{
    switch (number) {
    case SENDTO: return 11;
    case RECVFROM: return 12;
    case SENDMSG: return 16;
    case RECVMSG: return 17;
    case RECVMMSG: return 19;
    case SENDMMSG: return 20;
    default: return 0;
    }
}

static long call(long number, long a, long b, long c, long d, long e, long f)
{
    int other = by_socketcall ? in_socketcall(number) : 0;
    if (other) {
        long args[6] = {a, b, c, d, e, f};
        return call6(SOCKETCALL, other, (long)args, 0, 0, 0, 0);
    }
    return call6(number, a, b, c, d, e, f);
}

// The compiler makes calls of these.
void *memcpy(void *to, const void *from, size n)
{
    for (size i = 0; i < n; i++) ((volatile char *)to)[i] = ((const char *)from)[i];
    return to;
}
void *memset(void *to, int value, size n)
{
    for (size i = 0; i < n; i++) ((volatile char *)to)[i] = value;
    return to;
}

static void expect(int step, long result, long expected)
{
    if (result != expected) call6(EXIT_GROUP, step, 0, 0, 0, 0, 0);
}

static char room[256] __attribute__((aligned(8)));
static char control[256] __attribute__((aligned(8)));
static size control_len;

// Adds a control message to the buffer.
static void add(int level, int type, const void *data, size len)
{
    struct cmsghdr *cmsg = (struct cmsghdr *)(control + control_len);
    cmsg->len = sizeof *cmsg + len;
    cmsg->level = level;
    cmsg->type = type;
    memcpy(cmsg + 1, data, len);
    control_len += (cmsg->len + sizeof(long) - 1) & ~(sizeof(long) - 1);
}

void run(long *stack)
{
    char **arg = (char **)(stack + 1);
    unsigned port = 0;
    for (char *digit = arg[1]; *digit; digit++) port = port * 10 + (*digit - '0');
    by_socketcall = stack[0] > 3;

    int file = call6(OPEN, (long)arg[2], 0, 0, 0, 0, 0);
    int udp = call6(SOCKET, AF_INET, SOCK_DGRAM, 0, 0, 0, 0);
    int pair[2], stream[2], on = 1;
    expect(1, call6(SOCKETPAIR, AF_UNIX, SOCK_DGRAM, 0, (long)pair, 0, 0), 0);
    expect(2, call6(SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, (long)stream, 0, 0), 0);
    expect(3, call6(SETSOCKOPT, pair[1], SOL_SOCKET, SO_PASSCRED, (long)&on, sizeof on, 0), 0);
    struct sockaddr_in to = {AF_INET, port >> 8 | (port & 255) << 8, 0x0100007f, {0}};

    // An address, two parts, and control messages whose sizes need padding.
    struct iovec parts[] = {{"abc", 3}, {"defg", 4}};
    int tos = 0x10, pktinfo[3] = {0, 0x0100007f, 0};
    add(SOL_IP, IP_TOS, &tos, sizeof tos);
    add(SOL_IP, IP_PKTINFO, pktinfo, sizeof pktinfo);
    struct msghdr message = {&to, sizeof to, parts, 2, control, control_len, 0};
    expect(10, call(SENDMSG, udp, (long)&message, 0, 0, 0, 0), 7);

    // Descriptors and credentials, there and back.
    control_len = 0;
    int fds[2] = {file, udp}, credentials[3] = {call6(GETPID, 0, 0, 0, 0, 0, 0), 0, 0};
    add(SOL_SOCKET, SCM_RIGHTS, fds, sizeof fds);
    add(SOL_SOCKET, SCM_CREDENTIALS, credentials, sizeof credentials);
    message = (struct msghdr){0, 0, parts + 1, 1, control, control_len, 0};
    expect(11, call(SENDMSG, pair[0], (long)&message, MSG_DONTWAIT, 0, 0, 0), 4);
    struct iovec places[] = {{room, 2}, {room + 2, 100}};
    message = (struct msghdr){room + 128, 100, places, 2, control, sizeof control, 0};
    expect(12, call(RECVMSG, pair[1], (long)&message, MSG_CMSG_CLOEXEC, 0, 0, 0), 4);

    expect(13, call(SENDTO, udp, (long)"hello", 5, MSG_DONTWAIT, (long)&to, sizeof to), 5);
    expect(14, call(SENDTO, pair[0], (long)"unix", 4, 0, 0, 0), 4);
    int room_len = 100;
    expect(15, call(RECVFROM, pair[1], (long)room, 16, 0, (long)(room + 128), (long)&room_len), 4);

    // Several messages, of which one has control messages.
    control_len = 0;
    add(SOL_SOCKET, SCM_RIGHTS, &file, sizeof file);
    struct mmsghdr several[] = {
        {{&to, sizeof to, parts, 1, 0, 0, 0}, 0},
        {{&to, sizeof to, parts, 2, 0, 0, 0}, 0},
    };
    expect(16, call(SENDMMSG, udp, (long)several, 2, 0, 0, 0), 2);
    struct mmsghdr others[] = {
        {{0, 0, parts, 1, 0, 0, 0}, 0},
        {{0, 0, parts, 2, control, control_len, 0}, 0},
    };
    expect(17, call(SENDMMSG, pair[0], (long)others, 2, MSG_DONTWAIT, 0, 0), 2);
    struct mmsghdr back[] = {
        {{0, 0, places, 2, 0, 0, 0}, 0},
        {{0, 0, places, 2, control, sizeof control, 0}, 0},
        {{0, 0, places, 2, 0, 0, 0}, 0},
    };
    expect(18, call(RECVMMSG, pair[1], (long)back, 3, MSG_DONTWAIT, 0, 0), 2);

    long offset = 3;
    long long far = 5;
    expect(20, call(SENDFILE, stream[0], file, (long)&offset, 10, 0, 0), 10);
    expect(21, call(SENDFILE, stream[0], file, 0, 4, 0, 0), 4);
    expect(22, call(SENDFILE64, stream[0], file, (long)&far, 6, 0, 0), 6);
    // Behind the end of the file, and of what 32 bits can hold.
    far = 0x300000007;
    expect(23, call(SENDFILE64, stream[0], file, (long)&far, 6, 0, 0), 0);

    // What fails.
    expect(30, call(SENDMSG, -1, 0, 0, 0, 0, 0), -EBADF);
    expect(31, call(SENDMSG, udp, 8, 0, 0, 0, 0), -EFAULT);
    message = (struct msghdr){&to, sizeof to, (struct iovec *)8, 2, 0, 0, 0};
    expect(32, call(SENDMSG, udp, (long)&message, 0, 0, 0, 0), -EFAULT);
    message = (struct msghdr){0, 0, places, 2, 0, 0, 0};
    expect(33, call(RECVMSG, pair[1], (long)&message, MSG_DONTWAIT, 0, 0, 0), -EAGAIN);
    call6(EXIT_GROUP, 0, 0, 0, 0, 0, 0);
}
