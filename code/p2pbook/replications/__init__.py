"""Results of loan files that are not part of the project, frozen in data/replication and recomputed where they are."""

from p2pbook.replications.store import Replication, recomputed, replication, stamped

__all__ = ["Replication", "recomputed", "replication", "stamped"]
