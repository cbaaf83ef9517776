//! Levels and types of control messages.

use super::Table;

/// `SOL_*` (include/linux/socket.h, include/uapi/asm-generic/socket.h, include/uapi/linux/can.h).
#[rustfmt::skip]
pub const LEVELS: &[(u32, &str)] = &[
    (0, "SOL_IP"),
    (1, "SOL_SOCKET"),
    (6, "SOL_TCP"),
    (17, "SOL_UDP"),
    (41, "SOL_IPV6"),
    (58, "SOL_ICMPV6"),
    (101, "SOL_CAN_RAW"),
    (107, "SOL_CAN_J1939"),
    (132, "SOL_SCTP"),
    (136, "SOL_UDPLITE"),
    (255, "SOL_RAW"),
    (256, "SOL_IPX"),
    (257, "SOL_AX25"),
    (258, "SOL_ATALK"),
    (259, "SOL_NETROM"),
    (260, "SOL_ROSE"),
    (261, "SOL_DECNET"),
    (262, "SOL_X25"),
    (263, "SOL_PACKET"),
    (264, "SOL_ATM"),
    (265, "SOL_AAL"),
    (266, "SOL_IRDA"),
    (267, "SOL_NETBEUI"),
    (268, "SOL_LLC"),
    (269, "SOL_DCCP"),
    (270, "SOL_NETLINK"),
    (271, "SOL_TIPC"),
    (272, "SOL_RXRPC"),
    (273, "SOL_PPPOL2TP"),
    (274, "SOL_BLUETOOTH"),
    (275, "SOL_PNPIPE"),
    (276, "SOL_RDS"),
    (277, "SOL_IUCV"),
    (278, "SOL_CAIF"),
    (279, "SOL_ALG"),
    (280, "SOL_NFC"),
    (281, "SOL_KCM"),
    (282, "SOL_TLS"),
    (283, "SOL_XDP"),
    (284, "SOL_MPTCP"),
    (285, "SOL_MCTP"),
    (286, "SOL_SMC"),
    (287, "SOL_VSOCK"),
];

/// Names of the types at a level, as far as messages of that level and type exist.
pub fn types(level: i32) -> Table {
    match level {
        0 => IP,
        1 => SOCKET,
        6 => TCP,
        17 => UDP,
        41 => IPV6,
        107 => CAN_J1939,
        132 => SCTP,
        263 => PACKET,
        270 => NETLINK,
        271 => TIPC,
        272 => RXRPC,
        276 => RDS,
        279 => ALG,
        282 => TLS,
        287 => VSOCK,
        _ => &[],
    }
}

/// include/uapi/linux/in.h.
#[rustfmt::skip]
const IP: &[(u32, &str)] = &[
    (1, "IP_TOS"),
    (2, "IP_TTL"),
    (3, "SCM_SECURITY"),
    (6, "IP_RECVOPTS"),
    (7, "IP_RETOPTS"),
    (8, "IP_PKTINFO"),
    (11, "IP_RECVERR"),
    (20, "IP_ORIGDSTADDR"),
    (23, "IP_CHECKSUM"),
    (25, "IP_RECVFRAGSIZE"),
    (52, "IP_PROTOCOL"),
];

/// include/linux/socket.h, include/uapi/asm-generic/socket.h.
#[rustfmt::skip]
const SOCKET: &[(u32, &str)] = &[
    (1, "SCM_RIGHTS"),
    (2, "SCM_CREDENTIALS"),
    (3, "SCM_SECURITY"),
    (4, "SCM_PIDFD"),
    (12, "SO_PRIORITY"),
    (29, "SO_TIMESTAMP_OLD"),
    (35, "SO_TIMESTAMPNS_OLD"),
    (36, "SO_MARK"),
    (37, "SO_TIMESTAMPING_OLD"),
    (40, "SO_RXQ_OVFL"),
    (41, "SCM_WIFI_STATUS"),
    (54, "SCM_TIMESTAMPING_OPT_STATS"),
    (58, "SCM_TIMESTAMPING_PKTINFO"),
    (61, "SCM_TXTIME"),
    (63, "SO_TIMESTAMP_NEW"),
    (64, "SO_TIMESTAMPNS_NEW"),
    (65, "SO_TIMESTAMPING_NEW"),
    (78, "SCM_DEVMEM_LINEAR"),
    (79, "SCM_DEVMEM_DMABUF"),
    (81, "SCM_TS_OPT_ID"),
    (84, "SCM_INQ"),
];

/// include/uapi/linux/tcp.h.
#[rustfmt::skip]
const TCP: &[(u32, &str)] = &[
    (36, "TCP_CM_INQ"),
];

/// include/uapi/linux/udp.h.
#[rustfmt::skip]
const UDP: &[(u32, &str)] = &[
    (103, "UDP_SEGMENT"),
    (104, "UDP_GRO"),
];

/// include/uapi/linux/in6.h.
#[rustfmt::skip]
const IPV6: &[(u32, &str)] = &[
    (2, "IPV6_2292PKTINFO"),
    (3, "IPV6_2292HOPOPTS"),
    (4, "IPV6_2292DSTOPTS"),
    (5, "IPV6_2292RTHDR"),
    (8, "IPV6_2292HOPLIMIT"),
    (11, "IPV6_FLOWINFO"),
    (25, "IPV6_RECVERR"),
    (50, "IPV6_PKTINFO"),
    (52, "IPV6_HOPLIMIT"),
    (54, "IPV6_HOPOPTS"),
    (55, "IPV6_RTHDRDSTOPTS"),
    (57, "IPV6_RTHDR"),
    (59, "IPV6_DSTOPTS"),
    (61, "IPV6_PATHMTU"),
    (62, "IPV6_DONTFRAG"),
    (67, "IPV6_TCLASS"),
    (74, "IPV6_ORIGDSTADDR"),
    (77, "IPV6_RECVFRAGSIZE"),
];

/// include/uapi/linux/can/j1939.h.
#[rustfmt::skip]
const CAN_J1939: &[(u32, &str)] = &[
    (1, "SCM_J1939_DEST_ADDR"),
    (2, "SCM_J1939_DEST_NAME"),
    (3, "SCM_J1939_PRIO"),
    (4, "SCM_J1939_ERRQUEUE"),
];

/// include/uapi/linux/sctp.h.
#[rustfmt::skip]
const SCTP: &[(u32, &str)] = &[
    (0, "SCTP_INIT"),
    (1, "SCTP_SNDRCV"),
    (2, "SCTP_SNDINFO"),
    (3, "SCTP_RCVINFO"),
    (4, "SCTP_NXTINFO"),
    (5, "SCTP_PRINFO"),
    (6, "SCTP_AUTHINFO"),
    (7, "SCTP_DSTADDRV4"),
    (8, "SCTP_DSTADDRV6"),
];

/// include/uapi/linux/if_packet.h.
#[rustfmt::skip]
const PACKET: &[(u32, &str)] = &[
    (8, "PACKET_AUXDATA"),
    (16, "PACKET_TX_TIMESTAMP"),
];

/// include/uapi/linux/netlink.h.
#[rustfmt::skip]
const NETLINK: &[(u32, &str)] = &[
    (3, "NETLINK_PKTINFO"),
    (8, "NETLINK_LISTEN_ALL_NSID"),
];

/// include/uapi/linux/tipc.h.
#[rustfmt::skip]
const TIPC: &[(u32, &str)] = &[
    (1, "TIPC_ERRINFO"),
    (2, "TIPC_RETDATA"),
    (3, "TIPC_DESTNAME"),
];

/// include/uapi/linux/rxrpc.h.
#[rustfmt::skip]
const RXRPC: &[(u32, &str)] = &[
    (1, "RXRPC_USER_CALL_ID"),
    (2, "RXRPC_ABORT"),
    (3, "RXRPC_ACK"),
    (5, "RXRPC_NET_ERROR"),
    (6, "RXRPC_BUSY"),
    (7, "RXRPC_LOCAL_ERROR"),
    (8, "RXRPC_NEW_CALL"),
    (10, "RXRPC_EXCLUSIVE_CALL"),
    (11, "RXRPC_UPGRADE_SERVICE"),
    (12, "RXRPC_TX_LENGTH"),
    (13, "RXRPC_SET_CALL_TIMEOUT"),
    (14, "RXRPC_CHARGE_ACCEPT"),
];

/// include/uapi/linux/rds.h.
#[rustfmt::skip]
const RDS: &[(u32, &str)] = &[
    (1, "RDS_CMSG_RDMA_ARGS"),
    (2, "RDS_CMSG_RDMA_DEST"),
    (3, "RDS_CMSG_RDMA_MAP"),
    (4, "RDS_CMSG_RDMA_STATUS"),
    (5, "RDS_CMSG_CONG_UPDATE"),
    (6, "RDS_CMSG_ATOMIC_FADD"),
    (7, "RDS_CMSG_ATOMIC_CSWP"),
    (8, "RDS_CMSG_MASKED_ATOMIC_FADD"),
    (9, "RDS_CMSG_MASKED_ATOMIC_CSWP"),
    (11, "RDS_CMSG_RXPATH_LATENCY"),
    (12, "RDS_CMSG_ZCOPY_COOKIE"),
    (13, "RDS_CMSG_ZCOPY_COMPLETION"),
];

/// include/uapi/linux/if_alg.h.
#[rustfmt::skip]
const ALG: &[(u32, &str)] = &[
    (2, "ALG_SET_IV"),
    (3, "ALG_SET_OP"),
    (4, "ALG_SET_AEAD_ASSOCLEN"),
];

/// include/uapi/linux/tls.h.
#[rustfmt::skip]
const TLS: &[(u32, &str)] = &[
    (1, "TLS_SET_RECORD_TYPE"),
    (2, "TLS_GET_RECORD_TYPE"),
];

/// include/uapi/linux/vm_sockets.h.
#[rustfmt::skip]
const VSOCK: &[(u32, &str)] = &[
    (1, "VSOCK_RECVERR"),
];

/// `SO_EE_ORIGIN_*` (include/uapi/linux/errqueue.h).
#[rustfmt::skip]
pub const ORIGINS: &[(u32, &str)] = &[
    (0, "SO_EE_ORIGIN_NONE"),
    (1, "SO_EE_ORIGIN_LOCAL"),
    (2, "SO_EE_ORIGIN_ICMP"),
    (3, "SO_EE_ORIGIN_ICMP6"),
    (4, "SO_EE_ORIGIN_TXSTATUS"),
    (5, "SO_EE_ORIGIN_ZEROCOPY"),
    (6, "SO_EE_ORIGIN_TXTIME"),
];

/// `ALG_OP_*` (include/uapi/linux/if_alg.h).
#[rustfmt::skip]
pub const CIPHER_OPS: &[(u32, &str)] = &[
    (0, "ALG_OP_DECRYPT"),
    (1, "ALG_OP_ENCRYPT"),
];

/// Types of TLS records, as in the standard (include/net/tls_prot.h; RFC 8446, section B.1).
#[rustfmt::skip]
pub const TLS_RECORDS: &[(u32, &str)] = &[
    (20, "change_cipher_spec"),
    (21, "alert"),
    (22, "handshake"),
    (23, "application_data"),
    (24, "heartbeat"),
    (25, "tls12_cid"),
    (26, "ack"),
];
