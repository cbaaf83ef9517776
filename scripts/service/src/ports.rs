//! Services by port.

/// The service that usually listens on a port (IANA's registry, and custom).
pub fn service(port: u16) -> Option<&'static str> {
    let index = PORTS.binary_search_by_key(&port, |&(known, _)| known).ok()?;
    Some(PORTS[index].1)
}

#[rustfmt::skip]
const PORTS: &[(u16, &str)] = &[
    (20, "ftp"),
    (21, "ftp"),
    (22, "ssh"),
    (23, "telnet"),
    (25, "smtp"),
    (53, "dns"),
    (67, "dhcp"),
    (68, "dhcp"),
    (69, "tftp"),
    (80, "http"),
    (88, "kerberos"),
    (110, "pop3"),
    (111, "rpcbind"),
    (123, "ntp"),
    (137, "netbios"),
    (138, "netbios"),
    (139, "smb"),
    (143, "imap"),
    (161, "snmp"),
    (162, "snmp"),
    (179, "bgp"),
    (389, "ldap"),
    (443, "https"),
    (445, "smb"),
    (465, "smtp"),
    (500, "ipsec"),
    (514, "syslog"),
    (546, "dhcp"),
    (547, "dhcp"),
    (587, "smtp"),
    (631, "ipp"),
    (636, "ldap"),
    (853, "dns"),
    (873, "rsync"),
    (993, "imap"),
    (995, "pop3"),
    (1194, "openvpn"),
    (1433, "mssql"),
    (1883, "mqtt"),
    (1900, "ssdp"),
    (2049, "nfs"),
    (2181, "zookeeper"),
    (2379, "etcd"),
    (2380, "etcd"),
    (3306, "mysql"),
    (3389, "rdp"),
    (3478, "stun"),
    (4317, "otlp"),
    (4318, "otlp"),
    (4500, "ipsec"),
    (4789, "vxlan"),
    (5060, "sip"),
    (5353, "mdns"),
    (5355, "llmnr"),
    (5432, "postgres"),
    (5671, "amqp"),
    (5672, "amqp"),
    (6081, "geneve"),
    (6379, "redis"),
    (6443, "kubernetes"),
    (6514, "syslog"),
    (8080, "http"),
    (8125, "statsd"),
    (8443, "https"),
    (8883, "mqtt"),
    (9092, "kafka"),
    (9200, "elasticsearch"),
    (11211, "memcached"),
    (27017, "mongodb"),
    (51820, "wireguard"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_unknown() {
        assert!(PORTS.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(service(53), Some("dns"));
        assert_eq!(service(51820), Some("wireguard"));
        assert_eq!(service(0), None);
    }
}
