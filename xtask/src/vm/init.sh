#!/bin/busybox sh
# The guest's only process: mounts what the tests need, runs them, says how each ended, powers off.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root RUST_BACKTRACE=1 WEIR_BIN=/bin/weir WEIR_SCRIPTS=/scripts
export WEIR_COMPAT=/compat

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/pts
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf bpffs /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
hostname weir-vm

cd /tmp
uname -a
run() {
    # The filter is one argument or none.
    "$test" --test-threads=1 --nocapture ${FILTER:+"$FILTER"} </dev/null 2>&1
    code=$?
    [ "$code" = 0 ] && verdict=ok || verdict="failed $code"
    # A test that died may have left half a line.
    echo
    echo "weir-vm: $1 $verdict"
}
for test in /tests/*; do
    name=${test##*/}
    if [ "$name" = "$BY_BACKEND" ]; then
        for backend in $BACKENDS; do
            WEIR_BACKEND=$backend run "$name-$backend"
        done
    else
        run "$name"
    fi
done
echo "weir-vm: done"
sync
poweroff -f
