#!/bin/bash
# Pid 1 of a node: turns fresh namespaces into a machine of its own over the host's root.
#   boot.sh NUMBER DIRECTORY SOURCE UPLINKS
# DIRECTORY is shared by all nodes (guest image, keys); a node's own changes live in a tmpfs.
set -euo pipefail
number=$1 shared=$2 source=$3 uplinks=$4
name=node$number
mount --make-rprivate /
hostname "$name.lab"

if [ "${5:-}" != inside ]; then
    fs=$shared/$name.fs
    mkdir "$fs"
    mount -t tmpfs -o mode=755 "$name" "$fs"
    mkdir "$fs/upper" "$fs/work" "$fs/root"
    root=$fs/root
    mount -t overlay -o "lowerdir=/,upperdir=$fs/upper,workdir=$fs/work" overlay "$root"
    mount -t proc proc "$root/proc"
    mount -t sysfs sysfs "$root/sys"
    for dir in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs "$root/$dir"; done
    chmod 1777 "$root/tmp"
    mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/net"
    for node in null zero full random urandom tty net/tun; do
        : >"$root/dev/$node"
        mount --bind "/dev/$node" "$root/dev/$node"
    done
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s pts/ptmx "$root/dev/ptmx"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    mkdir -p "$root/srv/lab" "$root/srv/source"
    mount --bind "$shared" "$root/srv/lab"
    mount --bind "$source" "$root/srv/source"
    mount -o remount,bind,ro "$root/srv/source"
    cd "$root"
    mkdir -p .old
    pivot_root . .old
    exec /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        /bin/bash /srv/lab/boot.sh "$number" /srv/lab /srv/source "$uplinks" inside
fi

umount -l /.old
# Another Ganeti than the host's, which may stay beside it: all files carry a version.
if [ -d "$shared/packages" ]; then
    for package in "$shared"/packages/*.deb; do dpkg-deb -x "$package" /; done
    version=$(cat "$shared/packages/version")
    ln -sfn "/usr/lib/ganeti/$version" /etc/ganeti/lib
    ln -sfn "/usr/share/ganeti/$version" /etc/ganeti/share
fi
# Nothing of the host's own Ganeti, Open vSwitch or ssh, nor what it does at each login.
rm -rf /var/lib/ganeti/* /var/log/ganeti/* /etc/openvswitch/* /var/lib/openvswitch/* /root/.ssh \
    /srv/ganeti /etc/ganeti/hooks /etc/ganeti/kvm-vif-bridge /etc/ganeti/network /root/.bashrc \
    /etc/update-motd.d
rm -f /etc/resolv.conf
: >/etc/resolv.conf
{
    echo "127.0.0.1 localhost"
    echo "10.77.0.5 cluster.lab"
    for i in 1 2 3 4 5 6 7 8 9; do echo "10.77.0.$((10 + i)) node$i.lab node$i"; done
} >/etc/hosts
mkdir -p /run/sshd /run/lock /run/openvswitch /var/log/openvswitch /etc/openvswitch /etc/ganeti \
    /srv/ganeti/file-storage
echo /srv/ganeti/file-storage >/etc/ganeti/file-storage-paths
# One host key for all: Ganeti knows the cluster under one alias.
install -m 600 "$shared"/ssh/ssh_host_*_key /etc/ssh/
cp "$shared"/ssh/ssh_host_*.pub /etc/ssh/
install -d -m 700 /root/.ssh
install -m 600 "$shared/ssh/id_rsa" /root/.ssh/id_rsa
cp "$shared/ssh/id_rsa.pub" /root/.ssh/id_rsa.pub
cp "$shared/ssh/id_rsa.pub" /root/.ssh/authorized_keys
# An operating system whose scripts are never run: the guests are diskless.
mkdir -p /usr/share/ganeti/os/noop
for script in create import export rename; do
    printf '#!/bin/sh\nexit 0\n' >"/usr/share/ganeti/os/noop/$script"
done
chmod 755 /usr/share/ganeti/os/noop/*
echo 10 >/usr/share/ganeti/os/noop/ganeti_api_version
socat -u UNIX-RECV:/dev/log,mode=666 OPEN:/var/log/syslog,creat,append &

ip link set lo up
for _ in $(seq 200); do [ -e "/sys/class/net/eth$uplinks" ] && break; sleep 0.05; done
ip addr add "10.77.0.$((10 + number))/24" dev eth0
ip link set eth0 up
for i in $(seq "$uplinks"); do
    echo 1 >"/proc/sys/net/ipv6/conf/eth$i/disable_ipv6"
    ip link set "eth$i" up
done
/usr/sbin/sshd
ovsdb-tool create /etc/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server /etc/openvswitch/conf.db --remote=punix:/run/openvswitch/db.sock --pidfile --detach \
    --no-chdir --log-file=/var/log/openvswitch/ovsdb-server.log -vconsole:off
ovs-vsctl --no-wait init
ovs-vswitchd --disable-system --pidfile --detach --no-chdir \
    --log-file=/var/log/openvswitch/ovs-vswitchd.log -vconsole:off
ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev -- add-port br0 eth1
make -s -C /srv/source install >/dev/null
: >"/srv/lab/$name.ready"
trap 'exit 0' TERM
while :; do sleep 3600 & wait $! || true; done # reaps orphans
