# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking and releasing leases in the ledger at once: the ledger's own order decides between two runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from ..errors import PolicyError
from ..ledger.canonical import moment, timestamp
from ..ledger.recorder import Recorder
from ..ledger.signers import Signer
from ..policy.leasing import Lease, ailing, leases, objection
from ..site.cluster import Cluster
from .environment import utc_now
from .opening import Run, open_recorder, records_of
from .signing import site_signer


def cluster_of(run: Run, asset: str) -> Cluster | None:
    """Return the cluster an asset belongs to, None where it stands alone."""
    name = run.site.asset(asset).cluster
    return run.site.clusters[name] if name is not None else None


def held(run: Run, asset: str) -> Lease | None:
    """Return the lease this run holds for an asset now, None where it holds none. The ledger is read anew."""
    now = utc_now()
    records = records_of(run.site)[run.opened.index :]
    mine = (lease for lease in leases(records, now) if lease.run_id == run.opened.run_id)
    return next((lease for lease in mine if lease.asset == asset), None)


def require_lease(run: Run, asset: str) -> None:
    """Raise PolicyError where an asset belongs to a cluster and this run holds no lease for it."""
    cluster = cluster_of(run, asset)
    if cluster is not None and held(run, asset) is None:
        raise PolicyError(
            f"cluster {cluster.name}: {asset} is not leased by this run; expected a lease before it goes out of "
            "service; use holdfast.hipaa.lease with state: taken before"
        )


def take(run: Run, asset: str, minutes: float, unwell: Mapping[str, str]) -> Lease | None:
    """Take the lease for an asset; return it, or None where the asset is in no cluster.

    `unwell` are members that were just seen not to be well, each with why. Raises PolicyError where fewer members
    would be up than the register wants; then nothing is held. A lease the run holds already is given again.
    """
    cluster = cluster_of(run, asset)
    if cluster is None:
        return None
    known = held(run, asset)
    if known is not None:
        return known
    records = records_of(run.site)
    unwell = {**ailing(records, cluster.members), **unwell}
    why = objection(cluster, asset, leases(records, utc_now()), unwell)
    if why is not None:
        raise PolicyError(why)
    until = moment(timestamp(utc_now() + timedelta(minutes=minutes)))  # as exact as a record is
    recorder, signer = open_recorder(run.site), site_signer(run.site, "implementer")
    receipt = recorder.lease(signer, run.opened, action="take", cluster=cluster.name, asset=asset, until=until)
    lease = Lease(receipt.index, run.opened.run_id, cluster.name, asset, until)
    # Another run may have looked at the same moment and found the same room. Now both stand in the ledger, each sees
    # the other, and the order there is the same for both.
    after = leases(records_of(run.site), utc_now())
    why = objection(cluster, asset, after, unwell, before=lease.index)
    if why is not None:
        _release(recorder, signer, run, lease)
        raise PolicyError(why)
    return lease


def release(run: Run, asset: str) -> Lease | None:
    """Release the lease this run holds for an asset; return it, or None where there is none to release."""
    lease = held(run, asset)
    if lease is not None:
        signer = site_signer(run.site, "implementer")
        _release(open_recorder(run.site), signer, run, lease)
    return lease


def _release(recorder: Recorder, signer: Signer, run: Run, lease: Lease) -> None:
    recorder.lease(signer, run.opened, action="release", cluster=lease.cluster, asset=lease.asset, until=lease.until)
