"""Tags of the cluster that are wrong, whoever has them and whether it runs or not."""

from __future__ import annotations

from collections.abc import Callable

from ganeti_ovs.cluster import wrongtags
from ganeti_ovs.cluster.inventory import Instance, read_instances, read_networks
from ganeti_ovs.cluster.master import Cluster, Master
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.status import Problem, Severity


def wrong_tags(
    master: Master, cluster: Cluster, about: Callable[[Instance], bool]
) -> list[Problem]:
    """Those of node groups, nodes, networks, and of the instances that it is `about`.

    They block an instance's next start, or say nothing. That they cannot be read is a problem.
    """
    try:
        networks = read_networks(master)
        instances = read_instances(master, networks)
    except Error as err:
        words = f"whether instances' tags are right is unknown: {err}"
        return [Problem(Severity.ERROR, "tags-unread", words)]
    return [
        *wrongtags.of_groups(cluster),
        *wrongtags.of_networks(networks.values()),
        *wrongtags.of_instances(filter(about, instances)),
    ]
